/* Flags win over variables, variables over the profile; what is missing, doubled or misspelt is
 * said so; secrets are hidden from then on. */
#include "story.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/redact.h"
#include "rpc/config.h"
#include "rpc/proxy.h"

static char folder[] = "/tmp/signalroom-config-XXXXXX";

static const char *write_file(const char *name, const char *text)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"temporal.toml", "cert.pem", "key.pem", "ca.pem"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

/* Variables end with NULL; no file but `toml`, which is the text of one, or NULL. */
static bool load(struct rpc_config *config, const char *toml, const char *const *variables,
                 struct error *err)
{
    struct rpc_config_source source = {.file = toml ? write_file("temporal.toml", toml)
                                                    : "/nonexistent/temporal.toml",
                                       .environment = variables};
    *err = (struct error){0};
    return rpc_config_load(config, &source, err);
}

#define VARIABLES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_VARIABLES ((const char *const[]){NULL})

static struct rpc_config loaded(const char *toml, const char *const *variables)
{
    struct rpc_config config;
    struct error err;
    if (!load(&config, toml, variables, &err))
        fail_msg("%s", err.text);
    return config;
}

static void assert_refused(const char *toml, const char *const *variables, const char *words)
{
    struct rpc_config config;
    struct error err;
    if (load(&config, toml, variables, &err))
        fail_msg("accepted, but should say: %s", words);
    if (!strstr(err.text, words))
        fail_msg("says: %s\nnot:  %s", err.text, words);
}

static void with_nothing_set_it_is_the_local_server_in_plain(void **state)
{
    (void)state;
    struct rpc_config c = loaded(NULL, NO_VARIABLES);
    assert_string_equal(c.address, "localhost:7233");
    assert_string_equal(c.space, "default");
    assert_false(c.tls);
    assert_null(c.api_key);
    assert_null(c.proxy);
    assert_non_null(strchr(c.identity, '@'));
    rpc_config_release(&c);
}

static const char full[] = "[profile.default]\n"
                           "address = \"file:1\"\n"
                           "namespace = \"from.file\"\n"
                           "api_key = \"key-from-file\"\n"
                           "authority = \"file.authority\"\n"
                           "[profile.default.tls]\n"
                           "server_name = \"file.name\"\n"
                           "client_cert_data = \"CERT\"\n"
                           "client_key_data = \"KEY\"\n"
                           "disable_host_verification = true\n"
                           "[profile.default.codec]\n"
                           "endpoint = \"http://codec\"\n"
                           "[profile.default.grpc_meta]\n"
                           "Some_Header = \"file\"\n"
                           "other-header = \"stays\"\n"
                           "[profile.other]\n"
                           "address = \"other:2\"\n"
                           "tls = {}\n";

static void a_profile_sets_everything(void **state)
{
    (void)state;
    struct rpc_config c = loaded(full, NO_VARIABLES);
    assert_string_equal(c.address, "file:1");
    assert_string_equal(c.space, "from.file");
    assert_string_equal(c.api_key, "key-from-file");
    assert_string_equal(c.authority, "file.authority");
    assert_string_equal(c.server_name, "file.name");
    assert_string_equal(c.client_cert, "CERT");
    assert_string_equal(c.client_key, "KEY");
    assert_null(c.client_cert_path);
    assert_true(c.tls);
    assert_true(c.skip_host_verification);
    assert_int_equal(c.header_count, 2);
    assert_string_equal(c.headers[0].name, "some-header");
    assert_string_equal(c.headers[0].value, "file");
    rpc_config_release(&c);
}

