/* What a workflow script finds: Lua without surprises, and a plain word about what is missing. */
#include "story.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

#include "stage.h"

static void says(const char *body, const char *expected)
{
    const char *said = stage_once(body);
    if (strcmp(said, expected) != 0)
        fail_msg("%s\n    said:     %s\n    expected: %s", body, said, expected);
}

static void mentions(const char *body, const char *part)
{
    const char *said = stage_once(body);
    if (!strstr(said, part))
        fail_msg("%s\n    said:     %s\n    expected: ... %s ...", body, said, part);
}

/* --- what is missing --- */

#define IO "a workflow has no files, network or processes; call an activity from the workflow"
#define ENGINE "it would show or change what differs between a run and its replay"

static const struct {
    const char *use;
    const char *name;
    const char *why;
} restricted[] = {
    {"io.open('x')",            "io.open",         IO                                        },
    {"io.write('x')",           "io.write",        IO                                        },
    {"io.lines = 1",            "io.lines",        IO                                        },
    {"os.execute('ls')",        "os.execute",      IO                                        },
    {"os.remove('x')",          "os.remove",       IO                                        },
    {"os.tmpname()",            "os.tmpname",      IO                                        },
    {"os.getenv('HOME')",       "os.getenv",       "the environment differs between"         },
    {"os.exit()",               "os.exit",         "a workflow ends by returning"            },
    {"http.get('http://x')",    "http.get",        "http is for activities; call an activity"},
    {"pg.query('select 1')",    "pg.query",        "pg is for activities; call an activity"  },
    {"secret('KEY')",           "secret",          "secret is for activities"                },
    {"file.read('x')",          "file.read",       "file is for activities"                  },
    {"require 'ffi'",           "module 'ffi'",    ENGINE                                    },
    {"ffi.cdef('')",            "ffi.cdef",        ENGINE                                    },
    {"debug.getinfo(1)",        "debug.getinfo",   ENGINE                                    },
    {"debug.traceback()",       "debug.traceback", ENGINE                                    },
    {"jit.on()",                "jit.on",          ENGINE                                    },
    {"package.loaded.x = 1",    "package.loaded",  "use require"                             },
    {"loadfile('x')",           "loadfile",        "use require"                             },
    {"dofile('x')",             "dofile",          "use require"                             },
    {"collectgarbage('count')", "collectgarbage",  ENGINE                                    },
    {"gcinfo()",                "gcinfo",          ENGINE                                    },
    {"getfenv(1)",              "getfenv",         ENGINE                                    },
    {"setfenv(1, {})",          "setfenv",         ENGINE                                    },
    {"newproxy(true)",          "newproxy",        ENGINE                                    },
    {"string.dump(print_)",     "string.dump",     "only text can be loaded"                 },
    {"('').dump()",             "string.dump",     "only text can be loaded"                 },
    {"table.foreach({}, type)", "table.foreach",   "use pairs"                               },
    {"print('x')",              "print",           "use workflow.log"                        },
};

static void what_a_workflow_must_not_use_names_itself_and_the_way_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof restricted / sizeof *restricted; i++) {
        struct bytes body = {0};
        struct bytes text = {0};
        bytes_printf(&body, "local print_ = 1\n%s", restricted[i].use);
        if (restricted[i].name)
            bytes_printf(&text,
                         "false RestrictedWorkflowAccessError: %s is not available in workflows "
                         "(story.lua:2): ",
                         restricted[i].name);
        mentions(bytes_text(&body), bytes_text(&text));
        mentions(bytes_text(&body), restricted[i].why);
        bytes_release(&body);
        bytes_release(&text);
    }
}

static void a_restriction_is_a_typed_error(void **state)
{
    (void)state;
    says("local ok, err = pcall(function() return io.open end)\n"
         "return err.type .. ' ' .. type(err.stack)",
         "true RestrictedWorkflowAccessError string");
}

static void globals_are_strict(void **state)
{
    (void)state;
    says("local x = 1\nreturn cuont",
         "false story.lua:2: there is no global 'cuont'; is it misspelt, or is a `local` or a "
         "`require` missing?");
    says("\ncount = 1",
         "false story.lua:2: assignment to the global 'count'; declare it with `local`");
    says("function main() end",
         "false story.lua:1: assignment to the global 'main'; declare it with `local`");
    says("return string.trim == nil", "true true");
}

