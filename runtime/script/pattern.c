/*
 * A backtracking matcher over the pattern text. Recursion is as deep as the pattern has items,
 * never as deep as the subject is long.
 */
#include "script/pattern.h"

#include <string.h>

#include <lauxlib.h>

#include "script/vm_state.h"

enum {
    DEPTH_LIMIT = 200,
    POLL_STEPS = 4096,
    STEPS_BASE = 10000000,
    STEPS_PER_BYTE = 200,
};

static const char *match(struct matcher *m, const char *s, const char *p);

static void poll(struct matcher *m)
{
    if (vm_stopping(m->vm))
        script_error(m->L, "stopped");
    if (m->steps > m->steps_limit)
        script_error(m->L, "pattern too complex: gave up after %d million steps",
                     (int)(m->steps_limit / 1000000));
}

/* --- one character against one class --- */

static bool in_range(unsigned char c, unsigned char low, unsigned char high)
{
    return c >= low && c <= high;
}

static bool is_alpha(unsigned char c)
{
    return in_range(c | 0x20, 'a', 'z');
}

static bool is_digit(unsigned char c)
{
    return in_range(c, '0', '9');
}

static bool is_printed(unsigned char c)
{
    return in_range(c, 0x21, 0x7e);
}

static bool in_class(unsigned char c, unsigned char letter)
{
    bool is;
    switch (letter | 0x20) {
    case 'a':
        is = is_alpha(c);
        break;
    case 'c':
        is = c < 0x20 || c == 0x7f;
        break;
    case 'd':
        is = is_digit(c);
        break;
    case 'g':
        is = is_printed(c);
        break;
    case 'l':
        is = in_range(c, 'a', 'z');
        break;
    case 'p':
        is = is_printed(c) && !is_alpha(c) && !is_digit(c);
        break;
    case 's':
        is = c == ' ' || in_range(c, '\t', '\r');
        break;
    case 'u':
        is = in_range(c, 'A', 'Z');
        break;
    case 'w':
        is = is_alpha(c) || is_digit(c);
        break;
    case 'x':
        is = is_digit(c) || in_range(c | 0x20, 'a', 'f');
        break;
    case 'z':
        is = c == 0;
        break;
    default:
        return letter == c;
    }
    return in_range(letter, 'A', 'Z') ? !is : is;
}

/* Behind the class that begins at p. */
static const char *class_end(struct matcher *m, const char *p)
{
    if (p == m->pattern_end)
        script_error(m->L, "malformed pattern (ends unexpectedly)");
    char first = *p++;
    if (first == '%') {
        if (p == m->pattern_end)
            script_error(m->L, "malformed pattern (ends with '%%')");
        return p + 1;
    }
    if (first != '[')
        return p;
    if (p < m->pattern_end && *p == '^')
        p++;
    do {
        if (p == m->pattern_end)
            script_error(m->L, "malformed pattern (missing ']')");
        if (*p++ == '%' && p < m->pattern_end)
            p++;
    } while (p == m->pattern_end || *p != ']');
    return p + 1;
}

/* p at '[', last at its ']'. */
static bool in_set(unsigned char c, const char *p, const char *last)
{
    bool wanted = true;
    p++;
    if (*p == '^') {
        wanted = false;
        p++;
    }
    while (p < last) {
        if (*p == '%') {
            if (in_class(c, (unsigned char)p[1]))
                return wanted;
            p += 2;
        } else if (p[1] == '-' && p + 2 < last) {
            if (in_range(c, (unsigned char)p[0], (unsigned char)p[2]))
                return wanted;
            p += 3;
        } else if ((unsigned char)*p++ == c) {
            return wanted;
        }
    }
    return !wanted;
}

static bool single(struct matcher *m, const char *s, const char *p, const char *end)
{
    if (++m->steps % POLL_STEPS == 0)
        poll(m);
    if (s >= m->subject_end)
        return false;
    unsigned char c = (unsigned char)*s;
    switch (*p) {
    case '.':
        return true;
    case '%':
        return in_class(c, (unsigned char)p[1]);
    case '[':
        return in_set(c, p, end - 1);
    default:
        return (unsigned char)*p == c;
    }
}

/* --- items --- */

static const char *expand_greedy(struct matcher *m, const char *s, const char *p, const char *end)
{
    ptrdiff_t count = 0;
    while (single(m, s + count, p, end))
        count++;
    for (; count >= 0; count--) {
        const char *found = match(m, s + count, end + 1);
        if (found)
            return found;
    }
    return NULL;
}

static const char *expand_lazy(struct matcher *m, const char *s, const char *p, const char *end)
{
    for (;;) {
        const char *found = match(m, s, end + 1);
        if (found)
            return found;
        if (!single(m, s, p, end))
            return NULL;
        s++;
    }
}

static const char *open_capture(struct matcher *m, const char *s, const char *p)
{
    bool position = p + 1 < m->pattern_end && p[1] == ')';
    if (m->captures >= PATTERN_CAPTURES)
        script_error(m->L, "too many captures");
    m->capture[m->captures++] = (struct capture){s, position ? PATTERN_POSITION : PATTERN_OPEN};
    const char *found = match(m, s, p + (position ? 2 : 1));
    if (!found)
        m->captures--;
    return found;
}

