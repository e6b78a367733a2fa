#include "workflow/wire.h"

#include <stddef.h>

/* --- events --- */

typedef void fill_call(struct event *event, const void *attributes);

/* Offsets into the attributes; 0 says there is no such field, for at 0 lies `base`. */
struct event_row {
    int attributes_case;
    size_t initiating_id; /* int64_t */
    size_t key;           /* const char * */
    size_t name;          /* a message whose one field is its name */
    fill_call *fill;
};

/* ActivityType and WorkflowType are read through one of them. */
_Static_assert(offsetof(Tpb__Common__ActivityType, name) ==
                   offsetof(Tpb__Common__WorkflowType, name),
               "types of activities and workflows are laid out alike");

static void fill_workflow_started(struct event *event, const void *attributes)
{
    const Tpb__History__WorkflowExecutionStartedEventAttributes *a = attributes;

    event->workflow.original_run_id = span_of(a->original_execution_run_id);
}

static void fill_task_started(struct event *event, const void *attributes)
{
    const Tpb__History__WorkflowTaskStartedEventAttributes *a = attributes;

    event->started.history_bytes = a->history_size_bytes;
    event->started.suggest_continue_as_new = a->suggest_continue_as_new;
}

static void fill_task_completed(struct event *event, const void *attributes)
{
    const Tpb__History__WorkflowTaskCompletedEventAttributes *a = attributes;
    const Tpb__Sdk__WorkflowTaskCompletedMetadata *sdk = a->sdk_metadata;

    if (!sdk)
        return;
    event->completed.flags = sdk->lang_used_flags;
    event->completed.flag_count = sdk->n_lang_used_flags;
    event->completed.sdk_name = span_of(sdk->sdk_name);
    event->completed.sdk_version = span_of(sdk->sdk_version);
}

static void fill_task_failed(struct event *event, const void *attributes)
{
    const Tpb__History__WorkflowTaskFailedEventAttributes *a = attributes;

    if (a->cause ==
        TPB__ENUMS__WORKFLOW_TASK_FAILED_CAUSE__WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW)
        event->failed.new_run_id = span_of(a->new_run_id);
}

static void fill_update_accepted(struct event *event, const void *attributes)
{
    const Tpb__History__WorkflowExecutionUpdateAcceptedEventAttributes *a = attributes;

    event->sequencing_id = a->accepted_request_sequencing_event_id;
}

#define CASE(name) TPB__HISTORY__HISTORY_EVENT__ATTRIBUTES_##name##_EVENT_ATTRIBUTES
#define AT(message, field) offsetof(Tpb__History__##message##EventAttributes, field)

