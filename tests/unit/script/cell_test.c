/* Runs of one cell share code and nothing else, and none of them can hurt the others. */
#include "story.h"

#include <stdio.h>
#include <time.h>

#include "stage.h"

static void a_run_does_what_its_script_says(void **state)
{
    (void)state;
    assert_string_equal(stage_once("return 1 + 1"), "true 2");
    assert_string_equal(stage_once("error('oh')"), "false story.lua:1: oh");
    assert_string_equal(stage_once("return json.encode { b = 1, a = json.array() }"),
                        "true {\"a\":[],\"b\":1}");
}

static void a_run_waits_and_goes_on_where_it_was(void **state)
{
    (void)state;
    struct cell *cell = stage_cell("local more = wait() return input .. more");
    struct instance *run = stage_run(cell);
    assert_string_equal(stage_say(run, "a"), "waits");
    assert_string_equal(stage_say(run, "b"), "true ab");
    assert_string_equal(stage_say(run, "c"), "waits");
    assert_int_equal(cell_instances(cell), 1);
    instance_free(run);
    assert_int_equal(cell_instances(cell), 0);
    cell_close(cell);
}

/* --- what a bundle is --- */

static const char *bundle_says(const struct script_source *sources, size_t count)
{
    static char text[1100];
    struct error err = {0};
    struct cell *cell;
    struct instance *run;
    if (!stage_bundle(&cell, sources, count, &err)) {
        snprintf(text, sizeof text, "closed: %s", err.text);
        return text;
    }
    if (instance_new(&run, cell, &err))
        snprintf(text, sizeof text, "%s", stage_say(run, "in"));
    else
        snprintf(text, sizeof text, "no run (%s): %s", error_kind_name(err.kind), err.text);
    cell_close(cell);
    return text;
}

#define SOURCE(name, text)                                                                         \
    {                                                                                              \
        SPAN(name), SPAN(text)                                                                     \
    }

static void scripts_of_a_bundle_require_one_another(void **state)
{
    (void)state;
    const struct script_source sources[] = {
        SOURCE("lib/words.lua", "local n = 0\nreturn { next = function() n = n + 1 return n end }"),
        SOURCE("flows/main.lua", "local words = require 'lib.words'\n"
                                 "assert(require 'lib.words' == words)\n"
                                 "define(function() return words.next() + words.next() end)"),
    };
    assert_string_equal(bundle_says(sources, 2), "true 3");

    const struct script_source circle[] = {
        SOURCE("a.lua", "require 'b'"),
        SOURCE("b.lua", "require 'a'"),
    };
    assert_non_null(strstr(bundle_says(circle, 2), "'a' requires itself"));

    const struct script_source lonely[] = {SOURCE("a.lua", "require 'sandbox.run'")};
    assert_string_equal(bundle_says(lonely, 1),
                        "no run (script): a.lua:1: there is no module 'sandbox.run' in this "
                        "bundle");
}

static void a_literal_is_found_behind_every_end_of_a_line(void **state)
{
    (void)state;
    static const char *const hidden[] = {
        "--\rreturn 1LL",
        "--[==\rreturn 1LL",
        "local s = '\\z\n  ' .. 1LL .. ''",
        "local s = '\\\r\n' .. 1LL .. ''",
        "local s = '\\\n\r' .. 1LL .. ''",
        "#[[\nreturn 1LL --]]",
        "\xef\xbb\xbf#'\nreturn 1LL --'",
    };
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) {
        const struct script_source source[] = {
            {SPAN("a.lua"), span_of(hidden[i])}
        };
        if (!strstr(bundle_says(source, 1), "1LL: 64-bit and complex literals"))
            fail_msg("%s: %s", hidden[i], bundle_says(source, 1));
    }
    const struct script_source folded[] = {
        SOURCE("a.lua", "\r\nreturn 'a\\\r\n 1LL \\z\r\n 2LL', 3i")};
    assert_non_null(strstr(bundle_says(folded, 1), "a.lua:4: 3i: "));
}

