/* JSON in Lua: nothing is lost, nothing is guessed, and every refusal says where. */
#include "story.h"

#include <lauxlib.h>
#include <lualib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script/json.h"
#include "script/json_scan.h"
#include "script/number.h"

static int open_vm(void **state)
{
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    lua_pushcfunction(L, json_open);
    lua_call(L, 0, 1);
    lua_setglobal(L, "json");
    *state = L;
    return 0;
}

static int close_vm(void **state)
{
    lua_close(*state);
    return 0;
}

/* Runs Lua that returns one text (or an error's text). */
static const char *run(lua_State *L, const char *source)
{
    lua_settop(L, 0);
    if (luaL_loadbuffer(L, source, strlen(source), "=t") || lua_pcall(L, 0, 1, 0))
        return lua_tostring(L, -1);
    const char *text = lua_tostring(L, -1);
    return text ? text : luaL_typename(L, -1);
}

/* Decodes and encodes again. */
static void check_round(lua_State *L, const char *text, const char *again)
{
    struct error err = {0};
    struct bytes out = {0};
    lua_settop(L, 0);
    if (!json_push(L, span_of(text), &err) || !json_write(L, -1, &out, &err))
        fail_msg("%s: %s", text, err.text);
    assert_string_equal(bytes_text(&out), again);
    assert_int_equal(lua_gettop(L), 1);
    bytes_release(&out);
}

static void check_refused(lua_State *L, const char *text, const char *why)
{
    struct error err = {0};
    lua_settop(L, 0);
    if (json_push(L, span_of(text), &err))
        fail_msg("%s was read", text);
    assert_string_equal(err.text, why);
    assert_int_equal(lua_gettop(L), 0);
}

static void values_come_back_as_they_went(void **state)
{
    check_round(*state, " { \"b\" : [ 1 , true , null ] , \"a\" : { } } ",
                "{\"a\":{},\"b\":[1,true,null]}");
    check_round(*state, "[]", "[]");
    check_round(*state, "{}", "{}");
    check_round(*state, "[[],{},[[]]]", "[[],{},[[]]]");
    check_round(*state, "\"\"", "\"\"");
    check_round(*state, "false", "false");
    check_round(*state, "null", "null");
}

static void keys_are_written_in_the_order_of_their_bytes(void **state)
{
    check_round(*state,
                "{\"b\":1,\"a\":2,\"\":3,\"B\":4,\"aa\":5,\"\xC3\xA4\":6,\"k01\":0,\"k02\":0,"
                "\"k03\":0,\"k04\":0,\"k05\":0,\"k06\":0,\"k07\":0,\"k08\":0,\"k09\":0,\"k10\":0,"
                "\"k11\":0,\"k12\":0}",
                "{\"\":3,\"B\":4,\"a\":2,\"aa\":5,\"b\":1,\"k01\":0,\"k02\":0,\"k03\":0,\"k04\":0,"
                "\"k05\":0,\"k06\":0,\"k07\":0,\"k08\":0,\"k09\":0,\"k10\":0,\"k11\":0,\"k12\":0,"
                "\"\xC3\xA4\":6}");
}

static void text_is_escaped_no_more_than_it_must_be(void **state)
{
    check_round(*state, "\"\\u0041\\/\\u00e9\\ud83d\\ude00\\n\\u001f\\u0000\\\"\\\\\\u007f\"",
                "\"A/\xC3\xA9\xF0\x9F\x98\x80\\n\\u001f\\u0000\\\"\\\\\x7F\"");
    assert_string_equal(run(*state, "return json.encode('tab\\tslash/\\1')"),
                        "\"tab\\tslash/\\u0001\"");
    assert_string_equal(run(*state, "return #json.decode('\"a\\\\u0000b\"')"), "3");
}

