/* proto3 JSON: what others' files hold is read, what is wrong is named with its place. */
#include "story.h"

#include "script/protojson.h"
#include "script/protojson_text.h"

#define HISTORY &tpb__history__history__descriptor
#define EVENT &tpb__history__history_event__descriptor
#define PAYLOAD &tpb__common__payload__descriptor

struct desk {
    struct arena arena;
    struct error err;
    struct bytes out;
};

static int open_desk(void **state)
{
    *state = test_calloc(1, sizeof(struct desk));
    return 0;
}

static int close_desk(void **state)
{
    struct desk *desk = *state;
    arena_release(&desk->arena);
    bytes_release(&desk->out);
    test_free(desk);
    return 0;
}

static void *read_as(struct desk *desk, const ProtobufCMessageDescriptor *type, const char *text)
{
    ProtobufCMessage *message = NULL;

    desk->err = (struct error){0};
    if (!protojson_read(span_of(text), type, &desk->arena, &message, &desk->err))
        return NULL;
    return message;
}

static void assert_refused(struct desk *desk, const ProtobufCMessageDescriptor *type,
                           const char *text, const char *why)
{
    assert_null(read_as(desk, type, text));
    assert_string_equal(desk->err.text, why);
    assert_int_equal(desk->err.kind, ERROR_MALFORMED);
}

/* Reads, writes, and compares with what a tool would print. */
static void assert_printed(struct desk *desk, const ProtobufCMessageDescriptor *type,
                           const char *text, const char *printed)
{
    void *message = read_as(desk, type, text);

    if (!message)
        fail_msg("%s", desk->err.text);
    bytes_clear(&desk->out);
    assert_true(protojson_write(message, &desk->out, &desk->err));
    assert_string_equal(bytes_text(&desk->out), printed);
}

