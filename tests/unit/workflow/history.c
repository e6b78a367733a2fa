#include "workflow/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/event.h"

enum { ROOM = 4096, WORD = 8192 };

struct history_writer {
    struct arena *arena;
    Tpb__History__History *history;
    char first[WORD]; /* the words of the event at hand: first, second, and all behind them */
    char second[WORD];
    char rest[WORD];
    char all[WORD]; /* second and rest */
};

static Tpb__History__HistoryEvent *add(struct history_writer *w, int type)
{
    Tpb__History__HistoryEvent *event =
        proto_new(&tpb__history__history_event__descriptor, w->arena);

    event->event_id = (int64_t)w->history->n_events + 1;
    event->event_type = (Tpb__Enums__EventType)type;
    event->event_time = proto_new(&gpb__timestamp__descriptor, w->arena);
    event->event_time->seconds = event->event_id;
    w->history->events[w->history->n_events++] = event;
    return event;
}

/* Makes the attributes message and hangs it into the event. */
#define ATTRIBUTES(event, CASE, field)                                                             \
    ((event)->attributes_case = TPB__HISTORY__HISTORY_EVENT__ATTRIBUTES_##CASE##_EVENT_ATTRIBUTES, \
     (event)->field##_event_attributes =                                                           \
         proto_new(&tpb__history__##field##_event_attributes__descriptor, w->arena),               \
     (event)->field##_event_attributes)

Tpb__Common__Payloads *history_payloads(struct arena *arena, const char *json)
{
    Tpb__Common__Payloads *payloads = proto_new(&tpb__common__payloads__descriptor, arena);
    Tpb__Common__Payload *payload = proto_new(&tpb__common__payload__descriptor, arena);
    Tpb__Common__Payload__MetadataEntry *entry =
        proto_new(&tpb__common__payload__metadata_entry__descriptor, arena);

    entry->key = "encoding";
    entry->value = (ProtobufCBinaryData){10, (uint8_t *)"json/plain"};
    payload->n_metadata = 1;
    payload->metadata = arena_alloc(arena, sizeof *payload->metadata);
    payload->metadata[0] = entry;
    payload->data.len = strlen(json);
    payload->data.data = (uint8_t *)arena_copy_text(arena, json);
    for (size_t i = 0; i < payload->data.len; i++)
        if (payload->data.data[i] == '\'')
            payload->data.data[i] = '"';
    payloads->n_payloads = 1;
    payloads->payloads = arena_alloc(arena, sizeof *payloads->payloads);
    payloads->payloads[0] = payload;
    return payloads;
}

static Tpb__Common__Payloads *json(struct history_writer *w, const char *text)
{
    return *text ? history_payloads(w->arena, text) : NULL;
}

static const char *kept(struct history_writer *w, const char *text)
{
    return arena_copy_text(w->arena, text);
}

static int64_t last_of(const struct history_writer *w, int type, const char *id)
{
    for (size_t i = w->history->n_events; i-- > 0;) {
        const Tpb__History__HistoryEvent *e = w->history->events[i];
        if ((int)e->event_type != type)
            continue;
        if (type == EVENT_ACTIVITY_SCHEDULED &&
            strcmp(e->activity_task_scheduled_event_attributes->activity_id, id) != 0)
            continue;
        if (type == EVENT_TIMER_STARTED &&
            strcmp(e->timer_started_event_attributes->timer_id, id) != 0)
            continue;
        return e->event_id;
    }
    fprintf(stderr, "history: nothing to refer to in \"%s %s\"\n", w->first, w->second);
    abort();
}

/* --- tasks --- */

static void schedule_task(struct history_writer *w)
{
    Tpb__History__HistoryEvent *e = add(w, EVENT_TASK_SCHEDULED);

    (void)ATTRIBUTES(e, WORKFLOW_TASK_SCHEDULED, workflow_task_scheduled);
    e = add(w, EVENT_TASK_STARTED);
    ATTRIBUTES(e, WORKFLOW_TASK_STARTED, workflow_task_started)->scheduled_event_id =
        e->event_id - 1;
    e->workflow_task_started_event_attributes->history_size_bytes = e->event_id * 100;
}

static void complete_task(struct history_writer *w)
{
    Tpb__History__HistoryEvent *e = add(w, EVENT_TASK_COMPLETED);
    Tpb__History__WorkflowTaskCompletedEventAttributes *a =
        ATTRIBUTES(e, WORKFLOW_TASK_COMPLETED, workflow_task_completed);
    static uint32_t flags[] = {1};

    a->scheduled_event_id = e->event_id - 2;
    a->started_event_id = e->event_id - 1;
    a->sdk_metadata = proto_new(&tpb__sdk__workflow_task_completed_metadata__descriptor, w->arena);
    a->sdk_metadata->n_lang_used_flags = 1;
    a->sdk_metadata->lang_used_flags = flags;
}

static void fail_task(struct history_writer *w, const char *new_run_id)
{
    Tpb__History__HistoryEvent *e = add(w, EVENT_TASK_FAILED);
    Tpb__History__WorkflowTaskFailedEventAttributes *a =
        ATTRIBUTES(e, WORKFLOW_TASK_FAILED, workflow_task_failed);

    a->scheduled_event_id = e->event_id - 2;
    a->started_event_id = e->event_id - 1;
    if (*new_run_id) {
        a->cause =
            TPB__ENUMS__WORKFLOW_TASK_FAILED_CAUSE__WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW;
        a->new_run_id = kept(w, new_run_id);
    }
}

/* The answer to the task that is open at the end. */
static void write_answered(struct history_writer *w)
{
    complete_task(w);
}

static void write_refused(struct history_writer *w)
{
    fail_task(w, "");
}

static void write_task(struct history_writer *w)
{
    schedule_task(w);
    complete_task(w);
}

static void write_failed(struct history_writer *w)
{
    schedule_task(w);
    fail_task(w, w->second);
}

static void write_lost(struct history_writer *w)
{
    schedule_task(w);
    Tpb__History__HistoryEvent *e = add(w, EVENT_TASK_TIMED_OUT);
    ATTRIBUTES(e, WORKFLOW_TASK_TIMED_OUT, workflow_task_timed_out)->scheduled_event_id =
        e->event_id - 2;
}

/* --- activities --- */

static void write_activity(struct history_writer *w)
{
    Tpb__History__HistoryEvent *e = add(w, EVENT_ACTIVITY_SCHEDULED);
    Tpb__History__ActivityTaskScheduledEventAttributes *a =
        ATTRIBUTES(e, ACTIVITY_TASK_SCHEDULED, activity_task_scheduled);

    a->activity_id = kept(w, w->second);
    a->activity_type = proto_new(&tpb__common__activity_type__descriptor, w->arena);
    a->activity_type->name = kept(w, w->rest);
}

static bool has_begun(const struct history_writer *w, int64_t scheduled)
{
    for (size_t i = 0; i < w->history->n_events; i++) {
        const Tpb__History__HistoryEvent *e = w->history->events[i];
        if (e->event_type == TPB__ENUMS__EVENT_TYPE__EVENT_TYPE_ACTIVITY_TASK_STARTED &&
            e->activity_task_started_event_attributes->scheduled_event_id == scheduled)
            return true;
    }
    return false;
}

static int64_t begin(struct history_writer *w)
{
    int64_t scheduled = last_of(w, EVENT_ACTIVITY_SCHEDULED, w->second);

    if (!has_begun(w, scheduled)) {
        Tpb__History__HistoryEvent *e = add(w, EVENT_ACTIVITY_STARTED);
        ATTRIBUTES(e, ACTIVITY_TASK_STARTED, activity_task_started)->scheduled_event_id = scheduled;
    }
    return scheduled;
}

static void write_began(struct history_writer *w)
{
    begin(w);
}

static void write_done(struct history_writer *w)
{
    int64_t scheduled = begin(w);
    Tpb__History__HistoryEvent *e = add(w, EVENT_ACTIVITY_COMPLETED);
    Tpb__History__ActivityTaskCompletedEventAttributes *a =
        ATTRIBUTES(e, ACTIVITY_TASK_COMPLETED, activity_task_completed);

    a->scheduled_event_id = scheduled;
    a->result = json(w, w->rest);
}

static void write_broke(struct history_writer *w)
{
    int64_t scheduled = begin(w);
    Tpb__History__HistoryEvent *e = add(w, EVENT_ACTIVITY_FAILED);
    Tpb__History__ActivityTaskFailedEventAttributes *a =
        ATTRIBUTES(e, ACTIVITY_TASK_FAILED, activity_task_failed);
    Tpb__Failure__ApplicationFailureInfo *application =
        proto_new(&tpb__failure__application_failure_info__descriptor, w->arena);
    char *text = strchr(w->rest, ' ');

    if (text)
        *text++ = 0;
    a->scheduled_event_id = scheduled;
    a->retry_state = TPB__ENUMS__RETRY_STATE__RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED;
    a->failure = proto_new(&tpb__failure__failure__descriptor, w->arena);
    a->failure->message = kept(w, text ? text : "");
    a->failure->failure_info_case = TPB__FAILURE__FAILURE__FAILURE_INFO_APPLICATION_FAILURE_INFO;
    a->failure->application_failure_info = application;
    application->type = kept(w, w->rest);
}

static void write_late(struct history_writer *w)
{
    int64_t scheduled = begin(w);
    Tpb__History__HistoryEvent *e = add(w, EVENT_ACTIVITY_TIMED_OUT);
    Tpb__History__ActivityTaskTimedOutEventAttributes *a =
        ATTRIBUTES(e, ACTIVITY_TASK_TIMED_OUT, activity_task_timed_out);

    a->scheduled_event_id = scheduled;
    a->failure = proto_new(&tpb__failure__failure__descriptor, w->arena);
    a->failure->message = "activity StartToClose timeout";
    a->failure->failure_info_case = TPB__FAILURE__FAILURE__FAILURE_INFO_TIMEOUT_FAILURE_INFO;
    a->failure->timeout_failure_info =
        proto_new(&tpb__failure__timeout_failure_info__descriptor, w->arena);
    a->failure->timeout_failure_info->timeout_type =
        TPB__ENUMS__TIMEOUT_TYPE__TIMEOUT_TYPE_START_TO_CLOSE;
}

static void write_revoke(struct history_writer *w)
{
    Tpb__History__HistoryEvent *e = add(w, EVENT_ACTIVITY_CANCEL_REQUESTED);

    ATTRIBUTES(e, ACTIVITY_TASK_CANCEL_REQUESTED, activity_task_cancel_requested)
        ->scheduled_event_id = last_of(w, EVENT_ACTIVITY_SCHEDULED, w->second);
}

static void write_revoked(struct history_writer *w)
{
    Tpb__History__HistoryEvent *e = add(w, EVENT_ACTIVITY_CANCELED);

    ATTRIBUTES(e, ACTIVITY_TASK_CANCELED, activity_task_canceled)->scheduled_event_id =
        last_of(w, EVENT_ACTIVITY_SCHEDULED, w->second);
}

/* --- timers --- */

static void write_timer(struct history_writer *w)
{
    Tpb__History__HistoryEvent *e = add(w, EVENT_TIMER_STARTED);

    ATTRIBUTES(e, TIMER_STARTED, timer_started)->timer_id = kept(w, w->second);
}

static void write_fired(struct history_writer *w)
{
    int64_t started = last_of(w, EVENT_TIMER_STARTED, w->second);
    Tpb__History__HistoryEvent *e = add(w, EVENT_TIMER_FIRED);

    ATTRIBUTES(e, TIMER_FIRED, timer_fired)->timer_id = kept(w, w->second);
    e->timer_fired_event_attributes->started_event_id = started;
}

static void write_stopped(struct history_writer *w)
{
    int64_t started = last_of(w, EVENT_TIMER_STARTED, w->second);
    Tpb__History__HistoryEvent *e = add(w, EVENT_TIMER_CANCELED);

    ATTRIBUTES(e, TIMER_CANCELED, timer_canceled)->timer_id = kept(w, w->second);
    e->timer_canceled_event_attributes->started_event_id = started;
}

/* --- the run --- */

static void write_start(struct history_writer *w)
{
    Tpb__History__HistoryEvent *e = add(w, EVENT_WORKFLOW_STARTED);
    Tpb__History__WorkflowExecutionStartedEventAttributes *a =
        ATTRIBUTES(e, WORKFLOW_EXECUTION_STARTED, workflow_execution_started);

    a->workflow_type = proto_new(&tpb__common__workflow_type__descriptor, w->arena);
    a->workflow_type->name = kept(w, w->second);
    a->original_execution_run_id = "run-of-the-test";
    a->input = json(w, w->rest);
}

static void write_signal(struct history_writer *w)
{
    Tpb__History__HistoryEvent *e = add(w, EVENT_WORKFLOW_SIGNALED);
    Tpb__History__WorkflowExecutionSignaledEventAttributes *a =
        ATTRIBUTES(e, WORKFLOW_EXECUTION_SIGNALED, workflow_execution_signaled);

    a->signal_name = kept(w, w->second);
    a->input = json(w, w->rest);
}

static void write_cancel(struct history_writer *w)
{
    Tpb__History__HistoryEvent *e = add(w, EVENT_WORKFLOW_CANCEL_REQUESTED);

    ATTRIBUTES(e, WORKFLOW_EXECUTION_CANCEL_REQUESTED, workflow_execution_cancel_requested)->cause =
        "enough";
}

static void write_complete(struct history_writer *w)
{
    Tpb__History__HistoryEvent *e = add(w, EVENT_WORKFLOW_COMPLETED);

    ATTRIBUTES(e, WORKFLOW_EXECUTION_COMPLETED, workflow_execution_completed)->result =
        json(w, w->all);
}

static void write_fail(struct history_writer *w)
{
    Tpb__History__HistoryEvent *e = add(w, EVENT_WORKFLOW_FAILED);

    (void)ATTRIBUTES(e, WORKFLOW_EXECUTION_FAILED, workflow_execution_failed);
}

static void write_cancelled(struct history_writer *w)
{
    Tpb__History__HistoryEvent *e = add(w, EVENT_WORKFLOW_CANCELED);

    (void)ATTRIBUTES(e, WORKFLOW_EXECUTION_CANCELED, workflow_execution_canceled);
}

static void write_renew(struct history_writer *w)
{
    Tpb__History__HistoryEvent *e = add(w, EVENT_WORKFLOW_CONTINUED_AS_NEW);

    (void)ATTRIBUTES(e, WORKFLOW_EXECUTION_CONTINUED_AS_NEW, workflow_execution_continued_as_new);
}

static void write_marker(struct history_writer *w)
{
    Tpb__History__HistoryEvent *e = add(w, EVENT_MARKER_RECORDED);

    ATTRIBUTES(e, MARKER_RECORDED, marker_recorded)->marker_name = kept(w, w->second);
}

static void write_pinned(struct history_writer *w)
{
    write_task(w);
    snprintf(w->second, sizeof w->second, "signalroom.bundle");
    write_marker(w);
}

void history_mark(Tpb__History__HistoryEvent *event, struct arena *arena,
                  const Tpb__Command__RecordMarkerCommandAttributes *command)
{
    Tpb__History__MarkerRecordedEventAttributes *a = event->marker_recorded_event_attributes;
    struct bytes packed = {0};
    struct error err = {0};

    proto_pack(command, &packed);
    command = proto_unpack(command->base.descriptor, bytes_span(&packed), arena, &err);
    bytes_release(&packed);
    a->n_details = command->n_details;
    a->details = arena_alloc(arena, (a->n_details + 1) * sizeof *a->details);
    for (size_t i = 0; i < a->n_details; i++) {
        a->details[i] = proto_new(
            &tpb__history__marker_recorded_event_attributes__details_entry__descriptor, arena);
        a->details[i]->key = command->details[i]->key;
        a->details[i]->value = command->details[i]->value;
    }
}

/* A type of event that nobody knows. */
static void write_strange(struct history_writer *w)
{
    add(w, 250)->worker_may_ignore = strcmp(w->second, "ignorable") == 0;
}

static const struct {
    const char *word;
    void (*write)(struct history_writer *w);
} verbs[] = {
    {"start",     write_start    },
    {"signal",    write_signal   },
    {"cancel",    write_cancel   },
    {"task",      write_task     },
    {"open",      schedule_task  },
    {"answered",  write_answered },
    {"refused",   write_refused  },
    {"lost",      write_lost     },
    {"failed",    write_failed   },
    {"reset",     write_failed   },
    {"activity",  write_activity },
    {"began",     write_began    },
    {"done",      write_done     },
    {"broke",     write_broke    },
    {"late",      write_late     },
    {"revoke",    write_revoke   },
    {"revoked",   write_revoked  },
    {"timer",     write_timer    },
    {"fired",     write_fired    },
    {"stopped",   write_stopped  },
    {"marker",    write_marker   },
    {"pinned",    write_pinned   },
    {"strange",   write_strange  },
    {"complete",  write_complete },
    {"fail",      write_fail     },
    {"cancelled", write_cancelled},
    {"renew",     write_renew    },
};

/* The verb at the cursor, what follows it, and all behind that. */
static const char *split(struct history_writer *w, const char *at)
{
    const char *end = strchr(at, ';');
    size_t size = end ? (size_t)(end - at) : strlen(at);
    char sentence[WORD];
    int all = 0, rest = 0;

    snprintf(sentence, sizeof sentence, "%.*s", (int)size, at);
    w->first[0] = w->second[0] = w->rest[0] = 0;
    sscanf(sentence, " %8191s %n%8191s %n", w->first, &all, w->second, &rest);
    snprintf(w->all, sizeof w->all, "%s", all ? sentence + all : "");
    snprintf(w->rest, sizeof w->rest, "%s", rest ? sentence + rest : "");
    return at + size + (end ? 1 : 0);
}

struct history_writer *history_begin(struct arena *arena)
{
    struct history_writer *w = arena_alloc(arena, sizeof *w);

    w->arena = arena;
    w->history = proto_new(&tpb__history__history__descriptor, arena);
    w->history->events = arena_alloc(arena, ROOM * sizeof *w->history->events);
    return w;
}

void history_say(struct history_writer *w, const char *words)
{
    while (*words) {
        size_t i = 0;
        words = split(w, words);
        while (i < sizeof verbs / sizeof *verbs && strcmp(verbs[i].word, w->first) != 0)
            i++;
        if (i == sizeof verbs / sizeof *verbs) {
            fprintf(stderr, "history: no verb \"%s\"\n", w->first);
            abort();
        }
        verbs[i].write(w);
    }
}

Tpb__History__History *history_said(struct history_writer *w)
{
    return w->history;
}

Tpb__History__History *history_of(struct arena *arena, const char *words)
{
    struct history_writer *w = history_begin(arena);

    history_say(w, words);
    return history_said(w);
}
