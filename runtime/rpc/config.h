/*
 * How to reach Temporal, from flags, TEMPORAL_* variables and temporal.toml profiles, exactly as
 * the Temporal tools read them, and the three connection modes of SignalRoom with their precedence:
 * API key, then mTLS, then plain. docs/connection.md says all of it.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

struct rpc_header {
    char *name;
    char *value;
};

/* Every text is the config's own, NULL when not set; secrets among them are registered for
 * redaction by rpc_config_load. */
struct rpc_config {
    char *address; /* host:port */
    char *space;   /* Temporal's namespace */
    char *api_key;
    char *api_key_file; /* set when it came from a profile: watched for live replacement */
    char *api_key_profile;
    char *authority; /* the :authority header, when it is not the address or the server_name */
    char *identity;  /* pid@host unless set */
    bool tls;
    char *server_name; /* expected in the server's certificate, and SNI and :authority */
    char *client_cert; /* PEM text, wherever it came from */
    char *client_key;
    char *server_ca;        /* NULL: the system's certificate authorities */
    char *client_cert_path; /* set when it came from a file: watched for live replacement */
    char *client_key_path;
    char *server_ca_path;
    bool skip_host_verification; /* believes any server: never unless asked for */
    struct rpc_header *headers;
    size_t header_count;
    char *proxy;           /* http://user:password@host:port, NULL: none */
    int max_receive_bytes; /* 0: 128 MB */
    int watch_ms;          /* between looks at the files watched, 0: 5 s */
};

struct rpc_config_source {
    const char *file;    /* --config-file, NULL: TEMPORAL_CONFIG_FILE or the user's own */
    const char *profile; /* --profile, NULL: TEMPORAL_PROFILE or "default" */

    /* The command line's settings under the names of the variables, "TEMPORAL_ADDRESS=host:port";
     * they win over the environment. Ended by NULL; NULL: none. */
    const char *const *flags;

    /* "NAME=value", ended by NULL; NULL: the process's own. */
    const char *const *environment;
};

/* Reads file, environment and flags, in rising order of precedence, and the certificates they name.
 * ERROR_CONFIG names the setting at fault, ERROR_SYSTEM the file that cannot be read. A NULL source
 * is one of all NULLs. */
bool rpc_config_load(struct rpc_config *out, const struct rpc_config_source *source,
                     struct error *err);

/* Reads the certificate files and the profile's API key again; *changed when a text is another now.
 * On failure the config is as it was. */
bool rpc_config_reload(struct rpc_config *config, bool *changed, struct error *err);

void rpc_config_copy(struct rpc_config *out, const struct rpc_config *from);
void rpc_config_release(struct rpc_config *config);
