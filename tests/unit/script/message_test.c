/* Messages as Lua tables and back: what a script writes is what a server reads, or an error that
 * says where. */
#include "story.h"

#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#include "proto/proto.h"
#include "script/message.h"
#include "script/shape.h"

/* A table as text with sorted keys, so that tables can be compared by eye. */
static const char show_source[] =
    "local function show(v)\n"
    "  if type(v) == 'string' then return string.format('%q', v) end\n"
    "  if type(v) ~= 'table' then return type(v) == 'number' and string.format('%.17g', v) or "
    "tostring(v) end\n"
    "  local out = {}\n"
    "  if #v > 0 then for i = 1, #v do out[i] = show(v[i]) end\n"
    "  else for k, e in pairs(v) do out[#out + 1] = k .. '=' .. show(e) end table.sort(out) end\n"
    "  return '{' .. table.concat(out, ',') .. '}'\n"
    "end\n"
    "return show\n";

struct desk {
    lua_State *L;
    struct arena arena;
    struct error err;
};

static int open_desk(void **state)
{
    struct desk *desk = test_calloc(1, sizeof *desk);
    desk->L = luaL_newstate();
    luaL_openlibs(desk->L);
    assert_int_equal(luaL_dostring(desk->L, show_source), 0);
    lua_setglobal(desk->L, "show");
    *state = desk;
    return 0;
}

static int close_desk(void **state)
{
    struct desk *desk = *state;
    lua_close(desk->L);
    arena_release(&desk->arena);
    test_free(desk);
    return 0;
}

/* Reads the table that the Lua expression gives; NULL and desk->err when it is refused. */
static void *read_as(struct desk *desk, const char *type, const char *expression)
{
    lua_pushfstring(desk->L, "return %s", expression);
    const char *source = lua_tostring(desk->L, -1);
    assert_int_equal(luaL_dostring(desk->L, source), 0);
    int top = lua_gettop(desk->L);
    desk->err = (struct error){0};
    void *message = message_read(desk->L, -1, message_descriptor(type), &desk->arena, &desk->err);
    assert_int_equal(lua_gettop(desk->L), top);
    assert_int_equal(message == NULL, desk->err.kind != ERROR_NONE);
    lua_pop(desk->L, 2);
    return message;
}

static const char *pushed(struct desk *desk, const void *message)
{
    lua_getglobal(desk->L, "show");
    message_push(desk->L, message);
    assert_int_equal(lua_pcall(desk->L, 1, 1, 0), 0);
    return lua_tostring(desk->L, -1);
}

static void assert_goes_round(struct desk *desk, const char *type, const char *table)
{
    void *message = read_as(desk, type, table);
    if (!message)
        fail_msg("%s", desk->err.text);
    assert_string_equal(pushed(desk, message), table);
}

static void assert_refused(struct desk *desk, const char *type, const char *table, const char *why)
{
    assert_null(read_as(desk, type, table));
    assert_string_equal(desk->err.text, why);
}

#define COMMAND "temporal.api.command.v1.Command"
#define PAYLOAD "temporal.api.common.v1.Payload"
#define ACTIVITY "temporal.api.command.v1.ScheduleActivityTaskCommandAttributes"
#define EVENT "temporal.api.history.v1.HistoryEvent"

static void a_command_goes_there_and_back(void **state)
{
    assert_goes_round(
        *state, COMMAND,
        "{command_type=\"COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK\",schedule_activity_task_command_"
        "attributes={activity_id=\"1\",activity_type={name=\"load\"},input={payloads={{data=\"42\","
        "metadata={encoding=\"json/plain\"}}}},retry_policy={backoff_coefficient=2.5,"
        "maximum_attempts=5,non_retryable_error_types={\"ValueError\",\"KeyError\"}},"
        "schedule_to_close_timeout=1500,task_queue={kind=\"TASK_QUEUE_KIND_NORMAL\",name=\"q\"}}}");
}

