#include "rpc/retry.h"

#include <strings.h>

enum { FATAL_GRACE_MS = 60000, EXHAUSTED_FIRST_MS = 1000, EXHAUSTED_MAX_MS = 10000 };

static const double jitter = 0.2;

/* clang-format off */
static const struct {
    double first_ms;
    double factor;
    double max_ms;
    int attempt_ms;
    int total_ms;
} policies[] = {
    [RPC_CLIENT]    = {100, 1.7, 5000,  10000, 10000},
    [RPC_TASK]      = {100, 1.7, 5000,  30000, 60000},
    [RPC_LONG_POLL] = {200, 2.0, 10000, 70000, -1},
    [RPC_ONCE]      = {0,   0,   0,     10000, 10000},
    [RPC_WAIT]      = {100, 1.7, 5000,  65000, -1},
};
/* clang-format on */

enum answer { FATAL, PASSING, OF_A_POLL };

static const enum answer answers[] = {
    [RPC_CANCELLED] = OF_A_POLL,
    [RPC_UNKNOWN] = PASSING,
    [RPC_DEADLINE_EXCEEDED] = OF_A_POLL,
    [RPC_RESOURCE_EXHAUSTED] = PASSING,
    [RPC_ABORTED] = PASSING,
    [RPC_OUT_OF_RANGE] = PASSING,
    [RPC_INTERNAL] = PASSING,
    [RPC_UNAVAILABLE] = PASSING,
    [RPC_DATA_LOSS] = PASSING,
    [RPC_UNAUTHENTICATED] = FATAL,
};

static const char *find(struct span text, const char *word)
{
    size_t size = strlen(word);
    for (size_t i = 0; i + size <= text.size; i++)
        if (strncasecmp(text.data + i, word, size) == 0)
            return text.data + i;
    return NULL;
}

/* grpc-go: "grpc: received message larger than max", "trying to send message larger than max",
 * "message after decompression larger than max"; C core: "CLIENT: Sent message larger than max". */
bool retry_too_large(int status, struct span text)
{
    if (status != RPC_RESOURCE_EXHAUSTED)
        return false;
    const char *message = find(text, "message");
    const char *larger = find(text, "larger than max");
    return (message && larger && message < larger) || find(text, "message too large");
}

static bool went_away(const struct retry_failure *failure)
{
    return failure->status == RPC_CANCELLED &&
           (find(failure->message, "goaway") || find(failure->message, "connection closed"));
}

static bool polls(const struct retry *r)
{
    return r->kind == RPC_LONG_POLL || r->kind == RPC_WAIT;
}

static bool passes(const struct retry *r, int status)
{
    if (status == RPC_INTERNAL && r->internal_is_final && !polls(r))
        return false;
    if (status <= RPC_OK || (size_t)status >= sizeof answers / sizeof *answers)
        return false;
    return answers[status] == PASSING || (answers[status] == OF_A_POLL && polls(r));
}

/* Some proxies answer nonsense while they get ready, so a poll bears fatal answers for a while. */
static bool tolerated(struct retry *r, int64_t now_ms)
{
    if (r->kind != RPC_LONG_POLL)
        return false;
    if (r->fatal_since_ms < 0)
        r->fatal_since_ms = now_ms;
    return now_ms - r->fatal_since_ms < FATAL_GRACE_MS;
}

static double grow(double first, double factor, int times, double max)
{
    double value = first;
    while (times-- > 0 && value < max)
        value *= factor;
    return value < max ? value : max;
}

static double backoff_ms(struct retry *r, int status)
{
    double normal = grow(policies[r->kind].first_ms, policies[r->kind].factor, r->failures,
                         policies[r->kind].max_ms);
    r->failures++;
    if (status != RPC_RESOURCE_EXHAUSTED)
        return normal;
    double throttled = grow(EXHAUSTED_FIRST_MS, 2, r->exhausted++, EXHAUSTED_MAX_MS);
    return throttled > normal ? throttled : normal;
}

/* gRFC A6: a number is the delay, anything else means do not retry. */
static int64_t pushback_ms(struct span text)
{
    int64_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || i > 9)
            return RETRY_NEVER;
        value = value * 10 + (text.data[i] - '0');
    }
    return value;
}

void retry_init(struct retry *r, enum rpc_retry kind, int deadline_ms, int64_t now_ms)
{
    *r = (struct retry){.kind = kind,
                        .started_ms = now_ms,
                        .total_ms = policies[kind].total_ms,
                        .fatal_since_ms = -1};
    if (r->total_ms >= 0 && deadline_ms > r->total_ms)
        r->total_ms = deadline_ms;
}

int64_t retry_after_ms(struct retry *r, const struct retry_failure *failure, int64_t now_ms,
                       double dice)
{
    if (r->kind == RPC_ONCE || retry_too_large(failure->status, failure->message))
        return RETRY_NEVER;
    if (went_away(failure) && !r->goaway_seen) {
        r->goaway_seen = true;
        return 0;
    }
    if (passes(r, failure->status))
        r->fatal_since_ms = -1;
    else if (!tolerated(r, now_ms))
        return RETRY_NEVER;

    double delay = backoff_ms(r, failure->status) * (1 + jitter * (2 * dice - 1));
    int64_t wait_ms = (int64_t)delay;
    if (failure->pushback.size) {
        int64_t asked_ms = pushback_ms(failure->pushback);
        if (asked_ms == RETRY_NEVER && r->kind != RPC_LONG_POLL)
            return RETRY_NEVER;
        if (asked_ms != RETRY_NEVER)
            wait_ms = asked_ms;
    }
    bool late = r->total_ms >= 0 && now_ms + wait_ms >= r->started_ms + r->total_ms;
    return late ? RETRY_NEVER : wait_ms;
}

int64_t retry_deadline_ms(const struct retry *r, int deadline_ms, int64_t now_ms)
{
    int64_t asked = deadline_ms > 0 ? deadline_ms : policies[r->kind].attempt_ms;
    if (r->total_ms < 0)
        return now_ms + asked;
    int64_t end_ms = r->started_ms + r->total_ms;
    return now_ms + asked < end_ms ? now_ms + asked : end_ms;
}