static void a_script_that_cannot_be_compiled_names_its_line(void **state)
{
    (void)state;
    const struct script_source wrong[] = {SOURCE("a.lua", "local x\nlocal = 1")};
    assert_string_equal(bundle_says(wrong, 1), "closed: a.lua:2: '<name>' expected near '='");
    const struct script_source bytecode[] = {SOURCE("a.lua", "\x1bLJ\x02\x02")};
    assert_non_null(strstr(bundle_says(bytecode, 1), "closed: "));
    const struct script_source longs[] = {SOURCE("a.lua", "-- 1LL\nlocal x = '2i'\nreturn 1LL")};
    assert_string_equal(bundle_says(longs, 1), "closed: a.lua:3: 1LL: 64-bit and complex literals "
                                               "are not available; write the number without its "
                                               "suffix");
    const struct script_source complex[] = {SOURCE("a.lua", "return [==[ 1LL ]] ]==], 0x1Fi")};
    assert_non_null(strstr(bundle_says(complex, 1), "a.lua:1: 0x1Fi: "));
    const struct script_source fine[] = {
        SOURCE("a.lua", "--[[ 1LL\n]] local ll, x1i = 1e+3, '\\'2i' define(function() "
                        "return ll .. x1i .. 0x1F .. .5 .. [[3i]] .. 3 ..4 end)")};
    assert_string_equal(bundle_says(fine, 1), "true 1000'2i310.53i34");
}

static void the_top_level_only_defines(void **state)
{
    (void)state;
    const struct script_source waits[] = {SOURCE("a.lua", "wait()")};
    assert_string_equal(bundle_says(waits, 1),
                        "no run (script): a script waits at its top level; wait inside run");
    const struct script_source loops[] = {SOURCE("a.lua", "while true do end")};
    assert_string_equal(bundle_says(loops, 1),
                        "no run (limit): a.lua:1: the scripts ran for more than "
                        "1000 ms without waiting");
    const struct script_source eats[] = {
        SOURCE("a.lua", "local t = {} for i = 1, 1e9 do t[i] = i end")};
    assert_non_null(strstr(bundle_says(eats, 1), "no run (limit): the run needed more than"));
    const struct script_source early[] = {SOURCE("a.lua", "local now = os.time()")};
    assert_string_equal(bundle_says(early, 1),
                        "no run (script): a.lua:1: there is no time at a script's top level: ask "
                        "inside run");
    const struct script_source luck[] = {SOURCE("a.lua", "local luck = math.random()")};
    assert_non_null(strstr(bundle_says(luck, 1), "a.lua:1: chance has no seed at a script's top"));
}

/* --- isolation --- */

static void what_one_run_changes_no_other_sees(void **state)
{
    (void)state;
    static const char body[] =
        "if input == 'spoil' then\n"
        "  string.upper, table.insert, math.floor = nil, nil, nil\n"
        "  rawset(string, 'lower', function() return 'spoilt' end)\n"
        "  rawset(_G, 'pairs', function() error('spoilt') end)\n"
        "  rawset(_G, 'secret', 'spoilt')\n"
        "  _G.string = { format = 'spoilt' }\n"
        "  json.null = 1\n"
        "  pcall(rawset, io, 'open', 1)\n"
        "  pcall(setmetatable, _G, {})\n"
        "  pcall(function() getmetatable('').__index = nil end)\n"
        "  pcall(function() getmetatable(ValueError 'x').__tostring = nil end)\n"
        "  pcall(function() getmetatable(json.array()).spoilt = true end)\n"
        "  math.randomseed(1)\n"
        "  return tostring({}) .. tostring({})\n"
        "end\n"
        "local seen = rawget(_G, 'secret') or 'clean'\n"
        "for k in pairs { a = 1 } do seen = seen .. k end\n"
        "return seen .. ('X'):lower() .. string.upper 'x' .. tostring(json.null == 1)\n"
        "  .. tostring(ValueError 'x') .. tostring({}) .. math.random(1, 1000000)";
    struct cell *cell = stage_cell(body);
    struct instance *alone = stage_run(cell);
    char before[200];
    snprintf(before, sizeof before, "%s", stage_say(alone, ""));
    struct instance *spoiler = stage_run(cell);
    assert_string_equal(stage_say(spoiler, "spoil"), "true table: #1table: #2");
    struct instance *other = stage_run(cell);
    assert_string_equal(stage_say(other, ""), before);
    assert_memory_equal(before, "true cleanaxXfalseValueError: xtable: #1", 40);
    cell_close(cell);
}

