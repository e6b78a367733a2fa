/* The tokens of Lua as far as they matter here: names, strings, comments; all else is one byte. */
#include "store/scan.h"

#include <ctype.h>

enum token_kind { TOKEN_END, TOKEN_NAME, TOKEN_STRING, TOKEN_OTHER };

struct token {
    enum token_kind kind;
    struct span text; /* of a string: what is between the quotes, escapes untouched */
    int line;
};

static int peek(const struct scan *s, size_t ahead)
{
    return s->at + ahead < s->text.size ? (unsigned char)s->text.data[s->at + ahead] : -1;
}

static void step(struct scan *s)
{
    if (s->text.data[s->at] == '\n')
        s->line++;
    s->at++;
}

/* The level of "[[", "[=[", ... at the cursor, -1 when there is none. */
static int long_level(const struct scan *s)
{
    int level = 0;

    if (peek(s, 0) != '[')
        return -1;
    while (peek(s, 1 + (size_t)level) == '=')
        level++;
    return peek(s, 1 + (size_t)level) == '[' ? level : -1;
}

static bool at_long_end(const struct scan *s, int level)
{
    if (peek(s, 0) != ']' || peek(s, 1 + (size_t)level) != ']')
        return false;
    for (int i = 0; i < level; i++)
        if (peek(s, 1 + (size_t)i) != '=')
            return false;
    return true;
}

static struct span long_text(struct scan *s, int level)
{
    size_t start;

    for (int i = 0; i < level + 2; i++)
        step(s);
    start = s->at;
    while (s->at < s->text.size && !at_long_end(s, level))
        step(s);
    struct span text = {s->text.data + start, s->at - start};
    for (int i = 0; i < level + 2 && s->at < s->text.size; i++)
        step(s);
    return text;
}

static struct span quoted_text(struct scan *s, int quote)
{
    size_t start;

    step(s);
    start = s->at;
    while (s->at < s->text.size && peek(s, 0) != quote && peek(s, 0) != '\n') {
        if (peek(s, 0) == '\\' && peek(s, 1) >= 0)
            step(s);
        step(s);
    }
    struct span text = {s->text.data + start, s->at - start};
    if (s->at < s->text.size)
        step(s);
    return text;
}

static void skip_comment(struct scan *s)
{
    s->at += 2;
    int level = long_level(s);
    if (level >= 0) {
        long_text(s, level);
        return;
    }
    while (s->at < s->text.size && peek(s, 0) != '\n')
        step(s);
}

static void skip_blank(struct scan *s)
{
    for (;;) {
        if (peek(s, 0) == '-' && peek(s, 1) == '-')
            skip_comment(s);
        else if (peek(s, 0) >= 0 && isspace(peek(s, 0)))
            step(s);
        else
            return;
    }
}

static struct token next_token(struct scan *s)
{
    skip_blank(s);
    struct token token = {
        TOKEN_END, {NULL, 0},
         s->line
    };
    int c = peek(s, 0), level = long_level(s);

    if (c < 0)
        return token;
    if (c == '"' || c == '\'') {
        token.kind = TOKEN_STRING;
        token.text = quoted_text(s, c);
    } else if (level >= 0) {
        token.kind = TOKEN_STRING;
        token.text = long_text(s, level);
    } else if (isalnum(c) || c == '_') {
        token.kind = TOKEN_NAME;
        token.text.data = s->text.data + s->at;
        while (peek(s, 0) >= 0 && (isalnum(peek(s, 0)) || peek(s, 0) == '_'))
            step(s);
        token.text.size = (size_t)(s->text.data + s->at - token.text.data);
    } else {
        token.kind = TOKEN_OTHER;
        token.text = (struct span){s->text.data + s->at, 1};
        step(s);
    }
    return token;
}

static bool is_sign(struct token token, char sign)
{
    return token.kind == TOKEN_OTHER && token.text.data[0] == sign;
}

bool scan_next(struct scan *s, struct scan_require *found, struct error *err)
{
    bool field = false; /* after a dot or a colon `require` is somebody else's */

    for (;;) {
        struct token token = next_token(s);
        if (token.kind == TOKEN_END)
            return false;
        if (token.kind != TOKEN_NAME || !span_equal(token.text, SPAN("require")) || field) {
            field = is_sign(token, '.') || is_sign(token, ':');
            continue;
        }
        struct token name = next_token(s);
        if (is_sign(name, '('))
            name = next_token(s);
        if (name.kind != TOKEN_STRING) {
            found->line = token.line;
            return error_set(err, ERROR_SCRIPT,
                             "require takes a literal name, as in require \"workflows.dates\"");
        }
        *found = (struct scan_require){name.text, token.line};
        return true;
    }
}
