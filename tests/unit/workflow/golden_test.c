/*
 * Recorded histories against the scripts that must still do what they say.
 *
 * tests/replay/NAME/ holds workflow.lua and history.json, recorded by this worker.
 * tests/replay/foreign holds scripts that do what workflows of other SDKs did; those histories lie
 * outside of the project
 * (../shared/histories, or the folder in $HISTORIES), and their stories are skipped without them.
 */
#include "story.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/event.h"
#include "script/protojson.h"
#include "workflow/theatre.h"

static struct span read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct bytes text = {0};
    char block[4096];
    size_t got;

    if (!file)
        return (struct span){0};
    while ((got = fread(block, 1, sizeof block, file)) > 0)
        bytes_add(&text, block, got);
    fclose(file);
    struct span kept = {arena_copy(theatre_arena(), bytes_text(&text), text.size), text.size};
    bytes_release(&text);
    return kept;
}

static Tpb__History__History *read_history(const char *path)
{
    Tpb__History__History *history;
    struct error err = {0};
    struct span file = read_file(path);

    if (!file.data)
        return NULL;
    if (!history_read(file, theatre_arena(), &history, &err))
        fail_msg("%s: %s", path, err.text);
    return history;
}

/* --- our own --- */

static void our_own_histories_replay(void **state)
{
    DIR *folder = opendir("tests/replay");
    struct dirent *entry;
    char path[512];

    (void)state;
    assert_non_null(folder);
    while ((entry = readdir(folder))) {
        snprintf(path, sizeof path, "tests/replay/%s/history.json", entry->d_name);
        Tpb__History__History *history = read_history(path);
        if (!history)
            continue;
        snprintf(path, sizeof path, "tests/replay/%s/workflow.lua", entry->d_name);
        print_message("replaying %s\n", entry->d_name);
        theatre_script("workflows/t.lua", read_file(path).data);
        theatre_replays_history(history);
        theatre_forget();
    }
    closedir(folder);
}

/* --- those of other SDKs --- */

/* Other SDKs number activities and timers by event or by UUID, we by order; and their flags mean
 * other things than ours. */
static void make_ours(Tpb__History__History *history)
{
    int activities = 0, timers = 0;

    for (size_t i = 0; i < history->n_events; i++) {
        Tpb__History__HistoryEvent *e = history->events[i];
        if ((int)e->event_type == EVENT_ACTIVITY_SCHEDULED)
            e->activity_task_scheduled_event_attributes->activity_id =
                arena_printf(theatre_arena(), "%d", ++activities);
        if ((int)e->event_type == EVENT_TIMER_STARTED)
            e->timer_started_event_attributes->timer_id =
                arena_printf(theatre_arena(), "%d", ++timers);
        if ((int)e->event_type == EVENT_TASK_COMPLETED)
            e->workflow_task_completed_event_attributes->sdk_metadata = NULL;
    }
}

static Tpb__History__History *foreign(const char *name)
{
    const char *dir = getenv("HISTORIES") ? getenv("HISTORIES") : "../shared/histories";
    char path[512];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    Tpb__History__History *history = read_history(path);
    if (!history)
        skip();
    snprintf(path, sizeof path, "tests/replay/foreign/%.3s.lua", name);
    theatre_script("workflows/t.lua", read_file(path).data);
    make_ours(history);
    return history;
}

static void foreign_replays(void **state)
{
    theatre_replays_history(foreign(*state));
}

static void foreign_is_refused(void **state)
{
    theatre_refuses_history(foreign(*state), ERROR_HISTORY, "[TMPRL1100]");
}

static char *name;

static int open_foreign(void **state)
{
    name = *state;
    int opened = theatre_open(state);
    *state = name;
    return opened;
}

#define FOREIGN(file, story)                                                                       \
    {                                                                                              \
        .name = file, .test_func = story, .setup_func = open_foreign,                              \
        .teardown_func = theatre_close, .initial_state = (void *)file                              \
    }

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test_setup_teardown(our_own_histories_replay, theatre_open, theatre_close),
        FOREIGN("H02-history.go.v1.11.0.json", foreign_replays),
        FOREIGN("H04-history.go.v1.5.0.json", foreign_replays),
        FOREIGN("H05-history.java.1.0.6.json", foreign_replays),
        FOREIGN("H08-await-with-timeout-no-timer-cancel.json", foreign_replays),
        FOREIGN("H09-activity-same-time-as-cancel.json", foreign_replays),
        FOREIGN("H13-test_replayer_event_tracing_alternate.json", foreign_replays),
        FOREIGN("H15-history.manual.json", foreign_replays),
        FOREIGN("H23-replay-tests-cancel-order.json", foreign_replays),
        FOREIGN("H25-cancel_fake_progress_history.json", foreign_replays),
        FOREIGN("H27-lang_flags_replay_correctly_1_11_2.json", foreign_replays),
        FOREIGN("H30-unhandled_cmd_timer_cancel.json", foreign_replays),
        FOREIGN("N02-bad-continue-as-new-2.json", foreign_is_refused),
        FOREIGN("N10-test_replayer_nondeterministic_history.json", foreign_is_refused),
    };

    return RUN_STORIES("golden histories", stories);
}
