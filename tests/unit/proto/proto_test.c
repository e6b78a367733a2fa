/* Making, reading and writing messages, and what is refused from outside. */
#include "story.h"

#include "proto/proto.h"

typedef Tpb__Failure__Failure failure;

static failure *nested_failure(struct arena *arena, size_t depth)
{
    failure *outer = proto_new(&tpb__failure__failure__descriptor, arena);
    failure *inner = outer;

    for (size_t i = 1; i < depth; i++) {
        inner->cause = proto_new(&tpb__failure__failure__descriptor, arena);
        inner = inner->cause;
    }
    inner->message = "the first cause";
    return outer;
}

static void what_was_packed_is_read_back(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct bytes packed = {0};
    struct error err = {0};

    proto_pack(nested_failure(&arena, 3), &packed);
    failure *read =
        proto_unpack(&tpb__failure__failure__descriptor, bytes_span(&packed), &arena, &err);
    assert_non_null(read);
    assert_string_equal(read->message, "");
    assert_string_equal(read->cause->cause->message, "the first cause");
    assert_null(read->cause->cause->cause);
    bytes_release(&packed);
    arena_release(&arena);
}

static void packing_appends(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct bytes packed = {0};

    bytes_add_text(&packed, "before");
    proto_pack(nested_failure(&arena, 1), &packed);
    assert_int_equal(packed.size, 6 + 2 + strlen("the first cause"));
    assert_memory_equal(packed.data, "before\x0a\x0fthe", 11);
    bytes_release(&packed);
    arena_release(&arena);
}

static void an_empty_message_is_no_bytes(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct bytes packed = {0};
    struct error err = {0};

    proto_pack(proto_new(&tpb__failure__failure__descriptor, &arena), &packed);
    assert_int_equal(packed.size, 0);
    assert_non_null(
        proto_unpack(&tpb__failure__failure__descriptor, (struct span){0}, &arena, &err));
    bytes_release(&packed);
    arena_release(&arena);
}

/* Without an init function of its own, protobuf-c writes the default of a oneof's string into the
 * union, takes it for an earlier message member, and frees it. */
static void a_message_in_a_oneof_with_strings_is_read(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error err = {0};

    Tpb__Common__ResetOptions *options =
        proto_unpack(&tpb__common__reset_options__descriptor, SPAN("\x12\0"), &arena, &err);
    assert_non_null(options);
    assert_int_equal(options->target_case, TPB__COMMON__RESET_OPTIONS__TARGET_LAST_WORKFLOW_TASK);
    assert_non_null(options->last_workflow_task);
    for (size_t i = 0; i < proto_registry_size; i++)
        assert_non_null(proto_registry[i]->message_init);
    arena_release(&arena);
}

static void unknown_fields_and_enum_values_survive(void **state)
{
    (void)state;
    /* History { events { event_type = 12345, 9999: "later" } } */
    struct span packed = SPAN("\x0a\x0c\x18\xb9\x60\xfa\xf0\x04\x05later");
    struct arena arena = {0};
    struct bytes again = {0};
    struct error err = {0};

    Tpb__History__History *history =
        proto_unpack(&tpb__history__history__descriptor, packed, &arena, &err);
    assert_non_null(history);
    assert_int_equal(history->n_events, 1);
    assert_int_equal(history->events[0]->event_type, 12345);
    proto_pack(history, &again);
    assert_int_equal(again.size, packed.size);
    assert_memory_equal(again.data, packed.data, packed.size);
    bytes_release(&again);
    arena_release(&arena);
}

static void a_hundred_levels_are_read_and_one_more_is_refused(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error err = {0};

    for (size_t depth = PROTO_DEPTH_MAX; depth <= PROTO_DEPTH_MAX + 1; depth++) {
        struct bytes packed = {0};
        proto_pack(nested_failure(&arena, depth), &packed);
        void *read =
            proto_unpack(&tpb__failure__failure__descriptor, bytes_span(&packed), &arena, &err);
        assert_int_equal(read != NULL, depth == PROTO_DEPTH_MAX);
        bytes_release(&packed);
    }
    assert_int_equal(err.kind, ERROR_LIMIT);
    assert_string_equal(err.text,
                        "temporal.api.failure.v1.Failure: messages nested more than 100 deep");
    arena_release(&arena);
}