static void a_number_is_never_changed(void **state)
{
    lua_State *L = *state;
    check_round(L, "[9007199254740991,9007199254740992,9007199254740993,-9007199254740993]",
                "[9007199254740991,9007199254740992,9007199254740993,-9007199254740993]");
    check_round(L, "[12345678901234567890123,0.1,1.50,-0,1E5,1e20,12.34567890123456789]",
                "[12345678901234567890123,0.1,1.5,-0,100000,1e20,12.34567890123456789]");
    check_round(L, "[1e400,1e-400,5e-324,1.7976931348623157e308,0.30000000000000004]",
                "[1e400,1e-400,5e-324,1.7976931348623157e308,0.30000000000000004]");
    assert_string_equal(run(L, "return type(json.decode('9007199254740993'))"), "userdata");
    assert_string_equal(run(L, "return type(json.decode('9007199254740992'))"), "number");
    assert_string_equal(run(L, "return type(json.decode('0.1'))"), "number");
    assert_string_equal(run(L, "return type(json.decode('0.10000000000000001'))"), "userdata");
    assert_string_equal(run(L, "return 'id ' .. json.decode('12345678901234567890')"),
                        "id 12345678901234567890");
    assert_string_equal(
        run(L, "local a, b = json.decode('9007199254740993'), json.number('9007199254740993') "
               "return tostring(a == b and tostring(a) == '9007199254740993' and "
               "a ~= json.number('9007199254740995'))"),
        "true");
    assert_string_equal(run(L, "return json.encode({json.number('12.50'), json.number(0.5)})"),
                        "[12.50,0.5]");
    assert_string_equal(
        run(L, "return json.encode(2^53) .. json.encode(2^60) .. json.encode(-0.0)"),
        "90071992547409921.152921504606847e18-0");
}

static void any_double_reads_back_as_itself(void **state)
{
    (void)state;
    srand48(7);
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = (uint64_t)mrand48() << 32 ^ (uint32_t)mrand48();
        if (i % 4 == 1) /* powers of two, where the gap below is narrower */
            bits = (uint64_t)(i % 2047) << 52;
        if (i % 4 == 2) /* money and rates */
            bits = 0;
        double value;
        memcpy(&value, &bits, sizeof value);
        if (i % 4 == 2)
            value = (double)(mrand48() % 100000000) / (i % 8 == 2 ? 100 : 10000);
        if (!isfinite(value))
            continue;
        char text[NUMBER_TEXT_MAX];
        size_t size = number_write(value, text);
        double again = 0;
        if (strtod(text, NULL) != value || !number_read((struct span){text, size}, &again) ||
            again != value || !json_is_number((struct span){text, size}))
            fail_msg("%.17g was written as %s", value, text);
        char shorter[40];
        snprintf(shorter, sizeof shorter, "%.15g", value);
        assert_true(strtod(shorter, NULL) != value || size <= strlen(shorter) + 2);
    }
}