/* --- text --- */

/* A second opinion: a plain LuaJIT with its own string library. */
static lua_State *plain_lua(void)
{
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    return L;
}

/* Random patterns over few characters, so that they often match and often are wrong. */
static const char fuzz[] =
    "local seed = ...\n"
    "local function draw(n) seed = (seed * 1103515245 + 12345) % 2147483648 "
    "return math.floor(seed / 65536) % n + 1 end\n"
    "local items = { 'a', 'b', '.', '%a', '%d', '%s', '%w', '%W', '[ab]', '[^a]', '[%d_]', '[a-c]',"
    " '[]]', '[^]]', '[a-]', '(', ')', '()', '(a', 'b)', '%1', '%b()', '%f[%a]', '^', '$', '%', "
    "'[',"
    " '-', '*', '+', '?', '%z', '%p', '%.', '%x', '\\0' }\n"
    "local letters = { 'a', 'b', 'c', '1', ' ', '(', ')', '_', ']', '-', '.', 'A', '\\0', '\\200' "
    "}\n"
    "local with = { '%0', '<%1>', '%%', 'x', '', '%2', '[%1%0]' }\n"
    "local function some(list, most) local out = {} for i = 1, draw(most) do "
    "out[i] = list[draw(#list)] end return table.concat(out) end\n"
    "local function show(ok, ...) if not ok then return 'error' end local out = {} "
    "for i = 1, select('#', ...) do out[i] = tostring((select(i, ...))) end "
    "return table.concat(out, ',') end\n"
    "local function all(s, p) local out = {} for x, y in s:gmatch(p) do "
    "out[#out + 1] = tostring(x) .. ';' .. tostring(y) end return table.concat(out, '|') end\n"
    "local told = {}\n"
    "for letter in ('acdglpsuwxzACDGLPSUWXZ.%'):gmatch('.') do for c = 0, 255 do\n"
    "  told[#told + 1] = string.char(c):find('%' .. letter) and letter .. c or ''\n"
    "end end\n"
    "for i = 1, 400 do\n"
    "  local s, p, at = some(letters, 12), some(items, 6), draw(9) - 4\n"
    "  told[#told + 1] = s:gsub('[%z\\128-\\255]', '?') .. ' ~ ' .. p .. ': '\n"
    "    .. show(pcall(string.find, s, p, at)) .. ' / ' .. show(pcall(string.match, s, p, at))\n"
    "    .. ' / ' .. show(pcall(all, s, p)) .. ' / ' .. show(pcall(string.gsub, s, p, "
    "with[draw(#with)], draw(4)))\n"
    "    .. ' / ' .. show(pcall(string.gsub, s, p, function(x, y) if x ~= 'a' then "
    "return '<' .. tostring(y) .. '>' end end))\n"
    "    .. ' / ' .. show(pcall(string.gsub, s, p, { a = 'A', b = 2, [1] = 'one' }))\n"
    "end\n"
    "return table.concat(told, '\\n')";

static void patterns_do_what_they_do_in_plain_lua(void **state)
{
    (void)state;
    struct bytes body = {0};
    bytes_printf(&body, "local function fuzz(...) %s end return fuzz(tonumber(input))", fuzz);
    struct cell *cell = stage_cell_with(bytes_text(&body), 64 << 20, 20000);
    lua_State *L = plain_lua();
    struct instance *run = stage_run(cell);
    for (int seed = 1; seed <= 50; seed++) {
        struct error err = {0};
        char word[16];
        snprintf(word, sizeof word, "%d", seed);
        lua_State *ours = instance_lua(run);
        lua_pushstring(ours, word);
        assert_int_equal(instance_resume(run, &err), INSTANCE_DONE);
        assert_int_equal(luaL_loadstring(L, fuzz), 0);
        lua_pushinteger(L, seed);
        lua_call(L, 1, 1);
        lua_pushfstring(L, "true %s", lua_tostring(L, -1));
        assert_string_equal(lua_tostring(ours, -1), lua_tostring(L, -1));
        lua_settop(ours, 0);
        lua_settop(L, 0);
    }
    lua_close(L);
    cell_close(cell);
    bytes_release(&body);
}

