#include "rpc/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "rpc/text_file.h"
#include "rpc/toml.h"

#define META_PREFIX "TEMPORAL_GRPC_META_"

enum form { PLAIN_TEXT, TLS_TEXT, TLS_TRUTH };

/* Where each setting comes from, in the order of enum setting. Those of TLS stand in the profile's
 * tls table, and turn TLS on by being there. */
static const struct {
    const char *variable;
    const char *key; /* in the profile, NULL: only a variable */
    enum form form;
} sources[] = {
    {"TEMPORAL_ADDRESS",                       "address",                   PLAIN_TEXT},
    {"TEMPORAL_NAMESPACE",                     "namespace",                 PLAIN_TEXT},
    {"TEMPORAL_API_KEY",                       "api_key",                   PLAIN_TEXT},
    {"TEMPORAL_CLIENT_AUTHORITY",              "authority",                 PLAIN_TEXT},
    {"TEMPORAL_TLS_CLIENT_CERT_PATH",          "client_cert_path",          TLS_TEXT  },
    {"TEMPORAL_TLS_CLIENT_CERT_DATA",          "client_cert_data",          TLS_TEXT  },
    {"TEMPORAL_TLS_CLIENT_KEY_PATH",           "client_key_path",           TLS_TEXT  },
    {"TEMPORAL_TLS_CLIENT_KEY_DATA",           "client_key_data",           TLS_TEXT  },
    {"TEMPORAL_TLS_SERVER_CA_CERT_PATH",       "server_ca_cert_path",       TLS_TEXT  },
    {"TEMPORAL_TLS_SERVER_CA_CERT_DATA",       "server_ca_cert_data",       TLS_TEXT  },
    {"TEMPORAL_TLS_SERVER_NAME",               "server_name",               TLS_TEXT  },
    {"TEMPORAL_TLS_DISABLE_HOST_VERIFICATION", "disable_host_verification", TLS_TRUTH },
    {"TEMPORAL_TLS",                           NULL,                        TLS_TRUTH },
    {"TEMPORAL_TLS_CERT_PATH",                 NULL,                        PLAIN_TEXT},
    {"TEMPORAL_TLS_KEY_PATH",                  NULL,                        PLAIN_TEXT},
    {"TEMPORAL_MAX_INCOMING_GRPC_BYTES",       NULL,                        PLAIN_TEXT},
};
_Static_assert(sizeof sources / sizeof *sources == SETTINGS, "one row for each setting");

static void put(char **place, const char *value)
{
    free(*place);
    *place = value && *value ? memory_copy_text(value) : NULL;
}

static char *normal_name(const char *name)
{
    char *copy = memory_copy_text(name);
    for (char *c = copy; *c; c++)
        *c = *c == '_' ? '-' : *c >= 'A' && *c <= 'Z' ? (char)(*c | 0x20) : *c;
    return copy;
}

/* An empty value takes the header away. */
static void put_header(struct settings *s, const char *name, const char *value)
{
    char *normal = normal_name(name);
    size_t i = 0;
    while (i < s->header_count && strcmp(s->headers[i].name, normal) != 0)
        i++;
    if (i == s->header_count) {
        s->headers = memory_resize(s->headers, (s->header_count + 1) * sizeof *s->headers);
        s->headers[s->header_count++] = (struct rpc_header){.name = normal};
    } else {
        free(normal);
    }
    put(&s->headers[i].value, value);
    if (s->headers[i].value)
        return;
    free(s->headers[i].name);
    s->headers[i] = s->headers[--s->header_count];
}

void settings_release(struct settings *s)
{
    for (int i = 0; i < SETTINGS; i++)
        free(s->values[i]);
    free(s->key_file);
    free(s->key_profile);
    for (size_t i = 0; i < s->header_count; i++) {
        free(s->headers[i].name);
        free(s->headers[i].value);
    }
    free(s->headers);
}

/* "1", "0", "true", "false" in any case; NULL for other words, which the Temporal tools ignore. */
static const char *truth_of(const char *word)
{
    if (strcasecmp(word, "1") == 0 || strcasecmp(word, "true") == 0)
        return "true";
    return strcasecmp(word, "0") == 0 || strcasecmp(word, "false") == 0 ? "false" : NULL;
}

bool settings_say(const struct settings *s, enum setting setting, const char *word)
{
    return s->values[setting] && strcmp(s->values[setting], word) == 0;
}

const char *settings_variable(enum setting setting)
{
    return sources[setting].variable;
}

static void apply_variable(struct settings *s, const char *variable)
{
    const char *value = strchr(variable, '=');
    if (strncmp(variable, "TEMPORAL_", 9) != 0 || !value)
        return;
    char *name = memory_copy(variable, (size_t)(value++ - variable));
    if (strncmp(name, META_PREFIX, sizeof META_PREFIX - 1) == 0)
        put_header(s, name + sizeof META_PREFIX - 1, value);
    for (int i = 0; i < SETTINGS; i++) {
        if (strcmp(sources[i].variable, name) != 0)
            continue;
        const char *word = sources[i].form == TLS_TRUTH ? truth_of(value) : value;
        if (word) {
            put(&s->values[i], word);
            s->tls_given |= sources[i].form != PLAIN_TEXT;
        }
        if (i == API_KEY) {
            put(&s->key_file, NULL);
            put(&s->key_profile, NULL);
        }
    }
    free(name);
}

