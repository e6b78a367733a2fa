/*
 * Secrets never leave the process in clear: every value registered here is replaced by "***" in
 * whatever passes redact(). The log, Lua errors and the CLI's output all pass it.
 * So are its forms in JSON and in an address, since vendors echo what they were sent. Safe from any
 * thread. Values shorter than 6 bytes are refused (they would eat ordinary words).
 */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"

/* False when the value is too short to hide safely. Registering twice is harmless. */
bool redact_register(struct span secret);

/* Replaces every registered value inside text, in place. */
void redact(struct bytes *text);