static void what_is_not_said_in_patterns_is_said_here(void **state)
{
    (void)state;
    says("return ('a.b'):find('.', 1, true)", "true 2");
    says("return ('hello'):find('', 10)", "true nil");
    says("return ('hello'):find('', 6)", "true 6");
    says("local s = ('x'):gsub('x', '%9')", "false story.lua:1: invalid capture index");
    says("return ('x'):match('[a')", "false malformed pattern (missing ']')");
    says("return (('abc'):gsub('%w', { a = true }))",
         "false invalid replacement value (a boolean)");
    says("local s = string.gsub(nil, 'x', type)",
         "false story.lua:1: bad argument #1 to 'gsub' (string expected, got nil)");
    says("local s = string.format('%d', 'x')",
         "false story.lua:1: bad argument #2 to 'format' (number expected, got string)");
    says("return string.rep('x', 3, ',')", "true x,x,x");
    says("local s = ('x'):rep(2 ^ 24 + 1)",
         "false story.lua:1: string.rep: the result would be larger than 16 MiB");
    says("local s = ('x'):rep(2 ^ 23) return #table.concat({ s, s, 'y' })",
         "false story.lua:1: table.concat: the result would be larger than 16 MiB");
}

static void nothing_shows_an_address(void **state)
{
    (void)state;
    says("local t, f = {}, function() end\n"
         "return tostring(t) .. tostring(f) .. tostring(t) .. tostring(coroutine.create(f))",
         "true table: #1function: #2table: #1thread: #3");
    says("return ('%s %5s %q'):format({}, nil, 'x')", "true table: #1   nil \"x\"");
    says("local s = ('%p'):format({})",
         "false story.lua:1: %p is not available: addresses differ from run to run");
    says("return ('%%p %d'):format(1)", "true %p 1");
    says("return tostring(setmetatable({}, { __tostring = function() return 'me' end }))",
         "true me");
    says("return tostring(nil) .. tostring(true) .. tostring(0.1) .. tostring(io)",
         "true niltrue0.1userdata: #1");
    mentions("return tostring()", "bad argument #1 to 'tostring' (value expected)");
}

/* --- tables --- */

static void pairs_walks_in_one_order(void **state)
{
    (void)state;
    says("local out = '' for k, v in pairs { b = 1, a = 2, 'x', [-0.5] = 3 } do out = out .. k .. "
         "'=' .. tostring(v) .. ' ' end return out",
         "true -0.5=3 1=x a=2 b=1 ");
    says("local t, out = { a = 1, b = 2, c = 3 }, ''\n"
         "for k in pairs(t) do out = out .. k t.b = nil t.z = 1 t[k .. k] = 1 end return out",
         "true ac");
    says("local t, out = { 1, 2, 3 }, ''\n"
         "for k in pairs(t) do out = out .. k t[#t + 1] = 4 t[2] = nil end return out",
         "true 13");
    says("for k in pairs { [{}] = 1 } do end",
         "false story.lua:1: a table as a key has no fixed order; keep such things in a list and "
         "use ipairs");
    says("local t = { b = 1, a = 2 } return next(t) .. next(t, 'a') .. tostring(next(t, 'b')) .. "
         "tostring(next({}))",
         "true abnilnil");
    says("local out = '' local t = { 5, nil, 7, x = 1 } local k, v = next(t)\n"
         "while k do out = out .. k .. ':' .. v .. ' ' k, v = next(t, k) end return out",
         "true 1:5 3:7 x:1 ");
    says("local t = { 'a', 'b' } local f, s, c = pairs(t) local k1 = f(s, c) return k1 .. f(s, k1)",
         "true 12");
}