static void apply_variables(struct settings *s, const char *const *variables)
{
    for (; variables && *variables; variables++)
        apply_variable(s, *variables);
}

static const char *find_variable(const char *const *variables, const char *name)
{
    size_t size = strlen(name);
    for (; variables && *variables; variables++)
        if (strncmp(*variables, name, size) == 0 && (*variables)[size] == '=')
            return *variables + size + 1;
    return NULL;
}

/* Flags win; empty is the same as unset. */
const char *settings_lookup(const struct rpc_config_source *source, const char *name)
{
    const char *value = find_variable(source->flags, name);
    if (!value)
        value = find_variable(source->environment, name);
    return value && *value ? value : NULL;
}

/* What the Temporal CLI reads and we do not need: known, so not worth a warning. */
static bool is_foreign(const char *key)
{
    return strcmp(key, "codec") == 0 || strcmp(key, "oauth") == 0;
}

static void warn_unknown(const char *file, const struct toml_entry *entry)
{
    char where[512];
    snprintf(where, sizeof where, "%s:%d", file, entry->line);
    log_event(LOG_WARNING, "config_key_unknown", "key", entry->key, "where", where, NULL);
}

struct profile {
    const char *file;
    const char *name;
    struct toml toml;
};

static bool wrong_kind(const struct profile *p, const struct toml_entry *entry, const char *kind,
                       struct error *err)
{
    return error_set(err, ERROR_CONFIG, "%s:%d: \"%.64s\" must be %s", p->file, entry->line,
                     entry->key, kind);
}

static bool apply_setting(struct settings *s, const struct profile *p, int i,
                          const struct toml_entry *entry, struct error *err)
{
    if (sources[i].form == TLS_TRUTH) {
        if (entry->kind != TOML_BOOLEAN)
            return wrong_kind(p, entry, "true or false", err);
        put(&s->values[i], entry->truth ? "true" : "false");
        return true;
    }
    if (entry->kind != TOML_TEXT)
        return wrong_kind(p, entry, "text in quotes", err);
    put(&s->values[i], entry->text);
    return true;
}

static int setting_of(const char *key, bool tls)
{
    int i = 0;
    while (i < SETTINGS && !(sources[i].key && (sources[i].form != PLAIN_TEXT) == tls &&
                             strcmp(sources[i].key, key) == 0))
        i++;
    return i;
}

static bool apply_tls(struct settings *s, const struct profile *p, int table, struct error *err)
{
    s->tls_given = true;
    for (int e = TOML_NONE; (e = toml_next(&p->toml, table, e)) != TOML_NONE;) {
        const struct toml_entry *entry = &p->toml.entries[e];
        int i = setting_of(entry->key, true);
        if (strcmp(entry->key, "disabled") == 0) {
            if (entry->kind != TOML_BOOLEAN)
                return wrong_kind(p, entry, "true or false", err);
            put(&s->values[TLS], entry->truth ? "false" : "true");
        } else if (i == SETTINGS) {
            warn_unknown(p->file, entry);
        } else if (!apply_setting(s, p, i, entry, err)) {
            return false;
        }
    }
    return true;
}

static bool apply_meta(struct settings *s, const struct profile *p, int table, struct error *err)
{
    for (int e = TOML_NONE; (e = toml_next(&p->toml, table, e)) != TOML_NONE;) {
        const struct toml_entry *entry = &p->toml.entries[e];
        if (entry->kind != TOML_TEXT)
            return wrong_kind(p, entry, "text in quotes", err);
        put_header(s, entry->key, entry->text);
    }
    return true;
}

static bool apply_entry(struct settings *s, const struct profile *p, int e, struct error *err)
{
    const struct toml_entry *entry = &p->toml.entries[e];
    bool tls = strcmp(entry->key, "tls") == 0;
    bool meta = strcmp(entry->key, "grpc_meta") == 0;
    int i = setting_of(entry->key, false);
    if ((tls || meta) && entry->kind != TOML_TABLE)
        return wrong_kind(p, entry, "a table", err);
    if (tls)
        return apply_tls(s, p, e, err);
    if (meta)
        return apply_meta(s, p, e, err);
    if (i < SETTINGS)
        return apply_setting(s, p, i, entry, err);
    if (!is_foreign(entry->key))
        warn_unknown(p->file, entry);
    return true;
}

/* Its table, or TOML_NONE. */
static int table_of(const struct profile *p)
{
    int all = toml_child(&p->toml, TOML_ROOT, "profile");
    int table = all == TOML_NONE ? TOML_NONE : toml_child(&p->toml, all, p->name);
    bool there = table != TOML_NONE && p->toml.entries[table].kind == TOML_TABLE;
    return there ? table : TOML_NONE;
}

static bool no_profile(const struct profile *p, struct error *err)
{
    return error_set(err, ERROR_CONFIG, "no profile \"%.64s\" in %s", p->name, p->file);
}

