/*
 * A scan for number literals before the compiler sees the text. It knows just enough of Lua's
 * tokens: comments, strings, long brackets, names and numbers.
 */
#include "script/source.h"

#include <ctype.h>

#include <lauxlib.h>

#include "script/vm.h"

struct scan {
    const char *at;
    const char *end;
    int line;
};

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static char peek(const struct scan *s, size_t ahead)
{
    return (size_t)(s->end - s->at) > ahead ? s->at[ahead] : '\0';
}

static bool is_newline(char c)
{
    return c == '\n' || c == '\r';
}

/* "\r\n" and "\n\r" are one newline to the compiler. */
static void step(struct scan *s)
{
    char c = *s->at++;
    if (!is_newline(c))
        return;
    s->line++;
    if (is_newline(peek(s, 0)) && peek(s, 0) != c)
        s->at++;
}

/* The number of '=' when a long bracket opens here, else -1. */
static int long_bracket(const struct scan *s)
{
    int level = 0;
    while (peek(s, 1 + (size_t)level) == '=')
        level++;
    return peek(s, 0) == '[' && peek(s, 1 + (size_t)level) == '[' ? level : -1;
}

static bool closes(const struct scan *s, int level)
{
    for (int i = 1; i <= level; i++)
        if (peek(s, (size_t)i) != '=')
            return false;
    return peek(s, 0) == ']' && peek(s, (size_t)level + 1) == ']';
}

static void skip_long(struct scan *s, int level)
{
    while (s->at < s->end && !closes(s, level))
        step(s);
    for (int i = 0; i < level + 2 && s->at < s->end; i++)
        step(s);
}

static void skip_escape(struct scan *s)
{
    bool folds = peek(s, 1) == 'z';
    step(s);
    if (s->at < s->end)
        step(s);
    while (folds && s->at < s->end && isspace((unsigned char)*s->at))
        step(s);
}

static void skip_string(struct scan *s)
{
    char quote = *s->at;
    step(s);
    while (s->at < s->end && *s->at != quote && !is_newline(*s->at)) {
        if (*s->at == '\\')
            skip_escape(s);
        else
            step(s);
    }
    if (s->at < s->end && *s->at == quote)
        step(s);
}

static void skip_line(struct scan *s)
{
    while (s->at < s->end && !is_newline(*s->at))
        s->at++;
}

static void skip_comment(struct scan *s)
{
    s->at += 2;
    int level = long_bracket(s);
    if (level >= 0)
        skip_long(s, level);
    else
        skip_line(s);
}

/* A byte order mark and a first line with '#' are nothing to the compiler. */
static void skip_head(struct scan *s)
{
    if (s->end - s->at >= 3 && memcmp(s->at, "\xef\xbb\xbf", 3) == 0)
        s->at += 3;
    if (peek(s, 0) == '#')
        skip_line(s);
}

static struct span take_number(struct scan *s)
{
    const char *start = s->at;
    bool hex = peek(s, 0) == '0' && tolower((unsigned char)peek(s, 1)) == 'x';
    char exponent = hex ? 'p' : 'e';
    while (s->at < s->end) {
        bool sign = (*s->at == '+' || *s->at == '-') && s->at > start &&
                    tolower((unsigned char)s->at[-1]) == exponent;
        if (!is_name(*s->at) && *s->at != '.' && !sign)
            break;
        s->at++;
    }
    return (struct span){start, (size_t)(s->at - start)};
}

static bool is_cdata(struct span number)
{
    const char *last = number.data + number.size - 1;
    return number.size > 1 && (*last == 'i' || *last == 'I' || *last == 'l' || *last == 'L');
}

static void skip_name(struct scan *s)
{
    while (s->at < s->end && is_name(*s->at))
        s->at++;
}

/* Skips one token; a number literal comes back. */
static struct span next_token(struct scan *s)
{
    int level = long_bracket(s);
    if (level >= 0)
        skip_long(s, level);
    else if (peek(s, 0) == '-' && peek(s, 1) == '-')
        skip_comment(s);
    else if (*s->at == '"' || *s->at == '\'')
        skip_string(s);
    else if (isdigit((unsigned char)*s->at) ||
             (*s->at == '.' && isdigit((unsigned char)peek(s, 1))))
        return take_number(s);
    else if (is_name(*s->at))
        skip_name(s);
    else
        step(s);
    return (struct span){0};
}

static bool scan_literals(struct span name, struct span text, struct error *err)
{
    struct scan s = {text.data, text.data + text.size, 1};
    skip_head(&s);
    while (s.at < s.end) {
        struct span number = next_token(&s);
        if (number.size > 0 && is_cdata(number))
            return error_set(err, ERROR_SCRIPT,
                             "%.*s:%d: %.*s: 64-bit and complex literals are not available; write "
                             "the number without its suffix",
                             (int)name.size, name.data, s.line, (int)number.size, number.data);
    }
    return true;
}

bool source_compile(lua_State *L, struct span name, struct span text, struct error *err)
{
    if (!scan_literals(name, text, err))
        return false;
    struct bytes chunk_name = {0};
    bytes_add_char(&chunk_name, '@');
    bytes_add_span(&chunk_name, name);
    int failed =
        luaL_loadbufferx(L, text.data ? text.data : "", text.size, bytes_text(&chunk_name), "t");
    bytes_release(&chunk_name);
    return failed ? vm_error(L, err) : true;
}

void source_module(struct span path, struct bytes *out)
{
    if (path.size > 4 && memcmp(path.data + path.size - 4, ".lua", 4) == 0)
        path.size -= 4;
    for (size_t i = 0; i < path.size; i++)
        bytes_add_char(out, path.data[i] == '/' ? '.' : path.data[i]);
}
