#include "rpc/channel.h"

#include <stdlib.h>

#include "base/memory.h"
#include "rpc/tls.h"

enum {
    KEEPALIVE_MS = 30000,
    KEEPALIVE_TIMEOUT_MS = 15000,
    RECONNECT_FIRST_MS = 100,
    RECONNECT_MAX_MS = 1000,
    RESOLVE_AGAIN_MS = 500,
    MAX_RECEIVED = 128 << 20,
    MAX_HEADERS = 16 << 10,
    MAX_ARGS = 32,
};

struct args {
    grpc_arg list[MAX_ARGS];
    size_t count;
};

static void add_number(struct args *args, const char *key, int value)
{
    args->list[args->count++] =
        (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)key, .value.integer = value};
}

static void add_text(struct args *args, const char *key, const char *value)
{
    args->list[args->count++] =
        (grpc_arg){.type = GRPC_ARG_STRING, .key = (char *)key, .value.string = (char *)value};
}

/* Why each: shared spec grpc-curl-libpq.md 2.1. A restarted server is found again within a second
 * only if both the backoff and the pause between resolutions are short. */
static void add_transport(struct args *args)
{
    add_number(args, GRPC_ARG_KEEPALIVE_TIME_MS, KEEPALIVE_MS);
    add_number(args, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_TIMEOUT_MS);
    add_number(args, GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    add_number(args, GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    add_number(args, GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, RECONNECT_FIRST_MS);
    add_number(args, GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, RECONNECT_FIRST_MS);
    add_number(args, GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, RECONNECT_MAX_MS);
    add_number(args, GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, RESOLVE_AGAIN_MS);
    add_number(args, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, MAX_RECEIVED);
    add_number(args, GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, -1);
    add_number(args, GRPC_ARG_MAX_METADATA_SIZE, MAX_HEADERS);
    add_number(args, GRPC_ARG_ENABLE_RETRIES, 0);
    add_number(args, GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
    add_number(args, GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    add_text(args, GRPC_ARG_PRIMARY_USER_AGENT_STRING, "temporal-lua/" SIGNALROOM_VERSION);
}

static void add_names(struct args *args, const struct rpc_config *config)
{
    if (config->server_name)
        add_text(args, GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, config->server_name);
    const char *authority = config->authority ? config->authority : config->server_name;
    if (authority)
        add_text(args, GRPC_ARG_DEFAULT_AUTHORITY, authority);
}

bool channel_open(struct channel **out, const struct rpc_config *config, struct error *err)
{
    struct args args = {0};
    struct metadata metadata;
    if (!metadata_build(&metadata, config, err))
        return false;
    grpc_channel_credentials *credentials = tls_credentials(config, err);
    if (!credentials) {
        metadata_release(&metadata);
        return false;
    }
    add_transport(&args);
    add_names(&args, config);
    struct channel *channel = memory_new(sizeof *channel);
    channel->metadata = metadata;
    channel->users = 1;
    channel->core = grpc_channel_create(config->address, credentials,
                                        &(grpc_channel_args){args.count, args.list});
    channel->state = GRPC_CHANNEL_IDLE;
    grpc_channel_credentials_release(credentials);
    *out = channel;
    return true;
}

static void channel_free(struct channel *channel)
{
    metadata_release(&channel->metadata);
    free(channel);
}

void channel_take(struct channel *channel)
{
    channel->users++;
}

void channel_drop(struct channel *channel)
{
    if (--channel->users > 0)
        return;
    grpc_channel_destroy(channel->core);
    channel->core = NULL;
    if (!channel->watching)
        channel_free(channel);
}

void channel_watch(struct channel *channel, grpc_completion_queue *queue)
{
    channel->watching = true;
    grpc_channel_watch_connectivity_state(
        channel->core, channel->state, gpr_inf_future(GPR_CLOCK_MONOTONIC), queue, &channel->watch);
}

bool channel_watched(struct channel *channel)
{
    channel->watching = false;
    if (!channel->core) {
        channel_free(channel);
        return false;
    }
    channel->state = grpc_channel_check_connectivity_state(channel->core, 0);
    return true;
}