static void the_message_holds_what_the_table_said(void **state)
{
    Tpb__Command__ScheduleActivityTaskCommandAttributes *activity =
        read_as(*state, ACTIVITY,
                "{ activity_id = '7', start_to_close_timeout = 1500.25, input = { payloads = { {}, "
                "{ data = 'x' } } } }");
    assert_non_null(activity);
    assert_string_equal(activity->activity_id, "7");
    assert_int_equal(activity->start_to_close_timeout->seconds, 1);
    assert_int_equal(activity->start_to_close_timeout->nanos, 500250000);
    assert_int_equal(activity->input->n_payloads, 2);
    assert_int_equal(activity->input->payloads[1]->data.len, 1);
    assert_null(activity->activity_type);
}

static void zero_and_unset_are_absent(void **state)
{
    assert_string_equal(pushed(*state, read_as(*state, EVENT, "{ event_id = 0, event_type = 0 }")),
                        "{}");
    assert_string_equal(pushed(*state, read_as(*state, PAYLOAD, "{ metadata = {}, data = '' }")),
                        "{}");
}

static void an_empty_member_of_a_oneof_is_there(void **state)
{
    assert_goes_round(*state, EVENT, "{timer_fired_event_attributes={}}");
    assert_goes_round(*state, "temporal.api.common.v1.ResetOptions", "{workflow_task_id=0}");
    assert_goes_round(*state, "temporal.api.common.v1.ResetOptions", "{build_id=\"\"}");
}

static void wide_integers_keep_every_digit(void **state)
{
    const char *type = "google.protobuf.Int64Value";
    assert_goes_round(*state, type, "{value=9007199254740992}");
    assert_goes_round(*state, type, "{value=-9007199254740992}");
    assert_goes_round(*state, type, "{value=\"9007199254740993\"}");
    assert_goes_round(*state, type, "{value=\"9223372036854775807\"}");
    assert_goes_round(*state, type, "{value=\"-9223372036854775808\"}");
    assert_goes_round(*state, "google.protobuf.UInt64Value", "{value=\"18446744073709551615\"}");
    assert_string_equal(pushed(*state, read_as(*state, type, "{ value = '-12' }")), "{value=-12}");
}

static void integers_that_are_none_are_refused(void **state)
{
    static const char *const wrong[][3] = {
        {"Int64Value",  "{ value = 2.5 }",                       "value: 2.5 is not a whole number"              },
        {"Int64Value",  "{ value = 0/0 }",                       "value: not a number"                           },
        {"Int64Value",  "{ value = 1/0 }",                       "value: inf is not a whole number"              },
        {"Int64Value",  "{ value = 2^53 + 2 }",
         "value: 9007199254740994 is not within -9007199254740992 and 9007199254740992"                          },
        {"Int64Value",  "{ value = '9223372036854775808' }",
         "value: \"9223372036854775808\" is not a 64-bit integer"                                                },
        {"Int64Value",  "{ value = '1e3' }",                     "value: \"1e3\" is not a 64-bit integer"        },
        {"Int64Value",  "{ value = '' }",                        "value: \"\" is not a 64-bit integer"           },
        {"Int64Value",  "{ value = '-' }",                       "value: \"-\" is not a 64-bit integer"          },
        {"Int64Value",  "{ value = '00000000000000000000001' }",
         "value: \"00000000000000000000001\" is not a 64-bit integer"                                            },
        {"UInt64Value", "{ value = -1 }",                        "value: -1 is not within 0 and 9007199254740992"},
        {"UInt64Value", "{ value = '-1' }",                      "value: \"-1\" is not a 64-bit integer"         },
        {"UInt64Value", "{ value = '18446744073709551616' }",
         "value: \"18446744073709551616\" is not a 64-bit integer"                                               },
        {"Int32Value",  "{ value = 2^31 }",
         "value: 2147483648 is not within -2147483648 and 2147483647"                                            },
        {"UInt32Value", "{ value = -1 }",                        "value: -1 is not within 0 and 4294967295"      },
        {"Int32Value",  "{ value = '1' }",                       "value: expected a number, got string"          },
        {"BoolValue",   "{ value = 1 }",                         "value: expected true or false, got number"     },
        {"DoubleValue", "{ value = true }",                      "value: expected a number, got boolean"         },
        {"StringValue", "{ value = 5 }",                         "value: expected a string, got number"          },
        {"BytesValue",  "{ value = {} }",                        "value: expected a string of bytes, got table"  },
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char type[64];
        snprintf(type, sizeof type, "google.protobuf.%s", wrong[i][0]);
        assert_refused(*state, type, wrong[i][1], wrong[i][2]);
    }
}

