#include "rpc/config.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/redact.h"

static char *setting(const struct rpc_config_source *source, const char *name,
                     const char *otherwise)
{
    const char *value = source && source->environment ? source->environment(name) : getenv(name);
    value = value && *value ? value : otherwise;
    return value ? memory_copy_text(value) : NULL;
}

static char *own_identity(void)
{
    char host[256] = "";
    struct bytes name = {0};
    gethostname(host, sizeof host - 1);
    bytes_printf(&name, "%d@%s", (int)getpid(), host);
    return name.data;
}

bool rpc_config_load(struct rpc_config *out, const struct rpc_config_source *source,
                     struct error *err)
{
    (void)err;
    struct rpc_config config = {
        .address = setting(source, "TEMPORAL_ADDRESS", "localhost:7233"),
        .space = setting(source, "TEMPORAL_NAMESPACE", "default"),
        .api_key = setting(source, "TEMPORAL_API_KEY", NULL),
        .identity = own_identity(),
    };
    if (config.api_key)
        redact_register(span_of(config.api_key));
    config.tls = config.api_key != NULL;
    *out = config;
    return true;
}

void rpc_config_release(struct rpc_config *config)
{
    for (size_t i = 0; i < config->header_count; i++) {
        free(config->headers[i].name);
        free(config->headers[i].value);
    }
    free(config->headers);
    free(config->address);
    free(config->space);
    free(config->api_key);
    free(config->authority);
    free(config->identity);
    free(config->server_name);
    free(config->client_cert);
    free(config->client_key);
    free(config->server_ca);
    free(config->client_cert_path);
    free(config->client_key_path);
    free(config->server_ca_path);
    free(config->proxy);
    *config = (struct rpc_config){0};
}
