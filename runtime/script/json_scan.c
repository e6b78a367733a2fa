#include "script/json_scan.h"

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/utf8.h"

enum state {
    WANT_VALUE,
    WANT_VALUE_OR_END, /* just behind [ */
    WANT_KEY,
    WANT_KEY_OR_END, /* just behind { */
    WANT_COMMA_OR_END,
    TOO_LARGE,
};

void json_scan_start(struct json_scan *scan, struct span text)
{
    const char *begin = text.data ? text.data : "";
    *scan = (struct json_scan){.begin = begin, .at = begin, .end = begin + text.size};
    if (text.size > JSON_SIZE_MAX)
        scan->state = TOO_LARGE;
}

bool json_scan_error(const struct json_scan *scan, const char *at, struct error *err,
                     const char *format, ...)
{
    size_t line = 1;
    size_t column = 1;
    for (const char *p = scan->begin; p < at; p++) {
        if (*p == '\n') {
            line++;
            column = 1;
        } else {
            column += ((unsigned char)*p & 0xC0) != 0x80;
        }
    }
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return error_set(err, ERROR_MALFORMED, "line %zu, column %zu: %s", line, column, text);
}

static bool expected(const struct json_scan *scan, const char *what, struct error *err)
{
    const char *at = scan->at;
    if (at >= scan->end)
        return json_scan_error(scan, at, err, "expected %s, found the end of the text", what);
    unsigned char c = (unsigned char)*at;
    if (c > 0x20 && c < 0x7F)
        return json_scan_error(scan, at, err, "expected %s, found '%c'", what, c);
    return json_scan_error(scan, at, err, "expected %s, found byte 0x%02X", what, c);
}

static bool fail_at(struct json_scan *scan, const char *at, const char *what, struct error *err)
{
    scan->at = at;
    return expected(scan, what, err);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The next byte that is not white space, 0 at the end; scan->at stands on it. */
static inline char next_byte(struct json_scan *scan)
{
    const char *p = scan->at;
    while (p < scan->end && (unsigned char)*p <= ' ' && is_space(*p))
        p++;
    scan->at = p;
    return p < scan->end ? *p : '\0';
}

const char *json_skip_plain(const char *p, const char *end)
{
    const uint64_t ones = 0x0101010101010101u;
    const uint64_t tops = 0x8080808080808080u;
    while (end - p >= 8) {
        uint64_t w;
        memcpy(&w, p, 8);
        w = le64toh(w);
        uint64_t quote = w ^ (ones * '"');
        uint64_t slash = w ^ (ones * '\\');
        uint64_t look = ((quote - ones) & ~quote) | ((slash - ones) & ~slash);
        look = (look | ((w - ones * 0x20) & ~w) | w) & tops;
        if (look)
            return p + (__builtin_ctzll(look) >> 3);
        p += 8;
    }
    while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' &&
           *p != '\\')
        p++;
    return p;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The number of \uXXXX's four digits, -1 when they are none. */
static int hex_four(const char *p, const char *end)
{
    if (end - p < 4)
        return -1;
    int code = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0)
            return -1;
        code = code * 16 + digit;
    }
    return code;
}

/* Behind the escape whose backslash stands at p; NULL with err when it is none. */
static const char *skip_escape(struct json_scan *scan, const char *p, struct error *err)
{
    const char *end = scan->end;
    if (end - p < 2 || !strchr("\"\\/bfnrtu", p[1]) || p[1] == '\0') {
        fail_at(scan, p + 1 < end ? p + 1 : end, "an escape (one of \"\\/bfnrtu)", err);
        return NULL;
    }
    if (p[1] != 'u')
        return p + 2;
    int code = hex_four(p + 2, end);
    if (code < 0) {
        json_scan_error(scan, p, err, "expected four hexadecimal digits behind \\u");
        return NULL;
    }
    if (code < 0xD800 || code > 0xDFFF)
        return p + 6;
    int low = end - p >= 12 && p[6] == '\\' && p[7] == 'u' ? hex_four(p + 8, end) : -1;
    if (code < 0xDC00 && low >= 0xDC00 && low <= 0xDFFF)
        return p + 12;
    json_scan_error(scan, p, err, "expected a pair of surrogates, found one alone");
    return NULL;
}

