#include "cli/screen.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/bytes.h"
#include "base/redact.h"

bool screen_has_colour(int fd)
{
    const char *unwanted = getenv("NO_COLOR"), *term = getenv("TERM");
    bool plain = (unwanted && *unwanted) || (term && strcmp(term, "dumb") == 0);
    return isatty(fd) && !plain;
}

/* columns() -> of the terminal that standard output is; nil when it is none */
int screen_columns(lua_State *L)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 0;
    lua_pushinteger(L, size.ws_col);
    return 1;
}

/* One character's bytes and columns; what cannot be shown becomes a character that can. */
static size_t next(const char *text, size_t size, struct bytes *shown, int *width)
{
    mbstate_t state = {0};
    wchar_t c;
    size_t used = mbrtowc(&c, text, size, &state);
    if (used == (size_t)-1 || used == (size_t)-2) {
        bytes_add_text(shown, "\xef\xbf\xbd");
        *width = 1;
        return 1;
    }
    used += used == 0;
    *width = wcwidth(c);
    if (c == L'\n' || c == L'\t' || c == L'\r') {
        bytes_add_char(shown, '\\');
        bytes_add_char(shown, c == L'\n' ? 'n' : c == L'\t' ? 't' : 'r');
        *width = 2;
    } else if (*width < 0) {
        bytes_add_text(shown, "\xef\xbf\xbd");
        *width = 1;
    } else {
        bytes_add(shown, text, used);
    }
    return used;
}

/* fit(text, columns) -> as much of it as fits, on one line; its columns; whether that is all */
int screen_fit(lua_State *L)
{
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);
    int limit = (int)luaL_checkinteger(L, 2);
    struct bytes shown = {0};
    int columns = 0;
    size_t at = 0;
    while (at < size) {
        int width;
        size_t before = shown.size;
        size_t used = next(text + at, size - at, &shown, &width);
        if (columns + width > limit) {
            bytes_cut(&shown, before);
            break;
        }
        columns += width;
        at += used;
    }
    lua_pushlstring(L, bytes_text(&shown), shown.size);
    lua_pushinteger(L, columns);
    lua_pushboolean(L, at == size);
    bytes_release(&shown);
    return 3;
}

static bool names_secret(const char *name, size_t size)
{
    static const char *const endings[] = {"_KEY", "_TOKEN", "_SECRET", "_PASSWORD", "_SID"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t ending = strlen(endings[i]);
        if (size > ending && memcmp(name + size - ending, endings[i], ending) == 0)
            return true;
    }
    return false;
}

/* The password in "postgresql://user:password@host/..." */
static void hide_password(const char *value)
{
    const char *user = strstr(value, "://");
    const char *at = user ? strchr(user, '@') : NULL;
    const char *colon = at ? memchr(user + 3, ':', (size_t)(at - user - 3)) : NULL;
    if (colon)
        redact_register((struct span){colon + 1, (size_t)(at - colon - 1)});
}

/* hide_secrets(): variables whose names say that they are secret, and passwords in addresses, are
 * never shown */
int screen_hide_secrets(lua_State *L)
{
    (void)L;
    for (char **variable = environ; *variable; variable++) {
        const char *value = strchr(*variable, '=');
        if (!value)
            continue;
        if (names_secret(*variable, (size_t)(value - *variable)))
            redact_register(span_of(value + 1));
        hide_password(value + 1);
    }
    return 0;
}
