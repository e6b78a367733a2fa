/*
 * The life of a VM, and how a script in it is stopped: vm_raise() arms the hook, on_hook() yields
 * as soon as the frame allows it and stays armed, so that coroutines unwind level by level.
 */
#include "script/vm.h"

#include <stdlib.h>

#include <lauxlib.h>
#include <luajit.h>
#include <lualib.h>

#include "base/log.h"
#include "base/memory.h"
#include "script/vm_state.h"
#include "script/watchdog.h"

/* LuaJIT has no emergency collection: garbage stays below a fifth of what lives. A small heap may
 * have more, or it would be walked through again after every few tasks; and so may one that large
 * texts come to: eight of them, or it would be after every other one. */
enum { GARBAGE_PERCENT = 20, GARBAGE_LEAST = 256 << 10, GARBAGE_MOST = 4 << 20, TEXTS_KEPT = 8 };

/* LuaJIT's work at an allocation, and what a percent of that is. */
enum { STEP_PERCENT = 200, BYTES_A_PERCENT = 10 };

struct vm *vm_of(lua_State *L)
{
    void *vm;
    lua_getallocf(L, &vm);
    return vm;
}

lua_State *vm_lua(struct vm *vm)
{
    return vm->L;
}

void vm_collect(struct vm *vm)
{
    lua_gc(vm->L, LUA_GCCOLLECT, 0);
}

static int on_panic(lua_State *L)
{
    const char *why = lua_tostring(L, -1);
    log_event(LOG_ERROR, "lua_panic", "error", why ? why : "(no text)", NULL);
    abort();
}

static void open_library(lua_State *L, lua_CFunction open, const char *name)
{
    lua_pushcfunction(L, open);
    lua_pushstring(L, name);
    lua_call(L, 1, 0);
}

static void open_libraries(struct vm *vm)
{
    lua_State *L = vm->L;
    open_library(L, luaopen_base, "");
    open_library(L, luaopen_string, LUA_STRLIBNAME);
    open_library(L, luaopen_table, LUA_TABLIBNAME);
    open_library(L, luaopen_math, LUA_MATHLIBNAME);
    open_library(L, luaopen_bit, LUA_BITLIBNAME);
    open_library(L, luaopen_debug, LUA_DBLIBNAME);
    open_library(L, luaopen_os, LUA_OSLIBNAME);
    if (vm->kind == VM_TOOL)
        open_library(L, luaopen_io, LUA_IOLIBNAME);
    lua_settop(L, 0);
    /* After the libraries: opening one may switch the compiler on. */
    luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
}

struct vm *vm_new(enum vm_kind kind, size_t heap_limit)
{
    struct vm *vm = memory_new(sizeof *vm);
    vm->kind = kind;
    account_init(&vm->own, 0);
    account_init(&vm->heap, heap_limit);
    vm->garbage = GARBAGE_LEAST;
    vm->charged = &vm->own;
    vm->current = &vm->world;
    vm->world.real = kind != VM_WORKFLOW;
    vm->L = lua_newstate(vm_allocate, vm);
    if (!vm->L)
        abort();
    lua_atpanic(vm->L, on_panic);
    open_libraries(vm);
    module_install(vm);
    return vm;
}

void vm_free(struct vm *vm)
{
    if (!vm)
        return;
    vm_charge(vm, NULL);
    lua_close(vm->L);
    pool_release(&vm->pool);
    module_release(vm);
    bytes_release(&vm->stopped_at);
    free(vm);
}

static void arm(struct vm *vm, lua_Hook hook)
{
    vm->arming = 1;
    lua_sethook(vm->L, hook, hook ? LUA_MASKCOUNT : 0, 1);
    vm->arming = 0;
}

static void collect_in_hook(struct vm *vm, lua_State *L)
{
    lua_gc(L, LUA_GCCOLLECT, 0);
    if (vm_memory_is_tight(vm)) {
        vm_raise(vm, ALARM_MEMORY);
    } else if (vm->alarm == ALARM_COLLECT) {
        vm->alarm = ALARM_NONE;
        arm(vm, NULL);
    }
}

