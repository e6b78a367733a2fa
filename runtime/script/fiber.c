#include "script/fiber.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "base/memory.h"

static char host_key;

void fiber_host_open(struct fiber_host *host, struct vm *vm)
{
    lua_State *L = vm_lua(vm);
    host->vm = vm;
    host->current = NULL;
    lua_pushlightuserdata(L, &host_key);
    lua_pushlightuserdata(L, host);
    lua_rawset(L, LUA_REGISTRYINDEX);
}

static int make_thread(lua_State *L)
{
    struct fiber *fiber = lua_touserdata(L, 1);
    fiber->L = lua_newthread(L);
    fiber->anchor = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

struct fiber *fiber_new(struct fiber_host *host, int count)
{
    lua_State *L = vm_lua(host->vm);
    struct fiber *fiber = memory_new(sizeof *fiber);
    fiber->host = host;
    if (lua_cpcall(L, make_thread, fiber) != 0) {
        lua_pop(L, count + 2);
        free(fiber);
        return NULL;
    }
    lua_xmove(L, fiber->L, count + 1);
    return fiber;
}

void fiber_free(struct fiber *fiber)
{
    luaL_unref(vm_lua(fiber->host->vm), LUA_REGISTRYINDEX, fiber->anchor);
    free(fiber);
}

struct delivery {
    struct fiber *fiber;
    int count;
};

static int deliver(lua_State *L)
{
    struct delivery *delivery = lua_touserdata(L, 1);
    struct fiber *fiber = delivery->fiber;
    lua_settop(L, 0);
    luaL_checkstack(L, FIBER_RESULTS, NULL);
    if (fiber->interrupted)
        lua_pushboolean(L, false);
    else
        fiber->wait->deliver(fiber->wait, L);
    delivery->count = lua_gettop(L);
    lua_xmove(L, fiber->L, delivery->count);
    return 0;
}

/* The ended operation's results onto the fiber's stack; -1 when the VM has no memory for them. */
static int take_results(struct fiber *fiber)
{
    lua_State *L = vm_lua(fiber->host->vm);
    struct delivery delivery = {fiber, 0};
    int failed = fiber->killed ? 0 : lua_cpcall(L, deliver, &delivery);
    if (failed)
        lua_pop(L, 1);
    fiber->wait->release(fiber->wait);
    fiber->wait = NULL;
    fiber->interrupted = false;
    atomic_store(&fiber->woken, false);
    return failed ? -1 : delivery.count;
}

static enum fiber_outcome resume(struct fiber *fiber)
{
    int count = 0;
    if (fiber->wait)
        count = take_results(fiber);
    else if (!fiber->started)
        count = lua_gettop(fiber->L) - 1;
    fiber->started = true;
    if (fiber->killed)
        return FIBER_KILLED;
    if (count < 0)
        return FIBER_OUT_OF_MEMORY;
    switch (vm_resume(fiber->host->vm, fiber->L, count, fiber->host->slice_ms)) {
    case VM_DONE:
        return FIBER_DONE;
    case VM_YIELDED:
        lua_settop(fiber->L, 0);
        return fiber->wait ? FIBER_WAITING : FIBER_PREEMPTED;
    case VM_PREEMPTED:
        return FIBER_PREEMPTED;
    case VM_ERROR:
        return FIBER_ERROR;
    case VM_OUT_OF_TIME:
    case VM_OUT_OF_MEMORY:
        break;
    }
    return FIBER_OUT_OF_MEMORY;
}

enum fiber_outcome fiber_run(struct fiber *fiber)
{
    struct fiber_host *host = fiber->host;
    host->current = fiber;
    vm_charge(host->vm, fiber->account);
    enum fiber_outcome outcome = resume(fiber);
    vm_charge(host->vm, NULL);
    host->current = NULL;
    return outcome;
}

struct fiber *fiber_find(lua_State *L)
{
    lua_pushlightuserdata(L, &host_key);
    lua_rawget(L, LUA_REGISTRYINDEX);
    struct fiber_host *host = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return host ? host->current : NULL;
}

struct fiber *fiber_current(lua_State *L)
{
    struct fiber *fiber = fiber_find(L);
    if (!fiber)
        luaL_error(L, "this call has to wait, which the top level of a script cannot: call it in a "
                      "function");
    return fiber;
}

int fiber_suspend(lua_State *L, struct fiber_wait *wait)
{
    struct fiber *fiber = wait->fiber;
    fiber->wait = wait;
    fiber->waits++;
    if (fiber->cancelled)
        fiber_cancel(fiber);
    return lua_yield(L, 0);
}

void fiber_wake(struct fiber_wait *wait)
{
    struct fiber *fiber = wait->fiber;
    atomic_store(&fiber->woken, true);
    fiber->host->ready(fiber->host, fiber);
}

static void interrupt(struct fiber *fiber)
{
    if (fiber->interrupted)
        return;
    fiber->interrupted = true;
    fiber->wait->interrupt(fiber->wait);
}

void fiber_cancel(struct fiber *fiber)
{
    fiber->cancelled = !fiber->wait || atomic_load(&fiber->woken);
    if (!fiber->cancelled)
        interrupt(fiber);
}

void fiber_kill(struct fiber *fiber)
{
    fiber->killed = true;
    if (fiber->wait && !atomic_load(&fiber->woken))
        interrupt(fiber);
}
