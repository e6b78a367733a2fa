/* room: script */
/* Any bytes: refused with a reason, or read, written, read again and written again to equal bytes.
 */
#include <lauxlib.h>
#include <stdlib.h>

#include "script/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* malloc's memory, so that the sanitizers see what Lua holds. */
static void *allocate(void *user, void *old, size_t old_size, size_t size)
{
    (void)user;
    (void)old_size;
    if (size)
        return realloc(old, size);
    free(old);
    return NULL;
}

static void check_round(lua_State *L)
{
    struct error err = {0};
    struct bytes first = {0};
    struct bytes second = {0};
    if (!json_write(L, 1, &first, &err) || !json_push(L, bytes_span(&first), &err) ||
        !json_write(L, 2, &second, &err) || !span_equal(bytes_span(&first), bytes_span(&second)))
        abort();
    bytes_release(&first);
    bytes_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static lua_State *L;
    if (!L)
        L = lua_newstate(allocate, NULL);
    struct error err = {0};
    if (json_push(L, (struct span){(const char *)data, size}, &err))
        check_round(L);
    else if (err.kind == ERROR_NONE || lua_gettop(L) != 0)
        abort();
    lua_settop(L, 0);
    lua_gc(L, LUA_GCCOLLECT, 0); /* else libFuzzer takes what waits for the collector for a leak */
    return 0;
}