static const char *close_capture(struct matcher *m, const char *s, const char *p)
{
    int last = m->captures - 1;
    while (last >= 0 && m->capture[last].size != PATTERN_OPEN)
        last--;
    if (last < 0)
        script_error(m->L, "invalid pattern capture");
    m->capture[last].size = s - m->capture[last].start;
    const char *found = match(m, s, p + 1);
    if (!found)
        m->capture[last].size = PATTERN_OPEN;
    return found;
}

/* %bxy, p behind the 'b'; the place behind the balanced text. */
static const char *match_balance(struct matcher *m, const char *s, const char *p)
{
    if (m->pattern_end - p < 2)
        script_error(m->L, "malformed pattern (missing arguments to '%%b')");
    if (s >= m->subject_end || *s != *p)
        return NULL;
    int open = 1;
    while (++s < m->subject_end) {
        if (++m->steps % POLL_STEPS == 0)
            poll(m);
        if (*s == p[1]) {
            if (--open == 0)
                return s + 1;
        } else if (*s == p[0]) {
            open++;
        }
    }
    return NULL;
}

/* %f[set], p at the '['. */
static bool at_frontier(struct matcher *m, const char *s, const char *p, const char *end)
{
    unsigned char before = s == m->subject ? 0 : (unsigned char)s[-1];
    unsigned char here = s < m->subject_end ? (unsigned char)*s : 0;
    return !in_set(before, p, end - 1) && in_set(here, p, end - 1);
}

static const char *match_back_reference(struct matcher *m, const char *s, char digit)
{
    int index = digit - '1';
    if (index < 0 || index >= m->captures || m->capture[index].size == PATTERN_OPEN)
        script_error(m->L, "invalid capture index");
    size_t size = m->capture[index].size > 0 ? (size_t)m->capture[index].size : 0;
    m->steps += size / 16;
    if ((size_t)(m->subject_end - s) < size || memcmp(m->capture[index].start, s, size) != 0)
        return NULL;
    return s + size;
}

/* The items that begin with '%' and are more than a class. True when p was such an item: then *s
 * and *p are behind it, or *s is NULL. */
static bool match_special(struct matcher *m, const char **s, const char **p)
{
    if (**p != '%' || m->pattern_end - *p < 2)
        return false;
    char what = (*p)[1];
    if (what == 'b') {
        *s = match_balance(m, *s, *p + 2);
        *p += 4;
    } else if (what == 'f') {
        const char *set = *p + 2;
        if (set >= m->pattern_end || *set != '[')
            script_error(m->L, "missing '[' after '%%f' in pattern");
        const char *end = class_end(m, set);
        *s = at_frontier(m, *s, set, end) ? *s : NULL;
        *p = end;
    } else if (is_digit((unsigned char)what)) {
        *s = match_back_reference(m, *s, what);
        *p += 2;
    } else {
        return false;
    }
    return true;
}

/* A class with its quantifier. True when the match goes on at *s and *p; else the result is *s. */
static bool match_class(struct matcher *m, const char **s, const char **p)
{
    const char *end = class_end(m, *p);
    char quantifier = end < m->pattern_end ? *end : '\0';
    const char *here = *s;
    switch (quantifier) {
    case '*':
        *s = expand_greedy(m, here, *p, end);
        return false;
    case '+':
        *s = single(m, here, *p, end) ? expand_greedy(m, here + 1, *p, end) : NULL;
        return false;
    case '-':
        *s = expand_lazy(m, here, *p, end);
        return false;
    case '?':
        if (single(m, here, *p, end) && (*s = match(m, here + 1, end + 1)))
            return false;
        *s = here;
        *p = end + 1;
        return true;
    default:
        *s = single(m, here, *p, end) ? here + 1 : NULL;
        *p = end;
        return *s != NULL;
    }
}

static const char *match_items(struct matcher *m, const char *s, const char *p)
{
    while (s && p < m->pattern_end) {
        if (*p == '(')
            return open_capture(m, s, p);
        if (*p == ')')
            return close_capture(m, s, p);
        if (*p == '$' && p + 1 == m->pattern_end)
            return s == m->subject_end ? s : NULL;
        if (match_special(m, &s, &p))
            continue;
        if (!match_class(m, &s, &p))
            return s;
    }
    return s;
}

/* Behind the match of the pattern from p on at s, NULL when there is none. */
static const char *match(struct matcher *m, const char *s, const char *p)
{
    if (++m->depth > DEPTH_LIMIT)
        script_error(m->L, "pattern too complex");
    const char *found = match_items(m, s, p);
    m->depth--;
    return found;
}

struct matcher pattern_matcher(lua_State *L, struct span subject, struct span pattern)
{
    return (struct matcher){
        .L = L,
        .vm = vm_of(L),
        .subject = subject.data,
        .subject_end = subject.data + subject.size,
        .pattern_end = pattern.data + pattern.size,
        .steps_limit = STEPS_BASE + STEPS_PER_BYTE * (uint64_t)subject.size,
    };
}

const char *pattern_search(struct matcher *m, const char *s, const char *pattern, bool anchored,
                           const char **end)
{
    do {
        m->captures = 0;
        m->depth = 0;
        if ((*end = match(m, s, pattern)))
            return s;
    } while (!anchored && ++s <= m->subject_end);
    return NULL;
}
