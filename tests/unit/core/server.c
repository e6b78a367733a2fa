#include "server.h"

#include <stdio.h>
#include <stdlib.h>

static void complain(struct server *server, const char *what)
{
    if (!*server->complaint)
        snprintf(server->complaint, sizeof server->complaint, "the server refuses %s", what);
}

static unsigned pick(struct server *server, unsigned limit)
{
    return chance_pick(server->chance, limit);
}

static struct event *write_event(struct server *server, const struct event *event)
{
    if (server->count == SERVER_EVENTS)
        abort();
    struct event *e = &server->events[server->count++];
    *e = *event;
    e->id = (int64_t)server->count;
    e->time_ms = 1000000 + 1000 * e->id - (int64_t)pick(server, 4) * 700; /* clocks differ */
    return e;
}

static struct event *write_type(struct server *server, int type)
{
    return write_event(server, &(struct event){.type = type});
}

/* Written now, or held back while a task is begun. */
static void happen(struct server *server, struct event event)
{
    if (!server->started_id)
        write_event(server, &event);
    else if (server->held_count < SERVER_HELD)
        server->held[server->held_count++] = event;
}

static void release_held(struct server *server)
{
    for (size_t i = 0; i < server->held_count; i++)
        write_event(server, &server->held[i]);
    server->held_count = 0;
}

void server_start(struct server *server, struct arena *arena, struct chance *chance)
{
    server->chance = chance;
    server->arena = arena;
    server->count = server->held_count = server->activity_count = server->timer_count = 0;
    server->previous_started_id = server->started_id = 0;
    server->flagged = server->closed = false;
    *server->complaint = '\0';
    write_type(server, EVENT_WORKFLOW_STARTED);
}

static void close_activity(struct server *server)
{
    static const int outcomes[] = {EVENT_ACTIVITY_COMPLETED, EVENT_ACTIVITY_FAILED,
                                   EVENT_ACTIVITY_TIMED_OUT, EVENT_ACTIVITY_CANCELED};
    if (!server->activity_count || server->held_count + 2 > SERVER_HELD)
        return;
    struct server_thing *a = &server->activities[pick(server, (unsigned)server->activity_count)];
    if (a->closed)
        return;
    int outcome = outcomes[pick(server, a->revoked ? 4 : 3)];
    bool alone = pick(server, 4) == 0; /* without a retry policy the start is written at once */
    if (!a->begun && (alone || outcome != EVENT_ACTIVITY_TIMED_OUT || pick(server, 2))) {
        happen(server, (struct event){.type = EVENT_ACTIVITY_STARTED, .initiating_id = a->id});
        a->begun = true;
        if (alone)
            return;
    }
    happen(server, (struct event){.type = outcome, .initiating_id = a->id});
    a->closed = true;
}

static void fire_timer(struct server *server)
{
    if (!server->timer_count || server->held_count == SERVER_HELD)
        return;
    struct server_thing *t = &server->timers[pick(server, (unsigned)server->timer_count)];
    if (t->closed)
        return;
    happen(server, (struct event){.type = EVENT_TIMER_FIRED, .initiating_id = t->id});
    t->closed = true;
}

void server_live(struct server *server)
{
    switch (pick(server, 8)) {
    case 0 ... 2:
        close_activity(server);
        break;
    case 3 ... 4:
        fire_timer(server);
        break;
    case 5:
        happen(server, (struct event){.type = EVENT_WORKFLOW_SIGNALED, .key = SPAN("s")});
        break;
    case 6:
        if (pick(server, 4) == 0)
            happen(server, (struct event){.type = EVENT_WORKFLOW_CANCEL_REQUESTED});
        else
            happen(server, (struct event){.type = 200, .may_ignore = true});
        break;
    default:
        break;
    }
}

static void begin_task(struct server *server)
{
    struct event *begin = write_type(server, EVENT_TASK_STARTED);
    begin->started.history_bytes = begin->id * 100;
    begin->started.suggest_continue_as_new = pick(server, 2);
    server->started_id = begin->id;
}

void server_open_task(struct server *server)
{
    write_type(server, EVENT_TASK_SCHEDULED);
    if (pick(server, 8) == 0) { /* no sticky worker took it */
        write_type(server, EVENT_TASK_TIMED_OUT);
        write_type(server, EVENT_TASK_SCHEDULED);
    }
    if (pick(server, 3) == 0)
        server_live(server);
    begin_task(server);
}

void server_drop_task(struct server *server)
{
    struct event *failed =
        write_type(server, pick(server, 2) ? EVENT_TASK_FAILED : EVENT_TASK_TIMED_OUT);
    if (failed->type == EVENT_TASK_FAILED && pick(server, 4) == 0)
        failed->failed.new_run_id = SPAN("another");
    server->started_id = 0;
    release_held(server);
}