static void variables_win_over_the_profile_and_an_empty_one_unsets(void **state)
{
    (void)state;
    struct rpc_config c = loaded(
        full,
        VARIABLES("TEMPORAL_ADDRESS=env:3", "TEMPORAL_NAMESPACE=", "TEMPORAL_API_KEY=key-from-env",
                  "TEMPORAL_CLIENT_AUTHORITY=env.a", "TEMPORAL_TLS_SERVER_NAME=env.name",
                  "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION=0", "TEMPORAL_GRPC_META_SOME_HEADER=env",
                  "TEMPORAL_GRPC_META_NEW_ONE=x", "TEMPORAL_GRPC_META_OTHER_HEADER="));
    assert_string_equal(c.address, "env:3");
    assert_string_equal(c.space, "default");
    assert_string_equal(c.api_key, "key-from-env");
    assert_string_equal(c.authority, "env.a");
    assert_string_equal(c.server_name, "env.name");
    assert_false(c.skip_host_verification);
    assert_int_equal(c.header_count, 2);
    assert_string_equal(c.headers[0].name, "some-header");
    assert_string_equal(c.headers[0].value, "env");
    assert_string_equal(c.headers[1].name, "new-one");
    rpc_config_release(&c);
}

static void flags_win_over_variables(void **state)
{
    (void)state;
    struct rpc_config c;
    struct error err = {0};
    struct rpc_config_source source = {
        .file = write_file("temporal.toml", full),
        .profile = "other",
        .flags = VARIABLES("TEMPORAL_ADDRESS=flag:4", "TEMPORAL_TLS=false"),
        .environment = VARIABLES("TEMPORAL_ADDRESS=env:3", "TEMPORAL_PROFILE=default"),
    };
    assert_true(rpc_config_load(&c, &source, &err));
    assert_string_equal(c.address, "flag:4");
    assert_null(c.api_key);
    assert_false(c.tls);
    rpc_config_release(&c);
}

static void a_profile_is_chosen_by_name_and_must_then_be_there(void **state)
{
    (void)state;
    struct rpc_config c = loaded(full, VARIABLES("TEMPORAL_PROFILE=other"));
    assert_string_equal(c.address, "other:2");
    assert_true(c.tls);
    rpc_config_release(&c);
    c = loaded(full, VARIABLES("TEMPORAL_PROFILE="));
    assert_string_equal(c.address, "file:1");
    rpc_config_release(&c);
    c = loaded("[profile.other]\naddress = \"x:1\"", NO_VARIABLES);
    assert_string_equal(c.address, "localhost:7233");
    rpc_config_release(&c);
    assert_refused(full, VARIABLES("TEMPORAL_PROFILE=prod"), "no profile \"prod\" in /tmp/");
    assert_refused(NULL, VARIABLES("TEMPORAL_PROFILE=prod"), "no profile \"prod\"");
    assert_refused(full, VARIABLES("TEMPORAL_PROFILE=default.tls"), "no profile \"default.tls\"");
}

static void the_file_is_found_where_the_tools_look(void **state)
{
    (void)state;
    struct rpc_config c;
    struct error err = {0};
    char variable[160];
    snprintf(variable, sizeof variable, "TEMPORAL_CONFIG_FILE=%s",
             write_file("temporal.toml", full));
    assert_true(
        rpc_config_load(&c, &(struct rpc_config_source){.environment = VARIABLES(variable)}, &err));
    assert_string_equal(c.address, "file:1");
    rpc_config_release(&c);
    assert_true(rpc_config_load(
        &c,
        &(struct rpc_config_source){.environment =
                                        VARIABLES("XDG_CONFIG_HOME=relative", "HOME=/nonexistent")},
        &err));
    assert_string_equal(c.address, "localhost:7233");
    rpc_config_release(&c);
}

