/*
 * Coroutines of scripts, one step at a time, so that Lua can tell why one came back
 * (sandbox/coroutines.lua): a script's own yield, a wait of the library or of a C function, or the
 * hook that stops it. Knowing that must be one step with the resume: the hook fires between any two
 * instructions.
 */
#include "script/coroutine.h"

#include <lauxlib.h>

#include "script/vm_state.h"

enum { VALUES_LIMIT = 8000 };

enum step_kind { STEP_RETURNED = 1, STEP_YIELDED, STEP_FAILED, STEP_WAITS, STEP_STOPPED };

static char yield_mark;

static const char *status_of(lua_State *L, lua_State *co)
{
    lua_Debug frame;
    if (co == L)
        return "running";
    if (lua_status(co) == LUA_YIELD)
        return "suspended";
    if (lua_status(co) != 0)
        return "dead";
    if (lua_getstack(co, 0, &frame))
        return "normal";
    return lua_gettop(co) == 0 ? "dead" : "suspended";
}

static lua_State *check_coroutine(lua_State *L)
{
    lua_State *co = lua_tothread(L, 1);
    luaL_argcheck(L, co, 1, "coroutine expected");
    return co;
}

static int status(lua_State *L)
{
    lua_pushstring(L, status_of(L, check_coroutine(L)));
    return 1;
}

static int fail(lua_State *L, const char *why)
{
    lua_pushinteger(L, STEP_FAILED);
    lua_pushstring(L, why);
    return 2;
}

static enum step_kind kind_of(struct vm *vm, lua_State *co, int status)
{
    if (status == 0)
        return STEP_RETURNED;
    if (status != LUA_YIELD)
        return STEP_FAILED;
    if (vm->hooked == co)
        return STEP_STOPPED;
    return lua_touserdata(co, 1) == &yield_mark ? STEP_YIELDED : STEP_WAITS;
}

/* step(co, ...) -> kind, what came out */
static int step(lua_State *L)
{
    lua_State *co = check_coroutine(L);
    struct vm *vm = vm_of(L);
    int given = lua_gettop(L) - 1;
    const char *was = status_of(L, co);
    if (*was != 's')
        return fail(L, lua_pushfstring(L, "cannot resume %s coroutine",
                                       *was == 'd' ? "dead" : "non-suspended"));
    if (vm->nesting >= VM_NESTING_LIMIT)
        return fail(L, "coroutines are nested more than 100 deep");
    if (!lua_checkstack(co, given))
        return fail(L, "too many values for a coroutine");
    lua_xmove(L, co, given);

    vm->callers[vm->nesting++] = L;
    vm->hooked = NULL;
    int result = lua_resume(co, given);
    vm->nesting--;

    enum step_kind kind = kind_of(vm, co, result);
    if (kind == STEP_YIELDED)
        lua_remove(co, 1);
    int taken = kind == STEP_FAILED ? 1 : kind == STEP_STOPPED ? 0 : lua_gettop(co);
    if (taken > VALUES_LIMIT || !lua_checkstack(L, taken + 1))
        return script_error(L, "too many values from a coroutine");
    lua_pushinteger(L, kind);
    lua_xmove(co, L, taken);
    return taken + 1;
}

void coroutine_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"step",   step  },
        {"status", status},
        {NULL,     NULL  },
    };
    luaL_setfuncs(L, functions, 0);
    lua_pushlightuserdata(L, &yield_mark);
    lua_setfield(L, -2, "YIELD");
    static const struct {
        const char *name;
        enum step_kind kind;
    } kinds[] = {
        {"RETURNED", STEP_RETURNED},
        {"YIELDED",  STEP_YIELDED },
        {"FAILED",   STEP_FAILED  },
        {"WAITS",    STEP_WAITS   },
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        lua_pushinteger(L, kinds[i].kind);
        lua_setfield(L, -2, kinds[i].name);
    }
}