static void sort_is_stable_and_may_wait(void **state)
{
    (void)state;
    says("local t = {} for i = 1, 100 do t[i] = { key = i % 3, i = i } end\n"
         "table.sort(t, function(a, b) return a.key < b.key end)\n"
         "for i = 2, 100 do local a, b = t[i - 1], t[i]\n"
         "  assert(a.key < b.key or (a.key == b.key and a.i < b.i)) end return 'stable'",
         "true stable");
    says("local t, seed = {}, 7 for i = 1, 3000 do seed = seed * 16807 % 2147483647 t[i] = seed "
         "end\n"
         "table.sort(t) for i = 2, #t do assert(t[i - 1] <= t[i]) end return #t",
         "true 3000");
    says("local t = { 3, 'x', 1 } local ok, err = pcall(table.sort, t)\n"
         "return t[1] .. t[2] .. t[3] .. err",
         "true 3x1signalroom/sandbox/sort.lua:13: attempt to compare string with number");
    says("local t = { 'b', 'a' } table.sort(t, function() return true end) return t[1] .. t[2]",
         "true ab");
    says("table.sort(1)", "false story.lua:1: bad argument #1 to 'sort' (table expected, got "
                          "number)");
}

static void metatables_are_free_of_collection(void **state)
{
    (void)state;
    says("setmetatable({}, { __gc = 1 })",
         "false story.lua:1: __gc is not available: when garbage is collected differs from run to "
         "run");
    mentions("setmetatable({}, { __mode = 'k' })", "__mode is not available");
    says("return getmetatable(setmetatable({}, { __metatable = 'mine' }))", "true mine");
    mentions("setmetatable(_G, {})", "cannot change a protected metatable");
    mentions("setmetatable({}, 1)", "nil or table expected");
    says("return setmetatable({}, { __index = { x = 5 } }).x", "true 5");
}

/* --- calls that wait --- */

static void calls_wait_wherever_they_stand(void **state)
{
    (void)state;
    static const char *const waits[] = {
        "return wait()",
        "return select(2, pcall(wait))",
        "return select(2, xpcall(function() error('x') end, function() return wait() end))",
        "local got table.sort({ 2, 1 }, function() got = got or wait() end) return got",
        "return (('x'):gsub('x', function() return wait() end))",
        "return tostring(setmetatable({}, { __tostring = function() return wait() end }))",
        "return ('%s'):format(setmetatable({}, { __tostring = function() return wait() end }))",
        "return setmetatable({}, { __index = function() return wait() end }).x",
        "return setmetatable({}, { __call = function() return wait() end })()",
        "return setmetatable({}, { __concat = function() return wait() end }) .. 'x'",
        "for x in function() return wait() end do return x end",
        "for x in ('abc'):gmatch('.') do return wait() end",
        "return coroutine.wrap(function() return wait() end)()",
        "return coroutine.wrap(function() return coroutine.wrap(function() coroutine.yield(wait()) "
        "end)() end)()",
        "local co = coroutine.create(function() coroutine.yield(1) return wait() end)\n"
        "coroutine.resume(co) return select(2, coroutine.resume(co))",
        "return load('return wait()', 'text', 't', { wait = wait })()",
    };
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        struct cell *cell = stage_cell(waits[i]);
        struct instance *run = stage_run(cell);
        assert_string_equal(stage_say(run, ""), "waits");
        const char *said = stage_say(run, "answer");
        if (strcmp(said, "true answer") != 0)
            fail_msg("%s\n    said: %s", waits[i], said);
        cell_close(cell);
    }
}

static void coroutines_are_lua_s_own_to_the_script(void **state)
{
    (void)state;
    says("local co = coroutine.create(function(a, b) local c = coroutine.yield(a + b)\n"
         "local d, e = coroutine.yield(c * 2) return d, e end)\n"
         "local out = {} local function put(...) for i = 1, select('#', ...) do\n"
         "  out[#out + 1] = tostring((select(i, ...))) end end\n"
         "put(coroutine.status(co)) put(coroutine.resume(co, 1, 2)) put(coroutine.resume(co, 5))\n"
         "put(coroutine.resume(co, 'd', 'e')) put(coroutine.status(co)) put(coroutine.resume(co))\n"
         "return table.concat(out, ' ')",
         "true suspended true 3 true 10 true d e dead false cannot resume dead coroutine");
    says("local co = coroutine.create(function() error('oh') end)\n"
         "local ok, err = coroutine.resume(co) return tostring(ok) .. err .. coroutine.status(co)",
         "true falsestory.lua:1: ohdead");
    says("coroutine.wrap(function() error({ 'oh' }) end)()", "false table: #1");
    says("coroutine.yield(1)", "false story.lua:1: coroutine.yield was called outside of a "
                               "coroutine that the script made");
    says("return tostring(coroutine.isyieldable()) .. tostring(coroutine.wrap(function() return "
         "coroutine.isyieldable() end)())",
         "true falsetrue");
    says("local co co = coroutine.create(function() return coroutine.resume(co) end)\n"
         "local ok, inner, err = coroutine.resume(co) return tostring(inner) .. err",
         "true falsecannot resume non-suspended coroutine");
    says("return select(2, coroutine.resume(coroutine.running()))",
         "true cannot resume non-suspended coroutine");
    mentions("coroutine.create(1)", "bad argument #1 to 'create' (function expected, got number)");
}

