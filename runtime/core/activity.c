/*
 *     state       input              next        effect
 *     ASKED       RECORDED           SCHEDULED
 *     ASKED       TRY WAIT ABANDON   CLOSED      drop, release: nothing is sent
 *     SCHEDULED   STARTED            STARTED
 *     SCHEDULED   TIMED_OUT          CLOSED      resolve
 *     STARTED     COMPLETED          CLOSED      resolve
 *     STARTED     FAILED             CLOSED      resolve
 *     STARTED     TIMED_OUT          CLOSED      resolve
 *     SCHEDULED   TRY                TRYING      ask for the cancel, release
 *     STARTED     TRY                TRYING      ask for the cancel, release
 *     SCHEDULED   WAIT               WAITING     ask for the cancel
 *     STARTED     WAIT               WAITING     ask for the cancel
 *     SCHEDULED   ABANDON            ABANDONED   release
 *     STARTED     ABANDON            ABANDONED   release
 *     TRYING      CANCEL_RECORDED    TRIED
 *     WAITING     CANCEL_RECORDED    WAITED
 *     TRIED       STARTED            TRIED
 *     WAITED      STARTED            WAITED
 *     ABANDONED   STARTED            ABANDONED
 *     TRIED       any outcome        CLOSED
 *     WAITED      any outcome        CLOSED      resolve
 *     ABANDONED   any outcome        CLOSED
 *
 * Any outcome: COMPLETED, FAILED, TIMED_OUT, CANCELED. Resolve: a job with the outcome. Release: a
 * job without an event in the next round of the same task, the script's await raises Cancelled.
 * A second cancel, and one for a closed activity, is nothing.
 */
#include "core/entity.h"

enum { CLOSED, ASKED, SCHEDULED, STARTED, TRYING, WAITING, TRIED, WAITED, ABANDONED };
enum {
    IN_RECORDED,
    IN_STARTED,
    IN_COMPLETED,
    IN_FAILED,
    IN_TIMED_OUT,
    IN_CANCELED,
    IN_CANCEL_RECORDED,
    IN_TRY,
    IN_WAIT,
    IN_ABANDON,
};
enum { RESOLVE = 1, RELEASE = 2, DROP = 4, ASK_CANCEL = 8 };

static const char *const states[] = {"CLOSED",  "ASKED", "SCHEDULED", "STARTED",  "TRYING",
                                     "WAITING", "TRIED", "WAITED",    "ABANDONED"};
static const char *const inputs[] = {
    "ActivityTaskScheduled",       "ActivityTaskStarted",  "ActivityTaskCompleted",
    "ActivityTaskFailed",          "ActivityTaskTimedOut", "ActivityTaskCanceled",
    "ActivityTaskCancelRequested", "a cancel (try)",       "a cancel (wait)",
    "a cancel (abandon)",
};

static const struct machine_row rows[] = {
    {ASKED,     IN_RECORDED,        SCHEDULED, 0                   },
    {SCHEDULED, IN_STARTED,         STARTED,   0                   },
    {STARTED,   IN_COMPLETED,       CLOSED,    RESOLVE             },
    {STARTED,   IN_FAILED,          CLOSED,    RESOLVE             },
    {STARTED,   IN_TIMED_OUT,       CLOSED,    RESOLVE             },
    {SCHEDULED, IN_TIMED_OUT,       CLOSED,    RESOLVE             },
    {ASKED,     IN_TRY,             CLOSED,    DROP | RELEASE      },
    {ASKED,     IN_WAIT,            CLOSED,    DROP | RELEASE      },
    {ASKED,     IN_ABANDON,         CLOSED,    DROP | RELEASE      },
    {SCHEDULED, IN_TRY,             TRYING,    ASK_CANCEL | RELEASE},
    {STARTED,   IN_TRY,             TRYING,    ASK_CANCEL | RELEASE},
    {SCHEDULED, IN_WAIT,            WAITING,   ASK_CANCEL          },
    {STARTED,   IN_WAIT,            WAITING,   ASK_CANCEL          },
    {SCHEDULED, IN_ABANDON,         ABANDONED, RELEASE             },
    {STARTED,   IN_ABANDON,         ABANDONED, RELEASE             },
    {TRYING,    IN_CANCEL_RECORDED, TRIED,     0                   },
    {WAITING,   IN_CANCEL_RECORDED, WAITED,    0                   },
    {TRIED,     IN_STARTED,         TRIED,     0                   },
    {TRIED,     IN_COMPLETED,       CLOSED,    0                   },
    {TRIED,     IN_FAILED,          CLOSED,    0                   },
    {TRIED,     IN_TIMED_OUT,       CLOSED,    0                   },
    {TRIED,     IN_CANCELED,        CLOSED,    0                   },
    {WAITED,    IN_STARTED,         WAITED,    0                   },
    {WAITED,    IN_COMPLETED,       CLOSED,    RESOLVE             },
    {WAITED,    IN_FAILED,          CLOSED,    RESOLVE             },
    {WAITED,    IN_TIMED_OUT,       CLOSED,    RESOLVE             },
    {WAITED,    IN_CANCELED,        CLOSED,    RESOLVE             },
    {ABANDONED, IN_STARTED,         ABANDONED, 0                   },
    {ABANDONED, IN_COMPLETED,       CLOSED,    0                   },
    {ABANDONED, IN_FAILED,          CLOSED,    0                   },
    {ABANDONED, IN_TIMED_OUT,       CLOSED,    0                   },
    {ABANDONED, IN_CANCELED,        CLOSED,    0                   },
};

