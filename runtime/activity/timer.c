/* The Lua module "native.timer": sleep(ms), and now() in milliseconds of a clock that never jumps.
 */
#include <lauxlib.h>
#include <stdlib.h>

#include "activity/modules.h"
#include "base/clock.h"
#include "base/memory.h"

struct nap {
    struct fiber_wait wait; /* first */
    uv_timer_t timer;
};

static int deliver(struct fiber_wait *wait, lua_State *L)
{
    (void)wait;
    lua_pushboolean(L, true);
    return 1;
}

static void on_timer(uv_timer_t *timer)
{
    struct nap *nap = timer->data;
    fiber_wake(&nap->wait);
}

static void interrupt(struct fiber_wait *wait)
{
    struct nap *nap = (struct nap *)wait;
    uv_timer_stop(&nap->timer);
    fiber_wake(wait);
}

static void free_nap(uv_handle_t *timer)
{
    free(timer->data);
}

static void release(struct fiber_wait *wait)
{
    struct nap *nap = (struct nap *)wait;
    uv_close((uv_handle_t *)&nap->timer, free_nap);
}

static int sleep_ms(lua_State *L)
{
    double ms = luaL_checknumber(L, 1);
    struct fiber *fiber = fiber_current(L);
    uv_loop_t *uv = reactor_uv(reactor_of(L));
    struct nap *nap = memory_new(sizeof *nap);
    nap->wait = (struct fiber_wait){fiber, deliver, interrupt, release};
    nap->timer.data = nap;
    uv_timer_init(uv, &nap->timer);
    uv_update_time(uv);
    uv_timer_start(&nap->timer, on_timer, (uint64_t)ms, 0);
    return fiber_suspend(L, &nap->wait);
}

static int now(lua_State *L)
{
    lua_pushnumber(L, (double)clock_monotonic_us() / 1e3);
    return 1;
}

static const luaL_Reg functions[] = {
    {"sleep", sleep_ms},
    {"now",   now     },
    {NULL,    NULL    },
};

int timer_open(lua_State *L)
{
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}