static void a_coroutine_that_waits_cannot_be_resumed_from_elsewhere(void **state)
{
    (void)state;
    says("local co = coroutine.create(function() return wait() end)\n"
         "spawn(function() coroutine.resume(co) end)\n"
         "local ok, err = coroutine.resume(co, 'not for you')\n"
         "return tostring(ok) .. ' ' .. err .. ' ' .. coroutine.status(co)",
         "true false cannot resume a coroutine that waits elsewhere suspended");
}

static void errors_are_caught_like_lua_s(void **state)
{
    (void)state;
    says("return select(2, xpcall(function(a) return a end, error, 7))", "true 7");
    says("return select(2, xpcall(error, function(e) return 'seen ' .. e end, 'x'))",
         "true seen x");
    says("return select(2, xpcall(error, function(e) error('again ' .. e, 0) end, 'x'))",
         "true again x");
    says("return select(2, pcall(error, ValueError 'no'))", "true ValueError: no");
    says("error(ValueError 'no')", "false ValueError: no");
}

static void only_text_is_loaded(void **state)
{
    (void)state;
    says("return load('return 1 + 1')()", "true 2");
    says("local f, err = load('x =', '=mine') return err",
         "true mine:1: unexpected symbol near '<eof>'");
    mentions("local f, err = load('return 1LL') return err", "64-bit and complex literals");
    mentions("local f, err = load('\\27LJ') return err", "load");
    mentions("return load(function() end)", "only text can be loaded");
    says("return select(2, load('return 1', 'x', 'b'))", "true only text can be loaded");
    says("return tostring(select(2, pcall(load('y = 1'))))",
         "true load:1: assignment to the global 'y'; declare it with `local`");
}

/* --- the run's world --- */

static void time_is_the_run_s_and_in_utc(void **state)
{
    (void)state;
    says("return os.time()", "true 1768366800");
    says("return os.date('%Y-%m-%d %H:%M:%S') .. os.date('!%H', 0)", "true 2026-01-14 05:00:0000");
    says("local t = os.date('*t', 86399) return t.year .. t.month .. t.day .. t.hour .. t.min .. "
         "t.sec .. t.wday .. t.yday .. tostring(t.isdst)",
         "true 1970112359595"
         "1false");
    says("return os.time { year = 2026, month = 2, day = 30, hour = 0 }", "true 1772409600");
    says("local t = os.time { year = 2026, month = 1 }",
         "false story.lua:1: field 'day' missing in date table");
    says("return os.clock()", "true 0");
    says("return os.difftime(5, 3)", "true 2");
}

static void chance_is_frozen(void **state)
{
    (void)state;
    says("return ('%.17g %d %d'):format(math.random(), math.random(6), math.random(-5, 5))",
         "true 0.18074418104256673 1 -2");
    says("return uuid4()", "true 8f172785-2a40-452e-bad9-05ec48caec11");
    says(
        "for i = 1, 1000 do local x = math.random(3) assert(x >= 1 and x <= 3 and x % 1 == 0) end\n"
        "return 'in range'",
        "true in range");
    says("local r = math.random(0)",
         "false story.lua:1: bad argument #1 to 'random' (interval is empty)");
    says("math.randomseed(42) local a = math.random() math.randomseed(42)\n"
         "return a == math.random()",
         "true true");
}

