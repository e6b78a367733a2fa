/* Files, sums, settings and the log. */
#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* What the log wrote during the stories. */
static void check_log(int fd)
{
    char text[8192] = "";
    assert_true(pread(fd, text, sizeof text - 1, 0) > 0);
    assert_non_null(
        strstr(text, "{\"count\":3,\"list\":[1,2],\"password\":\"***\",\"source\":\"everflow\","
                     "\"event\":\"rows_loaded\",\"level\":\"info\""));
    assert_null(strstr(text, "sesame-open"));
    assert_null(strstr(text, "too_quiet"));
}

int main(void)
{
    struct bench bench;
    char folder[] = "/tmp/signalroom-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/secret", folder);
    FILE *file = fopen(path, "w");
    fputs("from a file\n", file);
    fclose(file);
    setenv("STORY_SECRET", "sesame-open", 1);
    setenv("FILED_SECRET_FILE", path, 1);
    setenv("LOST_SECRET_FILE", "/nowhere/secret", 1);
    setenv("EMPTY_SETTING", "", 1);

    snprintf(path, sizeof path, "%s/log", folder);
    int fd = open(path, O_RDWR | O_CREAT, 0600), terminal = dup(STDERR_FILENO);
    log_configure((struct log_options){.level = LOG_INFO, .json = true});
    bench_open(&bench);
    bench_text(&bench, "folder", folder);
    dup2(fd, STDERR_FILENO);
    int failed = bench_stories(&bench, "tests/unit/activity/modules_stories.lua");
    dup2(terminal, STDERR_FILENO);
    bench_close(&bench);
    if (!failed)
        check_log(fd);
    remove(path);
    snprintf(path, sizeof path, "%s/secret", folder);
    remove(path);
    assert_int_equal(rmdir(folder), 0);
    close(fd);
    close(terminal);
    return failed;
}
