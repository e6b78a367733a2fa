#include "core/entity.h"

/* What must be equal for an event to confirm a command. Nothing else is compared. */
enum { SAME_KEY = 1, SAME_NAME = 2, SAME_ORIGIN = 4 };

typedef bool ask_call(struct run *run, const struct command *command, struct error *err);
typedef void confirm_call(struct run *run, const struct command *command,
                          const struct event *event);
typedef bool hear_call(struct run *run, const struct event *event, struct error *err);

/* clang-format off */
static const struct {
    ask_call *ask;
    int event;
    int same;
    confirm_call *confirm;
} by_command[] = {
    [COMMAND_SCHEDULE_ACTIVITY] = {activity_schedule, EVENT_ACTIVITY_SCHEDULED,        SAME_KEY | SAME_NAME, activity_scheduled},
    [COMMAND_CANCEL_ACTIVITY]   = {activity_revoke,   EVENT_ACTIVITY_CANCEL_REQUESTED, SAME_ORIGIN,          activity_cancel_requested},
    [COMMAND_START_TIMER]       = {timer_start,       EVENT_TIMER_STARTED,             SAME_KEY,             timer_started},
    [COMMAND_CANCEL_TIMER]      = {timer_revoke,      EVENT_TIMER_CANCELED,            SAME_ORIGIN,          timer_canceled},
    [COMMAND_RECORD_MARKER]     = {marker_record,     EVENT_MARKER_RECORDED,           SAME_KEY,             marker_recorded},
    [COMMAND_COMPLETE_WORKFLOW] = {ending_ask,        EVENT_WORKFLOW_COMPLETED,        0,                    ending_confirmed},
    [COMMAND_FAIL_WORKFLOW]     = {ending_ask,        EVENT_WORKFLOW_FAILED,           0,                    ending_confirmed},
    [COMMAND_CANCEL_WORKFLOW]   = {ending_ask,        EVENT_WORKFLOW_CANCELED,         0,                    ending_confirmed},
    [COMMAND_CONTINUE_AS_NEW]   = {ending_ask,        EVENT_WORKFLOW_CONTINUED_AS_NEW, 0,                    ending_confirmed},
};
/* clang-format on */

static hear_call *const by_event[] = {
    [EVENT_WORKFLOW_STARTED] = start_hear,
    [EVENT_WORKFLOW_SIGNALED] = signal_hear,
    [EVENT_WORKFLOW_CANCEL_REQUESTED] = cancel_hear,
    [EVENT_WORKFLOW_TIMED_OUT] = ending_hear,
    [EVENT_WORKFLOW_TERMINATED] = ending_hear,
    [EVENT_TASK_SCHEDULED] = task_hear,
    [EVENT_TASK_STARTED] = task_hear,
    [EVENT_TASK_COMPLETED] = task_hear,
    [EVENT_TASK_TIMED_OUT] = task_hear,
    [EVENT_TASK_FAILED] = task_hear,
    [EVENT_TIMER_FIRED] = timer_hear,
    [EVENT_ACTIVITY_STARTED] = activity_hear,
    [EVENT_ACTIVITY_COMPLETED] = activity_hear,
    [EVENT_ACTIVITY_FAILED] = activity_hear,
    [EVENT_ACTIVITY_TIMED_OUT] = activity_hear,
    [EVENT_ACTIVITY_CANCELED] = activity_hear,
};

enum {
    COMMAND_COUNT = sizeof by_command / sizeof *by_command,
    HEARD_COUNT = sizeof by_event / sizeof *by_event,
};

bool entity_ask(struct run *run, const struct command *command, struct error *err)
{
    unsigned type = command->type;
    if (type >= COMMAND_COUNT || !by_command[type].ask)
        return error_set(err, ERROR_USAGE, "this build does not know command %u", type);
    return by_command[type].ask(run, command, err);
}

static bool fits(const struct command *command, const struct event *event)
{
    int same = by_command[command->type].same;
    return by_command[command->type].event == event->type &&
           (!(same & SAME_KEY) || span_equal(command->key, event->key)) &&
           (!(same & SAME_NAME) || span_equal(command->name, event->name)) &&
           (!(same & SAME_ORIGIN) || command->initiating_id == event->initiating_id);
}

static bool refuse_unknown(const struct event *event, struct error *err)
{
    return error_set(err, ERROR_MALFORMED, "this build does not know %s (event %lld)",
                     event_type_name(event->type), (long long)event->id);
}

static bool refuse_confirm(struct run *run, const struct event *event, struct error *err)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (by_command[i].event == event->type)
            return match_refuse(&run->match, event, err);
    return refuse_unknown(event, err);
}

bool entity_confirm(struct run *run, const struct event *event, struct error *err)
{
    const struct command *command = match_front(&run->match);
    if (!command || !fits(command, event))
        return refuse_confirm(run, event, err);
    by_command[command->type].confirm(run, command, event);
    match_pop(&run->match, event);
    return true;
}

static hear_call *hearer_of(int type)
{
    return type > 0 && type < HEARD_COUNT ? by_event[type] : NULL;
}

bool entity_ignores(const struct event *event)
{
    switch (event->type) {
    case EVENT_WORKFLOW_PROPERTIES_MODIFIED_EXTERNALLY:
    case EVENT_ACTIVITY_PROPERTIES_MODIFIED_EXTERNALLY:
    case EVENT_WORKFLOW_OPTIONS_UPDATED:
    case EVENT_WORKFLOW_PAUSED:
    case EVENT_WORKFLOW_UNPAUSED:
    case EVENT_TIME_SKIPPED:
        return true;
    default:
        return event->may_ignore && !hearer_of(event->type) && !event_confirms(event->type);
    }
}

bool entity_hear(struct run *run, const struct event *event, struct error *err)
{
    hear_call *hear = hearer_of(event->type);
    if (hear)
        return hear(run, event, err);
    return entity_ignores(event) || refuse_unknown(event, err);
}

bool entity_not_open(const char *kind, const struct event *event, struct error *err)
{
    return error_set(err, ERROR_HISTORY,
                     "[TMPRL1100] nondeterminism at event %lld: history has %s of event %lld, but "
                     "no %s of this run is open since then",
                     (long long)event->id, event_type_name(event->type),
                     (long long)event->initiating_id, kind);
}
