/*
 * How many events of recorded histories a runner thread replays in a second, in one process and
 * without a server: `replay_bench SCRIPTS TIMES FILE...`. Reading the files is not measured.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"
#include "script/protojson.h"
#include "store/store.h"
#include "workflow/workflow.h"

struct bench {
    struct arena arena; /* the histories */
    const Tpb__History__History **histories;
    size_t count;
    size_t events;
    struct workflow_host *host;
};

static bool load_file(const char *path, struct bytes *text)
{
    FILE *file = fopen(path, "rb");
    size_t got = 1;

    if (!file)
        return false;
    while (got > 0) {
        got = fread(bytes_reserve(text, 1 << 16), 1, 1 << 16, file);
        bytes_added(text, got);
    }
    return fclose(file) == 0;
}

static bool load(struct bench *bench, const char *path, struct error *err)
{
    struct bytes text = {0};
    Tpb__History__History *history;
    bool ok = load_file(path, &text) || error_set(err, ERROR_USAGE, "cannot be read");

    ok = ok && history_read(bytes_span(&text), &bench->arena, &history, err);
    bytes_release(&text);
    if (!ok)
        return error_add(err, "%s", path);
    bench->histories[bench->count++] = history;
    bench->events += history->n_events;
    return true;
}

static bool replay_all(const struct bench *bench, struct error *err)
{
    for (size_t i = 0; i < bench->count; i++)
        if (!workflow_replay(bench->host, bench->histories[i], "bench", REPLAY_WHOLE, NULL, err))
            return error_add(err, "history %zu", i + 1);
    return true;
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Once to warm up, then `times` times. */
static bool measure(const struct bench *bench, long times, struct error *err)
{
    if (!replay_all(bench, err))
        return false;
    double began = seconds();
    for (long n = 0; n < times; n++)
        if (!replay_all(bench, err))
            return false;
    double took = seconds() - began;
    printf("%zu events x %ld in %.3f s = %.0f events/s\n", bench->events, times, took,
           (double)bench->events * (double)times / took);
    return true;
}

static bool run(struct bench *bench, char **argv, struct error *err)
{
    struct store *store = NULL;
    struct workflow_options options = {
        .space = "default", .task_queue = "bench", .identity = "bench"};
    bool ok = store_open(&store, argv[1], err);

    options.store = store;
    ok = ok && workflow_host_open(&bench->host, &options, err);
    for (char **path = argv + 3; ok && *path; path++)
        ok = load(bench, *path, err);
    ok = ok && measure(bench, strtol(argv[2], NULL, 10), err);
    workflow_host_close(bench->host);
    store_close(store);
    return ok;
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    struct error err = {0};

    if (argc < 4 || strtol(argv[2], NULL, 10) < 1) {
        fprintf(stderr, "usage: replay_bench SCRIPTS TIMES FILE...\n");
        return 2;
    }
    bench.histories = memory_new((size_t)argc * sizeof *bench.histories);
    bool ok = run(&bench, argv, &err);
    if (!ok)
        fprintf(stderr, "replay_bench: %s\n", err.text);
    free(bench.histories);
    arena_release(&bench.arena);
    return ok ? 0 : 1;
}
