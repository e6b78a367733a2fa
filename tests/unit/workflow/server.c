#include "workflow/server.h"

#include "story.h"

#include <stdio.h>
#include <string.h>

#include "core/event.h"

enum { TASKS_MAX = 400, PENDING_MAX = 256, ID_SIZE = 24 };

typedef Tpb__Workflowservice__RespondWorkflowTaskCompletedRequest Completed;

struct pending {
    char id[ID_SIZE];
    int64_t event_id;
    bool timer;
    bool revoked;
};

struct server {
    uint64_t chance;
    struct history_writer *writer;
    struct workflow_run *kept;
    struct pending pending[PENDING_MAX];
    size_t count;
    int64_t previous_started;
    size_t delivered; /* events that the kept run has seen */
    bool cancelled;
    bool closed;
};

static unsigned draw(struct server *s, unsigned below)
{
    s->chance ^= s->chance << 13;
    s->chance ^= s->chance >> 7;
    s->chance ^= s->chance << 17;
    return (unsigned)((s->chance >> 20) % below);
}

__attribute__((format(printf, 2, 3))) static void say(struct server *s, const char *format, ...)
{
    char words[512];
    va_list args;

    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    history_say(s->writer, words);
}

static size_t said(const struct server *s)
{
    return history_said(s->writer)->n_events;
}

/* --- what goes on outside --- */

static void forget(struct server *s, size_t index)
{
    s->pending[index] = s->pending[--s->count];
}

static void end_one(struct server *s, size_t index)
{
    const struct pending *p = &s->pending[index];
    unsigned fate = draw(s, 10);

    if (p->timer)
        say(s, "fired %s", p->id);
    else if (p->revoked && fate < 5)
        say(s, "revoked %s", p->id);
    else if (fate < 7)
        say(s, "done %s %u", p->id, draw(s, 100));
    else if (fate < 9)
        say(s, "broke %s VendorError no luck", p->id);
    else
        say(s, "late %s", p->id);
    forget(s, index);
}

static void let_time_pass(struct server *s)
{
    size_t before = said(s);

    while (said(s) == before) {
        if (draw(s, 4) == 0)
            say(s, "signal go %u", draw(s, 100));
        if (draw(s, 5) == 0)
            say(s, "signal poke %u", draw(s, 100));
        if (!s->cancelled && draw(s, 60) == 0) {
            say(s, "cancel");
            s->cancelled = true;
        }
        while (s->count && draw(s, 2))
            end_one(s, draw(s, (unsigned)s->count));
    }
}

/* --- what a completion asks for --- */

static void add_pending(struct server *s, const char *id, bool timer)
{
    assert_true(s->count < PENDING_MAX);
    struct pending *p = &s->pending[s->count++];
    *p = (struct pending){.event_id = (int64_t)said(s), .timer = timer};
    snprintf(p->id, sizeof p->id, "%s", id);
}

static size_t find(const struct server *s, const char *id, int64_t event_id, bool timer)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->pending[i].timer == timer &&
            (id ? strcmp(s->pending[i].id, id) == 0 : s->pending[i].event_id == event_id))
            return i;
    fail_msg("the server knows no %s %s of event %lld", timer ? "timer" : "activity", id ? id : "",
             (long long)event_id);
    return 0;
}

static void schedule(struct server *s, const Tpb__Command__Command *c)
{
    const Tpb__Command__ScheduleActivityTaskCommandAttributes *a =
        c->schedule_activity_task_command_attributes;

    say(s, "activity %s %s", a->activity_id, a->activity_type->name);
    add_pending(s, a->activity_id, false);
}

static void revoke(struct server *s, const Tpb__Command__Command *c)
{
    size_t i = find(s, NULL, c->request_cancel_activity_task_command_attributes->scheduled_event_id,
                    false);

    say(s, "revoke %s", s->pending[i].id);
    s->pending[i].revoked = true;
}

static void stop_timer(struct server *s, const Tpb__Command__Command *c)
{
    const char *id = c->cancel_timer_command_attributes->timer_id;

    say(s, "stopped %s", id);
    forget(s, find(s, id, 0, true));
}

static void close_run(struct server *s, const char *word)
{
    say(s, "%s", word);
    s->closed = true;
}

static void record_marker(struct server *s, const Tpb__Command__Command *c)
{
    const Tpb__Command__RecordMarkerCommandAttributes *a = c->record_marker_command_attributes;

    say(s, "marker %s", a->marker_name);
    history_mark(history_said(s->writer)->events[said(s) - 1], theatre_arena(), a);
}

static void obey(struct server *s, const Tpb__Command__Command *c)
{
    assert_false(s->closed);
    switch ((int)c->command_type) {
    case COMMAND_SCHEDULE_ACTIVITY:
        schedule(s, c);
        break;
    case COMMAND_CANCEL_ACTIVITY:
        revoke(s, c);
        break;
    case COMMAND_START_TIMER:
        say(s, "timer %s", c->start_timer_command_attributes->timer_id);
        add_pending(s, c->start_timer_command_attributes->timer_id, true);
        break;
    case COMMAND_CANCEL_TIMER:
        stop_timer(s, c);
        break;
    case COMMAND_RECORD_MARKER:
        record_marker(s, c);
        break;
    case COMMAND_COMPLETE_WORKFLOW:
        close_run(s, "complete");
        break;
    case COMMAND_FAIL_WORKFLOW:
        close_run(s, "fail");
        break;
    case COMMAND_CANCEL_WORKFLOW:
        close_run(s, "cancelled");
        break;
    case COMMAND_CONTINUE_AS_NEW:
        close_run(s, "renew");
        break;
    default:
        fail_msg("command %d", (int)c->command_type);
    }
}

