/*
 * How to reach Temporal, from flags, TEMPORAL_* variables and temporal.toml profiles, exactly as
 * the Temporal tools read them (shared spec dev-and-operations.md 5.3), and the three connection
 * modes of SignalRoom with their precedence: API key, then mTLS, then plain
 * (reference-system.md 1.4).
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

struct rpc_header {
    char *name;
    char *value;
};

struct rpc_config {
    char *address; /* host:port */
    char *space;   /* Temporal's namespace */
    char *api_key; /* registered for redaction */
    char *authority;
    char *identity; /* pid@host unless set */
    bool tls;
    char *server_name;
    char *client_cert; /* PEM text, wherever it came from */
    char *client_key;
    char *server_ca;
    char *client_cert_path; /* set when it came from a file: watched for live replacement */
    char *client_key_path;
    char *server_ca_path;
    bool skip_host_verification;
    struct rpc_header *headers;
    size_t header_count;
    char *proxy; /* http://user:password@host:port, NULL: by https_proxy and no_proxy */
};

struct rpc_config_source {
    const char *file;    /* --config-file, NULL: TEMPORAL_CONFIG_FILE or the user's own */
    const char *profile; /* --profile, NULL: TEMPORAL_PROFILE or "default" */
    const char *(*environment)(const char *name); /* NULL: getenv */
};

bool rpc_config_load(struct rpc_config *out, const struct rpc_config_source *source,
                     struct error *err);
void rpc_config_release(struct rpc_config *config);