/* The text whose opening quote stands at scan->at. */
static bool scan_text(struct json_scan *scan, struct json_token *token, struct error *err)
{
    const char *begin = scan->at + 1;
    const char *p = begin;
    bool ascii = true;
    for (;;) {
        p = json_skip_plain(p, scan->end);
        if (p == scan->end)
            return fail_at(scan, p, "'\"' at the end of a text", err);
        if (*p == '"')
            break;
        if (*p == '\\') {
            token->escaped = true;
            p = skip_escape(scan, p, err);
            if (!p)
                return false;
        } else if ((unsigned char)*p < 0x20) {
            return json_scan_error(scan, p, err, "byte 0x%02X must be escaped in a text",
                                   (unsigned char)*p);
        } else {
            ascii = false;
            p++;
        }
    }
    token->text = (struct span){begin, (size_t)(p - begin)};
    size_t valid = ascii ? token->text.size : utf8_prefix(token->text);
    if (valid < token->text.size)
        return json_scan_error(scan, begin + valid, err, "byte 0x%02X is not UTF-8",
                               (unsigned char)begin[valid]);
    scan->at = p + 1;
    return true;
}

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* Behind the number at p; NULL when there is none, with `stop` where a digit was missing. */
static const char *skip_number(const char *p, const char *end, bool *integer, const char **stop)
{
    *integer = true;
    if (p < end && *p == '-')
        p++;
    const char *digits = p;
    p = p < end && *p == '0' ? p + 1 : skip_digits(p, end);
    *stop = p;
    if (p == digits)
        return NULL;
    if (p < end && *p == '.') {
        *integer = false;
        digits = p + 1;
        *stop = p = skip_digits(digits, end);
        if (p == digits)
            return NULL;
    }
    if (p < end && (*p | 0x20) == 'e') {
        *integer = false;
        digits = p + 1;
        if (digits < end && (*digits == '-' || *digits == '+'))
            digits++;
        *stop = p = skip_digits(digits, end);
        if (p == digits)
            return NULL;
    }
    return p;
}

bool json_is_number(struct span text)
{
    bool integer;
    const char *stop;
    const char *end = text.data + text.size;
    return text.size > 0 && skip_number(text.data, end, &integer, &stop) == end;
}

static bool scan_number(struct json_scan *scan, struct json_token *token, struct error *err)
{
    const char *stop;
    const char *behind = skip_number(scan->at, scan->end, &token->integer, &stop);
    if (!behind)
        return fail_at(scan, stop, "a digit", err);
    token->kind = JSON_NUMBER;
    token->text = (struct span){scan->at, (size_t)(behind - scan->at)};
    scan->at = behind;
    return true;
}

static bool scan_word(struct json_scan *scan, struct json_token *token, struct span word,
                      enum json_kind kind, struct error *err)
{
    if ((size_t)(scan->end - scan->at) < word.size || memcmp(scan->at, word.data, word.size) != 0)
        return expected(scan, "a value", err);
    token->kind = kind;
    token->text = (struct span){scan->at, word.size};
    scan->at += word.size;
    return true;
}

static bool in_object(const struct json_scan *scan)
{
    return scan->objects[scan->depth / 64] >> (scan->depth % 64) & 1;
}

static bool open_level(struct json_scan *scan, struct json_token *token, bool object,
                       struct error *err)
{
    if (scan->depth == JSON_DEPTH_MAX) {
        json_scan_error(scan, scan->at, err, "nested deeper than %d levels", JSON_DEPTH_MAX);
        err->kind = ERROR_LIMIT;
        return false;
    }
    scan->depth++;
    uint64_t bit = (uint64_t)1 << (scan->depth % 64);
    uint64_t *word = &scan->objects[scan->depth / 64];
    *word = object ? *word | bit : *word & ~bit;
    token->kind = object ? JSON_OBJECT : JSON_ARRAY;
    token->text = (struct span){scan->at++, 1};
    scan->state = object ? WANT_KEY_OR_END : WANT_VALUE_OR_END;
    return true;
}

static bool close_level(struct json_scan *scan, struct json_token *token)
{
    token->kind = in_object(scan) ? JSON_OBJECT_END : JSON_ARRAY_END;
    token->text = (struct span){scan->at++, 1};
    scan->depth--;
    scan->state = WANT_COMMA_OR_END;
    return true;
}

static bool scan_key(struct json_scan *scan, struct json_token *token, char c, struct error *err)
{
    if (c == '}' && scan->state == WANT_KEY_OR_END)
        return close_level(scan, token);
    if (c != '"')
        return expected(scan, scan->state == WANT_KEY_OR_END ? "a key or '}'" : "a key", err);
    if (!scan_text(scan, token, err))
        return false;
    if (next_byte(scan) != ':')
        return expected(scan, "':'", err);
    scan->at++;
    token->kind = JSON_KEY;
    scan->state = WANT_VALUE;
    return true;
}