static bool apply_profile(struct settings *s, const struct profile *p, bool named,
                          struct error *err)
{
    int table = table_of(p);
    if (table == TOML_NONE)
        return !named || no_profile(p, err);
    for (int e = TOML_NONE; (e = toml_next(&p->toml, table, e)) != TOML_NONE;)
        if (!apply_entry(s, p, e, err))
            return false;
    return true;
}

static char *default_file(const struct rpc_config_source *source)
{
    struct bytes path = {0};
    const char *folder = settings_lookup(source, "XDG_CONFIG_HOME");
    const char *home = settings_lookup(source, "HOME");
    if (folder && folder[0] == '/')
        bytes_printf(&path, "%s/temporalio/temporal.toml", folder);
    else if (!folder && home)
        bytes_printf(&path, "%s/.config/temporalio/temporal.toml", home);
    return path.data;
}

static char *file_of(const struct rpc_config_source *source)
{
    const char *file =
        source->file ? source->file : settings_lookup(source, "TEMPORAL_CONFIG_FILE");
    return file ? memory_copy_text(file) : default_file(source);
}

/* A file that is not there is fine, unless a profile of it was asked for by name. */
static bool apply_file(struct settings *s, const struct rpc_config_source *source,
                       struct error *err)
{
    struct bytes text = {0};
    const char *asked =
        source->profile ? source->profile : settings_lookup(source, "TEMPORAL_PROFILE");
    char *file = file_of(source);
    struct profile p = {.file = file ? file : "temporal.toml", .name = asked ? asked : "default"};
    bool there = file && (access(file, F_OK) == 0 || errno != ENOENT);
    bool ok = !there || text_file_read(file, &text, err);
    if (ok && toml_parse(&p.toml, bytes_span(&text), p.file, err))
        ok = apply_profile(s, &p, asked != NULL, err);
    else
        ok = false;
    if (s->values[API_KEY]) {
        s->key_file = memory_copy_text(p.file);
        s->key_profile = memory_copy_text(p.name);
    }
    toml_release(&p.toml);
    bytes_release(&text);
    free(file);
    return ok;
}

static bool key_in(const struct profile *p, char **key, struct error *err)
{
    int table = table_of(p);
    if (table == TOML_NONE)
        return no_profile(p, err);
    int e = toml_child(&p->toml, table, sources[API_KEY].key);
    if (e == TOML_NONE)
        return error_set(err, ERROR_CONFIG, "profile \"%.64s\" in %s has no api_key any more",
                         p->name, p->file);
    const struct toml_entry *entry = &p->toml.entries[e];
    if (entry->kind != TOML_TEXT || !*entry->text)
        return wrong_kind(p, entry, "text in quotes, and not empty", err);
    *key = memory_copy_text(entry->text);
    return true;
}

bool settings_read_key(char **key, const char *file, const char *profile, struct error *err)
{
    struct bytes text = {0};
    struct profile p = {.file = file, .name = profile};
    bool ok = text_file_read(file, &text, err) &&
              toml_parse(&p.toml, bytes_span(&text), p.file, err) && key_in(&p, key, err);
    toml_release(&p.toml);
    bytes_release(&text);
    return ok;
}

/* Only with no API key and no certificate by the newer names, as these files were read before. */
static bool apply_old_names(struct settings *s, struct error *err)
{
    char **values = s->values;
    if (values[API_KEY] || values[CERT_PATH] || values[CERT_TEXT] || values[KEY_PATH] ||
        values[KEY_TEXT] || (!values[OLD_CERT_PATH] && !values[OLD_KEY_PATH]))
        return true;
    if (!values[OLD_CERT_PATH] || !values[OLD_KEY_PATH])
        return error_set(err, ERROR_CONFIG,
                         "mTLS needs TEMPORAL_TLS_CERT_PATH and TEMPORAL_TLS_KEY_PATH: the %s "
                         "is not set",
                         values[OLD_CERT_PATH] ? "second" : "first");
    put(&values[CERT_PATH], values[OLD_CERT_PATH]);
    put(&values[KEY_PATH], values[OLD_KEY_PATH]);
    s->tls_given = true;
    return true;
}

static bool check_pairs(const struct settings *s, struct error *err)
{
    static const enum setting pairs[][2] = {
        {CERT_PATH, CERT_TEXT},
        {KEY_PATH,  KEY_TEXT },
        {CA_PATH,   CA_TEXT  }
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (s->values[pairs[i][0]] && s->values[pairs[i][1]])
            return error_set(err, ERROR_CONFIG,
                             "%s and %s are both set (as variables or in the profile): keep "
                             "one",
                             sources[pairs[i][0]].variable, sources[pairs[i][1]].variable);
    return true;
}

bool settings_read(struct settings *out, const struct rpc_config_source *source, struct error *err)
{
    struct settings s = {0};
    bool ok = apply_file(&s, source, err);
    apply_variables(&s, source->environment);
    apply_variables(&s, source->flags);
    ok = ok && apply_old_names(&s, err) && check_pairs(&s, err);
    if (ok)
        *out = s;
    else
        settings_release(&s);
    return ok;
}