/* clang-format off */
static const struct event_row event_rows[] = {
    [EVENT_WORKFLOW_STARTED] = {CASE(WORKFLOW_EXECUTION_STARTED), 0, AT(WorkflowExecutionStarted, workflow_id),
                                AT(WorkflowExecutionStarted, workflow_type), fill_workflow_started},
    [EVENT_WORKFLOW_COMPLETED] = {CASE(WORKFLOW_EXECUTION_COMPLETED), 0, 0, 0, NULL},
    [EVENT_WORKFLOW_FAILED] = {CASE(WORKFLOW_EXECUTION_FAILED), 0, 0, 0, NULL},
    [EVENT_WORKFLOW_TIMED_OUT] = {CASE(WORKFLOW_EXECUTION_TIMED_OUT), 0, 0, 0, NULL},
    [EVENT_TASK_SCHEDULED] = {CASE(WORKFLOW_TASK_SCHEDULED), 0, 0, 0, NULL},
    [EVENT_TASK_STARTED] = {CASE(WORKFLOW_TASK_STARTED), AT(WorkflowTaskStarted, scheduled_event_id), 0, 0,
                            fill_task_started},
    [EVENT_TASK_COMPLETED] = {CASE(WORKFLOW_TASK_COMPLETED), AT(WorkflowTaskCompleted, scheduled_event_id), 0, 0,
                              fill_task_completed},
    [EVENT_TASK_TIMED_OUT] = {CASE(WORKFLOW_TASK_TIMED_OUT), AT(WorkflowTaskTimedOut, scheduled_event_id), 0, 0, NULL},
    [EVENT_TASK_FAILED] = {CASE(WORKFLOW_TASK_FAILED), AT(WorkflowTaskFailed, scheduled_event_id), 0, 0,
                           fill_task_failed},
    [EVENT_ACTIVITY_SCHEDULED] = {CASE(ACTIVITY_TASK_SCHEDULED), 0, AT(ActivityTaskScheduled, activity_id),
                                  AT(ActivityTaskScheduled, activity_type), NULL},
    [EVENT_ACTIVITY_STARTED] = {CASE(ACTIVITY_TASK_STARTED), AT(ActivityTaskStarted, scheduled_event_id), 0, 0, NULL},
    [EVENT_ACTIVITY_COMPLETED] = {CASE(ACTIVITY_TASK_COMPLETED), AT(ActivityTaskCompleted, scheduled_event_id), 0, 0,
                                  NULL},
    [EVENT_ACTIVITY_FAILED] = {CASE(ACTIVITY_TASK_FAILED), AT(ActivityTaskFailed, scheduled_event_id), 0, 0, NULL},
    [EVENT_ACTIVITY_TIMED_OUT] = {CASE(ACTIVITY_TASK_TIMED_OUT), AT(ActivityTaskTimedOut, scheduled_event_id), 0, 0,
                                  NULL},
    [EVENT_ACTIVITY_CANCEL_REQUESTED] = {CASE(ACTIVITY_TASK_CANCEL_REQUESTED),
                                         AT(ActivityTaskCancelRequested, scheduled_event_id), 0, 0, NULL},
    [EVENT_ACTIVITY_CANCELED] = {CASE(ACTIVITY_TASK_CANCELED), AT(ActivityTaskCanceled, scheduled_event_id), 0, 0,
                                 NULL},
    [EVENT_TIMER_STARTED] = {CASE(TIMER_STARTED), 0, AT(TimerStarted, timer_id), 0, NULL},
    [EVENT_TIMER_FIRED] = {CASE(TIMER_FIRED), AT(TimerFired, started_event_id), AT(TimerFired, timer_id), 0, NULL},
    [EVENT_TIMER_CANCELED] = {CASE(TIMER_CANCELED), AT(TimerCanceled, started_event_id), AT(TimerCanceled, timer_id), 0,
                              NULL},
    [EVENT_WORKFLOW_CANCEL_REQUESTED] = {CASE(WORKFLOW_EXECUTION_CANCEL_REQUESTED), 0, 0, 0, NULL},
    [EVENT_WORKFLOW_CANCELED] = {CASE(WORKFLOW_EXECUTION_CANCELED), 0, 0, 0, NULL},
    [EVENT_MARKER_RECORDED] = {CASE(MARKER_RECORDED), 0, AT(MarkerRecorded, marker_name), 0, NULL},
    [EVENT_WORKFLOW_SIGNALED] = {CASE(WORKFLOW_EXECUTION_SIGNALED), 0, AT(WorkflowExecutionSignaled, signal_name), 0,
                                 NULL},
    [EVENT_WORKFLOW_TERMINATED] = {CASE(WORKFLOW_EXECUTION_TERMINATED), 0, 0, 0, NULL},
    [EVENT_WORKFLOW_CONTINUED_AS_NEW] = {CASE(WORKFLOW_EXECUTION_CONTINUED_AS_NEW), 0, 0, 0, NULL},
    [EVENT_UPDATE_ACCEPTED] = {CASE(WORKFLOW_EXECUTION_UPDATE_ACCEPTED), 0, 0, 0, fill_update_accepted},
};
/* clang-format on */

static const struct event_row *row_of(int type)
{
    if (type < 0 || (size_t)type >= sizeof event_rows / sizeof *event_rows)
        return NULL;
    return event_rows[type].attributes_case ? &event_rows[type] : NULL;
}

static struct span text_at(const char *attributes, size_t offset)
{
    return offset ? span_of(*(const char *const *)(attributes + offset)) : (struct span){0};
}

static struct span name_at(const char *attributes, size_t offset)
{
    const Tpb__Common__ActivityType *type;

    if (!offset)
        return (struct span){0};
    type = *(const Tpb__Common__ActivityType *const *)(attributes + offset);
    return type ? span_of(type->name) : (struct span){0};
}

static int64_t milliseconds(const Gpb__Timestamp *time)
{
    return time ? time->seconds * 1000 + time->nanos / 1000000 : 0;
}

static bool fill_event(struct event *event, const Tpb__History__HistoryEvent *from,
                       struct error *err)
{
    const struct event_row *row = row_of(from->event_type);
    const char *attributes = (const char *)from->workflow_execution_started_event_attributes;