const struct machine_table activity_table = {
    "the activity", states, inputs, rows, sizeof rows / sizeof *rows, SLOT_ACTIVITY,
};

static void add_job(struct run *run, const struct machine *activity, const struct event *event)
{
    jobs_add(&run->jobs, (struct job){
                             .kind = JOB_RESOLVE_ACTIVITY,
                             .seq = activity->seq,
                             .event = event,
                             .scheduled_id = activity->event_id,
                             .started_id = activity->started_id,
                         });
}

bool activity_schedule(struct run *run, const struct command *command, struct error *err)
{
    if (!roster_add(&run->activities, command->seq, ASKED))
        return error_set(err, ERROR_BUG, "activity %u was scheduled before", command->seq);
    match_ask(&run->match, command);
    return true;
}

bool activity_revoke(struct run *run, const struct command *command, struct error *err)
{
    static const uint8_t input_of[] = {
        [CANCEL_TRY] = IN_TRY, [CANCEL_WAIT_COMPLETED] = IN_WAIT, [CANCEL_ABANDON] = IN_ABANDON};
    struct machine *activity = roster_by_seq(&run->activities, command->seq);
    struct command cancel = *command;
    if (command->seq > run->activities.last_seq)
        return error_set(err, ERROR_BUG, "activity %u was never scheduled", command->seq);
    if (!activity || activity->state > STARTED)
        return true;
    int effect =
        machine_step(&activity_table, &activity->state, input_of[command->cancel_mode])->effect;
    cancel.initiating_id = activity->event_id;
    if (effect & ASK_CANCEL)
        match_ask(&run->match, &cancel);
    if (effect & RELEASE)
        add_job(run, activity, NULL);
    if (effect & DROP) {
        match_drop(&run->match, COMMAND_SCHEDULE_ACTIVITY, activity->seq);
        roster_strike(&run->activities, activity);
    }
    return true;
}

/* A command that waits to be confirmed has its machine in the state for it: no row can miss. */
void activity_scheduled(struct run *run, const struct command *command, const struct event *event)
{
    struct machine *activity = roster_by_seq(&run->activities, command->seq);
    machine_step(&activity_table, &activity->state, IN_RECORDED);
    activity->event_id = event->id;
}

void activity_cancel_requested(struct run *run, const struct command *command,
                               const struct event *event)
{
    struct machine *activity = roster_by_seq(&run->activities, command->seq);
    (void)event;
    machine_step(&activity_table, &activity->state, IN_CANCEL_RECORDED);
}

static unsigned input_of_event(const struct event *event)
{
    switch (event->type) {
    case EVENT_ACTIVITY_STARTED:
        return IN_STARTED;
    case EVENT_ACTIVITY_COMPLETED:
        return IN_COMPLETED;
    case EVENT_ACTIVITY_FAILED:
        return IN_FAILED;
    case EVENT_ACTIVITY_TIMED_OUT:
        return IN_TIMED_OUT;
    default:
        return IN_CANCELED;
    }
}

bool activity_hear(struct run *run, const struct event *event, struct error *err)
{
    struct machine *activity = roster_by_event(&run->activities, event->initiating_id);
    unsigned input = input_of_event(event);
    if (!activity)
        return entity_not_open("activity", event, err);
    const struct machine_row *row = machine_step(&activity_table, &activity->state, input);
    if (!row) {
        machine_refuse(&activity_table, activity->state, input, err);
        return error_add(err, "event %lld", (long long)event->id);
    }
    if (input == IN_STARTED)
        activity->started_id = event->id;
    if (row->effect & RESOLVE)
        add_job(run, activity, event);
    if (row->to == CLOSED)
        roster_close(&run->activities, activity);
    return true;
}
