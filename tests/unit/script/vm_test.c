/* A VM for activities: its coroutines take turns, however they are written, and keep to limits. */
#include "story.h"

#include <lauxlib.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "script/vm.h"

/* A coroutine that runs the text, anchored on the main stack. */
static lua_State *coroutine_of(struct vm *vm, const char *name, const char *text)
{
    struct error err = {0};
    if (!vm_load(vm, span_of(name), span_of(text), &err))
        fail_msg("%s", err.text);
    lua_State *co = lua_newthread(vm_lua(vm));
    lua_insert(vm_lua(vm), -2);
    lua_xmove(vm_lua(vm), co, 1);
    return co;
}

static const char *fails_with(struct vm *vm, const char *text)
{
    static struct error err;
    lua_State *co = coroutine_of(vm, "activities/sync.lua", text);
    assert_int_equal(vm_resume(vm, co, 0, 1000), VM_ERROR);
    vm_error(co, &err);
    assert_int_equal(err.kind, ERROR_SCRIPT);
    return err.text;
}

static void a_script_runs_waits_and_goes_on(void **state)
{
    (void)state;
    struct vm *vm = vm_new(VM_ACTIVITY, 0);
    lua_State *co = coroutine_of(vm, "a.lua", "return ... * 2");
    lua_pushinteger(co, 21);
    assert_int_equal(vm_resume(vm, co, 1, 1000), VM_DONE);
    assert_int_equal(lua_tointeger(co, -1), 42);
    assert_ptr_equal(vm_of(co), vm);
    vm_free(vm);
}

/* --- turns --- */

/* Programs that compute for a while, each with its answer. */
static const struct {
    const char *name;
    const char *text;
} programs[] = {
    {"loop",              "local n = 0 for i = 1, 2e6 do n = n + i % 7 end return n"              },
    {"calls",             "local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end "
              "return fib(25)"                                                       },
    {"pcall",
     "local n = 0 for i = 1, 1e5 do local ok, err = pcall(function() if i % 3 == 0 then error(i) "
     "end n = n + 1 end) end return n"                                                            },
    {"metamethods",
     "local mt = {} mt.__add = function(a, b) return setmetatable({ n = a.n + b.n }, mt) end "
     "mt.__index = function(t, k) return k end mt.__lt = function(a, b) return a.n < b.n end "
     "local s = setmetatable({ n = 0 }, mt) local one = setmetatable({ n = 1 }, mt) "
     "for i = 1, 1e5 do s = s + one if s < one then s = one end assert(s.x == 'x') end return s.n"},
    {"sort",
     "local t, seed = {}, 1 for i = 1, 2e4 do seed = seed * 16807 % 2147483647 t[i] = seed end "
     "table.sort(t, function(a, b) return a % 1000 < b % 1000 end) local h = 0 "
     "for i = 1, #t do h = (h * 31 + t[i]) % 1e9 end return h"                                    },
    {"gsub",              "local n = 0 local s = ('abc '):rep(5000):gsub('%w', function(c) n = n + 1 return "
             "c:upper() end) "
             "return s:sub(1, 8) .. n"                                                },
    {"coroutines",
     "local function count(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i) "
     "end end) end local sum = 0 for i in count(1e5) do sum = sum + i end return sum"             },
    {"nested coroutines",
     "local function nest(depth) return coroutine.wrap(function() if depth > 0 then "
     "for x in nest(depth - 1) do coroutine.yield(x + 1) end else for i = 1, 3e3 do "
     "coroutine.yield(i) end end end) end local sum = 0 for x in nest(10) do sum = sum + x end "
     "return sum"                                                                                 },
    {"iterators",         "local t, n = {}, 0 for i = 1, 100 do t['k' .. i] = i end for i = 1, 2e3 do "
                  "for k, v in pairs(t) do n = n + v end end return n"           },
    {"varargs",           "local function f(...) return select('#', ...) + select(2, ...) end local n = 0 "
                "for i = 1, 2e5 do n = n + f(i, 1, i) end return n"                },
    {"text",              "local t = {} for i = 1, 1e5 do t[#t + 1] = ('%d,%s'):format(i, 'x') end "
             "return #table.concat(t)"                                                },
};