static void nothing_leads_from_a_run_to_what_all_share(void **state)
{
    (void)state;
    /* Walks everything a script can reach by fields and metatables: each table must be the run's
     * own, so that a mark put there is not seen by another run. */
    static const char body[] = "local seen, marks = {}, {}\n"
                               "local function walk(value, path)\n"
                               "  if type(value) ~= 'table' or seen[value] then return end\n"
                               "  seen[value] = true\n"
                               "  if rawget(value, 'mark') then marks[#marks + 1] = path end\n"
                               "  rawset(value, 'mark', true)\n"
                               "  local shape = getmetatable(value)\n"
                               "  walk(shape, path .. '!')\n"
                               "  for k, v in pairs(value) do walk(v, path .. '.' .. k) end\n"
                               "end\n"
                               "walk(_G, '_G')\n"
                               "for _, name in ipairs { 'io', 'json', 'os', 'string' } do\n"
                               "  walk(_G[name], name)\n"
                               "end\n"
                               "walk(getmetatable(''), 'text')\n"
                               "walk(getmetatable(ValueError 'x'), 'error')\n"
                               "walk(getmetatable(json.array()), 'array')\n"
                               "walk(getmetatable(json.null), 'null')\n"
                               "return table.concat(marks, ' ')";
    struct cell *cell = stage_cell(body);
    assert_string_equal(stage_say(stage_run(cell), ""), "true ");
    assert_string_equal(stage_say(stage_run(cell), ""), "true ");
    cell_close(cell);
}

static void loaded_text_belongs_to_the_run_that_loads_it(void **state)
{
    (void)state;
    struct cell *cell = stage_cell("local f = load('return _G')\n"
                                   "local g = coroutine.wrap(function() return load('return _G')() "
                                   "end)\n"
                                   "return tostring(f() == _G) .. tostring(g() == _G)");
    assert_string_equal(stage_say(stage_run(cell), ""), "true truetrue");
    cell_close(cell);
}

/* --- the same everywhere --- */

static void a_run_is_the_same_in_fifty_cells(void **state)
{
    (void)state;
    static const char body[] =
        "local t, out = {}, {}\n"
        "for _, k in ipairs { 'zeta', 'alpha', 'mid', 'x9', 'x10', 'Alpha', '' } do t[k] = #k end\n"
        "t[3], t[1], t[2.5], t[-1], t[true], t[false] = 1, 2, 3, 4, 5, 6\n"
        "for k, v in pairs(t) do out[#out + 1] = tostring(k) .. '=' .. v end\n"
        "for w in pairs { success = 1, error = 2 } do out[#out + 1] = w end\n"
        "out[#out + 1] = tostring(next(t)) .. tostring(t) .. tostring(print_me) .. "
        "tostring(pairs) .. string.format('%s %s', t, function() end)\n"
        "out[#out + 1] = math.random() .. ' ' .. math.random(100) .. ' ' .. uuid4()\n"
        "out[#out + 1] = os.time() .. os.date() .. os.clock()\n"
        "out[#out + 1] = json.encode(t2 or { b = 1, a = { c = 2 } })\n"
        "return table.concat(out, ' ')";
    struct bytes fixed = {0};
    bytes_add_text(&fixed, "local print_me, t2 = {}, nil ");
    bytes_add_text(&fixed, body);
    char first[2048];
    snprintf(first, sizeof first, "%s", stage_once(bytes_text(&fixed)));
    assert_non_null(strstr(first, "true -1=4 1=2 2.5=3 3=1 false=6 true=5 =0 Alpha=5 alpha=5 mid=3 "
                                  "x10=3 x9=2 zeta=4 error success "));
    for (int i = 0; i < 50; i++)
        assert_string_equal(stage_once(bytes_text(&fixed)), first);
    bytes_release(&fixed);
}

/* --- limits --- */