/* --- answers --- */

static struct server_thing *find(struct server_thing *things, size_t count, int64_t id)
{
    for (size_t i = 0; i < count; i++)
        if (things[i].id == id)
            return &things[i];
    return NULL;
}

static struct event *confirm(struct server *server, const struct command *c, int type)
{
    struct event *e = write_type(server, type);
    struct span key = c->key;
    struct span name = c->name;
    if (key.size)
        e->key = (struct span){arena_copy(server->arena, key.data, key.size), key.size};
    if (name.size)
        e->name = (struct span){arena_copy(server->arena, name.data, name.size), name.size};
    return e;
}

static void open_thing(struct server *server, struct server_thing *things, size_t *count,
                       int64_t id)
{
    if (*count == SERVER_THINGS)
        complain(server, "more than the script asked for");
    else
        things[(*count)++] = (struct server_thing){.id = id};
}

static void take_cancel_activity(struct server *server, const struct command *c)
{
    struct server_thing *a = find(server->activities, server->activity_count, c->initiating_id);
    if (!a || a->revoked) {
        complain(server, a ? "a second cancel" : "the cancel of an unknown activity");
        return;
    }
    write_type(server, EVENT_ACTIVITY_CANCEL_REQUESTED)->initiating_id = a->id;
    a->revoked = true;
    if (a->closed || a->begun || pick(server, 2))
        return;
    if (server->held_count == SERVER_HELD)
        return;
    happen(server, (struct event){.type = EVENT_ACTIVITY_CANCELED, .initiating_id = a->id});
    a->closed = true;
}

static void take_cancel_timer(struct server *server, const struct command *c)
{
    struct server_thing *t = find(server->timers, server->timer_count, c->initiating_id);
    size_t kept = 0;
    if (!t) {
        complain(server, "the cancel of an unknown timer");
        return;
    }
    for (size_t i = 0; i < server->held_count; i++)
        if (server->held[i].type != EVENT_TIMER_FIRED || server->held[i].initiating_id != t->id)
            server->held[kept++] = server->held[i];
    if (t->closed && kept == server->held_count)
        complain(server, "the cancel of a timer that fired");
    server->held_count = kept;
    write_type(server, EVENT_TIMER_CANCELED)->initiating_id = t->id;
    t->closed = true;
}

static void take_command(struct server *server, const struct command *c)
{
    static const int closing[] = {
        [COMMAND_COMPLETE_WORKFLOW] = EVENT_WORKFLOW_COMPLETED,
        [COMMAND_FAIL_WORKFLOW] = EVENT_WORKFLOW_FAILED,
        [COMMAND_CANCEL_WORKFLOW] = EVENT_WORKFLOW_CANCELED,
        [COMMAND_CONTINUE_AS_NEW] = EVENT_WORKFLOW_CONTINUED_AS_NEW,
    };
    if (server->closed)
        complain(server, "a command behind the closing one");
    switch (c->type) {
    case COMMAND_SCHEDULE_ACTIVITY:
        open_thing(server, server->activities, &server->activity_count,
                   confirm(server, c, EVENT_ACTIVITY_SCHEDULED)->id);
        break;
    case COMMAND_START_TIMER:
        open_thing(server, server->timers, &server->timer_count,
                   confirm(server, c, EVENT_TIMER_STARTED)->id);
        break;
    case COMMAND_CANCEL_ACTIVITY:
        take_cancel_activity(server, c);
        break;
    case COMMAND_CANCEL_TIMER:
        take_cancel_timer(server, c);
        break;
    case COMMAND_RECORD_MARKER:
        confirm(server, c, EVENT_MARKER_RECORDED);
        break;
    default:
        write_type(server, closing[c->type]);
        server->closed = true;
    }
}

bool server_take(struct server *server, const struct run_answer *answer)
{
    if (answer->terminal && server->held_count) {
        write_type(server, EVENT_TASK_FAILED);
        server->started_id = 0;
        release_held(server);
        return false;
    }
    struct event *completed = write_type(server, EVENT_TASK_COMPLETED);
    completed->completed.flags = answer->new_flags;
    completed->completed.flag_count = answer->new_flag_count;
    if (server->flagged != !answer->new_flag_count)
        complain(server, "flags that are missing or recorded before");
    server->flagged = true;
    server->previous_started_id = server->started_id;
    for (size_t i = 0; i < answer->count; i++)
        take_command(server, answer->commands[i]);
    if (answer->terminal != server->closed)
        complain(server, "an answer that lies about its end");
    if (server->closed)
        server->held_count = 0;
    server->started_id = 0;
    release_held(server);
    return true;
}

void server_terminate(struct server *server)
{
    write_type(server, EVENT_WORKFLOW_TERMINATED);
    server->started_id = 0;
    server->closed = true;
}