static void tls_is_on_when_anything_asks_for_it(void **state)
{
    (void)state;
    static const struct {
        const char *toml;
        const char *variable;
        bool tls;
    } cases[] = {
        {"",                                                            "A=b",                            false},
        {"[profile.default.tls]",                                       "A=b",                            true },
        {"[profile.default.tls]\ndisabled = false",                     "A=b",                            true },
        {"[profile.default.tls]\ndisabled = true\nserver_name = \"x\"", "A=b",                            false},
        {"[profile.default.tls]\ndisabled = true",                      "TEMPORAL_TLS=1",                 true },
        {"[profile.default.tls]\ndisabled = true",                      "TEMPORAL_API_KEY=secret-key",    false},
        {"[profile.default]\napi_key = \"secret-key\"",                 "A=b",                            true },
        {"[profile.default]\napi_key = \"secret-key\"",                 "TEMPORAL_TLS=FALSE",             false},
        {"[profile.default]\napi_key = \"secret-key\"",                 "TEMPORAL_API_KEY=",              false},
        {"",                                                            "TEMPORAL_TLS=true",              true },
        {"",                                                            "TEMPORAL_TLS=yes",               false},
        {"",                                                            "TEMPORAL_TLS=0",                 false},
        {"",                                                            "TEMPORAL_TLS_SERVER_NAME=x",     true },
        {"",                                                            "TEMPORAL_TLS_CLIENT_CERT_PATH=", true },
        {"",                                                            "TEMPORAL_API_KEY=secret-key",    true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rpc_config c = loaded(cases[i].toml, VARIABLES(cases[i].variable));
        if (c.tls != cases[i].tls)
            fail_msg("%s with %s", cases[i].toml, cases[i].variable);
        rpc_config_release(&c);
    }
}

static void path_and_text_of_the_same_thing_are_refused(void **state)
{
    (void)state;
    assert_refused("",
                   VARIABLES("TEMPORAL_TLS_CLIENT_CERT_PATH=/a", "TEMPORAL_TLS_CLIENT_CERT_DATA=b"),
                   "TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_CERT_DATA are both set");
    assert_refused("[profile.default.tls]\nclient_key_path = \"/a\"",
                   VARIABLES("TEMPORAL_TLS_CLIENT_KEY_DATA=b"), "are both set");
    assert_refused(
        "[profile.default.tls]\nserver_ca_cert_path = \"a\"\nserver_ca_cert_data = \"b\"",
        NO_VARIABLES, "TEMPORAL_TLS_SERVER_CA_CERT_DATA are both set");
}

static void the_three_modes_keep_their_precedence(void **state)
{
    (void)state;
    char cert[160];
    char key[160];
    snprintf(cert, sizeof cert, "TEMPORAL_TLS_CERT_PATH=%s", write_file("cert.pem", "CERT"));
    snprintf(key, sizeof key, "TEMPORAL_TLS_KEY_PATH=%s", write_file("key.pem", "KEY"));

    struct rpc_config c = loaded(NULL, VARIABLES(cert, key, "TEMPORAL_API_KEY=secret-key"));
    assert_true(c.tls);
    assert_string_equal(c.api_key, "secret-key");
    assert_null(c.client_cert);
    rpc_config_release(&c);

    c = loaded(NULL, VARIABLES(cert, key, "TEMPORAL_API_KEY="));
    assert_true(c.tls);
    assert_string_equal(c.client_cert, "CERT");
    assert_string_equal(c.client_key, "KEY");
    assert_string_equal(c.client_key_path, key + sizeof "TEMPORAL_TLS_KEY_PATH=" - 1);
    rpc_config_release(&c);

    c = loaded(NULL, VARIABLES("TEMPORAL_TLS_CERT_PATH=", "TEMPORAL_TLS_KEY_PATH="));
    assert_false(c.tls);
    rpc_config_release(&c);
    assert_refused(NULL, VARIABLES(cert), "TEMPORAL_TLS_KEY_PATH: the second is not set");
    assert_refused(NULL, VARIABLES(key), "the first is not set");
}

static void what_is_wrong_in_the_profile_is_said_with_its_line(void **state)
{
    (void)state;
    assert_refused("[profile.default]\naddress = 5", NO_VARIABLES,
                   "toml:2: \"address\" must be text");
    assert_refused("[profile.default]\ntls = true", NO_VARIABLES,
                   "toml:2: \"tls\" must be a table");
    assert_refused("[profile.default.tls]\ndisabled = \"no\"", NO_VARIABLES,
                   "toml:2: \"disabled\" must be true or false");
    assert_refused("[profile.default.grpc_meta]\na = 1", NO_VARIABLES,
                   "toml:2: \"a\" must be text");
    assert_refused("[profile", NO_VARIABLES, "toml:1: ");
    assert_refused(NULL, VARIABLES("TEMPORAL_TLS_CLIENT_CERT_PATH=/nonexistent.pem"),
                   "TEMPORAL_TLS_CLIENT_CERT_PATH: reading /nonexistent.pem: No such file");
    assert_refused(NULL, VARIABLES("TEMPORAL_MAX_INCOMING_GRPC_BYTES=lots"), "number of bytes");
    assert_refused(NULL, VARIABLES("TEMPORAL_MAX_INCOMING_GRPC_BYTES=0"), "number of bytes");
}

static void an_unknown_key_is_no_error(void **state)
{
    (void)state;
    struct rpc_config c = loaded("[profile.default]\nadress = \"x\"\n[profile.default.oauth]\n"
                                 "scopes = [\"a\"]\nexpires_at = 2026-01-01T00:00:00Z\n",
                                 NO_VARIABLES);
    assert_string_equal(c.address, "localhost:7233");
    rpc_config_release(&c);
}

static void secrets_are_hidden_from_then_on(void **state)
{
    (void)state;
    struct rpc_config c = loaded(
        "[profile.default.tls]\nclient_cert_data = 'C'\nclient_key_data = '''\n"
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n-----END PRIVATE KEY-----\n'''",
        VARIABLES("TEMPORAL_API_KEY=tmprl_abcdef", "TEMPORAL_GRPC_META_X_TOKEN=token-value"));
    struct bytes text = {0};
    bytes_add_text(&text, "key tmprl_abcdef, token-value, pem MIIEvQIBADANBgkqhkiG9w0B\\n");
    redact(&text);
    assert_string_equal(bytes_text(&text), "key ***, ***, pem ***\\n");
    bytes_release(&text);
    rpc_config_release(&c);
}

static void changed_certificate_files_are_read_again(void **state)
{
    (void)state;
    char cert[160];
    char key[160];
    bool changed;
    struct error err = {0};
    snprintf(cert, sizeof cert, "TEMPORAL_TLS_CLIENT_CERT_PATH=%s", write_file("cert.pem", "CERT"));
    snprintf(key, sizeof key, "TEMPORAL_TLS_CLIENT_KEY_PATH=%s", write_file("key.pem", "KEY"));
    struct rpc_config c = loaded(NULL, VARIABLES(cert, key));
    struct rpc_config copy;
    rpc_config_copy(&copy, &c);
    rpc_config_release(&c);
    assert_true(rpc_config_reload(&copy, &changed, &err));
    assert_false(changed);
    write_file("key.pem", "KEY2");
    assert_true(rpc_config_reload(&copy, &changed, &err));
    assert_true(changed);
    assert_string_equal(copy.client_key, "KEY2");
    assert_string_equal(copy.client_cert, "CERT");
    write_file("cert.pem", "CERT3");
    unlink(copy.client_key_path);
    assert_false(rpc_config_reload(&copy, &changed, &err));
    assert_false(changed);
    assert_string_equal(copy.client_cert, "CERT");
    rpc_config_release(&copy);
}

static void a_proxy_comes_from_the_environment_unless_bypassed(void **state)
{
    (void)state;
    struct rpc_config c = loaded(NULL, VARIABLES("TEMPORAL_ADDRESS=cloud.example:7233",
                                                 "https_proxy=http://p:1", "no_proxy=other"));
    assert_string_equal(c.proxy, "http://p:1");
    rpc_config_release(&c);
    c = loaded(NULL, VARIABLES("TEMPORAL_ADDRESS=cloud.example:7233", "HTTPS_PROXY=http://p:1",
                               "no_proxy=a, .example"));
    assert_null(c.proxy);
    rpc_config_release(&c);
    c = loaded(NULL, VARIABLES("https_proxy=http://p:1"));
    assert_null(c.proxy);
    rpc_config_release(&c);
}

static void no_proxy_names_hosts_and_their_domains(void **state)
{
    (void)state;
    assert_true(proxy_is_bypassed("a.example.com:1", "example.com"));
    assert_true(proxy_is_bypassed("a.example.com:1", "x,.example.com"));
    assert_true(proxy_is_bypassed("a.example.com:1", "*.EXAMPLE.com"));
    assert_true(proxy_is_bypassed("example.com:1", "example.com"));
    assert_true(proxy_is_bypassed("example.com:1", "example.com:1"));
    assert_true(proxy_is_bypassed("10.0.0.1:1", "*"));
    assert_true(proxy_is_bypassed("[::1]:7233", NULL));
    assert_true(proxy_is_bypassed("127.0.0.5:7233", ""));
    assert_true(proxy_is_bypassed("localhost:7233", NULL));
    assert_false(proxy_is_bypassed("badexample.com:1", "example.com"));
    assert_false(proxy_is_bypassed("example.com:1", "example.com:2"));
    assert_false(proxy_is_bypassed("example.com:1", ", ,"));
    assert_false(proxy_is_bypassed("example.com:1", NULL));
}

static void a_proxy_address_is_taken_apart(void **state)
{
    (void)state;
    struct proxy p;
    struct error err = {0};
    assert_true(proxy_parse(&p, "http://us%65r:p%40ss%3Aw@proxy.local:3128/", &err));
    assert_string_equal(p.address, "proxy.local:3128");
    assert_string_equal(p.headers, "Proxy-Authorization:Basic dXNlcjpwQHNzOnc=");
    struct bytes text = {0};
    bytes_add_text(&text, "p@ss:w p%40ss%3Aw dXNlcjpwQHNzOnc=");
    redact(&text);
    assert_string_equal(bytes_text(&text), "*** *** ***");
    bytes_release(&text);
    proxy_release(&p);
    assert_true(proxy_parse(&p, "proxy.local", &err));
    assert_string_equal(p.address, "proxy.local:80");
    assert_null(p.headers);
    proxy_release(&p);
    assert_true(proxy_parse(&p, "http://[::1]:8080", &err));
    assert_string_equal(p.address, "[::1]:8080");
    proxy_release(&p);
    assert_false(proxy_parse(&p, "https://proxy", &err));
    assert_non_null(strstr(err.text, "must begin with http://"));
    assert_false(proxy_parse(&p, "http://user:secret%4@h:1", &err));
    assert_null(strstr(err.text, "secret"));
    assert_false(proxy_parse(&p, "http://", &err));
    assert_false(proxy_parse(&p, "", &err));
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(with_nothing_set_it_is_the_local_server_in_plain),
        cmocka_unit_test(a_profile_sets_everything),
        cmocka_unit_test(variables_win_over_the_profile_and_an_empty_one_unsets),
        cmocka_unit_test(flags_win_over_variables),
        cmocka_unit_test(a_profile_is_chosen_by_name_and_must_then_be_there),
        cmocka_unit_test(the_file_is_found_where_the_tools_look),
        cmocka_unit_test(tls_is_on_when_anything_asks_for_it),
        cmocka_unit_test(path_and_text_of_the_same_thing_are_refused),
        cmocka_unit_test(the_three_modes_keep_their_precedence),
        cmocka_unit_test(what_is_wrong_in_the_profile_is_said_with_its_line),
        cmocka_unit_test(an_unknown_key_is_no_error),
        cmocka_unit_test(secrets_are_hidden_from_then_on),
        cmocka_unit_test(changed_certificate_files_are_read_again),
        cmocka_unit_test(a_proxy_comes_from_the_environment_unless_bypassed),
        cmocka_unit_test(no_proxy_names_hosts_and_their_domains),
        cmocka_unit_test(a_proxy_address_is_taken_apart),
    };
    return cmocka_run_group_tests_name("config", stories, make_folder, remove_folder);
}
