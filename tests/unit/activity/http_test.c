/* HTTP over real sockets, against a server that breaks the rules on request. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    struct bench bench;
    int port, tls_port;
    char url[64], tls_url[64], folder[256];
    unsetenv("http_proxy");
    unsetenv("https_proxy");
    struct child server =
        child_start((const char *const[]){"python3", "tests/fakes/fault_server.py", NULL});
    assert_int_equal(sscanf(server.line, "%d %d %255s", &port, &tls_port, folder), 3);
    bench_open(&bench);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
    snprintf(tls_url, sizeof tls_url, "https://127.0.0.1:%d", tls_port);
    bench_text(&bench, "server", url);
    bench_text(&bench, "secure", tls_url);
    bench_text(&bench, "keys", folder);
    int failed = bench_stories(&bench, "tests/unit/activity/http_stories.lua");
    bench_close(&bench);
    child_end(&server);
    return failed;
}
