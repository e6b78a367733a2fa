/* PostgreSQL, against a private cluster. */
#include "bench.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* A port that takes connections and never answers. */
static int listen_silently(char url[64])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size) | listen(fd, 8), 0);
    getsockname(fd, (struct sockaddr *)&address, &size);
    snprintf(url, 64, "postgresql://me@127.0.0.1:%d/x", ntohs(address.sin_port));
    return fd;
}

int main(void)
{
    struct bench bench;
    char silent[64];
    unsetenv("DATABASE_URL");
    unsetenv("SUPABASE_DB_HOST");
    int fd = listen_silently(silent);
    struct child cluster =
        child_start((const char *const[]){"python3", "tests/unit/activity/cluster.py", NULL});
    bench_open(&bench);
    bench_text(&bench, "database", cluster.line);
    bench_text(&bench, "silent", silent);
    int failed = bench_stories(&bench, "tests/unit/activity/pg_stories.lua");
    bench_close(&bench);
    child_end(&cluster);
    close(fd);
    return failed;
}
