#include "rpc/config.h"

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/redact.h"
#include "rpc/proxy.h"
#include "rpc/settings.h"
#include "rpc/text_file.h"

/* The texts of a config, wherever all of them are meant. */
static const size_t texts[] = {
    offsetof(struct rpc_config, address),         offsetof(struct rpc_config, space),
    offsetof(struct rpc_config, api_key),         offsetof(struct rpc_config, api_key_file),
    offsetof(struct rpc_config, api_key_profile), offsetof(struct rpc_config, authority),
    offsetof(struct rpc_config, identity),        offsetof(struct rpc_config, server_name),
    offsetof(struct rpc_config, client_cert),     offsetof(struct rpc_config, client_key),
    offsetof(struct rpc_config, server_ca),       offsetof(struct rpc_config, client_cert_path),
    offsetof(struct rpc_config, client_key_path), offsetof(struct rpc_config, server_ca_path),
    offsetof(struct rpc_config, proxy),
};

enum { TEXTS = sizeof texts / sizeof *texts, PEMS = 3 };

static char **text_at(struct rpc_config *config, size_t i)
{
    return (char **)((char *)config + texts[i]);
}

static char *copy_of(const char *text)
{
    return text ? memory_copy_text(text) : NULL;
}

/* The setting's text, the caller's from now on. */
static char *take(struct settings *s, enum setting setting)
{
    char *value = s->values[setting];
    s->values[setting] = NULL;
    return value;
}

static char *take_or(struct settings *s, enum setting setting, const char *otherwise)
{
    return s->values[setting] ? take(s, setting) : memory_copy_text(otherwise);
}

static bool read_pem(const char *path, char **text, struct error *err)
{
    struct bytes read = {0};
    bool ok = text_file_read(path, &read, err);
    if (ok)
        *text = memory_copy_text(bytes_text(&read));
    bytes_release(&read);
    return ok;
}

static bool take_pem(char **text, char **path, struct settings *s, enum setting path_setting,
                     struct error *err)
{
    *path = take(s, path_setting);
    *text = take(s, path_setting + 1);
    if (!*path)
        return true;
    return read_pem(*path, text, err) || error_add(err, "%s", settings_variable(path_setting));
}

static bool take_tls(struct rpc_config *config, struct settings *s, struct error *err)
{
    bool asked = s->tls_given || s->values[API_KEY];
    config->tls = asked && !settings_say(s, TLS, "false");
    if (!config->tls)
        return true;
    config->skip_host_verification = settings_say(s, SKIP_VERIFICATION, "true");
    config->server_name = take(s, SERVER_NAME);
    return take_pem(&config->client_cert, &config->client_cert_path, s, CERT_PATH, err) &&
           take_pem(&config->client_key, &config->client_key_path, s, KEY_PATH, err) &&
           take_pem(&config->server_ca, &config->server_ca_path, s, CA_PATH, err);
}

static bool take_limit(struct rpc_config *config, const char *text, struct error *err)
{
    char *end = NULL;
    long value = text ? strtol(text, &end, 10) : 0;
    if (text && (*end || value <= 0 || value > INT32_MAX))
        return error_set(err, ERROR_CONFIG, "%s must be a number of bytes, from 1 to 2147483647",
                         settings_variable(MAX_RECEIVED));
    config->max_receive_bytes = (int)value;
    return true;
}

static char *own_identity(void)
{
    char host[256] = "";
    struct bytes name = {0};
    gethostname(host, sizeof host - 1);
    bytes_printf(&name, "%d@%s", (int)getpid(), host);
    return name.data;
}

static const char *first_of(const struct rpc_config_source *source, const char *const *names)
{
    const char *value = NULL;
    for (; *names && !value; names++)
        value = settings_lookup(source, *names);
    return value;
}

/* The names that gRPC reads, and the upper-case forms that other tools do. */
static void take_proxy(struct rpc_config *config, const struct rpc_config_source *source)
{
    static const char *const proxy[] = {"grpc_proxy", "https_proxy", "HTTPS_PROXY", "http_proxy",
                                        NULL};
    static const char *const bypass[] = {"no_grpc_proxy", "no_proxy", "NO_PROXY", NULL};
    const char *url = first_of(source, proxy);
    if (url && !proxy_is_bypassed(config->address, first_of(source, bypass)))
        config->proxy = memory_copy_text(url);
}