static void both_spellings_of_names_and_values_are_read(void **state)
{
    static const char *const texts[] = {
        "{\"eventId\": \"7\", \"eventType\": \"EVENT_TYPE_TIMER_FIRED\", \"workerMayIgnore\": "
        "true}",
        "{\"event_id\": 7, \"event_type\": \"TimerFired\", \"worker_may_ignore\": true}",
        "{\"eventId\": 7.0, \"eventType\": 18, \"workerMayIgnore\": true}",
        "{\"event\\u0049d\": \"7\", \"eventType\": \"timer_fired\", \"workerMayIgnore\": true}",
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_printed(*state, EVENT, texts[i],
                       "{\n  \"eventId\": \"7\",\n  \"eventType\": \"EVENT_TYPE_TIMER_FIRED\",\n"
                       "  \"workerMayIgnore\": true\n}\n");
}

static void unknown_fields_values_and_nulls_are_passed_over(void **state)
{
    Tpb__History__HistoryEvent *event =
        read_as(*state, EVENT,
                "{\"fromTheFuture\": {\"a\": [1, {\"b\": null}]}, \"eventId\": \"7\","
                " \"eventType\": \"FromTheFuture\", \"timerFiredEventAttributes\": null}");
    assert_non_null(event);
    assert_int_equal(event->event_id, 7);
    assert_int_equal(event->event_type, 0);
    assert_int_equal(event->attributes_case, 0);
}

static void an_enum_value_without_a_name_here_stays_a_number(void **state)
{
    assert_printed(*state, EVENT, "{\"eventType\": 12345}", "{\n  \"eventType\": 12345\n}\n");
}

static void lists_and_maps_are_read_and_printed(void **state)
{
    assert_printed(
        *state, &tpb__common__payloads__descriptor,
        "{\"payloads\":[{\"metadata\":{\"encoding\":\"anNvbi9wbGFpbg==\"},\"data\":\"NDI=\"},{}]}",
        "{\n  \"payloads\": [\n    {\n      \"metadata\": {\n"
        "        \"encoding\": \"anNvbi9wbGFpbg==\"\n      },\n"
        "      \"data\": \"NDI=\"\n    },\n    {}\n  ]\n}\n");
    assert_printed(
        *state, &tpb__workflowservice__describe_task_queue_response__descriptor,
        "{\"statsByPriorityKey\": {\"3\": {\"approximateBacklogCount\": \"9\"}}}",
        "{\n  \"statsByPriorityKey\": {\n    \"3\": {\n      \"approximateBacklogCount\": \"9\"\n"
        "    }\n  }\n}\n");
}

static void a_member_of_a_oneof_is_printed_even_when_zero(void **state)
{
    assert_printed(*state, &tpb__common__reset_options__descriptor, "{\"workflowTaskId\": 0}",
                   "{\n  \"workflowTaskId\": \"0\"\n}\n");
    assert_refused(*state, &tpb__common__reset_options__descriptor,
                   "{\"workflowTaskId\": 0, \"buildId\": \"x\"}",
                   "buildId: line 1, column 35: another field of the same oneof is set");
}

static void errors_tell_path_line_and_column(void **state)
{
    assert_refused(*state, HISTORY, "{\"events\": [{}, {\n  \"eventTime\": \"yesterday\"}]}",
                   "events[1].eventTime: line 2, column 17: expected a time like "
                   "\"2026-11-24T06:07:49.123Z\"");
    assert_refused(*state, HISTORY, "{\"events\": [{}, 7]}",
                   "events[1]: line 1, column 17: expected an object");
    assert_refused(*state, HISTORY, "{\"events\": {}}",
                   "events: line 1, column 12: expected a list");
    assert_refused(*state, PAYLOAD, "{\"metadata\": {\"encoding\": \"a\"}}",
                   "metadata.encoding: line 1, column 28: expected bytes in base64");
    assert_refused(*state, EVENT, "{\"eventId\": \"1.5\"}",
                   "eventId: line 1, column 14: expected an integer");
    assert_refused(*state, EVENT, "{\"eventId\": \"99999999999999999999\"}",
                   "eventId: line 1, column 14: expected an integer of 64 bits");
    assert_refused(*state, EVENT, "{\"eventId\": 9223372036854775808}",
                   "eventId: line 1, column 13: the integer is out of range");
    assert_refused(*state, &gpb__uint64_value__descriptor, "-1",
                   "line 1, column 1: the integer is out of range");
    assert_refused(*state, EVENT, "{\"workerMayIgnore\": \"yes\"}",
                   "workerMayIgnore: line 1, column 22: expected true or false");
    assert_refused(*state, EVENT, "{\"eventType\": []}",
                   "eventType: line 1, column 15: expected an enum value");
    assert_refused(*state, &tpb__common__workflow_type__descriptor, "{\"name\": \"a\\u0000b\"}",
                   "name: line 1, column 11: the text holds a NUL");
    assert_null(read_as(*state, EVENT, "{} {}"));
    assert_null(read_as(*state, EVENT, "{\"eventId\": \"1\""));
    assert_null(read_as(*state, EVENT, ""));
    assert_null(read_as(*state, EVENT, "[]"));
}

static void depth_and_memory_have_limits(void **state)
{
    struct desk *desk = *state;
    struct bytes deep = {0};

    for (int i = 0; i < PROTO_DEPTH_MAX; i++)
        bytes_add_text(&deep, "{\"cause\":");
    bytes_add_text(&deep, "{}");
    for (int i = 0; i < PROTO_DEPTH_MAX; i++)
        bytes_add_char(&deep, '}');
    assert_null(read_as(desk, &tpb__failure__failure__descriptor, bytes_text(&deep)));
    assert_int_equal(desk->err.kind, ERROR_LIMIT);
    bytes_release(&deep);

    struct bytes wide = {0};
    bytes_add_text(&wide, "{\"payloads\":[{}");
    for (int i = 0; i < 2 * PROTO_DEPTH_MAX; i++)
        bytes_add_text(&wide, ",{}");
    bytes_add_text(&wide, "]}");
    assert_non_null(read_as(desk, &tpb__common__payloads__descriptor, bytes_text(&wide)));
    bytes_release(&wide);

    desk->arena.limit = desk->arena.used + 256;
    assert_null(
        read_as(desk, &tpb__common__payloads__descriptor, "{\"payloads\":[{},{},{},{},{}]}"));
    assert_int_equal(desk->err.kind, ERROR_LIMIT);
}

static void text_that_is_no_utf8_is_not_printed(void **state)
{
    struct desk *desk = *state;
    Tpb__Common__WorkflowType *type =
        proto_new(&tpb__common__workflow_type__descriptor, &desk->arena);

    type->name = "caf\xe9";
    bytes_add_text(&desk->out, "before");
    assert_false(protojson_write(type, &desk->out, &desk->err));
    assert_string_equal(desk->err.text, "name: not UTF-8");
    assert_string_equal(bytes_text(&desk->out), "before");
}

static void well_known_messages_have_their_own_forms(void **state)
{
    assert_printed(*state,
                   &tpb__workflowservice__update_workflow_execution_options_request__descriptor,
                   "{\"updateMask\": \"versioningOverride,priority.fairnessKey\"}",
                   "{\n  \"updateMask\": \"versioningOverride,priority.fairnessKey\"\n}\n");
    assert_refused(
        *state, &tpb__workflowservice__update_workflow_execution_options_request__descriptor,
        "{\"updateMask\": \"versioning_override\"}",
        "updateMask: line 1, column 17: expected a field mask like \"userId,profile.name\"");
    assert_printed(*state, &gpb__int64_value__descriptor, "\"42\"", "\"42\"\n");
    assert_printed(*state, &gpb__double_value__descriptor, "\"-Infinity\"", "\"-Infinity\"\n");
    assert_printed(*state, &gpb__float_value__descriptor, "0.1", "0.1\n");
    assert_printed(*state, &gpb__string_value__descriptor, "\"\\u00e9\\n\"", "\"\xc3\xa9\\n\"\n");
    assert_printed(*state, &gpb__duration__descriptor, "\"-1.50s\"", "\"-1.500s\"\n");
}

static void an_any_shows_the_message_it_holds(void **state)
{
    struct desk *desk = *state;
    const char *printed =
        "{\n  \"body\": {\n"
        "    \"@type\": \"type.googleapis.com/temporal.api.update.v1.Acceptance\",\n"
        "    \"acceptedRequestMessageId\": \"m\"\n  }\n}\n";

    assert_printed(desk, &tpb__protocol__message__descriptor, printed, printed);
    assert_printed(desk, &tpb__protocol__message__descriptor,
                   "{\"body\": {\"acceptedRequestMessageId\": \"m\", \"@type\":"
                   " \"type.googleapis.com/temporal.api.update.v1.Acceptance\"}}",
                   printed);
    assert_printed(
        desk, &gpb__any__descriptor,
        "{\"@type\": \"type.googleapis.com/google.protobuf.Duration\", \"value\": \"1s\"}",
        "{\n  \"@type\": \"type.googleapis.com/google.protobuf.Duration\",\n"
        "  \"value\": \"1s\"\n}\n");
    assert_refused(desk, &gpb__any__descriptor, "{\"value\": 1}",
                   "line 1, column 12: expected an object with \"@type\"");
    assert_refused(desk, &gpb__any__descriptor, "{\"@type\": \"type.googleapis.com/x.Y\"}",
                   "line 1, column 12: \"@type\" is no message of this build");
}

static void times_are_read_in_every_form_and_printed_in_one(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
        int32_t nanos;
        const char *printed;
    } times[] = {
        {"1970-01-01T00:00:00Z",           0,            0,         "1970-01-01T00:00:00Z"          },
        {"2026-11-24T06:07:49.123Z",       1795500469,   123000000, "2026-11-24T06:07:49.123Z"      },
        {"2026-11-24T06:07:49.1Z",         1795500469,   100000000, "2026-11-24T06:07:49.100Z"      },
        {"2026-11-24T06:07:49.000001Z",    1795500469,   1000,      "2026-11-24T06:07:49.000001Z"   },
        {"2026-11-24T06:07:49.123456789Z", 1795500469,   123456789, "2026-11-24T06:07:49.123456789Z"},
        {"2026-11-24t07:37:49+01:30",      1795500469,   0,         "2026-11-24T06:07:49Z"          },
        {"2026-11-23T22:07:49-08:00",      1795500469,   0,         "2026-11-24T06:07:49Z"          },
        {"0001-01-01T00:00:00Z",           -62135596800, 0,         "0001-01-01T00:00:00Z"          },
        {"9999-12-31T23:59:59.999999999Z", 253402300799, 999999999,
         "9999-12-31T23:59:59.999999999Z"                                                           },
        {"2000-02-29T12:00:00Z",           951825600,    0,         "2000-02-29T12:00:00Z"          },
        {"1969-12-31T23:59:59.500Z",       -1,           500000000, "1969-12-31T23:59:59.500Z"      },
        {"1600-03-01T00:00:00Z",           -11670912000, 0,         "1600-03-01T00:00:00Z"          },
    };
    static const char *const wrong[] = {
        "",
        "2026-11-24",
        "2026-11-24T06:07:49",
        "2026-11-24 06:07:49Z",
        "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-11-24T24:00:00Z",
        "2026-11-24T06:07:49.Z",
        "2026-11-24T06:07:49.1234567890Z",
        "2026-11-24T06:07:49+0100",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "2026-11-24T06:07:49Z ",
    };
    struct desk *desk = *state;
    int64_t seconds;
    int32_t nanos;

    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        assert_true(timestamp_read(span_of(times[i].text), &seconds, &nanos));
        assert_int_equal(seconds, times[i].seconds);
        assert_int_equal(nanos, times[i].nanos);
        bytes_clear(&desk->out);
        assert_true(timestamp_write(seconds, nanos, &desk->out));
        assert_string_equal(bytes_text(&desk->out), times[i].printed);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(timestamp_read(span_of(wrong[i]), &seconds, &nanos));
    assert_false(timestamp_write(INT64_MAX, 0, &desk->out));
    assert_false(timestamp_write(0, -1, &desk->out));
}

