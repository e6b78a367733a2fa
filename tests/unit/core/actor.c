#include "actor.h"

#include <stdio.h>

#include "chance.h"

enum { DEEDS = 6 };

void actor_init(struct actor *actor, uint64_t seed)
{
    *actor = (struct actor){.state = seed};
}

static void complain(struct actor *actor, const char *what, uint32_t seq)
{
    if (!*actor->complaint)
        snprintf(actor->complaint, sizeof actor->complaint, "%s (seq %u)", what, seq);
}

static void note(struct actor *actor, uint64_t what)
{
    actor->state = chance_mix(actor->state, what);
}

static void settle(struct actor *actor, struct thing *things, uint32_t count, uint32_t seq)
{
    if (seq < 1 || seq > count)
        complain(actor, "a job for something never asked for", seq);
    else if (things[seq - 1].settled)
        complain(actor, "a second job for something settled", seq);
    else
        things[seq - 1].settled = true;
}

static void take_job(struct actor *actor, const struct job *job)
{
    note(actor, job->kind);
    note(actor, job->seq);
    note(actor, (uint64_t)job->scheduled_id);
    note(actor, (uint64_t)job->started_id);
    note(actor, job->event ? (uint64_t)job->event->id : 0);
    if (job->kind == JOB_RESOLVE_ACTIVITY)
        settle(actor, actor->activities, actor->activity_count, job->seq);
    if (job->kind == JOB_FIRE_TIMER)
        settle(actor, actor->timers, actor->timer_count, job->seq);
}

static void take_moment(struct actor *actor, const struct run_moment *moment)
{
    if (moment->now_ms < actor->now_ms)
        complain(actor, "the time went back", 0);
    if (actor->ended)
        complain(actor, "jobs came after the end", 0);
    actor->now_ms = moment->now_ms;
    note(actor, (uint64_t)moment->now_ms);
    note(actor, (uint64_t)moment->history_length);
    note(actor, (uint64_t)moment->history_bytes);
    note(actor, moment->suggest_continue_as_new);
}

static unsigned pick(struct actor *actor, unsigned limit)
{
    note(actor, 7);
    return (unsigned)(actor->state >> 32) % limit;
}

static bool schedule(struct actor *actor, struct command *c, struct arena *arena)
{
    static const char *const names[] = {"charge", "reserve", "ship"};
    if (actor->activity_count == ACTOR_THINGS)
        return false;
    c->type = COMMAND_SCHEDULE_ACTIVITY;
    c->seq = ++actor->activity_count;
    c->key = span_of(arena_printf(arena, "%u", c->seq));
    c->name = span_of(arena_copy_text(arena, names[pick(actor, 3)]));
    return true;
}

static bool start_timer(struct actor *actor, struct command *c, struct arena *arena)
{
    if (actor->timer_count == ACTOR_THINGS)
        return false;
    c->type = COMMAND_START_TIMER;
    c->seq = ++actor->timer_count;
    c->key = span_of(arena_printf(arena, "%u", c->seq));
    return true;
}

static bool cancel_activity(struct actor *actor, struct command *c)
{
    if (!actor->activity_count)
        return false;
    c->type = COMMAND_CANCEL_ACTIVITY;
    c->seq =
        actor->activity_count - pick(actor, actor->activity_count < 4 ? actor->activity_count : 4);
    c->cancel_mode = pick(actor, 3);
    actor->activities[c->seq - 1].canceled = true;
    return true;
}

static bool cancel_timer(struct actor *actor, struct command *c)
{
    if (!actor->timer_count)
        return false;
    c->type = COMMAND_CANCEL_TIMER;
    c->seq = actor->timer_count - pick(actor, actor->timer_count < 4 ? actor->timer_count : 4);
    actor->timers[c->seq - 1].settled = true;
    return true;
}

static bool mark(struct actor *actor, struct command *c, struct arena *arena)
{
    c->type = COMMAND_RECORD_MARKER;
    c->key = span_of(arena_printf(arena, "%c", 'a' + (int)pick(actor, 2)));
    return true;
}

static bool end(struct actor *actor, struct command *c)
{
    static const enum command_type types[] = {COMMAND_COMPLETE_WORKFLOW, COMMAND_FAIL_WORKFLOW,
                                              COMMAND_CANCEL_WORKFLOW, COMMAND_CONTINUE_AS_NEW};
    c->type = types[pick(actor, 4)];
    actor->ended = true;
    return true;
}

static bool choose(struct actor *actor, struct command *c, struct arena *arena)
{
    switch (pick(actor, 24)) {
    case 0 ... 6:
        return schedule(actor, c, arena);
    case 7 ... 11:
        return start_timer(actor, c, arena);
    case 12 ... 15:
        return cancel_activity(actor, c);
    case 16 ... 18:
        return cancel_timer(actor, c);
    case 19:
        return end(actor, c);
    default:
        return mark(actor, c, arena);
    }
}

struct command *actor_act(struct actor *actor, const struct run_jobs *jobs, struct arena *arena,
                          size_t *count)
{
    struct command *commands = arena_alloc(arena, DEEDS * sizeof *commands);
    take_moment(actor, &jobs->moment);
    for (size_t i = 0; i < jobs->count; i++)
        take_job(actor, &jobs->jobs[i]);
    *count = 0;
    for (unsigned deeds = pick(actor, DEEDS + 1); deeds > 0; deeds--) {
        commands[*count].place = span_of(arena_copy_text(arena, "actor.lua:1"));
        *count += choose(actor, &commands[*count], arena);
    }
    return commands;
}
