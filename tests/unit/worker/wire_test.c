/* The worker's few words of wire format: peeking into a packed task, adding packed fields, telling
 * refusals apart, and label sets. */
#include "story.h"

#include "base/arena.h"
#include "proto/proto.h"
#include "worker/exchange.h"
#include "worker/label.h"
#include "worker/peek.h"
#include "worker/wire.h"

static Tpb__Workflowservice__PollWorkflowTaskQueueResponse *task_in(struct arena *arena)
{
    Tpb__Workflowservice__PollWorkflowTaskQueueResponse *task =
        proto_new(&tpb__workflowservice__poll_workflow_task_queue_response__descriptor, arena);
    task->task_token = wire_binary(SPAN("token"));
    task->workflow_execution = proto_new(&tpb__common__workflow_execution__descriptor, arena);
    task->workflow_execution->workflow_id = "order-7";
    task->workflow_execution->run_id = "0f0e";
    task->started_event_id = 3;
    task->attempt = 2;
    task->backlog_count_hint = 300;
    return task;
}

static void a_peek_finds_what_the_desk_needs(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct bytes packed = {0};
    proto_pack(task_in(&arena), &packed);
    struct peek peek = peek_workflow_task(bytes_span(&packed));
    assert_true(span_equal(peek.token, SPAN("token")));
    assert_true(span_equal(peek.run_id, SPAN("0f0e")));
    assert_int_equal(peek.attempt, 2);
    assert_int_equal(peek.backlog, 300);
    assert_false(peek.query);
    bytes_release(&packed);
    arena_release(&arena);
}

static void a_peek_into_a_query_says_so(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct bytes packed = {0};
    Tpb__Workflowservice__PollWorkflowTaskQueueResponse *task = task_in(&arena);
    task->query = proto_new(&tpb__query__workflow_query__descriptor, &arena);
    proto_pack(task, &packed);
    assert_true(peek_workflow_task(bytes_span(&packed)).query);
    bytes_release(&packed);
    arena_release(&arena);
}

static void a_reply_gives_its_activity_tasks_one_by_one(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct bytes packed = {0};
    struct span task;
    Tpb__Workflowservice__PollActivityTaskQueueResponse first =
        TPB__WORKFLOWSERVICE__POLL_ACTIVITY_TASK_QUEUE_RESPONSE__INIT;
    Tpb__Workflowservice__PollActivityTaskQueueResponse second = first;
    Tpb__Workflowservice__PollActivityTaskQueueResponse *tasks[] = {&first, &second};
    Tpb__Workflowservice__RespondWorkflowTaskCompletedResponse *reply = proto_new(
        &tpb__workflowservice__respond_workflow_task_completed_response__descriptor, &arena);
    first.task_token = wire_binary(SPAN("one"));
    second.task_token = wire_binary(SPAN("two"));
    reply->workflow_task = task_in(&arena);
    reply->activity_tasks = tasks;
    reply->n_activity_tasks = 2;
    proto_pack(reply, &packed);
    struct span rest = bytes_span(&packed);
    assert_true(peek_activity_task(&rest, &task));
    assert_true(span_equal(peek_workflow_task(task).token, SPAN("one")));
    assert_true(peek_activity_task(&rest, &task));
    assert_true(span_equal(peek_workflow_task(task).token, SPAN("two")));
    assert_false(peek_activity_task(&rest, &task));
    for (size_t size = 0; size < packed.size; size++) {
        rest = (struct span){packed.data, size};
        while (peek_activity_task(&rest, &task))
            assert_true(task.data + task.size <= packed.data + size);
    }
    bytes_release(&packed);
    arena_release(&arena);
}

static void a_peek_into_nonsense_is_harmless(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct bytes packed = {0};
    proto_pack(task_in(&arena), &packed);
    assert_int_equal(peek_workflow_task((struct span){0}).token.size, 0);
    for (size_t cut = 0; cut < packed.size; cut++) {
        char *piece = arena_copy(&arena, packed.data, cut);
        peek_workflow_task((struct span){piece, cut});
    }
    for (size_t at = 0; at < packed.size; at++) {
        char *piece = arena_copy(&arena, packed.data, packed.size);
        piece[at] = (char)0xff;
        peek_workflow_task((struct span){piece, packed.size});
    }
    bytes_release(&packed);
    arena_release(&arena);
}

