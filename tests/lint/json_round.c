/* Reads documents ("SIZE\n" and so many bytes, again and again) and answers each with what the
 * codec makes of it, decoded and encoded again: "ok SIZE\n" and the bytes, or "no SIZE\n" and the
 * error's text. For json_compare.py. */
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>

#include "script/json.h"

static bool convert(lua_State *L, struct span text, struct bytes *out, struct error *err)
{
    lua_settop(L, 0);
    return json_push(L, text, err) && json_write(L, 1, out, err);
}

int main(void)
{
    lua_State *L = luaL_newstate();
    struct bytes text = {0};
    struct bytes out = {0};
    char line[32];
    while (fgets(line, sizeof line, stdin)) {
        size_t size = strtoull(line, NULL, 10);
        struct error err = {0};
        bytes_clear(&text);
        bytes_clear(&out);
        if (fread(bytes_reserve(&text, size), 1, size, stdin) != size)
            return 1;
        bytes_added(&text, size);
        bool ok = convert(L, bytes_span(&text), &out, &err);
        if (!ok)
            bytes_add_text(&out, err.text);
        printf("%s %zu\n", ok ? "ok" : "no", out.size);
        fwrite(bytes_text(&out), 1, out.size, stdout);
        fflush(stdout);
    }
    bytes_release(&text);
    bytes_release(&out);
    lua_close(L);
    return 0;
}
