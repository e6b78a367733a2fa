/*
 * Drives runtime/rpc by lines of text, for the stories in rpc_*test.py. Its arguments are settings
 * ("TEMPORAL_ADDRESS=..."). Commands on stdin, fields parted by a tab; one JSON object a line on
 * stdout:
 *
 *     call ID METHOD KIND DEADLINE_MS NAMESPACE HEX     later {"id", "status", "message", ...}
 *     cancel ID                                         and that call's line follows soon
 *     internal_is_final                                 nothing
 *     metrics                                           {"metrics"}
 *     close                                             {"closed_ms", "threads"} after the calls'
 */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/metric.h"
#include "rpc/rpc.h"

enum { MAX_FIELDS = 16 };

static pthread_mutex_t out_lock = PTHREAD_MUTEX_INITIALIZER;

struct started {
    char *id;
    struct rpc_call *call;
    int64_t started_us;
};

static void add_json(struct bytes *line, const char *text)
{
    bytes_add_char(line, '"');
    for (; *text; text++) {
        if (strchr("\"\\", *text))
            bytes_printf(line, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            bytes_printf(line, "\\u%04x", (unsigned)*text);
        else
            bytes_add_char(line, *text);
    }
    bytes_add_char(line, '"');
}

static void add_hex(struct bytes *line, struct span bytes)
{
    bytes_add_char(line, '"');
    for (size_t i = 0; i < bytes.size; i++)
        bytes_printf(line, "%02x", (unsigned char)bytes.data[i]);
    bytes_add_char(line, '"');
}

static void print_line(struct bytes *line)
{
    pthread_mutex_lock(&out_lock);
    puts(bytes_text(line));
    fflush(stdout);
    pthread_mutex_unlock(&out_lock);
    bytes_release(line);
}

static void print_text(const char *key, const char *text)
{
    struct bytes line = {0};
    bytes_printf(&line, "{\"%s\": ", key);
    add_json(&line, text);
    bytes_add_char(&line, '}');
    print_line(&line);
}

static void done(void *user, struct rpc_reply *reply)
{
    enum { SHOWN = 1 << 16 };
    struct started *started = user;
    struct bytes line = {0};
    struct span body = bytes_span(&reply->body);
    double ms = (double)(clock_monotonic_us() - started->started_us) / 1000;
    bytes_printf(&line, "{\"id\": \"%s\", \"status\": \"%s\", \"attempts\": %d, \"ms\": %.3f, ",
                 started->id, rpc_status_name(reply->status), reply->attempts, ms);
    bytes_printf(&line, "\"cancelled\": %s, \"body_size\": %zu, \"message\": ",
                 reply->cancelled ? "true" : "false", body.size);
    add_json(&line, bytes_text(&reply->message));
    bytes_add_text(&line, ", \"details\": ");
    add_hex(&line, bytes_span(&reply->details));
    bytes_add_text(&line, ", \"body\": ");
    add_hex(&line, body.size <= SHOWN ? body : (struct span){0});
    bytes_add_char(&line, '}');
    rpc_reply_release(reply);
    print_line(&line);
}

static void add_unhex(struct bytes *out, const char *hex)
{
    unsigned byte;
    for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        bytes_add_char(out, (char)byte);
}

static enum rpc_retry kind_of(const char *word)
{
    static const char *const words[] = {
        [RPC_CLIENT] = "client", [RPC_TASK] = "task", [RPC_LONG_POLL] = "long_poll",
        [RPC_ONCE] = "once",     [RPC_WAIT] = "wait",
    };
    enum rpc_retry kind = RPC_CLIENT;
    while (strcmp(words[kind], word) != 0)
        kind++;
    return kind;
}

static void start(struct rpc *rpc, struct map *calls, char *const *fields)
{
    struct started *started = memory_new(sizeof *started);
    struct bytes body = {0};
    add_unhex(&body, fields[6]);
    started->id = memory_copy_text(fields[1]);
    started->started_us = clock_monotonic_us();
    map_put_text(calls, span_of(fields[1]), started);
    struct rpc_request request = {
        .method = fields[2],
        .body = bytes_span(&body),
        .space = span_of(fields[5]),
        .deadline_ms = atoi(fields[4]),
        .retry = kind_of(fields[3]),
    };
    started->call = rpc_start(rpc, &request, done, started);
    bytes_release(&body);
}

static void cancel(struct map *calls, const char *id)
{
    struct started *started = map_get_text(calls, span_of(id));
    started->started_us = clock_monotonic_us();
    rpc_cancel(started->call);
}

static bool load(struct rpc_config *config, const char *const *flags, struct error *err)
{
    struct rpc_config_source source = {.flags = flags};
    if (!rpc_config_load(config, &source, err))
        return false;
    config->watch_ms = 50;
    return true;
}

static void print_metrics(void)
{
    struct bytes text = {0};
    metric_write(&text, "");
    print_text("metrics", bytes_text(&text));
    bytes_release(&text);
}

static int thread_count(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/task");
    for (struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

/* gRPC's last thread may be on its way out when rpc_close returns. */
static int threads_left(void)
{
    enum { PATIENCE_MS = 1000 };
    int64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;
    while (thread_count() > 1 && clock_monotonic_ms() < until_ms)
        usleep(1000);
    return thread_count();
}

static void close_all(struct rpc *rpc, struct map *calls)
{
    struct bytes line = {0};
    int64_t began_us = clock_monotonic_us();
    rpc_close(rpc);
    double ms = (double)(clock_monotonic_us() - began_us) / 1000;
    bytes_printf(&line, "{\"closed_ms\": %.3f, \"threads\": %d}", ms, threads_left());
    print_line(&line);
    for (struct map_entry *e = NULL; (e = map_next(calls, e));) {
        struct started *started = e->value;
        rpc_call_free(started->call);
        free(started->id);
        free(started);
    }
    map_release(calls);
}

static int split(char *line, char **fields)
{
    int count = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *field; count < MAX_FIELDS - 1 && (field = strsep(&line, "\t"));)
        fields[count++] = field;
    fields[count] = NULL;
    return count;
}

static void obey(struct rpc *rpc, struct map *calls, char **fields)
{
    if (strcmp(fields[0], "call") == 0)
        start(rpc, calls, fields);
    else if (strcmp(fields[0], "cancel") == 0)
        cancel(calls, fields[1]);
    else if (strcmp(fields[0], "internal_is_final") == 0)
        rpc_internal_is_final(rpc);
    else if (strcmp(fields[0], "metrics") == 0)
        print_metrics();
}

int main(int argc, char **argv)
{
    struct rpc_config config = {0};
    struct error err = {0};
    struct rpc *rpc;
    struct map calls = {0};
    char *line = NULL;
    size_t room = 0;
    char *fields[MAX_FIELDS];
    (void)argc;
    log_configure((struct log_options){.level = LOG_DEBUG, .json = true});
    bool opened =
        load(&config, (const char *const *)argv + 1, &err) && rpc_open(&rpc, &config, &err);
    rpc_config_release(&config);
    if (!opened) {
        print_text("error", err.text);
        return 2;
    }
    print_text("opened", "");
    while (getline(&line, &room, stdin) > 0 && split(line, fields) && strcmp(fields[0], "close"))
        obey(rpc, &calls, fields);
    free(line);
    close_all(rpc, &calls);
    return 0;
}