static const struct {
    const char *body;
    const char *says; /* how what is said begins */
} bombs[] = {
    {"while true do end",                                                                           "out of time"  },
    {"goto a ::a:: ::b:: goto b",                                                                   "out of time"  },
    {"while true do pcall(function() while true do end end) end",                                   "out of time"  },
    {"while true do pcall(error, 'x') end",                                                         "out of time"  },
    {"xpcall(function() error('x') end, function() while true do end end)",                         "out of time"  },
    {"xpcall(function() while true do end end, function(e) while true do pcall(error, e) end end)",
     "out of time"                                                                                                 },
    {"local function f() pcall(f) pcall(f) end f()",                                                "out of time"  },
    {"local t = {3, 2, 1} table.sort(t, function() while true do end end)",                         "out of time"  },
    {"while true do local t = {} for i = 1, 2e4 do t[i] = i * 7919 % 20011 end table.sort(t) end",
     "out of time"                                                                                                 },
    {"return (('abc'):gsub('.', function() while true do end end))",                                "out of time"  },
    {"for w in ('x'):rep(9):gmatch('x') do while true do end end",                                  "out of time"  },
    {"return tostring(setmetatable({}, { __tostring = function() while true do end end }))",
     "out of time"                                                                                                 },
    {"return ('%s'):format(setmetatable({}, { __tostring = function() while true do end end }))",
     "out of time"                                                                                                 },
    {"local t = setmetatable({}, { __index = function() while true do end end }) return t.x",
     "out of time"                                                                                                 },
    {"coroutine.wrap(function() coroutine.wrap(function() while true do end end)() end)()",
     "out of time"                                                                                                 },
    {"local co = coroutine.wrap(function() while true do coroutine.yield() end end) "
     "while true do co() end",                                                                 "out of time"  },
    {"while true do for k in pairs { a = 1, b = 2 } do end end",                                    "out of time"  },
    {"while true do pcall(string.match, ('a'):rep(22), ('.-'):rep(12) .. 'b') end",                 "out of time"  },
    {"while true do load(('x = 1 '):rep(1e5)) end",                                                 "out of time"  },
    {"while true do local s = ('x'):rep(2 ^ 24):reverse():upper() end",                             "out of time"  },
    {"while true do pcall(table.concat, { {} }) end",                                               "out of time"  },
    {"while true do pcall(ValueError 'x') end",                                                     "out of time"  },
    {"while true do tostring({}) end",                                                              "out of time"  },
    {"return ('x'):rep(1e9)",                                                                       "false "       },
    {"return ('a'):rep(22):match(('.-'):rep(12) .. 'b')",                                           "false "       },
    {"return ('a'):rep(3e4):match('.-.-.-b')",                                                      "false "       },
    {"return (' '):rep(5e4):gsub('%s+$', '') .. (' '):rep(5e4):match('%s+x')",                      "false "       },
    {"local function f() return 1 + f() end return f()",                                            "false "       },
    {"local function f(n) return coroutine.wrap(f)(n + 1) end return f(1)",                         "false "       },
    {"local function f(s) return (s:gsub('.', f)) end return f('x')",                               "false "       },
    {"local function f(t) table.sort({ 2, 1 }, f) end f()",                                         "false "       },
    {"local t = setmetatable({}, { __index = function(t, k) return t[k + 1] end }) return t[1]",
     "false "                                                                                                      },
    {"local mt = {} mt.__concat = function(a, b) return setmetatable({}, mt) .. b end "
     "return setmetatable({}, mt) .. 'x'",                                                     "false "       },
    {"return load(('('):rep(1e5) .. 1 .. (')'):rep(1e5)) == nil",                                   "true true"    },
    {"return ('x'):rep(2 ^ 24):find(('x'):rep(2 ^ 23) .. 'y', 1, true)",                            "true nil"     },
    {"local t = {} for i = 1, 1e9 do t[i] = { i } end",                                             "out of memory"},
    {"local s = 'x' while true do s = s .. s end",                                                  "out of memory"},
    {"local s = 'x' return pcall(function() while true do s = s .. s end end)",                     "out of memory"},
    {"while true do pcall(function() local t = {} while true do t[#t + 1] = #t .. ('x'):rep(1e5) "
     "end end) end",                                                                           "out of memory"},
    {"local t = {} while true do t[#t + 1] = coroutine.create(pairs) end",                          "out of memory"},
    {"local t = {} while true do t = { t, t } end",                                                 "out of memory"},
    {"return (('x'):rep(1e6):gsub('x', ('y'):rep(1000)))",                                          "out of memory"},
    {"local t = {} for i = 1, 1e9 do t['k' .. i] = i end",                                          "out of memory"},
};

/* CPU time of this thread: a busy machine does not make it longer, a slow one does, and one that
 * gives us little of it ends a loop by the clock. */
enum { LONGEST_MS = 9000 };

static int64_t own_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void a_bomb_ends_its_activation_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++) {
        struct bytes body = {0};
        bytes_printf(&body, "if input == 'sibling' then return wait() end do %s end",
                     bombs[i].body);
        bool loops = strcmp(bombs[i].says, "out of time") == 0;
        struct cell *cell = stage_cell_with(bytes_text(&body), 64 << 20, loops ? 100 : 10000);
        struct instance *sibling = stage_run(cell);
        struct instance *run = stage_run(cell);
        assert_string_equal(stage_say(sibling, "sibling"), "waits");
        int64_t start_ms = own_ms();
        const char *said = stage_say(run, "bomb");
        if (strncmp(said, bombs[i].says, strlen(bombs[i].says)) != 0)
            fail_msg("%s\n    said: %s", bombs[i].body, said);
        if (own_ms() - start_ms > LONGEST_MS)
            fail_msg("%s\n    took more than %d ms", bombs[i].body, LONGEST_MS);
        instance_free(run);
        assert_string_equal(stage_say(sibling, "well"), "true well");
        cell_close(cell);
        bytes_release(&body);
    }
}

