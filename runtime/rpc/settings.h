/*
 * What the profile of temporal.toml, the variables and the flags say, laid over each other in this
 * order; nothing is opened or decided yet but the profile's file.
 */
#pragma once

#include "rpc/config.h"

/* A path and the text it may stand for are neighbours. */
enum setting {
    ADDRESS,
    SPACE,
    API_KEY,
    AUTHORITY,
    CERT_PATH,
    CERT_TEXT,
    KEY_PATH,
    KEY_TEXT,
    CA_PATH,
    CA_TEXT,
    SERVER_NAME,
    SKIP_VERIFICATION,
    TLS,
    OLD_CERT_PATH,
    OLD_KEY_PATH,
    MAX_RECEIVED,
    SETTINGS,
};

struct settings {
    char *values[SETTINGS]; /* NULL: not set, or set to nothing */
    bool tls_given;         /* a tls table or one of its variables is there, be it empty */
    char *key_file; /* the file and the profile that the API key is of; NULL: of a variable */
    char *key_profile;
    struct rpc_header *headers;
    size_t header_count;
};

/* The environment of the source must be given. */
bool settings_read(struct settings *out, const struct rpc_config_source *source, struct error *err);
void settings_release(struct settings *s);

/* The API key of a profile as its file has it now. */
bool settings_read_key(char **key, const char *file, const char *profile, struct error *err);

/* Whether the setting is that word; false when it is not set. */
bool settings_say(const struct settings *s, enum setting setting, const char *word);

/* "TEMPORAL_ADDRESS" for ADDRESS. */
const char *settings_variable(enum setting setting);

/* A variable of flags or environment, NULL when it is unset or empty. */
const char *settings_lookup(const struct rpc_config_source *source, const char *name);
