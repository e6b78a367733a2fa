#include "rpc/channel.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <strings.h>

#include "base/memory.h"
#include "proto/sdk.h"
#include "rpc/proxy.h"
#include "rpc/tls.h"

enum {
    KEEPALIVE_MS = 30000,
    KEEPALIVE_TIMEOUT_MS = 15000,
    CONNECT_MS = 10000,
    RECONNECT_FIRST_MS = 100,
    RECONNECT_MAX_MS = 1000,
    RESOLVE_AGAIN_MS = 500,
    MAX_RECEIVED_BYTES = 128 << 20,
    MAX_HEADER_BYTES = 16 << 10,
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

/* docs/protocol.md, Channel. A restarted server is found again within a second only if both the
 * backoff and the pause between resolutions are short. The "minimal backoff" is in truth how long
 * one attempt to connect may take. */
static void add_transport(struct args *args, const struct rpc_config *config)
{
    int max_received = config->max_receive_bytes;
    add_number(args, GRPC_ARG_KEEPALIVE_TIME_MS, KEEPALIVE_MS);
    add_number(args, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_TIMEOUT_MS);
    add_number(args, GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    add_number(args, GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    add_number(args, GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, RECONNECT_FIRST_MS);
    add_number(args, GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, CONNECT_MS);
    add_number(args, GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, RECONNECT_MAX_MS);
    add_number(args, GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, RESOLVE_AGAIN_MS);
    add_number(args, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
               max_received ? max_received : MAX_RECEIVED_BYTES);
    add_number(args, GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, -1);
    add_number(args, GRPC_ARG_MAX_METADATA_SIZE, MAX_HEADER_BYTES);
    add_number(args, GRPC_ARG_ENABLE_RETRIES, 0);
    add_number(args, GRPC_ARG_ENABLE_CHANNELZ, 0);
    add_number(args, GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    add_number(args, GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
    add_number(args, GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    add_text(args, GRPC_ARG_PRIMARY_USER_AGENT_STRING, SDK_NAME "/" SDK_VERSION);
}

/* Several servers behind one name share the load; a plain address or this machine is one server. */
static bool may_be_several(const char *address)
{
    char host[INET6_ADDRSTRLEN];
    struct in6_addr parsed;
    struct span name = proxy_host(address);
    if (strncasecmp(address, "localhost:", 10) == 0)
        return false;
    if (name.size >= sizeof host)
        return true;
    memcpy(host, name.data, name.size);
    host[name.size] = '\0';
    return inet_pton(AF_INET, host, &parsed) != 1 && inet_pton(AF_INET6, host, &parsed) != 1;
}

/* gRPC connects to the proxy and is told by arguments to ask it for the server. */
static void add_route(struct args *args, const struct rpc_config *config, const struct proxy *proxy)
{
    if (config->server_name)
        add_text(args, GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, config->server_name);
    if (config->authority || config->server_name || proxy->address)
        add_text(args, GRPC_ARG_DEFAULT_AUTHORITY,
                 config->authority     ? config->authority
                 : config->server_name ? config->server_name
                                       : config->address);
    if (proxy->address)
        add_text(args, "grpc.http_connect_server", config->address);
    if (proxy->headers)
        add_text(args, "grpc.http_connect_headers", proxy->headers);
    if (!proxy->address && may_be_several(config->address))
        add_text(args, GRPC_ARG_LB_POLICY_NAME, "round_robin");
}

static bool check_address(const char *address, struct error *err)
{
    char *end = NULL;
    struct span host = proxy_host(address);
    const char *behind = host.data + host.size;
    behind += *behind == ']';
    if (strstr(address, "://"))
        return error_set(err, ERROR_CONFIG, "the address must be host:port, without %.*s://",
                         (int)strcspn(address, ":"), address);
    if (host.size == 0 || *behind != ':')
        return error_set(err, ERROR_CONFIG,
                         "the address must be host:port, such as localhost:7233");
    long port = strtol(behind + 1, &end, 10);
    if (end == behind + 1 || *end || port < 1 || port > 65535)
        return error_set(err, ERROR_CONFIG, "the address ends in no port of 1 to 65535");
    return true;
}

static grpc_channel *open_core(const struct rpc_config *config, const struct proxy *proxy,
                               struct error *err)
{
    struct args args = {0};
    struct bytes target = {0};
    grpc_channel_credentials *credentials = tls_credentials(config, err);
    if (!credentials)
        return NULL;
    add_transport(&args, config);
    add_route(&args, config, proxy);
    bytes_printf(&target, "dns:///%s", proxy->address ? proxy->address : config->address);
    grpc_channel *core = grpc_channel_create(bytes_text(&target), credentials,
                                             &(grpc_channel_args){args.count, args.list});
    bytes_release(&target);
    grpc_channel_credentials_release(credentials);
    return core;
}

bool channel_open(struct channel **out, const struct rpc_config *config, struct error *err)
{
    struct channel channel = {.users = 1, .state = GRPC_CHANNEL_IDLE};
    struct proxy proxy = {0};
    if (!check_address(config->address, err) ||
        (config->proxy && !proxy_parse(&proxy, config->proxy, err)))
        return false;
    if (metadata_build(&channel.metadata, config, err))
        channel.core = open_core(config, &proxy, err);
    proxy_release(&proxy);
    if (!channel.core) {
        metadata_release(&channel.metadata);
        return false;
    }
    rpc_config_copy(&channel.config, config);
    *out = memory_copy(&channel, sizeof channel);
    return true;
}

static void channel_free(struct channel *channel)
{
    metadata_release(&channel->metadata);
    rpc_config_release(&channel->config);
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