static void the_default_second_is_kept(void **state)
{
    (void)state;
    struct cell *cell = stage_cell("while true do end");
    struct instance *run = stage_run(cell);
    int64_t start_ms = own_ms();
    assert_string_equal(stage_say(run, ""),
                        "out of time: story.lua:1: the scripts ran for more than 1000 ms "
                        "without waiting");
    assert_in_range(own_ms() - start_ms, 50, LONGEST_MS);
    assert_string_equal(stage_say(run, ""),
                        "error: the run is over: an earlier activation killed it");
    cell_close(cell);
}

static void two_hundred_kills_leave_the_cell_well(void **state)
{
    (void)state;
    static const char *const ways[] = {
        "while true do end",
        "while true do pcall(error, 'x') end",
        "coroutine.wrap(function() while true do pcall(function() end) end end)()",
        "local t = {} while true do t[#t + 1] = {} end",
    };
    struct bytes body = {0};
    bytes_add_text(&body, "local n = 0 while input == 'count' do n = n + 1 wait(n) end ");
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        bytes_printf(&body, "if input == '%zu' then %s end ", i, ways[i]);
    struct cell *cell = stage_cell_with(bytes_text(&body), 4 << 20, 5);
    struct instance *counter = stage_run(cell);
    for (int i = 0; i < 200; i++) {
        struct instance *run = stage_run(cell);
        char way[2] = {(char)('0' + i % 4), '\0'};
        assert_memory_equal(stage_say(run, way), "out of ", 7);
        instance_free(run);
        assert_string_equal(stage_say(counter, "count"), "waits");
    }
    assert_int_equal(cell_instances(cell), 1);
    cell_close(cell);
    bytes_release(&body);
}

static void memory_is_counted_by_run(void **state)
{
    (void)state;
    struct cell *cell = stage_cell("if input == 'big' then local keep = ('x'):rep(5e6) wait() "
                                   "return #keep end wait()");
    struct instance *small = stage_run(cell);
    struct instance *big = stage_run(cell);
    stage_say(small, "small");
    stage_say(big, "big");
    assert_in_range(instance_memory(small), 1000, 8300);
    assert_in_range(instance_memory(big), 5000000, 20000000);
    instance_free(big);
    assert_in_range(instance_memory(small), 1000, 8300);
    cell_close(cell);
}

static void garbage_alone_kills_nobody(void **state)
{
    (void)state;
    /* The others' memory puts the VM's own collection off until long after this run's limit. */
    struct cell *cell =
        stage_cell_with("local keep = {}\n"
                        "for i = 1, 25 do keep[i] = input .. i .. ('x'):rep(1e5) end\n"
                        "if input ~= 'lose' then wait() end\n"
                        "for i = 1, 1000 do local lost = i .. ('y'):rep(1e5) end\n"
                        "return #keep",
                        4 << 20, 5000);
    for (int i = 0; i < 20; i++) {
        char name[8];
        snprintf(name, sizeof name, "keep%d", i);
        assert_string_equal(stage_say(stage_run(cell), name), "waits");
    }
    assert_string_equal(stage_say(stage_run(cell), "lose"), "true 25");
    cell_close(cell);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(a_run_does_what_its_script_says),
        cmocka_unit_test(a_run_waits_and_goes_on_where_it_was),
        cmocka_unit_test(scripts_of_a_bundle_require_one_another),
        cmocka_unit_test(a_literal_is_found_behind_every_end_of_a_line),
        cmocka_unit_test(a_script_that_cannot_be_compiled_names_its_line),
        cmocka_unit_test(the_top_level_only_defines),
        cmocka_unit_test(what_one_run_changes_no_other_sees),
        cmocka_unit_test(nothing_leads_from_a_run_to_what_all_share),
        cmocka_unit_test(loaded_text_belongs_to_the_run_that_loads_it),
        cmocka_unit_test(a_run_is_the_same_in_fifty_cells),
        cmocka_unit_test(a_bomb_ends_its_activation_and_nothing_else),
        cmocka_unit_test(the_default_second_is_kept),
        cmocka_unit_test(two_hundred_kills_leave_the_cell_well),
        cmocka_unit_test(memory_is_counted_by_run),
        cmocka_unit_test(garbage_alone_kills_nobody),
    };
    return RUN_STORIES("cell", stories);
}
