#include "worker_side.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void on_finished(void *user, void *task, struct activity_outcome *outcome)
{
    struct slot *slot = task;
    (void)user;
    pthread_mutex_lock(&mutex);
    assert_false(slot->finished);
    slot->finished = true;
    slot->finished_ms = clock_monotonic_ms();
    slot->kind = outcome->kind;
    bytes_add_span(&slot->body, bytes_span(&outcome->body));
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

static void on_heartbeat(void *user, void *task, struct span details)
{
    struct slot *slot = task;
    (void)user;
    pthread_mutex_lock(&mutex);
    slot->beats++;
    bytes_clear(&slot->details);
    bytes_add_span(&slot->details, details);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

bool has_finished(struct slot *slot)
{
    return slot->finished;
}

bool has_beaten(struct slot *slot)
{
    return slot->beats > 0;
}

void await(struct slot *slot, bool (*condition)(struct slot *slot))
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_MS / 1000;
    int rc = 0;
    pthread_mutex_lock(&mutex);
    while (!condition(slot) && rc == 0)
        rc = pthread_cond_timedwait(&changed, &mutex, &until);
    pthread_mutex_unlock(&mutex);
    assert_int_equal(rc, 0);
}

/* --- a worker's side --- */

bool try_start(struct activity_loop **loop, const struct script_source *sources, size_t count,
               struct error *err)
{
    struct activity_options options = {
        .sources = sources,
        .source_count = count,
        .listener = {on_finished, on_heartbeat, NULL},
    };
    return activity_loop_start(loop, &options, err);
}

struct activity_loop *start_scripts(const struct script_source *sources, size_t count)
{
    struct activity_loop *loop = NULL;
    struct error err = {0};
    if (!try_start(&loop, sources, count, &err))
        fail_msg("%s", err.text);
    return loop;
}

struct activity_loop *start(const char *script)
{
    return start_scripts(&(struct script_source){SPAN("activities/story.lua"), span_of(script)}, 1);
}

static Tpb__Common__Payloads *payloads(struct arena *arena, const char *json)
{
    Tpb__Common__Payloads *list = proto_new(&tpb__common__payloads__descriptor, arena);
    Tpb__Common__Payload *one = proto_new(&tpb__common__payload__descriptor, arena);
    Tpb__Common__Payload__MetadataEntry *entry =
        proto_new(&tpb__common__payload__metadata_entry__descriptor, arena);
    entry->key = "encoding";
    entry->value = (ProtobufCBinaryData){10, (uint8_t *)"json/plain"};
    one->n_metadata = 1;
    one->metadata = arena_alloc(arena, sizeof *one->metadata);
    one->metadata[0] = entry;
    one->data = (ProtobufCBinaryData){strlen(json), (uint8_t *)arena_copy_text(arena, json)};
    list->n_payloads = 1;
    list->payloads = arena_alloc(arena, sizeof *list->payloads);
    list->payloads[0] = one;
    return list;
}

static Gpb__Duration *duration(struct arena *arena, int ms)
{
    Gpb__Duration *d = proto_new(&gpb__duration__descriptor, arena);
    d->seconds = ms / 1000;
    d->nanos = ms % 1000 * 1000000;
    return ms ? d : NULL;
}

void submit(struct activity_loop *loop, struct slot *slot, struct order order)
{
    struct arena arena = {0};
    struct bytes packed = {0};
    Tpb__Workflowservice__PollActivityTaskQueueResponse *poll =
        proto_new(&tpb__workflowservice__poll_activity_task_queue_response__descriptor, &arena);
    poll->activity_type = proto_new(&tpb__common__activity_type__descriptor, &arena);
    poll->activity_type->name = (char *)order.type;
    poll->activity_id = "7";
    poll->attempt = 2;
    poll->input = order.input ? payloads(&arena, order.input) : NULL;
    poll->heartbeat_details = order.details ? payloads(&arena, order.details) : NULL;
    poll->start_to_close_timeout = duration(&arena, order.start_to_close_ms);
    poll->heartbeat_timeout = duration(&arena, order.heartbeat_ms);
    proto_pack(poll, &packed);
    slot->submitted_ms = clock_monotonic_ms();
    activity_submit(loop, slot, bytes_span(&packed));
    bytes_release(&packed);
    arena_release(&arena);
}

void clear(struct slot *slot)
{
    bytes_release(&slot->body);
    bytes_release(&slot->details);
    *slot = (struct slot){0};
}

void *unpack(const ProtobufCMessageDescriptor *type, const struct bytes *packed,
             struct arena *arena)
{
    struct error err = {0};
    void *message = proto_unpack(type, bytes_span(packed), arena, &err);
    if (!message)
        fail_msg("%s", err.text);
    return message;
}

void check_json(const Tpb__Common__Payloads *list, const char *json)
{
    assert_non_null(list);
    assert_int_equal(list->n_payloads, 1);
    const ProtobufCBinaryData *packed = &list->payloads[0]->data;
    struct span got = {(const char *)packed->data, packed->len};
    if (!span_equal(got, span_of(json)))
        fail_msg("got %.*s, wanted %s", (int)got.size, got.size ? got.data : "", json);
}

void check_result(const struct slot *slot, const char *json)
{
    struct arena arena = {0};
    if (slot->kind == ACTIVITY_FAILED)
        fail_msg("%s", failure_of(slot, &arena)->message);
    assert_int_equal(slot->kind, ACTIVITY_COMPLETED);
    Tpb__Workflowservice__RespondActivityTaskCompletedRequest *answer =
        unpack(&tpb__workflowservice__respond_activity_task_completed_request__descriptor,
               &slot->body, &arena);
    check_json(answer->result, json);
    arena_release(&arena);
}

const char *result_of(const struct slot *slot, struct arena *arena)
{
    assert_int_equal(slot->kind, ACTIVITY_COMPLETED);
    Tpb__Workflowservice__RespondActivityTaskCompletedRequest *answer =
        unpack(&tpb__workflowservice__respond_activity_task_completed_request__descriptor,
               &slot->body, arena);
    const ProtobufCBinaryData *got = &answer->result->payloads[0]->data;
    return arena_copy(arena, got->data, got->len);
}

/* Runs one task to its end. */
void run(struct activity_loop *loop, struct slot *slot, const char *type, const char *input)
{
    submit(loop, slot, (struct order){.type = type, .input = input});
    await(slot, has_finished);
}

Tpb__Failure__Failure *failure_of(const struct slot *slot, struct arena *arena)
{
    assert_int_equal(slot->kind, ACTIVITY_FAILED);
    Tpb__Workflowservice__RespondActivityTaskFailedRequest *answer =
        unpack(&tpb__workflowservice__respond_activity_task_failed_request__descriptor, &slot->body,
               arena);
    assert_non_null(answer->failure);
    assert_string_equal(answer->failure->source, "LuaSDK");
    return answer->failure;
}

void check_failure(const struct slot *slot, const char *type, const char *part)
{
    struct arena arena = {0};
    Tpb__Failure__Failure *failure = failure_of(slot, &arena);
    assert_string_equal(failure->application_failure_info->type, type);
    if (!strstr(failure->message, part))
        fail_msg("\"%s\" is not in \"%s\"", part, failure->message);
    arena_release(&arena);
}
