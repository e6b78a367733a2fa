#include "cli/together.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <uv.h>

#include "activity/reactor.h"
#include "base/memory.h"
#include "script/vm.h"

/* Waits for the end of the fibers, on behalf of the caller's. */
struct party {
    struct fiber_wait wait; /* first */
    uv_timer_t patience;
    int present; /* fibers that have not ended */
    int count;
    struct fiber *fibers[]; /* NULL: it has ended, or never began for want of memory */
};

static void cancel_all(struct party *party)
{
    for (int i = 0; i < party->count; i++)
        if (party->fibers[i])
            fiber_cancel(party->fibers[i]);
}

static void interrupt(struct fiber_wait *wait)
{
    cancel_all((struct party *)wait);
}

static void impatient(uv_timer_t *timer)
{
    cancel_all(timer->data);
}

static void wake(uv_handle_t *timer)
{
    struct party *party = timer->data;
    fiber_wake(&party->wait);
}

static void ended(struct fiber *fiber, enum fiber_outcome outcome)
{
    struct party *party = fiber->owner;
    (void)outcome; /* whoever was killed has said nothing */
    for (int i = 0; i < party->count; i++)
        if (party->fibers[i] == fiber)
            party->fibers[i] = NULL;
    fiber_free(fiber);
    if (--party->present == 0)
        uv_close((uv_handle_t *)&party->patience, wake);
}

static int deliver(struct fiber_wait *wait, lua_State *L)
{
    (void)wait;
    lua_pushboolean(L, true);
    return 1;
}

static void release(struct fiber_wait *wait)
{
    free(wait);
}

static void invite(lua_State *L, struct reactor *reactor, struct party *party, int at)
{
    lua_rawgeti(L, 1, at + 1);
    lua_xmove(L, reactor_lua(reactor), 1);
    struct fiber *fiber = reactor_spawn(reactor, 0, ended);
    party->fibers[at] = fiber;
    if (fiber) {
        fiber->owner = party;
        party->present++;
    }
}

int together(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    int patience_ms = luaL_checkint(L, 2), count = (int)lua_objlen(L, 1);
    struct reactor *reactor = reactor_of(L);
    struct fiber *caller = fiber_current(L);
    struct party *party = memory_new(sizeof *party + (size_t)count * sizeof *party->fibers);
    party->wait = (struct fiber_wait){caller, deliver, interrupt, release};
    party->count = count;
    party->patience.data = party;
    uv_timer_init(reactor_uv(reactor), &party->patience);
    uv_timer_start(&party->patience, impatient, (uint64_t)patience_ms, 0);
    for (int i = 0; i < count; i++)
        invite(L, reactor, party, i);
    if (party->present == 0)
        uv_close((uv_handle_t *)&party->patience, wake);
    return fiber_suspend(L, &party->wait);
}
