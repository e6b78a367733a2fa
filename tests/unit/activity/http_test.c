/* HTTP over real sockets, against a server that breaks the rules on request. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    struct bench bench;
    char url[64];
    unsetenv("http_proxy");
    struct child server =
        child_start((const char *const[]){"python3", "tests/fakes/fault_server.py", NULL});
    bench_open(&bench);
    snprintf(url, sizeof url, "http://127.0.0.1:%.6s", server.line);
    bench_text(&bench, "server", url);
    int failed = bench_stories(&bench, "tests/unit/activity/http_stories.lua");
    bench_close(&bench);
    child_end(&server);
    return failed;
}
