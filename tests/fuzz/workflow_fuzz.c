/* room: workflow; with: history */
/* Histories that no server would send: packed bytes as they come, or, by the first byte, one of
 * those below with events dropped, doubled, exchanged and spoiled. A run may refuse them; it must
 * not fall, and the host must still replay a good one. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit/workflow/history.h"
#include "base/log.h"
#include "core/event.h"
#include "workflow/workflow.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char *const script =
    "workflow 'W' {\n"
    "  run = function(x)\n"
    "    local inbox = workflow.signal('go')\n"
    "    local a = workflow.start('a', x, { cancel = 'wait' })\n"
    "    pcall(workflow.timeout, 5, function() workflow.call('b', workflow.random()) end)\n"
    "    local ok, err = pcall(a.wait, a)\n"
    "    inbox:receive(9)\n"
    "    workflow.await(function() return inbox:waiting() == 0 end, 3)\n"
    "    if not ok then error(err) end\n"
    "    return { ok, tostring(err) }\n"
    "  end,\n"
    "  signals = { poke = function(y) workflow.call('c', y) end },\n"
    "}\n";

static const char *const tales[] = {
    "start W 5; task; activity 1 a; timer 1; activity 2 b; done 1 7; done 2 8; task; stopped 1; "
    "timer 2;"
    "signal go 1; task; stopped 2; complete [true,'7']",
    "start W; signal poke 3; task; activity 1 a; timer 1; activity 2 b; activity 3 c; fired 1; "
    "broke 1 E x;"
    "late 3; task; revoke 2; timer 2; lost; cancel; failed; task; stopped 2; fail",
    "start W 5; pinned; activity 1 a; timer 1; activity 2 b; done 1 7; task; stopped 1; complete 7",
    "start W 1; failed; task; activity 1 a; timer 1; activity 2 b; cancel; reset other; task; "
    "stopped 1;"
    "revoke 2; revoke 1; revoked 1; task; cancelled",
};

static struct workflow_host *host;
static char folder[] = "/tmp/workflow-fuzz-XXXXXX";

static void remove_folder(void)
{
    char path[128];

    snprintf(path, sizeof path, "%s/workflows/w.lua", folder);
    remove(path);
    *strrchr(path, '/') = 0;
    remove(path);
    remove(folder);
}

static void open_host(void)
{
    struct error err = {0};
    struct store *store;
    char path[128];

    log_configure((struct log_options){.level = LOG_ERROR});
    if (!mkdtemp(folder))
        abort();
    atexit(remove_folder);
    snprintf(path, sizeof path, "%s/workflows", folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/workflows/w.lua", folder);
    FILE *file = fopen(path, "w");
    fputs(script, file);
    fclose(file);
    struct workflow_options options = {.space = "s", .task_queue = "q", .identity = "i"};
    if (!store_open(&store, folder, &err))
        abort();
    options.store = store;
    if (!workflow_host_open(&host, &options, &err))
        abort();
}

/* Two bytes a deed: what to do, and to which event. */
static void spoil(Tpb__History__History *history, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i + 1 < size && history->n_events > 1; i += 2) {
        size_t at = bytes[i + 1] % history->n_events;
        size_t next = (at + 1) % history->n_events;
        Tpb__History__HistoryEvent **events = history->events;
        switch (bytes[i] % 6) {
        case 0:
            history->n_events = at + 1;
            break;
        case 1:
            events[at] = events[next];
            break;
        case 2:
            events[at]->attributes_case = 0;
            break;
        case 3:
            events[at]->event_type = (Tpb__Enums__EventType)(bytes[i] / 3);
            break;
        case 4:
            events[at]->workflow_execution_started_event_attributes =
                events[next]->workflow_execution_started_event_attributes;
            events[at]->attributes_case = events[next]->attributes_case;
            events[at]->event_type = events[next]->event_type;
            break;
        default:
            events[at]->event_id += bytes[i] / 64 - 1;
        }
    }
}

static Tpb__History__History *read_history(struct arena *arena, const uint8_t *bytes, size_t size)
{
    struct error err = {0};
    size_t count = sizeof tales / sizeof *tales;

    if (*bytes % 2 == 0)
        return proto_unpack(&tpb__history__history__descriptor,
                            (struct span){(const char *)bytes + 1, size - 1}, arena, &err);
    Tpb__History__History *history = history_of(arena, tales[*bytes / 2 % count]);
    spoil(history, bytes + 1, size - 1);
    return history;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const enum workflow_replay_mode modes[] = {REPLAY_WHOLE, REPLAY_TASK_BY_TASK,
                                                      REPLAY_EVICTING};
    struct arena arena = {0};
    struct error err = {0};

    if (!host)
        open_host();
    if (!size)
        return 0;
    Tpb__History__History *history = read_history(&arena, bytes, size);
    for (size_t i = 0; history && i < 3; i++) {
        struct workflow_replay_report report = {.keep_commands = true};
        workflow_replay(host, history, "id", modes[i], &report, &err);
        bytes_release(&report.commands);
    }
    if (!workflow_replay(host, history_of(&arena, tales[0]), "id", REPLAY_WHOLE, NULL, &err)) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    arena_release(&arena);
    return 0;
}
