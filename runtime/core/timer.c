/*
 *     state      input      next       effect
 *     ASKED      RECORDED   RUNNING
 *     ASKED      CANCEL     CLOSED     drop: neither command is sent
 *     RUNNING    FIRED      CLOSED     fire
 *     RUNNING    CANCEL     CANCELING  ask for the cancel
 *     CANCELING  CANCELED   CLOSED
 *
 * A cancel wakes its waiter in the script at once, so it makes no job, and a closed timer is
 * forgotten, so a cancel that comes too late is nothing. The server drops a fire that it had not
 * written yet when it takes the cancel: CANCELING cannot see FIRED.
 */
#include "core/entity.h"

enum { CLOSED, ASKED, RUNNING, CANCELING };
enum { IN_RECORDED, IN_FIRED, IN_CANCEL, IN_CANCELED };
enum { DROP = 1, FIRE, ASK_CANCEL };

static const char *const states[] = {"CLOSED", "ASKED", "RUNNING", "CANCELING"};
static const char *const inputs[] = {"TimerStarted", "TimerFired", "a cancel", "TimerCanceled"};

static const struct machine_row rows[] = {
    {ASKED,     IN_RECORDED, RUNNING,   0         },
    {ASKED,     IN_CANCEL,   CLOSED,    DROP      },
    {RUNNING,   IN_FIRED,    CLOSED,    FIRE      },
    {RUNNING,   IN_CANCEL,   CANCELING, ASK_CANCEL},
    {CANCELING, IN_CANCELED, CLOSED,    0         },
};

const struct machine_table timer_table = {
    "the timer", states, inputs, rows, sizeof rows / sizeof *rows, SLOT_TIMER,
};

bool timer_start(struct run *run, const struct command *command, struct error *err)
{
    if (!roster_add(&run->timers, command->seq, ASKED))
        return error_set(err, ERROR_BUG, "timer %u was started before", command->seq);
    match_ask(&run->match, command);
    return true;
}

bool timer_revoke(struct run *run, const struct command *command, struct error *err)
{
    struct machine *timer = roster_by_seq(&run->timers, command->seq);
    struct command cancel = *command;
    if (command->seq > run->timers.last_seq)
        return error_set(err, ERROR_BUG, "timer %u was never started", command->seq);
    if (!timer || timer->state == CANCELING)
        return true;
    int effect = machine_step(&timer_table, &timer->state, IN_CANCEL)->effect;
    cancel.initiating_id = timer->event_id;
    if (effect == ASK_CANCEL)
        match_ask(&run->match, &cancel);
    if (effect == DROP) {
        match_drop(&run->match, COMMAND_START_TIMER, timer->seq);
        roster_strike(&run->timers, timer);
    }
    return true;
}

/* A command that waits to be confirmed has its machine in the state for it: no row can miss. */
void timer_started(struct run *run, const struct command *command, const struct event *event)
{
    struct machine *timer = roster_by_seq(&run->timers, command->seq);
    machine_step(&timer_table, &timer->state, IN_RECORDED);
    timer->event_id = event->id;
}

void timer_canceled(struct run *run, const struct command *command, const struct event *event)
{
    struct machine *timer = roster_by_seq(&run->timers, command->seq);
    (void)event;
    machine_step(&timer_table, &timer->state, IN_CANCELED);
    roster_close(&run->timers, timer);
}

bool timer_hear(struct run *run, const struct event *event, struct error *err)
{
    struct machine *timer = roster_by_event(&run->timers, event->initiating_id);
    if (!timer)
        return entity_not_open("timer", event, err);
    const struct machine_row *row = machine_step(&timer_table, &timer->state, IN_FIRED);
    if (!row) {
        machine_refuse(&timer_table, timer->state, IN_FIRED, err);
        return error_add(err, "event %lld", (long long)event->id);
    }
    if (row->effect == FIRE)
        jobs_add(&run->jobs,
                 (struct job){.kind = JOB_FIRE_TIMER, .seq = timer->seq, .event = event});
    roster_close(&run->timers, timer);
    return true;
}
