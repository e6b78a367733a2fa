#include "rpc/toml.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/utf8.h"

enum { MAX_DEPTH = 32, MAX_ENTRIES = 4000, MAX_SIZE = 1 << 20 };

struct reader {
    struct toml *toml;
    const char *file;
    const char *at;
    const char *end; /* a NUL stands here */
    int line;
    int depth;
    struct error *err;
};

static bool read_value(struct reader *r, int entry);

static bool fail(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(struct reader *r, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return error_set(r->err, ERROR_CONFIG, "%s:%d: %s", r->file, r->line, text);
}

int toml_child(const struct toml *t, int table, const char *key)
{
    for (int i = 0; i < t->count; i++)
        if (t->entries[i].parent == table && t->entries[i].key &&
            strcmp(t->entries[i].key, key) == 0)
            return i;
    return TOML_NONE;
}

int toml_next(const struct toml *t, int table, int after)
{
    for (int i = after == TOML_NONE ? 0 : after + 1; i < t->count; i++)
        if (t->entries[i].parent == table)
            return i;
    return TOML_NONE;
}

static int add(struct reader *r, int parent, const char *key)
{
    struct toml *t = r->toml;
    if (t->count == t->room) {
        t->room = t->room ? 2 * t->room : 32;
        t->entries = memory_resize(t->entries, (size_t)t->room * sizeof *t->entries);
    }
    t->entries[t->count] = (struct toml_entry){.key = key, .parent = parent, .line = r->line};
    return t->count++;
}

static bool starts(const struct reader *r, const char *word)
{
    size_t size = strlen(word);
    return (size_t)(r->end - r->at) >= size && memcmp(r->at, word, size) == 0;
}

static void skip_blanks(struct reader *r)
{
    while (*r->at == ' ' || *r->at == '\t')
        r->at++;
}

static bool at_newline(const struct reader *r)
{
    return *r->at == '\n' || starts(r, "\r\n");
}

static void skip_newline(struct reader *r)
{
    r->at += *r->at == '\r' ? 2 : 1;
    r->line++;
}

static bool is_control(char c)
{
    return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

static bool skip_comment(struct reader *r)
{
    while (r->at < r->end && !at_newline(r)) {
        if (is_control(*r->at))
            return fail(r, "a control character in a comment");
        r->at++;
    }
    return true;
}

/* Blanks, and a comment if there is one. */
static bool skip_rest(struct reader *r)
{
    skip_blanks(r);
    return *r->at != '#' || skip_comment(r);
}

static bool end_line(struct reader *r)
{
    if (!skip_rest(r))
        return false;
    if (r->at == r->end)
        return true;
    if (!at_newline(r))
        return fail(r, "expected the end of the line");
    skip_newline(r);
    return true;
}

/* Blanks, newlines and comments, as within arrays. */
static bool skip_lines(struct reader *r)
{
    for (;;) {
        if (!skip_rest(r))
            return false;
        if (!at_newline(r))
            return true;
        skip_newline(r);
    }
}

static void add_utf8(struct bytes *out, uint32_t c)
{
    if (c < 0x80) {
        bytes_add_char(out, (char)c);
    } else if (c < 0x800) {
        bytes_add_char(out, (char)(0xc0 | c >> 6));
        bytes_add_char(out, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        bytes_add_char(out, (char)(0xe0 | c >> 12));
        bytes_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
        bytes_add_char(out, (char)(0x80 | (c & 0x3f)));
    } else {
        bytes_add_char(out, (char)(0xf0 | c >> 18));
        bytes_add_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
        bytes_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
        bytes_add_char(out, (char)(0x80 | (c & 0x3f)));
    }
}

static bool read_unicode(struct reader *r, int digits, struct bytes *out)
{
    uint32_t c = 0;
    for (int i = 0; i < digits; i++) {
        static const char hex[] = "0123456789abcdef";
        const char *digit = *r->at ? strchr(hex, *r->at | 0x20) : NULL;
        if (!digit)
            return fail(r, "\\u needs 4 and \\U 8 hexadecimal digits");
        c = c << 4 | (uint32_t)(digit - hex);
        r->at++;
    }
    if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return fail(r, "U+%04X cannot stand in a string", (unsigned)c);
    add_utf8(out, c);
    return true;
}

static bool read_escape(struct reader *r, struct bytes *out)
{
    static const char letters[] = "btnfr\"\\";
    static const char meanings[] = "\b\t\n\f\r\"\\";
    char c = *r->at++;
    const char *hit = c ? strchr(letters, c) : NULL;
    if (hit)
        bytes_add_char(out, meanings[hit - letters]);
    else if (c == 'u' || c == 'U')
        return read_unicode(r, c == 'u' ? 4 : 8, out);
    else
        return fail(r, "no such escape in a string; a backslash itself is \\\\");
    return true;
}

/* A backslash that ends a line of a multi-line string swallows all white space up to the next text.
 * False when this is none. */
static bool swallow_line_end(struct reader *r)
{
    const char *ahead = r->at + strspn(r->at, " \t");
    if (*ahead != '\n' && !(ahead[0] == '\r' && ahead[1] == '\n'))
        return false;
    r->at = ahead;
    while (*r->at == ' ' || *r->at == '\t' || at_newline(r)) {
        if (at_newline(r))
            skip_newline(r);
        else
            r->at++;
    }
    return true;
}

static bool read_line_string(struct reader *r, char quote, struct bytes *out)
{
    r->at++;
    while (*r->at != quote) {
        if (r->at == r->end || at_newline(r))
            return fail(r, "a string without its closing %c", quote);
        if (is_control(*r->at))
            return fail(r, "a control character in a string");
        char c = *r->at++;
        if (c != '\\' || quote == '\'')
            bytes_add_char(out, c);
        else if (!read_escape(r, out))
            return false;
    }
    r->at++;
    return true;
}

/* Up to two quotes may stand before the closing three. */
static bool closes(struct reader *r, char quote, struct bytes *out)
{
    const char *p = r->at;
    while (*p == quote && p - r->at < 5)
        p++;
    if (p - r->at < 3)
        return false;
    bytes_add(out, r->at, (size_t)(p - r->at - 3));
    r->at = p;
    return true;
}

static bool read_block_character(struct reader *r, char quote, struct bytes *out)
{
    if (at_newline(r)) {
        skip_newline(r);
        bytes_add_char(out, '\n');
        return true;
    }
    if (is_control(*r->at))
        return fail(r, "a control character in a string");
    char c = *r->at++;
    if (c == '\\' && quote == '"')
        return swallow_line_end(r) || read_escape(r, out);
    bytes_add_char(out, c);
    return true;
}

static bool read_block_string(struct reader *r, char quote, struct bytes *out)
{
    int first_line = r->line;
    r->at += 3;
    if (at_newline(r))
        skip_newline(r);
    while (!closes(r, quote, out)) {
        if (r->at == r->end) {
            r->line = first_line;
            return fail(r, "a string without its closing %c%c%c", quote, quote, quote);
        }
        if (!read_block_character(r, quote, out))
            return false;
    }
    return true;
}

static bool read_string(struct reader *r, const char **text)
{
    struct bytes out = {0};
    char quote = *r->at;
    bool block = r->at[1] == quote && r->at[2] == quote;
    bool ok = block ? read_block_string(r, quote, &out) : read_line_string(r, quote, &out);
    if (ok)
        *text = arena_copy_text(&r->toml->arena, bytes_text(&out));
    bytes_release(&out);
    return ok;
}

static bool read_key(struct reader *r, const char **key)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    if (*r->at == '"' || *r->at == '\'') {
        if (r->at[1] == *r->at && r->at[2] == *r->at)
            return fail(r, "a key cannot be a multi-line string");
        return read_string(r, key);
    }
    size_t size = strspn(r->at, letters);
    if (size == 0)
        return fail(r, "expected a key");
    *key = arena_copy(&r->toml->arena, r->at, size);
    r->at += size;
    return true;
}

static bool read_dot(struct reader *r)
{
    skip_blanks(r);
    if (*r->at != '.')
        return false;
    r->at++;
    skip_blanks(r);
    return true;
}

/* The table of that name on the way of a header or a dotted key, made when it is not there yet. */
static bool step(struct reader *r, int *table, const char *key, enum toml_origin origin)
{
    int child = toml_child(r->toml, *table, key);
    if (child == TOML_NONE) {
        child = add(r, *table, key);
        r->toml->entries[child].origin = origin;
    } else {
        const struct toml_entry *e = &r->toml->entries[child];
        bool open = origin == TOML_DOTTED ? e->origin == TOML_DOTTED : e->origin != TOML_INLINE;
        if (e->kind != TOML_TABLE || !open)
            return fail(r, "\"%.64s\" was already given on line %d", key, e->line);
    }
    *table = child;
    return true;
}

static bool open_table(struct reader *r, int *table, const char *key)
{
    int child = toml_child(r->toml, *table, key);
    if (child == TOML_NONE) {
        child = add(r, *table, key);
    } else {
        const struct toml_entry *e = &r->toml->entries[child];
        if (e->kind != TOML_TABLE || e->origin != TOML_IMPLIED)
            return fail(r, "the table \"%.64s\" was already given on line %d", key, e->line);
    }
    r->toml->entries[child].origin = TOML_HEADER;
    r->toml->entries[child].line = r->line;
    *table = child;
    return true;
}

static bool read_header(struct reader *r, int *table)
{
    const char *key;
    int depth = 0;
    *table = TOML_ROOT;
    if (*++r->at == '[')
        return fail(r, "arrays of tables have no place in this file");
    skip_blanks(r);
    if (!read_key(r, &key))
        return false;
    while (read_dot(r)) {
        if (++depth > MAX_DEPTH)
            return fail(r, "more than %d levels of tables", MAX_DEPTH);
        if (!step(r, table, key, TOML_IMPLIED) || !read_key(r, &key))
            return false;
    }
    if (*r->at != ']')
        return fail(r, "expected ] behind the name of the table");
    r->at++;
    return open_table(r, table, key) && end_line(r);
}

/* key = value */
static bool read_pair(struct reader *r, int table)
{
    const char *key;
    int depth = 0;
    if (!read_key(r, &key))
        return false;
    while (read_dot(r)) {
        if (++depth > MAX_DEPTH)
            return fail(r, "more than %d levels of tables", MAX_DEPTH);
        if (!step(r, &table, key, TOML_DOTTED) || !read_key(r, &key))
            return false;
    }
    if (*r->at != '=')
        return fail(r, "expected = behind the key \"%.64s\"", key);
    r->at++;
    skip_blanks(r);
    int before = toml_child(r->toml, table, key);
    if (before != TOML_NONE)
        return fail(r, "\"%.64s\" was already given on line %d", key,
                    r->toml->entries[before].line);
    return read_value(r, add(r, table, key));
}

static bool read_array(struct reader *r, int entry)
{
    r->toml->entries[entry].kind = TOML_OTHER;
    r->at++;
    for (;;) {
        if (!skip_lines(r))
            return false;
        if (*r->at == ']')
            break;
        if (!read_value(r, add(r, entry, NULL)) || !skip_lines(r))
            return false;
        if (*r->at != ',' && *r->at != ']')
            return fail(r, "expected , or ] in an array");
        r->at += *r->at == ',';
    }
    r->at++;
    return true;
}

static bool read_inline(struct reader *r, int entry)
{
    r->toml->entries[entry].kind = TOML_TABLE;
    r->toml->entries[entry].origin = TOML_INLINE;
    r->at++;
    skip_blanks(r);
    if (*r->at == '}') {
        r->at++;
        return true;
    }
    for (;;) {
        if (!read_pair(r, entry))
            return false;
        skip_blanks(r);
        char c = *r->at;
        if (c != ',' && c != '}')
            return fail(r, "expected , or } in an inline table, on the same line");
        r->at++;
        if (c == '}')
            return true;
        skip_blanks(r);
    }
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* 1979-05-27, 07:32:00, 1979-05-27T07:32:00Z, also with a blank for the T. */
static size_t date_size(const char *at)
{
    size_t digits = strspn(at, "0123456789");
    if (!(digits == 4 && at[4] == '-') && !(digits == 2 && at[2] == ':'))
        return 0;
    size_t size = strspn(at, "0123456789-:.+TtZz");
    if (size == 10 && at[10] == ' ' && is_digit(at[11]))
        size += 1 + strspn(at + 11, "0123456789-:.+Zz");
    return size;
}

/* An integer or a float: digits, underscores and the point between digits only, no leading zeros.
 */
static size_t number_size(const char *at)
{
    char plain[64];
    char *end;
    size_t used = 0;
    size_t size = strspn(at, "0123456789abcdefABCDEFxonit_+-.");
    const char *digits = at + strspn(at, "+-");
    bool based = digits[0] == '0' && digits[1] && strchr("xob", digits[1]);
    if (size == 0 || size >= sizeof plain || (!based && digits[0] == '0' && is_digit(digits[1])))
        return 0;
    for (size_t i = 0; i < size; i++) {
        bool joins =
            i > 0 && isxdigit((unsigned char)at[i - 1]) && isxdigit((unsigned char)at[i + 1]);
        if ((at[i] == '_' || at[i] == '.') && !joins)
            return 0;
        if (at[i] != '_')
            plain[used++] = at[i];
    }
    plain[used] = '\0';
    if (based)
        strtoull(plain + 2, &end, digits[1] == 'x' ? 16 : digits[1] == 'o' ? 8 : 2);
    else
        strtod(plain, &end);
    bool whole = *end == '\0' && end > plain + (based ? 2 : 0) && !(based && digits != at);
    return whole ? size : 0;
}

/* Which kind it is does not matter: no setting is any of them. */
static bool skip_number(struct reader *r, int entry)
{
    size_t size = date_size(r->at);
    if (size == 0)
        size = number_size(r->at);
    if (size == 0)
        return fail(r, "expected a value; text stands in quotes");
    r->at += size;
    r->toml->entries[entry].kind = TOML_OTHER;
    return true;
}

static bool read_word(struct reader *r, int entry)
{
    bool yes = starts(r, "true");
    if (!yes && !starts(r, "false"))
        return skip_number(r, entry);
    r->at += yes ? 4 : 5;
    r->toml->entries[entry].kind = TOML_BOOLEAN;
    r->toml->entries[entry].truth = yes;
    return true;
}

static bool read_text(struct reader *r, int entry)
{
    const char *text;
    if (!read_string(r, &text))
        return false;
    r->toml->entries[entry].kind = TOML_TEXT;
    r->toml->entries[entry].text = text;
    return true;
}

static bool read_value(struct reader *r, int entry)
{
    bool ok;
    if (r->toml->count > MAX_ENTRIES)
        return fail(r, "more than %d entries", MAX_ENTRIES);
    if (++r->depth > MAX_DEPTH)
        return fail(r, "values nested deeper than %d", MAX_DEPTH);
    switch (*r->at) {
    case '"':
    case '\'':
        ok = read_text(r, entry);
        break;
    case '[':
        ok = read_array(r, entry);
        break;
    case '{':
        ok = read_inline(r, entry);
        break;
    default:
        ok = read_word(r, entry);
    }
    r->depth--;
    return ok;
}

static bool read_line(struct reader *r, int *table)
{
    skip_blanks(r);
    if (*r->at == '[')
        return read_header(r, table);
    if (*r->at == '#' || at_newline(r) || r->at == r->end)
        return end_line(r);
    return read_pair(r, *table) && end_line(r);
}

static bool read_all(struct reader *r, struct span text)
{
    int table = add(r, TOML_NONE, NULL);
    r->toml->entries[table].origin = TOML_HEADER;
    if (text.size > MAX_SIZE)
        return fail(r, "larger than %d bytes", MAX_SIZE);
    if (!utf8_valid(text) || (text.size && memchr(text.data, '\0', text.size)))
        return fail(r, "not a text file in UTF-8");
    while (r->at < r->end)
        if (!read_line(r, &table))
            return false;
    return true;
}

bool toml_parse(struct toml *out, struct span text, const char *file, struct error *err)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    struct toml toml = {0};
    char *copy = memory_copy(text.data, text.size); /* ends in a NUL, so that one may look ahead */
    struct reader r = {
        .toml = &toml, .file = file, .at = copy, .end = copy + text.size, .line = 1, .err = err};
    if (starts(&r, byte_order_mark))
        r.at += 3;
    bool ok = read_all(&r, text);
    free(copy);
    if (ok)
        *out = toml;
    else
        toml_release(&toml);
    return ok;
}

void toml_release(struct toml *t)
{
    arena_release(&t->arena);
    free(t->entries);
    *t = (struct toml){0};
}