static const char *answer(struct vm *vm, size_t program, int budget_ms, int *turns)
{
    lua_State *co = coroutine_of(vm, programs[program].name, programs[program].text);
    enum vm_outcome outcome;
    *turns = 1;
    while ((outcome = vm_resume(vm, co, 0, budget_ms)) == VM_PREEMPTED) {
        assert_int_equal(lua_status(co), LUA_YIELD);
        ++*turns;
    }
    if (outcome != VM_DONE)
        fail_msg("%s ended with %d: %s", programs[program].name, outcome, lua_tostring(co, -1));
    return lua_tostring(co, -1);
}

static void a_program_gives_the_same_answer_however_often_it_is_interrupted(void **state)
{
    (void)state;
    enum { ENOUGH = 3, RUNS_MAX = 200 };
    int total = 0;
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        struct vm *vm = vm_new(VM_ACTIVITY, 0);
        int turns;
        int interruptions = 0;
        char undisturbed[64];
        snprintf(undisturbed, sizeof undisturbed, "%s", answer(vm, i, 0, &turns));
        assert_int_equal(turns, 1);
        for (int run = 0; interruptions < ENOUGH && run < RUNS_MAX; run++) {
            assert_string_equal(answer(vm, i, 1, &turns), undisturbed);
            interruptions += turns - 1;
        }
        total += interruptions;
        vm_free(vm);
    }
    assert_in_range(total, 20, 1000000);
}

static void many_programs_take_turns(void **state)
{
    (void)state;
    struct vm *vm = vm_new(VM_ACTIVITY, 0);
    enum { COUNT = 6 };
    lua_State *co[COUNT];
    int done = 0;
    int turns = 0;
    for (int i = 0; i < COUNT; i++)
        co[i] = coroutine_of(vm, "turns.lua",
                             "local n = 0 for x in coroutine.wrap(function() for i = 1, 3e5 do "
                             "coroutine.yield(i) end end) do n = n + x end return n");
    for (int i = 0; done < COUNT; i = (i + 1) % COUNT) {
        if (!co[i])
            continue;
        turns++;
        if (vm_resume(vm, co[i], 0, 5) == VM_PREEMPTED)
            continue;
        assert_int_equal(lua_tonumber(co[i], -1), 45000150000);
        co[i] = NULL;
        done++;
    }
    assert_in_range(turns, COUNT + 1, 1000000);
    vm_free(vm);
}

static int c_wait(lua_State *L)
{
    return lua_yield(L, lua_gettop(L));
}

static void a_c_function_waits_through_coroutines_of_the_script(void **state)
{
    (void)state;
    struct vm *vm = vm_new(VM_ACTIVITY, 0);
    lua_pushcfunction(vm_lua(vm), c_wait);
    vm_global(vm, "c_wait");
    lua_State *co =
        coroutine_of(vm, "a.lua",
                     "return coroutine.wrap(function() return coroutine.wrap(function() "
                     "return c_wait() + 1 end)() end)()");
    assert_int_equal(vm_resume(vm, co, 0, 1000), VM_YIELDED);
    assert_int_equal(lua_gettop(co), 0);
    lua_pushinteger(co, 41);
    assert_int_equal(vm_resume(vm, co, 1, 1000), VM_DONE);
    assert_int_equal(lua_tointeger(co, -1), 42);
    vm_free(vm);
}

/* --- VMs inside VMs --- */

static struct vm *inner_vm;

static int run_inner(lua_State *L)
{
    lua_State *co = coroutine_of(inner_vm, "inner.lua", "while true do end");
    lua_pushinteger(L, vm_resume(inner_vm, co, 0, 20));
    return 1;
}

