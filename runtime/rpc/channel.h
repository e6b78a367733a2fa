/*
 * One gRPC channel with the settings and headers of its calls. The current one is replaced as a
 * whole when credentials change; an old one lives until its last call has ended. Counted on the
 * pump thread alone.
 */
#pragma once

#include <grpc/grpc.h>

#include "rpc/metadata.h"
#include "rpc/pump.h"

struct channel {
    struct completion watch; /* of the state of connection; on the queue while watching */
    bool watching;
    grpc_connectivity_state state;
    grpc_channel *core; /* NULL once closed */
    struct rpc_config config;
    struct metadata metadata;
    int users; /* calls under way, and 1 for being the current one */
};

/* Checks the settings and connects lazily. Any thread. */
bool channel_open(struct channel **out, const struct rpc_config *config, struct error *err);

void channel_take(struct channel *channel);
void channel_drop(struct channel *channel);

/* Asks for a completion when the state of connection is no longer channel->state. */
void channel_watch(struct channel *channel, grpc_completion_queue *queue);

/* The watch completed: the new state, or frees a channel that is closed and returns false. */
bool channel_watched(struct channel *channel);