static void durations_have_one_sign(void **state)
{
    static const char *const wrong[] = {"",
                                        "s",
                                        "1",
                                        "1.s",
                                        "+1s",
                                        "1.5",
                                        "1m",
                                        "1.0000000001s",
                                        "315576000001s",
                                        "99999999999999999999s"};
    struct desk *desk = *state;
    int64_t seconds;
    int32_t nanos;

    assert_true(duration_read(SPAN("-1.5s"), &seconds, &nanos));
    assert_int_equal(seconds, -1);
    assert_int_equal(nanos, -500000000);
    assert_true(duration_read(SPAN("-0.000000001s"), &seconds, &nanos));
    assert_int_equal(nanos, -1);
    assert_true(duration_write(seconds, nanos, &desk->out));
    assert_string_equal(bytes_text(&desk->out), "-0.000000001s");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(duration_read(span_of(wrong[i]), &seconds, &nanos));
    assert_false(duration_write(1, -1, &desk->out));
    assert_false(duration_write(315576000001, 0, &desk->out));
}

static void base64_of_both_alphabets_is_read(void **state)
{
    static const char *const good[][2] = {
        {"",     ""            },
        {"QQ==", "A"           },
        {"QQ",   "A"           },
        {"QUI=", "AB"          },
        {"QUI",  "AB"          },
        {"QUJD", "ABC"         },
        {"-_-_", "\xfb\xff\xbf"},
        {"+/+/", "\xfb\xff\xbf"},
    };
    static const char *const wrong[] = {"Q", "Q===", "QQ=", "QQ=A", "====", "QU I", "QUJ\xc3"};
    struct desk *desk = *state;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        bytes_clear(&desk->out);
        assert_true(base64_read(span_of(good[i][0]), &desk->out));
        assert_string_equal(bytes_text(&desk->out), good[i][1]);
    }
    bytes_clear(&desk->out);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(base64_read(span_of(wrong[i]), &desk->out));
    assert_int_equal(desk->out.size, 0);
    base64_write(SPAN("\xfb\xff\xbf"
                      "AB"),
                 &desk->out);
    assert_string_equal(bytes_text(&desk->out), "+/+/QUI=");
}