static void a_vm_that_runs_inside_another_is_stopped_alone(void **state)
{
    (void)state;
    struct vm *outer = vm_new(VM_ACTIVITY, 0);
    inner_vm = vm_new(VM_WORKFLOW, 0);
    lua_pushcfunction(vm_lua(outer), run_inner);
    vm_global(outer, "run_inner");
    lua_State *co = coroutine_of(outer, "outer.lua", "return run_inner() + run_inner()");
    assert_int_equal(vm_resume(outer, co, 0, 100000), VM_DONE);
    assert_int_equal(lua_tointeger(co, -1), 2 * VM_OUT_OF_TIME);
    co = coroutine_of(outer, "outer.lua", "run_inner() while true do end");
    assert_int_equal(vm_resume(outer, co, 0, 20), VM_PREEMPTED);
    vm_free(inner_vm);
    vm_free(outer);
}

static void *kill_many(void *seen)
{
    struct vm *vm = vm_new(VM_WORKFLOW, 0);
    int killed = 0;
    lua_State *L = vm_lua(vm);
    for (int i = 0; i < 20; i++) {
        lua_settop(L, 0);
        luaL_loadstring(L, "while true do pcall(function() end) end");
        lua_State *co = lua_newthread(L);
        lua_pushvalue(L, 1);
        lua_xmove(L, co, 1);
        killed += vm_resume(vm, co, 0, 5) == VM_OUT_OF_TIME;
    }
    vm_free(vm);
    *(int *)seen = killed;
    return NULL;
}

static void threads_are_watched_one_by_one(void **state)
{
    (void)state;
    enum { COUNT = 4 };
    pthread_t threads[COUNT];
    int killed[COUNT];
    for (int i = 0; i < COUNT; i++)
        pthread_create(&threads[i], NULL, kill_many, &killed[i]);
    for (int i = 0; i < COUNT; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(killed[i], 20);
    }
}

static int naps_cut_short(int count, long ms)
{
    int cut = 0;
    for (int i = 0; i < count; i++)
        cut += nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL) != 0;
    return cut;
}

static void a_thread_that_rests_is_left_alone(void **state)
{
    (void)state;
    struct vm *vm = vm_new(VM_WORKFLOW, 0);
    assert_int_equal(vm_resume(vm, coroutine_of(vm, "a.lua", "return 1"), 0, 10), VM_DONE);
    assert_true(naps_cut_short(10, 20) <= 1);
    assert_int_equal(naps_cut_short(10, 20), 0);
    assert_int_equal(vm_resume(vm, coroutine_of(vm, "a.lua", "while true do end"), 0, 10),
                     VM_OUT_OF_TIME);
    vm_free(vm);
}

/* --- memory --- */

/* Garbage included. */
static size_t heap_bytes(struct vm *vm)
{
    return (size_t)lua_gc(vm_lua(vm), LUA_GCCOUNT, 0) << 10;
}

static void a_coroutine_that_eats_too_much_is_stopped_before_it_knows(void **state)
{
    (void)state;
    struct vm *vm = vm_new(VM_ACTIVITY, 0);
    struct vm_account *account = vm_account_new(8 << 20);
    lua_State *co = coroutine_of(vm, "a.lua",
                                 "local t = {} while true do pcall(function() while "
                                 "true do t[#t + 1] = ('x'):rep(1000) .. #t end end) "
                                 "end");
    vm_charge(vm, account);
    assert_int_equal(vm_resume(vm, co, 0, 0), VM_OUT_OF_MEMORY);
    vm_charge(vm, NULL);
    assert_in_range(vm_account_used(account), 1 << 20, 8 << 20);
    lua_settop(vm_lua(vm), 0);
    vm_account_free(account);
    size_t before = heap_bytes(vm);
    vm_collect(vm);
    assert_in_range(heap_bytes(vm), 1, before - (1 << 20));
    co = coroutine_of(vm, "b.lua", "return 'well'");
    assert_int_equal(vm_resume(vm, co, 0, 0), VM_DONE);
    vm_free(vm);
}

