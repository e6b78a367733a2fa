#include "workflow/theatre.h"

#include "core/event.h"
#include "story.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char dir[64];
static struct store *store;
static struct workflow_host *host;
static struct arena arena;

static const enum workflow_replay_mode modes[] = {REPLAY_WHOLE, REPLAY_TASK_BY_TASK,
                                                  REPLAY_EVICTING};
static const char *const mode_names[] = {"whole", "task by task", "evicting"};

int theatre_open(void **state)
{
    char folder[128];

    (void)state;
    strcpy(dir, "/tmp/workflow-test-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(folder, sizeof folder, "%s/workflows", dir);
    return mkdir(folder, 0700);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

void theatre_forget(void)
{
    workflow_host_close(host);
    store_close(store);
    host = NULL;
    store = NULL;
}

int theatre_close(void **state)
{
    (void)state;
    theatre_forget();
    arena_release(&arena);
    return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void theatre_script(const char *name, const char *text)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

bool theatre_try_host(struct workflow_options options, struct error *err)
{
    if (!store_open(&store, dir, err))
        return false;
    options.store = store;
    options.space = "default";
    options.task_queue = "theatre";
    options.identity = "tester";
    return workflow_host_open(&host, &options, err);
}

struct workflow_host *theatre_host(void)
{
    struct error err = {0};

    if (!host && !theatre_try_host((struct workflow_options){0}, &err))
        fail_msg("%s", err.text);
    return host;
}

bool theatre_prepare(struct error *err)
{
    struct store *reading;

    if (!store_open(&reading, dir, err))
        return false;
    bool ok = workflow_host_prepare(host, reading, err);
    store_close(reading);
    return ok;
}

bool theatre_reload(struct error *err)
{
    bool ok = theatre_prepare(err);

    if (ok)
        workflow_host_take(host);
    return ok;
}

struct arena *theatre_arena(void)
{
    return &arena;
}

void theatre_rest(void)
{
    arena_reset(&arena);
}

static void same(const struct bytes *commands, const struct bytes *expected, const char *mode)
{
    if (commands->size != expected->size ||
        memcmp(commands->data, expected->data, expected->size) != 0)
        fail_msg("replayed %s the commands differ: %zu and %zu bytes", mode, commands->size,
                 expected->size);
}

static const char *payload_text(const Tpb__Common__Payloads *payloads)
{
    return payloads && payloads->n_payloads ? arena_copy(&arena, payloads->payloads[0]->data.data,
                                                         payloads->payloads[0]->data.len)
                                            : "(nothing)";
}

/* The last command against the last event. */
static void ends_alike(const Tpb__History__History *history, const struct bytes *commands)
{
    const Tpb__History__HistoryEvent *end = history->events[history->n_events - 1];
    struct error err = {0};
    const Tpb__Workflowservice__RespondWorkflowTaskCompletedRequest *all =
        proto_unpack(&tpb__workflowservice__respond_workflow_task_completed_request__descriptor,
                     bytes_span(commands), &arena, &err);

    if ((int)end->event_type != EVENT_WORKFLOW_COMPLETED ||
        !end->workflow_execution_completed_event_attributes->result)
        return;
    assert_non_null(all);
    assert_string_equal(payload_text(all->commands[all->n_commands - 1]
                                         ->complete_workflow_execution_command_attributes->result),
                        payload_text(end->workflow_execution_completed_event_attributes->result));
}

/* Replays in all ways; the commands of the first one, which the caller releases. */
static struct bytes replay_all(const Tpb__History__History *history)
{
    struct workflow_replay_report first = {.keep_commands = true};
    struct error err = {0};

    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct workflow_replay_report report = {.keep_commands = true};
        if (!workflow_replay(theatre_host(), history, "id", modes[i], i ? &report : &first, &err))
            fail_msg("replayed %s: %s", mode_names[i], err.text);
        if (i > 0)
            same(&report.commands, &first.commands, mode_names[i]);
        bytes_release(&report.commands);
    }
    return first.commands;
}

void theatre_replays_history(const Tpb__History__History *history)
{
    struct bytes commands = replay_all(history);

    ends_alike(history, &commands);
    bytes_release(&commands);
}

void theatre_replays(const char *script, const char *words)
{
    theatre_script("workflows/t.lua", script);
    theatre_replays_history(history_of(&arena, words));
}

void theatre_refuses_history(const Tpb__History__History *history, enum error_kind kind,
                             const char *text)
{
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct error err = {0};
        if (workflow_replay(theatre_host(), history, "id", modes[i], NULL, &err))
            fail_msg("replayed %s it passes", mode_names[i]);
        if (!strstr(err.text, text) || err.kind != kind)
            fail_msg("replayed %s: \"%s\" (%s) is not \"%s\" (%s)", mode_names[i], err.text,
                     error_kind_name(err.kind), text, error_kind_name(kind));
    }
}

void theatre_refuses(const char *script, const char *words, enum error_kind kind, const char *text)
{
    theatre_script("workflows/t.lua", script);
    theatre_refuses_history(history_of(&arena, words), kind, text);
}