static void numbers_are_the_same_on_every_machine(void **state)
{
    (void)state;
    /* Frozen. glibc gives two other values, one with and one without fused multiply-add. */
    says("local h, x = 0, 1\n"
         "local function add(v) local s = ('%.17g'):format(v)\n"
         "  for i = 1, #s do h = (h * 31 + s:byte(i)) % 4294967291 end end\n"
         "for i = 1, 5000 do\n"
         "  x = x * 16807 % 2147483647\n"
         "  local u = x / 2147483647\n"
         "  add((1 + u / 10) ^ (i % 240)) add((u * 100) ^ 0.5) add(math.exp(u * 20 - 10))\n"
         "  add(math.log(u * 1e6)) add(math.log(u * 100, 2)) add(math.log10(u * 1e9))\n"
         "  add(math.sin(u * 1000)) add(math.cos(u * 1000)) add(math.tan(u * 3))\n"
         "  add(math.asin(u)) add(math.acos(u)) add(math.atan(u * 50)) add(math.atan2(u, 1 - u))\n"
         "  add(math.sinh(u * 5)) add(math.cosh(u * 5)) add(math.tanh(u * 3))\n"
         "end\n"
         "return ('%d'):format(h)",
         "true 2174934845");
}

static void errors_carry_what_they_know(void **state)
{
    (void)state;
    says("return ValueError 'no such date'", "true ValueError: no such date");
    says("local e = RateLimited { message = 'slow', retry_after = '1h30m' }\n"
         "return e.type .. e.next_retry_delay_ms .. e.retry_after",
         "true RateLimited54000001h30m");
    says("local e = ApplicationError { type = 'OutOfStock', message = 'none', non_retryable = "
         "true, details = { 1 }, next_retry_delay = 2 }\n"
         "return tostring(e) .. tostring(e.non_retryable) .. e.details[1] .. "
         "e.next_retry_delay_ms",
         "true OutOfStock: nonetrue12000");
    says("return ValueError { mesage = 'x' }",
         "false ValueError has no option \"mesage\"; did you mean \"message\"?");
    says("local e = KeyError { message = 'x', cause = ValueError 'y' } return tostring(e.cause)",
         "true ValueError: y");
    mentions("local function deep() return (DbError 'x') end return (deep().stack)",
             "story.lua:1: in function 'deep'");
    says("local s = select(2, pcall(error, ValueError 'x')).stack return s:find('0x') == nil",
         "true true");
    says("local function outer()\n"
         "  local got = coroutine.wrap(function()\n"
         "    local e = KeyError 'x'\n"
         "    return e.stack\n"
         "  end)()\n"
         "  return got\n"
         "end\n"
         "local s = outer()\n"
         "return (s:gsub('\\n', ' | '))",
         "true story.lua:3: in function <story.lua:2> | story.lua:5: in function 'outer' | "
         "story.lua:8: in function <story.lua:1>");
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(what_a_workflow_must_not_use_names_itself_and_the_way_out),
        cmocka_unit_test(a_restriction_is_a_typed_error),
        cmocka_unit_test(globals_are_strict),
        cmocka_unit_test(patterns_do_what_they_do_in_plain_lua),
        cmocka_unit_test(what_is_not_said_in_patterns_is_said_here),
        cmocka_unit_test(nothing_shows_an_address),
        cmocka_unit_test(pairs_walks_in_one_order),
        cmocka_unit_test(sort_is_stable_and_may_wait),
        cmocka_unit_test(metatables_are_free_of_collection),
        cmocka_unit_test(calls_wait_wherever_they_stand),
        cmocka_unit_test(coroutines_are_lua_s_own_to_the_script),
        cmocka_unit_test(a_coroutine_that_waits_cannot_be_resumed_from_elsewhere),
        cmocka_unit_test(errors_are_caught_like_lua_s),
        cmocka_unit_test(only_text_is_loaded),
        cmocka_unit_test(time_is_the_run_s_and_in_utc),
        cmocka_unit_test(chance_is_frozen),
        cmocka_unit_test(numbers_are_the_same_on_every_machine),
        cmocka_unit_test(errors_carry_what_they_know),
    };
    return RUN_STORIES("sandbox", stories);
}