static void the_heap_has_a_limit_of_its_own(void **state)
{
    (void)state;
    struct vm *vm = vm_new(VM_ACTIVITY, 16 << 20);
    lua_State *co = coroutine_of(vm, "a.lua", "local t = {} for i = 1, 1e8 do t[i] = {} end");
    assert_int_equal(vm_resume(vm, co, 0, 0), VM_OUT_OF_MEMORY);
    assert_in_range(heap_bytes(vm), 1 << 20, 16 << 20);
    vm_free(vm);
}

/* --- what scripts find --- */

/* Pushes and drops a hundred texts of 256 KB, each another one, and gives the most that the VM
 * held. */
static int churn(lua_State *L)
{
    static char text[256 << 10];
    size_t most = 0;
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "%d", i);
        vm_push_bytes(L, (struct span){text, sizeof text});
        lua_pop(L, 1);
        most = heap_bytes(vm_of(L)) > most ? heap_bytes(vm_of(L)) : most;
    }
    lua_pushnumber(L, (lua_Number)most);
    return 1;
}

static void large_texts_that_nobody_has_are_collected_as_new_ones_come(void **state)
{
    (void)state;
    struct vm *vm = vm_new(VM_ACTIVITY, 0);
    lua_pushcfunction(vm_lua(vm), churn);
    vm_global(vm, "churn");
    lua_State *co = coroutine_of(
        vm, "a.lua", "local kept = {} for i = 1, 2e4 do kept[i] = { i } end return churn(), #kept");
    assert_int_equal(vm_resume(vm, co, 0, 0), VM_DONE);
    size_t most = (size_t)lua_tonumber(co, -2);
    if (most > 16 << 20)
        fail_msg("25 MB of texts, one at a time, took %zu bytes", most);
    vm_free(vm);
}

static void scripts_share_strict_globals(void **state)
{
    (void)state;
    struct vm *vm = vm_new(VM_ACTIVITY, 0);
    assert_string_equal(fails_with(vm, "\nreturn cuont"),
                        "activities/sync.lua:2: there is no global 'cuont'; is it misspelt, or is "
                        "a `local` or a `require` missing?");
    assert_string_equal(fails_with(vm, "function main() end"),
                        "activities/sync.lua:1: assignment to the global 'main'; declare it with "
                        "`local`");
    assert_non_null(strstr(fails_with(vm, "io.open('x')"), "there is no global 'io': use `file`"));
    assert_non_null(strstr(fails_with(vm, "os.execute('x')"), "attempt to call field 'execute'"));
    assert_non_null(
        strstr(fails_with(vm, "error(ValueError { message = 'no' })"), "ValueError: no"));
    assert_non_null(strstr(fails_with(vm, "collectgarbage('stop')"), "is not available here"));
    assert_string_equal(fails_with(vm, "error({})"), "error: ");
    assert_string_equal(fails_with(vm, "error()"), "a nil was raised as an error");
    lua_State *co = coroutine_of(vm, "a.lua",
                                 "assert(os.time() > 1.7e9 and math.random() < 1 and "
                                 "os.getenv('PATH') and json.encode({}) == '{}' and "
                                 "debug.traceback('x'):find('x'))");
    assert_int_equal(vm_resume(vm, co, 0, 0), VM_DONE);
    vm_free(vm);
}

static int open_answer(lua_State *L)
{
    lua_pushfstring(L, "C says %s", lua_tostring(L, 1));
    return 1;
}