static void a_wrong_text_is_refused_with_place_and_reason(void **state)
{
    lua_State *L = *state;
    check_refused(L, "", "line 1, column 1: expected a value, found the end of the text");
    check_refused(L, "{\"a\":1,}", "line 1, column 8: expected a key, found '}'");
    check_refused(L, "[1,\n 2,]", "line 2, column 4: expected a value, found ']'");
    check_refused(L, "[1 2]", "line 1, column 4: expected ',' or ']', found '2'");
    check_refused(L, "{\"a\" 1}", "line 1, column 6: expected ':', found '1'");
    check_refused(L, "{\"a\":1 \"b\"", "line 1, column 8: expected ',' or '}', found '\"'");
    check_refused(L, "{a:1}", "line 1, column 2: expected a key or '}', found 'a'");
    check_refused(L, "[,1]", "line 1, column 2: expected a value or ']', found ','");
    check_refused(L, "[}", "line 1, column 2: expected a value or ']', found '}'");
    check_refused(L, "{\"k\":]", "line 1, column 6: expected a value, found ']'");
    check_refused(L, "01", "line 1, column 2: expected the end of the text, found '1'");
    check_refused(L, "-", "line 1, column 2: expected a digit, found the end of the text");
    check_refused(L, "1.", "line 1, column 3: expected a digit, found the end of the text");
    check_refused(L, "[1.e5]", "line 1, column 4: expected a digit, found 'e'");
    check_refused(L, "1e+", "line 1, column 4: expected a digit, found the end of the text");
    check_refused(L, "+1", "line 1, column 1: expected a value, found '+'");
    check_refused(L, "NaN", "line 1, column 1: expected a value, found 'N'");
    check_refused(L, "nul", "line 1, column 1: expected a value, found 'n'");
    check_refused(L, "tru\xC3\xA9", "line 1, column 1: expected a value, found 't'");
    check_refused(L, "\"abc",
                  "line 1, column 5: expected '\"' at the end of a text, found the end "
                  "of the text");
    check_refused(L, "\"\xC3\xA9\\x\"",
                  "line 1, column 4: expected an escape (one of \"\\/bfnrtu), found 'x'");
    check_refused(L, "\"\\u12g4\"",
                  "line 1, column 2: expected four hexadecimal digits behind \\u");
    check_refused(L, "\"\\ud800x\"",
                  "line 1, column 2: expected a pair of surrogates, found one alone");
    check_refused(L, "\"\\udc00\\udc00\"",
                  "line 1, column 2: expected a pair of surrogates, found one alone");
    check_refused(L, "\"\\udc00\\ud800\"",
                  "line 1, column 2: expected a pair of surrogates, found one alone");
    check_refused(L, "\"a\tb\"", "line 1, column 3: byte 0x09 must be escaped in a text");
    check_refused(L, "\"\xFF\"", "line 1, column 2: byte 0xFF is not UTF-8");
    check_refused(L, "\"\xC0\x80\"", "line 1, column 2: byte 0xC0 is not UTF-8");
    check_refused(L, "\"\xED\xA0\x80\"", "line 1, column 2: byte 0xED is not UTF-8");
    check_refused(L, "\xEF\xBB\xBF[]", "line 1, column 1: expected a value, found byte 0xEF");
    check_refused(L, "{\"a\":1,\"b\":{\"a\":2},\"\\u0061\":3}",
                  "line 1, column 20: the key \"\\u0061\" occurs a second time in one object");
    check_refused(L, "{\"a\":null,\"a\":null}",
                  "line 1, column 11: the key \"a\" occurs a second time in one object");
}

static void arrays_and_objects_are_what_they_say(void **state)
{
    lua_State *L = *state;
    assert_string_equal(run(L, "return json.encode({{}, json.array(), json.object(), {1}})"),
                        "[{},[],{},[1]]");
    assert_string_equal(run(L, "return json.encode(json.object{'x', n=1, [-3]=2})"),
                        "{\"-3\":2,\"1\":\"x\",\"n\":1}");
    assert_string_equal(run(L, "return getmetatable(json.decode('[]'))"), "json.array");
    assert_string_equal(run(L, "return tostring(json.decode('[null]')[1] == json.null)"), "true");
    assert_string_equal(run(L, "return json.encode(json.array(json.object{}))"), "[]");
    assert_string_equal(run(L, "return json.encode(nil)"), "null");
    assert_string_equal(run(L, "return json.array(setmetatable({}, {}))"),
                        "bad argument #1 to '?' (the table has a metatable already)");
    assert_string_equal(run(L, "return json.encode(setmetatable({1}, {__index = error}))"), "[1]");
}

