/*
 * When an activity's heartbeats go out (docs/protocol.md, Activity tasks): the first at once, then
 * one each interval with the latest details, and never two on the way at the same time. A beat that
 * could not be delivered waits for its next turn. Pure: the clock is handed in.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct throttle {
    int64_t interval_ms;
    int64_t open_ms; /* no beat is sent before */
    bool waiting;    /* there is a beat to send */
    bool under_way;
};

struct throttle_limits {
    int64_t default_ms; /* interval of an activity without a heartbeat timeout */
    int64_t max_ms;
};

/* 0.8 of the activity's heartbeat timeout, within the limits; timeout 0: none was given. */
void throttle_init(struct throttle *t, int64_t heartbeat_timeout_ms,
                   const struct throttle_limits *limits);

void throttle_beat(struct throttle *t);

/* When the waiting beat must be sent, -1: none waits or one is still under way. */
int64_t throttle_due(const struct throttle *t);

void throttle_sent(struct throttle *t, int64_t now_ms);
void throttle_delivered(struct throttle *t);

/* The beat is tried again after pause_ms, or when the interval ends if that is sooner. */
void throttle_failed(struct throttle *t, int64_t now_ms, int64_t pause_ms);