static bool is_secret(const char *header)
{
    static const char *const words[] = {"auth", "cookie", "key", "secret", "token"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(header, words[i]))
            return true;
    return false;
}

/* Line by line: a log writes line ends as escapes, so the whole text would not be found in it. */
static void register_lines(const char *pem)
{
    enum { SHORTEST_LINE = 16 };
    for (const char *line = pem; line && *line;) {
        size_t size = strcspn(line, "\r\n");
        if (size >= SHORTEST_LINE && line[0] != '-')
            redact_register((struct span){line, size});
        line += size + strspn(line + size, "\r\n");
    }
}

static void register_secrets(const struct rpc_config *config)
{
    if (config->api_key)
        redact_register(span_of(config->api_key));
    register_lines(config->client_key);
    for (size_t i = 0; i < config->header_count; i++)
        if (is_secret(config->headers[i].name))
            redact_register(span_of(config->headers[i].value));
}

static bool build(struct rpc_config *config, struct settings *s,
                  const struct rpc_config_source *source, struct error *err)
{
    config->address = take_or(s, ADDRESS, "localhost:7233");
    config->space = take_or(s, SPACE, "default");
    config->authority = take(s, AUTHORITY);
    config->identity = own_identity();
    config->headers = s->headers;
    config->header_count = s->header_count;
    s->headers = NULL;
    s->header_count = 0;
    take_proxy(config, source);
    bool ok = take_limit(config, s->values[MAX_RECEIVED], err) && take_tls(config, s, err);
    config->api_key = take(s, API_KEY);
    config->api_key_file = s->key_file;
    config->api_key_profile = s->key_profile;
    s->key_file = s->key_profile = NULL;
    register_secrets(config);
    return ok;
}

bool rpc_config_load(struct rpc_config *out, const struct rpc_config_source *source,
                     struct error *err)
{
    struct rpc_config_source from = source ? *source : (struct rpc_config_source){0};
    struct rpc_config config = {0};
    struct settings s;
    if (!from.environment)
        from.environment = (const char *const *)environ;
    if (!settings_read(&s, &from, err))
        return error_add(err, "connection settings");
    bool ok = build(&config, &s, &from, err);
    settings_release(&s);
    if (ok)
        *out = config;
    else
        rpc_config_release(&config);
    return ok || error_add(err, "connection settings");
}

/* The texts that may change, as their files have them now; NULL: no file has it. */
static bool read_again(const struct rpc_config *config, char **now, struct error *err)
{
    const char *paths[PEMS] = {config->client_cert_path, config->client_key_path,
                               config->server_ca_path};
    bool ok = true;
    for (int i = 0; i < PEMS && ok; i++)
        ok = !paths[i] || read_pem(paths[i], &now[i], err);
    return ok && (!config->api_key_file || settings_read_key(&now[PEMS], config->api_key_file,
                                                             config->api_key_profile, err));
}

bool rpc_config_reload(struct rpc_config *config, bool *changed, struct error *err)
{
    char **places[] = {&config->client_cert, &config->client_key, &config->server_ca,
                       &config->api_key};
    char *now[PEMS + 1] = {0};
    bool ok = read_again(config, now, err);
    *changed = false;
    for (int i = 0; i < PEMS + 1; i++) {
        if (ok && now[i] && strcmp(now[i], *places[i]) != 0) {
            char *old = *places[i];
            *places[i] = now[i];
            now[i] = old;
            *changed = true;
        }
        free(now[i]);
    }
    if (*changed)
        register_secrets(config);
    return ok;
}

void rpc_config_copy(struct rpc_config *out, const struct rpc_config *from)
{
    struct rpc_config copy = *from;
    for (size_t i = 0; i < TEXTS; i++)
        *text_at(&copy, i) = copy_of(*text_at(&copy, i));
    copy.headers = memory_new((from->header_count + 1) * sizeof *copy.headers);
    for (size_t i = 0; i < from->header_count; i++)
        copy.headers[i] = (struct rpc_header){.name = copy_of(from->headers[i].name),
                                              .value = copy_of(from->headers[i].value)};
    *out = copy;
}

void rpc_config_release(struct rpc_config *config)
{
    for (size_t i = 0; i < TEXTS; i++)
        free(*text_at(config, i));
    for (size_t i = 0; i < config->header_count; i++) {
        free(config->headers[i].name);
        free(config->headers[i].value);
    }
    free(config->headers);
    *config = (struct rpc_config){0};
}