static void on_hook(lua_State *L, lua_Debug *activation)
{
    (void)activation;
    struct vm *vm = vm_of(L);
    if (vm->alarm == ALARM_COLLECT)
        collect_in_hook(vm, L);
    if (vm->alarm <= ALARM_COLLECT || !lua_isyieldable(L))
        return;
    if (vm->stopped_at.size == 0)
        script_place(L, &vm->stopped_at);
    vm->hooked = L;
    lua_yield(L, 0);
}

void vm_raise(struct vm *vm, enum vm_alarm alarm)
{
    if (vm->alarm < (sig_atomic_t)alarm)
        vm->alarm = alarm;
    arm(vm, on_hook);
}

/* In a signal handler on the VM's thread, which may be anywhere, also inside arm(): the watchdog
 * sends again. */
static void on_late(void *user)
{
    struct vm *vm = user;
    if (!vm->arming)
        vm_raise(vm, ALARM_LATE);
}

bool vm_stopping(const struct vm *vm)
{
    return vm->alarm == ALARM_MEMORY || (vm->alarm == ALARM_LATE && vm->kind == VM_WORKFLOW);
}

static enum vm_outcome outcome_of(const struct vm *vm, const lua_State *co, int status)
{
    if (vm->alarm == ALARM_MEMORY || status == LUA_ERRMEM)
        return VM_OUT_OF_MEMORY;
    if (status == 0)
        return VM_DONE;
    bool hooked = status == LUA_YIELD && vm->hooked == co;
    if (vm->kind == VM_WORKFLOW && (hooked || vm->alarm == ALARM_LATE))
        return VM_OUT_OF_TIME;
    if (hooked)
        return VM_PREEMPTED;
    return status == LUA_YIELD ? VM_YIELDED : VM_ERROR;
}

/* A collection that ends sets when the next one begins by the pause. */
static void pace(struct vm *vm)
{
    size_t percent = 100 * vm->garbage / vm->heap.used;
    lua_gc(vm->L, LUA_GCSETPAUSE,
           100 + (int)(percent > GARBAGE_PERCENT ? percent : GARBAGE_PERCENT));
}

void vm_push_bytes(lua_State *L, struct span bytes)
{
    struct vm *vm = vm_of(L);
    size_t some = TEXTS_KEPT * bytes.size;
    if (some > vm->garbage)
        vm->garbage = some < GARBAGE_MOST ? some : GARBAGE_MOST;
    lua_gc(L, LUA_GCSETSTEPMUL, STEP_PERCENT + (int)(bytes.size / BYTES_A_PERCENT));
    lua_pushlstring(L, bytes.data ? bytes.data : "", bytes.size);
    lua_gc(L, LUA_GCSETSTEPMUL, STEP_PERCENT);
}

enum vm_outcome vm_resume(struct vm *vm, lua_State *co, int nargs, int budget_ms)
{
    struct watch_slice outer;
    vm->alarm = ALARM_NONE;
    vm->hooked = NULL;
    bytes_clear(&vm->stopped_at);
    pace(vm);
    vm->running = true;
    watch_begin(&outer, budget_ms, on_late, vm);
    int status = lua_resume(co, nargs);
    watch_end(&outer);
    vm->running = false;
    enum vm_outcome outcome = outcome_of(vm, co, status);
    vm->alarm = ALARM_NONE;
    if (lua_gethookmask(vm->L) != 0)
        arm(vm, NULL);
    return outcome;
}

const char *vm_stopped_at(const struct vm *vm)
{
    return bytes_text(&vm->stopped_at);
}

static const char *text_field(lua_State *L, const char *name)
{
    lua_pushstring(L, name);
    lua_rawget(L, -2);
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    lua_pop(L, 1);
    return text;
}

bool vm_error(lua_State *L, struct error *err)
{
    lua_checkstack(L, 4);
    if (lua_istable(L, -1)) {
        const char *type = text_field(L, "type");
        const char *message = text_field(L, "message");
        error_set(err, ERROR_SCRIPT, "%s: %s", type ? type : "error", message ? message : "");
    } else if (lua_isstring(L, -1)) {
        error_set(err, ERROR_SCRIPT, "%s", lua_tostring(L, -1));
    } else {
        error_set(err, ERROR_SCRIPT, "a %s was raised as an error", luaL_typename(L, -1));
    }
    lua_pop(L, 1);
    return false;
}
