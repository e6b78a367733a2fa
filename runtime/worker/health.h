/*
 * What supervisors and Prometheus ask, on HTTP: /livez (the threads turn), /readyz (polls are
 * answered; 503 says what is missing), /metrics. On a thread of its own, so that it answers when
 * everything else is stuck.
 */
#pragma once

#include "base/error.h"

struct health;
struct worker;

/* Address: "127.0.0.1:9464", "[::1]:9464"; port 0 picks one. */
bool health_start(struct health **out, struct worker *worker, const char *address,
                  struct error *err);
int health_port(const struct health *health);
void health_stop(struct health *health);