static void an_unknown_key_names_the_path_and_the_nearest_field(void **state)
{
    assert_refused(*state, COMMAND,
                   "{ schedule_activity_task_command_attributes = { start_to_close_timeuot = 1 } }",
                   "schedule_activity_task_command_attributes.start_to_close_timeuot: no such "
                   "field; did you mean start_to_close_timeout?");
    assert_refused(*state, PAYLOAD, "{ colour = 1 }", "colour: no such field");
    assert_refused(*state, PAYLOAD, "{ [1] = 'x' }", "Payload has fields by name, not by number");
    assert_refused(*state, ACTIVITY, "{ input = { payloads = { {}, { date = 'x' } } } }",
                   "input.payloads[2].date: no such field; did you mean data?");
}

static void enums_are_read_by_name_and_number(void **state)
{
    assert_goes_round(*state, EVENT, "{event_type=\"EVENT_TYPE_TIMER_FIRED\"}");
    assert_string_equal(pushed(*state, read_as(*state, EVENT, "{ event_type = 18 }")),
                        "{event_type=\"EVENT_TYPE_TIMER_FIRED\"}");
    assert_goes_round(*state, EVENT, "{event_type=12345}");
    assert_refused(*state, EVENT, "{ event_type = 'EVENT_TYPE_TIMER_FIRD' }",
                   "event_type: EventType has no value EVENT_TYPE_TIMER_FIRD; did you mean "
                   "EVENT_TYPE_TIMER_FIRED?");
    assert_refused(*state, EVENT, "{ event_type = 'EVENT_TYPE_TIMER_FIRED\\0' }",
                   "event_type: EventType has no value EVENT_TYPE_TIMER_FIRED; did you mean "
                   "EVENT_TYPE_TIMER_FIRED?");
    assert_refused(*state, EVENT, "{ event_type = {} }",
                   "event_type: expected an enum value's name, got table");
}

static void times_are_milliseconds(void **state)
{
    static const struct {
        const char *ms;
        int64_t seconds;
        int32_t nanos;
        bool timestamp;
    } times[] = {
        {"1500.25",           1,          500250000,  false},
        {"-1500.25",          -1,         -500250000, false},
        {"0.000001",          0,          1,          false},
        {"999.9999999",       1,          0,          false},
        {"-999.9999999",      -1,         0,          false},
        {"1764000000123.5",   1764000000, 123500000,  true },
        {"1764000000123.456", 1764000000, 123456000,  true },
        {"-1500",             -2,         500000000,  true },
    };

    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char table[64];
        const Gpb__Duration *read;
        if (times[i].timestamp) {
            snprintf(table, sizeof table, "{ event_time = %s }", times[i].ms);
            read =
                (void *)((Tpb__History__HistoryEvent *)read_as(*state, EVENT, table))->event_time;
        } else {
            snprintf(table, sizeof table, "{ heartbeat_timeout = %s }", times[i].ms);
            read = ((Tpb__Command__ScheduleActivityTaskCommandAttributes *)read_as(*state, ACTIVITY,
                                                                                   table))
                       ->heartbeat_timeout;
        }
        assert_int_equal(read->seconds, times[i].seconds);
        assert_int_equal(read->nanos, times[i].nanos);
    }
    assert_goes_round(*state, EVENT, "{event_time=1764000000123.5}");
    assert_goes_round(*state, ACTIVITY, "{heartbeat_timeout=-0.25}");
    assert_refused(*state, ACTIVITY, "{ heartbeat_timeout = '5s' }",
                   "heartbeat_timeout: expected a number, got string");
    assert_refused(*state, ACTIVITY, "{ heartbeat_timeout = 1e300 }",
                   "heartbeat_timeout: 1.0000000000000001e+300 ms is out of range");
    assert_refused(*state, ACTIVITY, "{ heartbeat_timeout = 0/0 }",
                   "heartbeat_timeout: not a number");
}