static void every_field_name_survives_the_change_of_case(void **state)
{
    struct desk *desk = *state;
    struct bytes snake = {0};

    for (size_t i = 0; i < proto_registry_size; i++)
        for (unsigned j = 0; j < proto_registry[i]->n_fields; j++) {
            bytes_clear(&desk->out);
            bytes_clear(&snake);
            camel_from_snake(span_of(proto_registry[i]->fields[j].name), &desk->out);
            snake_from_camel(bytes_span(&desk->out), &snake);
            assert_string_equal(bytes_text(&snake), proto_registry[i]->fields[j].name);
        }
    bytes_release(&snake);
}

static void a_history_file_may_have_any_form(void **state)
{
    struct desk *desk = *state;
    Tpb__History__History *history;
    static const char *const texts[] = {
        "{\"events\": [{\"eventId\": \"1\"}]}",
        "\n\t {\"events\": [{\"eventId\": 1}]}\n",
        "[{\"events\": [{\"eventId\": \"1\"}]}, {\"events\": []}]",
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_true(history_read(span_of(texts[i]), &desk->arena, &history, &desk->err));
        assert_int_equal(history->n_events, 1);
        assert_int_equal(history->events[0]->event_id, 1);
    }
    assert_true(history_read(SPAN("\x0a\x02\x08\x01"), &desk->arena, &history, &desk->err));
    assert_int_equal(history->events[0]->event_id, 1);
}