static void require_finds_scripts_c_and_the_library(void **state)
{
    (void)state;
    struct vm *vm = vm_new(VM_ACTIVITY, 0);
    struct error err = {0};
    vm_source(vm, SPAN("activities/money.lua"),
              SPAN("return { cents = function(x) return x * 100 end }"));
    vm_source(vm, SPAN("lib/late.lua"), SPAN("return first"));
    vm_source(vm, SPAN("lib/late.lua"), SPAN("return 'second'"));
    vm_source(vm, SPAN("lib/wrong.lua"), SPAN("local ="));
    vm_source(vm, SPAN("lib/loops.lua"), SPAN("while true do end"));
    vm_module(vm, "answer", open_answer);
    lua_State *co = coroutine_of(
        vm, "a.lua",
        "local money = require 'activities.money' assert(money == require 'activities.money')\n"
        "assert(require('errors').ValueError)\n"
        "return money.cents(7) .. require 'answer' .. require 'lib.late'");
    assert_int_equal(vm_resume(vm, co, 0, 1000), VM_DONE);
    assert_string_equal(lua_tostring(co, -1), "700C says answersecond");
    assert_non_null(strstr(fails_with(vm, "require 'lib.wrong'"), "lib/wrong.lua:1: "));
    assert_string_equal(fails_with(vm, "require 'nothing'"),
                        "activities/sync.lua:1: there is no module 'nothing'");
    co = coroutine_of(vm, "a.lua", "require 'lib.loops'");
    assert_int_equal(vm_resume(vm, co, 0, 5), VM_PREEMPTED);
    assert_true(vm_require(vm, "errors", &err));
    assert_false(vm_require(vm, "nothing", &err));
    assert_string_equal(err.text, "loading module nothing: there is no module 'nothing'");
    vm_free(vm);
}

static void a_tool_has_the_whole_library(void **state)
{
    (void)state;
    struct vm *vm = vm_new(VM_TOOL, 0);
    lua_State *co = coroutine_of(vm, "t.lua",
                                 "assert(io.open and os.getenv and debug.getinfo and "
                                 "os.rename) return os.date('%Y') + 0");
    assert_int_equal(vm_resume(vm, co, 0, 0), VM_DONE);
    assert_in_range(lua_tointeger(co, -1), 2020, 2200);
    vm_free(vm);
}

/* --- places --- */

static void places_name_the_script_and_not_the_library(void **state)
{
    (void)state;
    struct vm *vm = vm_new(VM_ACTIVITY, 0);
    struct bytes text = {0};
    lua_pushcfunction(vm_lua(vm), c_wait);
    vm_global(vm, "c_wait");
    lua_State *co =
        coroutine_of(vm, "activities/sync.lua",
                     "local function pages()\n"
                     "  local s = ('x'):gsub('x', function() local got = c_wait() end)\n"
                     "end\n"
                     "pages()\n");
    script_place(co, &text);
    assert_string_equal(bytes_text(&text), "");
    assert_int_equal(vm_resume(vm, co, 0, 0), VM_YIELDED);
    script_place(co, &text);
    assert_string_equal(bytes_text(&text), "activities/sync.lua:2");
    script_stack(co, &text);
    assert_non_null(strstr(bytes_text(&text), "activities/sync.lua:2: in function 'pages'\n"
                                              "activities/sync.lua:4: in main chunk"));
    assert_null(strstr(bytes_text(&text), "0x"));
    assert_memory_equal(bytes_text(&text), "activities/sync.lua:2: in function", 34);
    bytes_release(&text);
    vm_free(vm);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(a_script_runs_waits_and_goes_on),
        cmocka_unit_test(a_program_gives_the_same_answer_however_often_it_is_interrupted),
        cmocka_unit_test(many_programs_take_turns),
        cmocka_unit_test(a_c_function_waits_through_coroutines_of_the_script),
        cmocka_unit_test(a_vm_that_runs_inside_another_is_stopped_alone),
        cmocka_unit_test(threads_are_watched_one_by_one),
        cmocka_unit_test(a_thread_that_rests_is_left_alone),
        cmocka_unit_test(a_coroutine_that_eats_too_much_is_stopped_before_it_knows),
        cmocka_unit_test(the_heap_has_a_limit_of_its_own),
        cmocka_unit_test(large_texts_that_nobody_has_are_collected_as_new_ones_come),
        cmocka_unit_test(scripts_share_strict_globals),
        cmocka_unit_test(require_finds_scripts_c_and_the_library),
        cmocka_unit_test(a_tool_has_the_whole_library),
        cmocka_unit_test(places_name_the_script_and_not_the_library),
    };
    return RUN_STORIES("vm", stories);
}
