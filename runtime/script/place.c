/*
 * Where a script is: chunk names tell who wrote a frame. A script's begins with '@' (it is a file),
 * the embedded library's with '='.
 */
#include <stdarg.h>

#include <lauxlib.h>

#include "script/vm_state.h"

enum { FRAMES_SHOWN = 40 };

static bool is_script(const lua_Debug *frame)
{
    return frame->source[0] == '@' && frame->currentline > 0;
}

/* Every command of a workflow carries its place: printf would be half of the cost. */
static void add_number(struct bytes *out, unsigned number)
{
    char digits[10];
    size_t first = sizeof digits;
    do
        digits[--first] = (char)('0' + number % 10);
    while (number /= 10);
    bytes_add(out, digits + first, sizeof digits - first);
}

void script_place_from(lua_State *L, int level, struct bytes *out)
{
    lua_Debug frame;
    bytes_clear(out);
    for (; lua_getstack(L, level, &frame); level++) {
        lua_getinfo(L, "Sl", &frame);
        if (is_script(&frame)) {
            bytes_add_text(out, frame.short_src);
            bytes_add_char(out, ':');
            add_number(out, (unsigned)frame.currentline);
            return;
        }
    }
}

void script_place(lua_State *L, struct bytes *out)
{
    script_place_from(L, 0, out);
}

int script_error(lua_State *L, const char *format, ...)
{
    struct bytes place = {0};
    va_list args;
    script_place(L, &place);
    bytes_add_text(&place, place.size ? ": " : "");
    lua_pushlstring(L, bytes_text(&place), place.size);
    bytes_release(&place);
    va_start(args, format);
    lua_pushvfstring(L, format, args);
    va_end(args);
    lua_concat(L, 2);
    return lua_error(L);
}

static void add_frame(struct bytes *out, const lua_Debug *frame)
{
    bytes_printf(out, "%s%s:%d: in ", out->size ? "\n" : "", frame->short_src, frame->currentline);
    if (frame->name && frame->name[0])
        bytes_printf(out, "function '%s'", frame->name);
    else if (*frame->what == 'm')
        bytes_add_text(out, "main chunk");
    else
        bytes_printf(out, "function <%s:%d>", frame->short_src, frame->linedefined);
}

static void add_frames(struct bytes *out, lua_State *L)
{
    lua_Debug frame;
    int shown = 0;
    for (int level = 0; lua_getstack(L, level, &frame); level++) {
        lua_getinfo(L, "Snl", &frame);
        if (!is_script(&frame))
            continue;
        if (shown++ == FRAMES_SHOWN) {
            bytes_add_text(out, "\n...");
            return;
        }
        add_frame(out, &frame);
    }
}

void script_stack(lua_State *L, struct bytes *out)
{
    bytes_clear(out);
    add_frames(out, L);
}

void vm_stack(lua_State *running, struct bytes *out)
{
    const struct vm *vm = vm_of(running);
    script_stack(running, out);
    for (int i = vm->nesting - 1; i >= 0; i--)
        add_frames(out, vm->callers[i]);
}