    event->id = from->event_id;
    event->type = (int)from->event_type;
    event->may_ignore = from->worker_may_ignore;
    event->time_ms = milliseconds(from->event_time);
    if (!row)
        return true;
    if ((int)from->attributes_case != row->attributes_case || !attributes)
        return error_set(err, ERROR_MALFORMED, "event %lld (%s) has no attributes of its type",
                         (long long)event->id, event_type_name(event->type));
    event->attrs = attributes;
    if (row->initiating_id)
        event->initiating_id = *(const int64_t *)(attributes + row->initiating_id);
    event->key = text_at(attributes, row->key);
    event->name = name_at(attributes, row->name);
    if (row->fill)
        row->fill(event, attributes);
    return true;
}

bool wire_events(const Tpb__History__History *history, struct arena *arena, struct event **events,
                 size_t *count, struct error *err)
{
    size_t n = history ? history->n_events : 0;

    *events = arena_alloc(arena, (n + 1) * sizeof **events);
    *count = n;
    for (size_t i = 0; i < n; i++)
        if (!fill_event(&(*events)[i], history->events[i], err))
            return false;
    return true;
}

/* --- commands --- */

struct command_row {
    Tpb__Command__Command__AttributesCase attributes_case;
    const ProtobufCMessageDescriptor *attributes;
};

#undef CASE
#define CASE(name) TPB__COMMAND__COMMAND__ATTRIBUTES_##name##_COMMAND_ATTRIBUTES
#define TYPE(name) &tpb__command__##name##_command_attributes__descriptor

/* clang-format off */
static const struct command_row command_rows[] = {
    [COMMAND_SCHEDULE_ACTIVITY] = {CASE(SCHEDULE_ACTIVITY_TASK), TYPE(schedule_activity_task)},
    [COMMAND_CANCEL_ACTIVITY] = {CASE(REQUEST_CANCEL_ACTIVITY_TASK), TYPE(request_cancel_activity_task)},
    [COMMAND_START_TIMER] = {CASE(START_TIMER), TYPE(start_timer)},
    [COMMAND_CANCEL_TIMER] = {CASE(CANCEL_TIMER), TYPE(cancel_timer)},
    [COMMAND_COMPLETE_WORKFLOW] = {CASE(COMPLETE_WORKFLOW_EXECUTION), TYPE(complete_workflow_execution)},
    [COMMAND_FAIL_WORKFLOW] = {CASE(FAIL_WORKFLOW_EXECUTION), TYPE(fail_workflow_execution)},
    [COMMAND_CANCEL_WORKFLOW] = {CASE(CANCEL_WORKFLOW_EXECUTION), TYPE(cancel_workflow_execution)},
    [COMMAND_CONTINUE_AS_NEW] = {CASE(CONTINUE_AS_NEW_WORKFLOW_EXECUTION), TYPE(continue_as_new_workflow_execution)},
    [COMMAND_RECORD_MARKER] = {CASE(RECORD_MARKER), TYPE(record_marker)},
};
/* clang-format on */

const ProtobufCMessageDescriptor *wire_attributes(int type)
{
    if (type < 0 || (size_t)type >= sizeof command_rows / sizeof *command_rows)
        return NULL;
    return command_rows[type].attributes;
}

/* The core knows which event a cancelled activity was scheduled by; the script does not. */
static void *cancel_attributes(const struct command *command, struct arena *arena)
{
    Tpb__Command__RequestCancelActivityTaskCommandAttributes *a =
        proto_new(TYPE(request_cancel_activity_task), arena);

    a->scheduled_event_id = command->initiating_id;
    return a;
}

Tpb__Command__Command *wire_command(const struct command *command, struct arena *arena)
{
    const struct wire_command *attrs = command->attrs;
    Tpb__Command__Command *message = proto_new(&tpb__command__command__descriptor, arena);
    void *attributes = attrs ? attrs->attributes : NULL;

    if (command->type == COMMAND_CANCEL_ACTIVITY)
        attributes = cancel_attributes(command, arena);
    message->command_type = (Tpb__Enums__CommandType)command->type;
    message->attributes_case = command_rows[command->type].attributes_case;
    message->schedule_activity_task_command_attributes = attributes;
    message->user_metadata = attrs ? attrs->metadata : NULL;
    return message;
}