static void a_message_that_would_overflow_the_stack_is_refused(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct bytes packed = {0};
    struct error err = {0};

    /* Failure.cause (field 4) in itself, 100,000 deep, built from the inside out. */
    enum { DEPTH = 100000, ROOM = 6 * DEPTH };
    char *place = bytes_reserve(&packed, ROOM) + ROOM;
    char *end = place;
    for (int i = 0; i < DEPTH; i++) {
        uint64_t size = (uint64_t)(end - place);
        uint8_t varint[10];
        size_t n = 0;
        do
            varint[n++] = (uint8_t)((size & 0x7f) | (size > 0x7f ? 0x80 : 0));
        while (size >>= 7);
        place -= n;
        memcpy(place, varint, n);
        *--place = 0x22;
    }
    assert_null(proto_unpack(&tpb__failure__failure__descriptor,
                             (struct span){place, (size_t)(end - place)}, &arena, &err));
    assert_int_equal(err.kind, ERROR_LIMIT);
    bytes_release(&packed);
    arena_release(&arena);
}

static void broken_bytes_are_refused_with_their_place(void **state)
{
    (void)state;
    struct arena arena = {0};
    static const struct {
        struct span packed;
        const char *place;
    } broken[] = {
        {{"\x0a\x05"
          "abc",
          5},
         "byte 2"                                                          }, /* string past the end */
        {{"\x22\x04\x0a\x05"
          "ab",
          6},
         "byte 4"                                                          }, /* the same one level down */
        {{"\x0b", 1},                                              "byte 1"}, /* a group */
        {{"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12}, ""      }, /* a varint too long */
        {{"\x0d\x01", 2},                                          "byte 1"}, /* 4 bytes past the end */
        {{"\x0a", 1},                                              "byte 1"}, /* a tag and no more */
        {{"\x00\x00", 2},                                          ""      }, /* field number 0 */
        {{"\x80\x00\x01", 3},                                      "byte 2"}, /* the same, written long */
        {{"\x80\x80\x80\x80\x10\x01", 6},                          "byte 5"}, /* field number 2^29 */
    };

    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct error err = {0};
        assert_null(
            proto_unpack(&tpb__failure__failure__descriptor, broken[i].packed, &arena, &err));
        assert_int_equal(err.kind, ERROR_MALFORMED);
        assert_non_null(strstr(err.text, broken[i].place));
    }
    arena_release(&arena);
}

static void a_message_past_the_arenas_limit_is_an_error_and_no_crash(void **state)
{
    (void)state;
    struct arena big = {0};
    struct bytes packed = {0};

    proto_pack(nested_failure(&big, 50), &packed);
    for (size_t limit = 16; limit < 12000; limit += 16) {
        struct arena arena = {.limit = limit};
        struct error err = {0};
        void *read =
            proto_unpack(&tpb__failure__failure__descriptor, bytes_span(&packed), &arena, &err);
        assert_true(read || err.kind == ERROR_LIMIT);
        if (limit < 2000)
            assert_null(read);
        arena_release(&arena);
    }
    bytes_release(&packed);
    arena_release(&big);
}

static void a_message_too_large_is_refused_unread(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error err = {0};
    struct span packed = {"", (size_t)PROTO_SIZE_MAX + 1};

    assert_null(proto_unpack(&tpb__failure__failure__descriptor, packed, &arena, &err));
    assert_int_equal(err.kind, ERROR_LIMIT);
}

static void a_string_that_is_not_utf8_is_named_by_its_path(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error err = {0};
    Tpb__Command__Command *commands[2];
    Tpb__Workflowservice__RespondWorkflowTaskCompletedRequest *request = proto_new(
        &tpb__workflowservice__respond_workflow_task_completed_request__descriptor, &arena);

    for (int i = 0; i < 2; i++)
        commands[i] = proto_new(&tpb__command__command__descriptor, &arena);
    request->commands = commands;
    request->n_commands = 2;
    assert_true(proto_check_utf8(request, &err));

    Tpb__Command__StartTimerCommandAttributes *timer =
        proto_new(&tpb__command__start_timer_command_attributes__descriptor, &arena);
    timer->timer_id = "caf\xe9";
    commands[1]->attributes_case = TPB__COMMAND__COMMAND__ATTRIBUTES_START_TIMER_COMMAND_ATTRIBUTES;
    commands[1]->start_timer_command_attributes = timer;
    assert_false(proto_check_utf8(request, &err));
    assert_int_equal(err.kind, ERROR_MALFORMED);
    assert_string_equal(err.text, "commands[1].start_timer_command_attributes.timer_id: not UTF-8");
    timer->timer_id = "caf\xc3\xa9";
    assert_true(proto_check_utf8(request, &err));
    arena_release(&arena);
}

static void bytes_fields_may_hold_anything(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error err = {0};
    Tpb__Common__Payload *payload = proto_new(&tpb__common__payload__descriptor, &arena);

    payload->data = (ProtobufCBinaryData){2, (uint8_t *)"\xff\xfe"};
    assert_true(proto_check_utf8(payload, &err));
    arena_release(&arena);
}

static void every_message_is_found_by_its_full_name(void **state)
{
    (void)state;
    assert_true(proto_registry_size > 500);
    for (size_t i = 0; i < proto_registry_size; i++) {
        struct span name = span_of(proto_registry[i]->name);
        assert_ptr_equal(proto_find(name), proto_registry[i]);
        name.size--;
        assert_ptr_not_equal(proto_find(name), proto_registry[i]);
    }
    assert_null(proto_find(SPAN("")));
    assert_null(proto_find((struct span){0}));
    assert_null(proto_find(SPAN("temporal.api.common.v1.Payload2")));
    assert_null(
        proto_find(SPAN("google.protobuf.Any\0and a long tail behind the end of the name")));
}

static void methods_are_found_by_name_and_by_path(void **state)
{
    (void)state;
    struct proto_method method = {0};

    assert_true(proto_method_find(SPAN("StartWorkflowExecution"), &method));
    assert_string_equal(method.service, "temporal.api.workflowservice.v1.WorkflowService");
    assert_string_equal(method.name, "StartWorkflowExecution");
    assert_ptr_equal(method.request,
                     &tpb__workflowservice__start_workflow_execution_request__descriptor);
    assert_ptr_equal(method.response,
                     &tpb__workflowservice__start_workflow_execution_response__descriptor);

    assert_true(proto_method_find(SPAN("AddSearchAttributes"), &method));
    assert_string_equal(method.service, "temporal.api.operatorservice.v1.OperatorService");

    assert_true(proto_method_find(SPAN("/grpc.health.v1.Health/Check"), &method));
    assert_ptr_equal(method.request, &grpc__health__health_check_request__descriptor);

    assert_false(proto_method_find(SPAN("StartWorkflow"), &method));
    assert_false(proto_method_find(SPAN(""), &method));
    assert_false(proto_method_find(SPAN("/"), &method));
    assert_false(proto_method_find(SPAN("/grpc.health.v1.Health/StartWorkflowExecution"), &method));
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(what_was_packed_is_read_back),
        cmocka_unit_test(packing_appends),
        cmocka_unit_test(an_empty_message_is_no_bytes),
        cmocka_unit_test(a_message_in_a_oneof_with_strings_is_read),
        cmocka_unit_test(unknown_fields_and_enum_values_survive),
        cmocka_unit_test(a_hundred_levels_are_read_and_one_more_is_refused),
        cmocka_unit_test(a_message_that_would_overflow_the_stack_is_refused),
        cmocka_unit_test(broken_bytes_are_refused_with_their_place),
        cmocka_unit_test(a_message_past_the_arenas_limit_is_an_error_and_no_crash),
        cmocka_unit_test(a_message_too_large_is_refused_unread),
        cmocka_unit_test(a_string_that_is_not_utf8_is_named_by_its_path),
        cmocka_unit_test(bytes_fields_may_hold_anything),
        cmocka_unit_test(every_message_is_found_by_its_full_name),
        cmocka_unit_test(methods_are_found_by_name_and_by_path),
    };
    return RUN_STORIES("messages", stories);
}
