#include "rpc/reload.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "rpc/channel.h"
#include "rpc/tls.h"

enum { LOOK_EVERY_MS = 5000 };

static int64_t next_look(const struct rpc_config *config)
{
    return clock_monotonic_ms() + (config->watch_ms > 0 ? config->watch_ms : LOOK_EVERY_MS);
}

static void tell_expiry(const struct rpc_config *config)
{
    double seconds;
    if (config->client_cert && tls_seconds_left(config->client_cert, &seconds))
        metric_set("signalroom_tls_cert_expiry_seconds", "", seconds);
}

int64_t reload_first_look(const struct rpc_config *config)
{
    bool any = config->client_cert || config->client_cert_path || config->client_key_path ||
               config->server_ca_path || config->api_key_file;
    if (!any)
        return RELOAD_NEVER;
    tell_expiry(config);
    return next_look(config);
}

static void tell_trouble(struct rpc *rpc, const struct error *err)
{
    if (strcmp(bytes_text(&rpc->reload_trouble), err->text) == 0)
        return;
    bytes_clear(&rpc->reload_trouble);
    bytes_add_text(&rpc->reload_trouble, err->text);
    metric_count("signalroom_credential_reload", "result=\"failed\"", 1);
    log_event(LOG_WARNING, "credentials_not_reloaded", "error", err->text, NULL);
}

static void look(struct rpc *rpc)
{
    struct rpc_config config;
    struct channel *channel;
    struct error err = {0};
    bool changed;
    rpc_config_copy(&config, &rpc->channel->config);
    if (!rpc_config_reload(&config, &changed, &err)) {
        tell_trouble(rpc, &err);
    } else if (changed && !channel_open(&channel, &config, &err)) {
        tell_trouble(rpc, &err);
    } else if (changed) {
        bytes_clear(&rpc->reload_trouble);
        metric_count("signalroom_credential_reload", "result=\"ok\"", 1);
        log_event(LOG_INFO, "credentials_reloaded", NULL);
        pump_adopt(rpc, channel);
    }
    rpc_config_release(&config);
}

void reload_when_due(struct rpc *rpc)
{
    if (rpc->closing || clock_monotonic_ms() < rpc->look_ms)
        return;
    rpc->look_ms = next_look(&rpc->channel->config);
    look(rpc);
    tell_expiry(&rpc->channel->config);
}
