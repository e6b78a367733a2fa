#include "worker/throttle.h"

void throttle_init(struct throttle *t, int64_t heartbeat_timeout_ms,
                   const struct throttle_limits *limits)
{
    int64_t interval =
        heartbeat_timeout_ms > 0 ? heartbeat_timeout_ms * 8 / 10 : limits->default_ms;
    *t = (struct throttle){.interval_ms = interval < limits->max_ms ? interval : limits->max_ms};
}

void throttle_beat(struct throttle *t)
{
    t->waiting = true;
}

int64_t throttle_due(const struct throttle *t)
{
    return t->waiting && !t->under_way ? t->open_ms : -1;
}

void throttle_sent(struct throttle *t, int64_t now_ms)
{
    t->waiting = false;
    t->under_way = true;
    t->open_ms = now_ms + t->interval_ms;
}

void throttle_delivered(struct throttle *t)
{
    t->under_way = false;
}

void throttle_failed(struct throttle *t, int64_t now_ms, int64_t pause_ms)
{
    t->under_way = false;
    t->waiting = true;
    if (t->open_ms > now_ms + pause_ms || t->open_ms <= now_ms)
        t->open_ms = now_ms + pause_ms;
}
