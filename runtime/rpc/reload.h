/*
 * Certificates and API keys change while the process runs: every few seconds the pump reads their
 * files again, and when they differ and are good, a new channel takes the next calls. What is not
 * good (a key that is not written yet) is logged once and tried again at the next look.
 */
#pragma once

#include "rpc/pump.h"

#define RELOAD_NEVER INT64_MAX

int64_t reload_first_look(const struct rpc_config *config);
void reload_when_due(struct rpc *rpc);