/* --- a task --- */

static Tpb__Workflowservice__PollWorkflowTaskQueueResponse *new_poll(const struct server *s,
                                                                     size_t first)
{
    struct arena *arena = theatre_arena();
    Tpb__Workflowservice__PollWorkflowTaskQueueResponse *poll =
        proto_new(&tpb__workflowservice__poll_workflow_task_queue_response__descriptor, arena);

    poll->workflow_execution = proto_new(&tpb__common__workflow_execution__descriptor, arena);
    poll->workflow_execution->workflow_id = "id";
    poll->workflow_execution->run_id = "run";
    poll->attempt = 1;
    poll->previous_started_event_id = s->previous_started;
    poll->history = proto_new(&tpb__history__history__descriptor, arena);
    poll->history->events = history_said(s->writer)->events + first;
    poll->history->n_events = said(s) - first;
    return poll;
}

static struct workflow_answer
answer_of(struct workflow_run *run, const Tpb__Workflowservice__PollWorkflowTaskQueueResponse *poll)
{
    struct workflow_answer answer;

    workflow_begin(run, theatre_arena(), poll);
    assert_int_equal(workflow_step(run, &answer), WORKFLOW_ANSWERS);
    workflow_end(run);
    return answer;
}

static struct workflow_answer ask(struct server *s, struct workflow_run *run, size_t first)
{
    Tpb__Workflowservice__PollWorkflowTaskQueueResponse *poll = new_poll(s, first);

    poll->started_event_id = (int64_t)said(s);
    struct workflow_answer answer = answer_of(run, poll);
    if (answer.kind != ANSWER_COMPLETED)
        fail_msg("task of event %zu: %.*s", said(s), (int)answer.error.size,
                 answer.error.size ? answer.error.data : "");
    return answer;
}

static void keep_new_run(struct server *s)
{
    workflow_run_free(s->kept);
    s->kept = workflow_run_new(theatre_host(), SPAN("run"));
    s->delivered = 0;
}

/* A query between tasks, which history never hears of. */
static void query_kept(struct server *s)
{
    Tpb__Workflowservice__PollWorkflowTaskQueueResponse *poll = new_poll(s, s->delivered);

    poll->query = proto_new(&tpb__query__workflow_query__descriptor, theatre_arena());
    poll->query->query_type = "peek";
    struct workflow_answer answer = answer_of(s->kept, poll);
    if (answer.kind != ANSWER_QUERY)
        fail_msg("query behind event %zu: %.*s", said(s), (int)answer.error.size,
                 answer.error.size ? answer.error.data : "");
    if (answer.evict)
        keep_new_run(s);
}

static struct span ask_both(struct server *s)
{
    struct workflow_run *fresh = workflow_run_new(theatre_host(), SPAN("run"));
    struct workflow_answer kept = ask(s, s->kept, s->delivered);
    struct workflow_answer rebuilt = ask(s, fresh, 0);

    if (!span_equal(kept.body, rebuilt.body))
        fail_msg("task of event %zu: from memory %zu bytes, rebuilt %zu bytes", said(s),
                 kept.body.size, rebuilt.body.size);
    workflow_run_free(fresh);
    return kept.body;
}

static void work_off(struct server *s)
{
    struct error err = {0};

    say(s, "open");
    struct span body = ask_both(s);
    if (draw(s, 12) == 0) {
        say(s, "refused; signal go 1");
        keep_new_run(s);
        return;
    }
    s->previous_started = (int64_t)said(s);
    s->delivered = said(s);
    say(s, "answered");
    const Completed *completed =
        proto_unpack(&tpb__workflowservice__respond_workflow_task_completed_request__descriptor,
                     body, theatre_arena(), &err);
    for (size_t i = 0; i < completed->n_commands; i++)
        obey(s, completed->commands[i]);
    if (draw(s, 10) == 0)
        keep_new_run(s);
    else if (!s->closed && draw(s, 3) == 0)
        query_kept(s);
}

Tpb__History__History *server_play(const char *workflow, uint64_t seed)
{
    struct server s = {.chance = seed * 0x9e3779b97f4a7c15 + 1};

    s.writer = history_begin(theatre_arena());
    keep_new_run(&s);
    say(&s, "start %s %u", workflow, draw(&s, 1000));
    history_said(s.writer)
        ->events[0]
        ->workflow_execution_started_event_attributes->original_execution_run_id =
        arena_printf(theatre_arena(), "run-%llu", (unsigned long long)seed);
    for (int task = 0; !s.closed; task++) {
        if (task == TASKS_MAX)
            fail_msg("seed %llu: no end after %d tasks", (unsigned long long)seed, task);
        work_off(&s);
        if (!s.closed)
            let_time_pass(&s);
    }
    workflow_run_free(s.kept);
    return history_said(s.writer);
}