static bool scan_value(struct json_scan *scan, struct json_token *token, char c, struct error *err)
{
    if (c == '{' || c == '[')
        return open_level(scan, token, c == '{', err);
    if (c == ']' && scan->state == WANT_VALUE_OR_END)
        return close_level(scan, token);
    const char *what = scan->state == WANT_VALUE_OR_END ? "a value or ']'" : "a value";
    scan->state = WANT_COMMA_OR_END;
    switch (c) {
    case '"':
        token->kind = JSON_TEXT;
        return scan_text(scan, token, err);
    case 't':
        return scan_word(scan, token, SPAN("true"), JSON_TRUE, err);
    case 'f':
        return scan_word(scan, token, SPAN("false"), JSON_FALSE, err);
    case 'n':
        return scan_word(scan, token, SPAN("null"), JSON_NULL, err);
    default:
        if (c == '-' || (c >= '0' && c <= '9'))
            return scan_number(scan, token, err);
        return expected(scan, what, err);
    }
}

static bool scan_end(struct json_scan *scan, struct json_token *token, struct error *err)
{
    if (scan->at < scan->end)
        return expected(scan, "the end of the text", err);
    *token = (struct json_token){
        .kind = JSON_END, .text = {scan->at, 0}
    };
    return true;
}

/* Behind a value: the comma, after which *c is the byte to go on with, or the end of the level or
 * the text, which is then the token: *done. */
static bool scan_between(struct json_scan *scan, struct json_token *token, char *c, bool *done,
                         struct error *err)
{
    *done = true;
    if (scan->state == TOO_LARGE)
        return error_set(err, ERROR_LIMIT, "%zu bytes of JSON are more than the limit of %d",
                         (size_t)(scan->end - scan->begin), JSON_SIZE_MAX);
    if (scan->depth == 0)
        return scan_end(scan, token, err);
    bool object = in_object(scan);
    if (*c == (object ? '}' : ']'))
        return close_level(scan, token);
    if (*c != ',')
        return expected(scan, object ? "',' or '}'" : "',' or ']'", err);
    *done = false;
    scan->at++;
    scan->state = object ? WANT_KEY : WANT_VALUE;
    *c = next_byte(scan);
    return true;
}

bool json_scan_next(struct json_scan *scan, struct json_token *token, struct error *err)
{
    char c = next_byte(scan);
    bool done = false;
    token->escaped = false;
    token->integer = false;
    if (scan->state >= WANT_COMMA_OR_END) {
        bool ok = scan_between(scan, token, &c, &done, err);
        if (!ok || done)
            return ok;
    }
    if (scan->state == WANT_KEY || scan->state == WANT_KEY_OR_END)
        return scan_key(scan, token, c, err);
    return scan_value(scan, token, c, err);
}

bool json_scan_skip(struct json_scan *scan, struct json_token *token, struct error *err)
{
    if (token->kind != JSON_OBJECT && token->kind != JSON_ARRAY)
        return true;
    unsigned outside = scan->depth - 1;
    struct json_token inner;
    do {
        if (!json_scan_next(scan, &inner, err))
            return false;
    } while (scan->depth > outside);
    token->text.size = (size_t)(scan->at - token->text.data);
    return true;
}

void json_scan_jump(struct json_scan *scan, struct json_token *token, size_t size)
{
    scan->at = token->text.data + size;
    scan->depth--;
    scan->state = WANT_COMMA_OR_END;
    token->text.size = size;
}

static size_t put_character(char out[4], uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    out[0] = (char)(leads[size] | code);
    return size;
}

static const char *unescape_code(const char *p, char out[4], size_t *length)
{
    uint32_t code = (uint32_t)hex_four(p, p + 4);
    p += 4;
    if (code >= 0xD800 && code < 0xDC00) {
        uint32_t low = (uint32_t)hex_four(p + 2, p + 6);
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        p += 6;
    }
    *length = put_character(out, code);
    return p;
}

static char escape_meaning(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

void json_unescape(struct span text, struct bytes *out)
{
    char *to = bytes_reserve(out, text.size);
    const char *start = to;
    const char *p = text.data;
    const char *end = p + text.size;
    while (p < end) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        size_t plain = (size_t)((slash ? slash : end) - p);
        memcpy(to, p, plain);
        to += plain;
        if (!slash)
            break;
        size_t length = 1;
        if (slash[1] == 'u') {
            p = unescape_code(slash + 2, to, &length);
        } else {
            *to = escape_meaning(slash[1]);
            p = slash + 2;
        }
        to += length;
    }
    bytes_added(out, (size_t)(to - start));
}