/* A packed history whose first event has 123 bytes begins like JSON: "\n{". */
static void a_packed_history_is_not_taken_for_json(void **state)
{
    struct desk *desk = *state;
    Tpb__History__History *history;

    bytes_add_text(&desk->out, "\n{\x08\x07\xa2\x06\x76"); /* event_id = 7, an unknown text */
    for (int i = 0; i < 0x76; i++)
        bytes_add_char(&desk->out, 'x');
    assert_true(history_read(bytes_span(&desk->out), &desk->arena, &history, &desk->err));
    assert_int_equal(history->events[0]->event_id, 7);
}

static void what_is_no_history_is_refused(void **state)
{
    struct desk *desk = *state;
    Tpb__History__History *history;
    static const char *const texts[][2] = {
        {"",                 "neither JSON nor a packed temporal.api.history.v1.History"},
        {"hello",            "neither JSON nor a packed temporal.api.history.v1.History"},
        {"{}",               "a history without events"                                 },
        {"{\"events\": []}", "a history without events"                                 },
        {"[]",               "line 1, column 2: expected an object"                     },
        {"[\"a\"]",          "line 1, column 3: expected an object"                     },
    };

    desk->arena.limit = 64;
    assert_false(history_read(SPAN("\x0a\x02\x08\x01"), &desk->arena, &history, &desk->err));
    assert_int_equal(desk->err.kind, ERROR_LIMIT);
    desk->arena.limit = 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_false(history_read(span_of(texts[i][0]), &desk->arena, &history, &desk->err));
        assert_string_equal(desk->err.text, texts[i][1]);
    }
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, open_desk, close_desk)

int main(void)
{
    const struct CMUnitTest stories[] = {
        STORY(both_spellings_of_names_and_values_are_read),
        STORY(unknown_fields_values_and_nulls_are_passed_over),
        STORY(an_enum_value_without_a_name_here_stays_a_number),
        STORY(lists_and_maps_are_read_and_printed),
        STORY(a_member_of_a_oneof_is_printed_even_when_zero),
        STORY(errors_tell_path_line_and_column),
        STORY(depth_and_memory_have_limits),
        STORY(text_that_is_no_utf8_is_not_printed),
        STORY(well_known_messages_have_their_own_forms),
        STORY(an_any_shows_the_message_it_holds),
        STORY(times_are_read_in_every_form_and_printed_in_one),
        STORY(durations_have_one_sign),
        STORY(base64_of_both_alphabets_is_read),
        STORY(every_field_name_survives_the_change_of_case),
        STORY(a_history_file_may_have_any_form),
        STORY(a_packed_history_is_not_taken_for_json),
        STORY(what_is_no_history_is_refused),
    };
    return RUN_STORIES("proto3 JSON", stories);
}