static void a_table_that_json_cannot_hold_is_refused_with_its_path(void **state)
{
    static const char *const refusals[][2] = {
        {"{rows={{cost=1},{cost=print}}}",
         "value.rows[2].cost: a function, which JSON cannot hold"                                                                  },
        {"{a={1,2,x=3}}",                                    "value.a: a table with both text and other keys"                      },
        {"{a={[0]=1}}",
         "value.a: an array with a key that is not 1, 2, 3, ... (json.object marks a table as an "
         "object)"                                                                                                                 },
        {"{a={x=1,[true]=2}}",                               "value.a: a table with both text and other keys"                      },
        {"{a={1,nil,3}}",                                    "value.a: an array with holes: 2 elements, but the highest index is 3"},
        {"json.array{1,nil,3}",
         "value: an array with holes: 2 elements, but the highest index is 3"                                                      },
        {"json.object{[1]=1,['1']=2}",                       "value.1: a number and a text as keys that read the same"             },
        {"json.object{[1.5]=1}",                             "value: an object with a key that is neither text nor an integer"     },
        {"{0/0}",                                            "value[1]: not a number (NaN), which JSON cannot hold"                },
        {"{a=-1/0}",                                         "value.a: infinity, which JSON cannot hold"                           },
        {"{a='x\\255'}",                                     "value.a: text that is not UTF-8 (byte 2 is 0xFF)"                    },
        {"{['\\255']=1}",                                    "value.\xFF: text that is not UTF-8 (byte 1 is 0xFF)"                 },
        {"io.stdout",                                        "value: a userdata, which JSON cannot hold"                           },
        {"(function() local t = {} t.t = t return t end)()",
         "value: nested deeper than 200 levels (a table in itself?)"                                                               },
    };
    lua_State *L = *state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        char source[200];
        char wanted[200];
        snprintf(source, sizeof source, "return (json.encode(%s))", refusals[i][0]);
        snprintf(wanted, sizeof wanted, "t:1: json.encode: %s", refusals[i][1]);
        assert_string_equal(run(L, source), wanted);
    }
}

static void what_is_refused_does_not_depend_on_the_order_in_memory(void **state)
{
    (void)state;
    for (int i = 0; i < 60; i++) {
        lua_State *L;
        open_vm((void **)&L);
        assert_string_equal(
            run(L, "return (json.encode{a=1, bb=2, [1]=3, [true]=4, ccc=print, dddd=5})"),
            "t:1: json.encode: value: a table with both text and other keys");
        assert_string_equal(run(L, "return (json.encode{a=1, z=print, b=io, y={1, print}})"),
                            "t:1: json.encode: value.b.close: a function, which JSON cannot hold");
        close_vm((void **)&L);
    }
}

static void a_failed_write_leaves_the_output_as_it_was(void **state)
{
    lua_State *L = *state;
    struct bytes out = {0};
    struct error err = {0};
    bytes_add_text(&out, "before");
    lua_settop(L, 0);
    luaL_loadstring(L, "return {1, 2, print}");
    lua_call(L, 0, 1);
    assert_false(json_write(L, 1, &out, &err));
    assert_string_equal(bytes_text(&out), "before");
    assert_int_equal(lua_gettop(L), 1);
    bytes_release(&out);
}

static void depth_and_size_have_limits(void **state)
{
    lua_State *L = *state;
    char deep[JSON_DEPTH_MAX * 2 + 4] = {0};
    memset(deep, '[', JSON_DEPTH_MAX);
    memset(deep + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    check_round(L, deep, deep);
    memset(deep, '[', JSON_DEPTH_MAX + 1);
    check_refused(L, deep, "line 1, column 201: nested deeper than 200 levels");

    struct error err = {0};
    struct json_scan scan;
    struct json_token token;
    json_scan_start(&scan, (struct span){deep, (size_t)JSON_SIZE_MAX + 1});
    assert_false(json_scan_next(&scan, &token, &err));
    assert_int_equal(err.kind, ERROR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(values_come_back_as_they_went),
        cmocka_unit_test(keys_are_written_in_the_order_of_their_bytes),
        cmocka_unit_test(text_is_escaped_no_more_than_it_must_be),
        cmocka_unit_test(a_number_is_never_changed),
        cmocka_unit_test(any_double_reads_back_as_itself),
        cmocka_unit_test(a_wrong_text_is_refused_with_place_and_reason),
        cmocka_unit_test(arrays_and_objects_are_what_they_say),
        cmocka_unit_test(what_is_refused_does_not_depend_on_the_order_in_memory),
        cmocka_unit_test(a_failed_write_leaves_the_output_as_it_was),
        cmocka_unit_test(a_table_that_json_cannot_hold_is_refused_with_its_path),
        cmocka_unit_test(depth_and_size_have_limits),
    };
    return cmocka_run_group_tests_name("json", stories, open_vm, close_vm);
}