static void lists_have_no_holes_and_no_strangers(void **state)
{
    assert_refused(*state, ACTIVITY, "{ input = { payloads = { {}, nil, {} } } }",
                   "input.payloads: the list has holes");
    assert_refused(*state, ACTIVITY, "{ input = { payloads = { {}, n = 1 } } }",
                   "input.payloads: expected a list of 1, got a table with other keys or holes");
    assert_refused(*state, ACTIVITY, "{ input = { payloads = { data = 'x' } } }",
                   "input.payloads: expected a list of 0, got a table with other keys or holes");
    assert_refused(*state, ACTIVITY, "{ input = { payloads = { [1.5] = {} } } }",
                   "input.payloads: expected a list of 0, got a table with other keys or holes");
    assert_refused(*state, ACTIVITY, "{ input = { payloads = { {}, {}, [1.5] = {} } } }",
                   "input.payloads: expected a list of 2, got a table with other keys or holes");
    assert_refused(*state, ACTIVITY, "{ input = { payloads = 'x' } }",
                   "input.payloads: expected a list, got string");
    assert_refused(*state, ACTIVITY, "{ input = { payloads = { 'x' } } }",
                   "input.payloads[1]: expected a table, got string");
    assert_refused(*state, ACTIVITY, "{ input = 'x' }", "input: expected a table, got string");
    assert_refused(*state, ACTIVITY, "'x'", "expected a table, got string");
}

static void maps_are_packed_in_the_order_of_their_keys(void **state)
{
    struct desk *desk = *state;
    struct bytes first = {0};

    for (int i = 0; i < 50; i++) {
        struct bytes packed = {0};
        char table[256];
        snprintf(table, sizeof table,
                 "(function() local m = {} for i = 1, %d do m['x' .. i] = '' end "
                 "for i = 1, %d do m['x' .. i] = nil end m.b = '2' m.a = '1' m.c = '3' "
                 "return { metadata = m } end)()",
                 i, i);
        proto_pack(read_as(desk, PAYLOAD, table), &packed);
        if (!first.size)
            bytes_add_span(&first, bytes_span(&packed));
        assert_true(span_equal(bytes_span(&first), bytes_span(&packed)));
        bytes_release(&packed);
    }
    bytes_release(&first);
    assert_refused(*state, PAYLOAD, "{ metadata = { 'x' } }",
                   "metadata.key: expected a string, got number");
    assert_refused(*state, PAYLOAD, "{ metadata = { encoding = 1 } }",
                   "metadata.encoding: expected a string of bytes, got number");
    assert_refused(*state, PAYLOAD, "{ metadata = 'x' }", "metadata: expected a table, got string");
}

static void maps_with_numbers_for_keys(void **state)
{
    Tpb__Workflowservice__DescribeTaskQueueResponse *described = read_as(
        *state, "temporal.api.workflowservice.v1.DescribeTaskQueueResponse",
        "{ stats_by_priority_key = { [5] = { approximate_backlog_count = 7 }, [3] = {} } }");
    assert_non_null(described);
    assert_int_equal(described->n_stats_by_priority_key, 2);
    assert_int_equal(described->stats_by_priority_key[0]->key, 3);
    assert_int_equal(described->stats_by_priority_key[1]->value->approximate_backlog_count, 7);
    assert_string_equal(pushed(*state, described),
                        "{stats_by_priority_key={3={},5={approximate_backlog_count=7}}}");
}

static void every_map_has_keys_that_are_sorted_here(void **state)
{
    (void)state;
    size_t maps = 0;

    for (size_t i = 0; i < proto_registry_size; i++) {
        const struct shape *shape = shape_of(proto_registry[i]);
        for (size_t j = 0; j < shape->field_count; j++) {
            if (shape->fields[j].count != SHAPE_MAP)
                continue;
            maps++;
            enum shape_kind kind = shape->fields[j].of->fields[0].kind;
            assert_true(kind == SHAPE_STRING || kind == SHAPE_INT32);
        }
    }
    assert_true(maps > 20);
}

static void every_field_of_every_message_is_found_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < proto_registry_size; i++) {
        const struct shape *shape = shape_of(proto_registry[i]);
        assert_ptr_equal(shape->type, proto_registry[i]);
        for (size_t j = 0; j < shape->field_count; j++) {
            struct span name = shape->fields[j].name;
            assert_ptr_equal(shape_field(shape, name), &shape->fields[j]);
            name.size--;
            assert_ptr_not_equal(shape_field(shape, name), &shape->fields[j]);
        }
    }
}

