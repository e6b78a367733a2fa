/*
 * When a failed attempt is tried again, and after how long: a pure function of what was answered
 * (docs/protocol.md, Retries). No clock, no chance and no gRPC in here, so that every row
 * of the policy is a unit test.
 */
#pragma once

#include "rpc/rpc.h"

/* What is remembered between the attempts of one call. */
struct retry {
    enum rpc_retry kind;
    bool internal_is_final;
    int64_t started_ms;
    int64_t total_ms; /* from the start to the last possible attempt; -1: no end */
    int failures;
    int exhausted;          /* of which RESOURCE_EXHAUSTED */
    int64_t fatal_since_ms; /* of an unbroken row of fatal answers; -1: none */
    bool goaway_seen;
};

struct retry_failure {
    int status;
    struct span message;
    struct span pushback; /* grpc-retry-pushback-ms from the server, size 0: none */
};

enum { RETRY_NEVER = -1 };

/* Whether a message was refused for its size, by the server, a proxy or gRPC itself: the status is
 * that of a busy server, and only the text tells. */
bool retry_too_large(int status, struct span message);

void retry_init(struct retry *r, enum rpc_retry kind, int deadline_ms, int64_t now_ms);

/* Milliseconds to wait before the next attempt, or RETRY_NEVER. `dice` in [0, 1) is the jitter. Not
 * to be asked about what we cancelled ourselves. */
int64_t retry_after_ms(struct retry *r, const struct retry_failure *failure, int64_t now_ms,
                       double dice);

/* The deadline of the next attempt: what was asked or the kind's own, within what is left. */
int64_t retry_deadline_ms(const struct retry *r, int deadline_ms, int64_t now_ms);