static void a_packed_field_can_be_added_behind_a_message(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error err;
    struct bytes details = {0};
    struct bytes body = {0};
    Tpb__Common__Payload payload = TPB__COMMON__PAYLOAD__INIT;
    Tpb__Common__Payload *list[] = {&payload};
    Tpb__Common__Payloads payloads = TPB__COMMON__PAYLOADS__INIT;
    char *long_text = arena_alloc(&arena, 300);
    memset(long_text, 'x', 300);
    payload.data = wire_binary((struct span){long_text, 300}); /* its length takes two bytes */
    payloads.payloads = list;
    payloads.n_payloads = 1;
    proto_pack(&payloads, &details);
    Tpb__Workflowservice__RecordActivityTaskHeartbeatRequest request =
        TPB__WORKFLOWSERVICE__RECORD_ACTIVITY_TASK_HEARTBEAT_REQUEST__INIT;
    request.identity = "me";
    proto_pack(&request, &body);
    wire_add_message(&body, 2, bytes_span(&details));
    const Tpb__Workflowservice__RecordActivityTaskHeartbeatRequest *read =
        proto_unpack(&tpb__workflowservice__record_activity_task_heartbeat_request__descriptor,
                     bytes_span(&body), &arena, &err);
    assert_non_null(read);
    assert_string_equal(read->identity, "me");
    assert_int_equal(read->details->n_payloads, 1);
    assert_int_equal(read->details->payloads[0]->data.len, 300);
    bytes_release(&details);
    bytes_release(&body);
    arena_release(&arena);
}

static struct rpc_reply reply_of(int status, const char *message)
{
    return (struct rpc_reply){
        .status = status, .message = {(char *)message, strlen(message), strlen(message) + 1}
    };
}

static void a_refusal_for_size_is_told_from_being_busy(void **state)
{
    (void)state;
    static const char *const sizes[] = {
        "grpc: received message larger than max (5000000 vs. 4194304)",
        "trying to send message larger than max (5 vs. 4)",
        "CLIENT: Sent message larger than max (5 vs. 4)",
        "grpc: message after decompression larger than max",
        "grpc: Message too large",
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct rpc_reply reply = reply_of(RPC_RESOURCE_EXHAUSTED, sizes[i]);
        assert_true(rpc_reply_too_large(&reply));
        assert_false(exchange_transient(&reply));
    }
    struct rpc_reply busy = reply_of(RPC_RESOURCE_EXHAUSTED, "namespace rate limit exceeded");
    assert_false(rpc_reply_too_large(&busy));
    assert_true(exchange_transient(&busy));
    struct rpc_reply gone = reply_of(RPC_NOT_FOUND, "message larger than max");
    assert_false(rpc_reply_too_large(&gone));
    assert_false(exchange_transient(&gone));
}

static void labels_are_escaped_as_prometheus_wants(void **state)
{
    (void)state;
    struct arena arena = {0};
    const char *labels = label_add(&arena, "", "activity_type", "load");
    labels = label_add(&arena, labels, "workflow_type", "a\"b\\c\nd");
    assert_string_equal(labels, "activity_type=\"load\",workflow_type=\"a\\\"b\\\\c\\nd\"");
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(a_peek_finds_what_the_desk_needs),
        cmocka_unit_test(a_peek_into_a_query_says_so),
        cmocka_unit_test(a_reply_gives_its_activity_tasks_one_by_one),
        cmocka_unit_test(a_peek_into_nonsense_is_harmless),
        cmocka_unit_test(a_packed_field_can_be_added_behind_a_message),
        cmocka_unit_test(a_refusal_for_size_is_told_from_being_busy),
        cmocka_unit_test(labels_are_escaped_as_prometheus_wants),
    };
    return RUN_STORIES("worker wire", stories);
}