static void one_member_of_a_oneof_at_most(void **state)
{
    assert_null(
        read_as(*state, EVENT,
                "{ timer_fired_event_attributes = {}, timer_started_event_attributes = {} }"));
    assert_non_null(strstr(((struct desk *)*state)->err.text, "only one of this and timer_"));
}

static void text_must_be_text(void **state)
{
    assert_refused(*state, ACTIVITY, "{ activity_type = { name = 'caf\\233' } }",
                   "activity_type.name: not UTF-8 from byte 4 on");
    assert_refused(*state, ACTIVITY, "{ activity_id = 'a\\0b' }", "activity_id: holds a NUL byte");
    Tpb__Common__Payload *payload = read_as(*state, PAYLOAD, "{ data = 'a\\0\\255' }");
    assert_int_equal(payload->data.len, 3);
    assert_memory_equal(payload->data.data, "a\0\xff", 3);
    assert_string_equal(pushed(*state, payload), "{data=\"a\\0\xff\"}");
}

static void what_is_nested_too_deep_is_refused(void **state)
{
    static const char deep[] =
        "(function() local f = {} for i = 2, %d do f = { cause = f } end return f end)()";
    char table[160];

    snprintf(table, sizeof table, deep, PROTO_DEPTH_MAX);
    assert_non_null(read_as(*state, "temporal.api.failure.v1.Failure", table));
    snprintf(table, sizeof table, deep, PROTO_DEPTH_MAX + 1);
    assert_null(read_as(*state, "temporal.api.failure.v1.Failure", table));
    assert_int_equal(((struct desk *)*state)->err.kind, ERROR_LIMIT);
    assert_null(read_as(*state, "temporal.api.failure.v1.Failure",
                        "(function() local f = {} f.cause = f return f end)()"));
    assert_int_equal(((struct desk *)*state)->err.kind, ERROR_LIMIT);
    assert_non_null(strstr(((struct desk *)*state)->err.text, "cause: messages nested more"));
}

static void what_is_wide_is_not_deep(void **state)
{
    assert_non_null(read_as(*state, "temporal.api.common.v1.Payloads",
                            "(function() local l = {} for i = 1, 200 do l[i] = {} end "
                            "return { payloads = l } end)()"));
}

static void the_arenas_limit_is_an_error(void **state)
{
    struct desk *desk = *state;

    desk->arena.limit = 4096;
    assert_null(read_as(desk, PAYLOAD, "{ data = ('x'):rep(5000) }"));
    assert_int_equal(desk->err.kind, ERROR_LIMIT);
    assert_string_equal(desk->err.text, "data: the message takes more than 4096 bytes");
}

static void a_message_without_such_a_name_is_null(void **state)
{
    (void)state;
    assert_null(message_descriptor("temporal.api.common.v1.Paylod"));
    assert_non_null(message_descriptor(PAYLOAD));
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, open_desk, close_desk)

int main(void)
{
    const struct CMUnitTest stories[] = {
        STORY(a_command_goes_there_and_back),
        STORY(the_message_holds_what_the_table_said),
        STORY(zero_and_unset_are_absent),
        STORY(an_empty_member_of_a_oneof_is_there),
        STORY(wide_integers_keep_every_digit),
        STORY(integers_that_are_none_are_refused),
        STORY(an_unknown_key_names_the_path_and_the_nearest_field),
        STORY(enums_are_read_by_name_and_number),
        STORY(times_are_milliseconds),
        STORY(lists_have_no_holes_and_no_strangers),
        STORY(maps_are_packed_in_the_order_of_their_keys),
        STORY(maps_with_numbers_for_keys),
        STORY(every_map_has_keys_that_are_sorted_here),
        STORY(every_field_of_every_message_is_found_by_name),
        STORY(one_member_of_a_oneof_at_most),
        STORY(text_must_be_text),
        STORY(what_is_nested_too_deep_is_refused),
        STORY(what_is_wide_is_not_deep),
        STORY(the_arenas_limit_is_an_error),
        STORY(a_message_without_such_a_name_is_null),
    };
    return RUN_STORIES("messages and tables", stories);
}
