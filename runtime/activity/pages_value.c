#include "activity/pages_value.h"

#include <stdio.h>

#include "activity/day.h"
#include "activity/pages_time.h"
#include "script/number.h"

enum { NUMERIC_TEXT_MAX = 1000, NUMERIC_EXPONENT_MAX = 1000, SHOWN = 60, DAY_SECONDS = 86400 };

static const char *const sql_names[PAGES_TYPES] = {
    [PAGES_TEXT] = "text",    [PAGES_INT] = "bigint", [PAGES_NUMERIC] = "numeric",
    [PAGES_BOOL] = "boolean", [PAGES_DATE] = "date",  [PAGES_TIMESTAMP] = "timestamptz",
    [PAGES_JSON] = "jsonb",
};

const char *pages_type_sql(enum pages_type type)
{
    return sql_names[type];
}

/* "expected X, found Y" */
static bool refuse(const struct pages_value *value, const char *wanted, struct error *err)
{
    const char *quote = value->kind == JSON_TEXT ? "'" : "";
    struct span s = value->text;
    size_t size = s.size <= SHOWN ? s.size : SHOWN;
    while (size < s.size && size > 0 && ((unsigned char)s.data[size] & 0xC0) == 0x80)
        size--;
    return error_set(err, ERROR_MALFORMED, "expected %s, found %s%.*s%s%s", wanted, quote,
                     (int)size, s.data, size < s.size ? "..." : "", quote);
}

bool pages_is_null(const struct pages_shape *shape, const struct pages_value *value)
{
    if (value->kind == JSON_NULL || value->kind == JSON_END)
        return true;
    return value->kind == JSON_TEXT && value->text.size == 0 && shape->type != PAGES_TEXT &&
           shape->type != PAGES_JSON;
}

/* What COPY wants for a byte: the letter behind a backslash; 1 for NUL, which goes. */
static const char copy_escapes[256] = {
    ['\0'] = 1, ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't', ['\\'] = '\\'};

static void add_escaped(struct pages_putter *putter, struct span text)
{
    char *begin = bytes_reserve(putter->out, 2 * text.size);
    char *to = begin;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        char escape = copy_escapes[(unsigned char)c];
        if (escape == 1) {
            putter->nuls++;
        } else if (escape) {
            *to++ = '\\';
            *to++ = escape;
        } else {
            *to++ = c;
        }
    }
    bytes_added(putter->out, (size_t)(to - begin));
}

/* The characters of a text; in the scratch when it had escapes. */
static struct span plain_text(struct pages_putter *putter, const struct pages_value *value)
{
    if (value->form != PAGES_ESCAPED)
        return value->text;
    bytes_clear(&putter->scratch);
    json_unescape(value->text, &putter->scratch);
    return (struct span){bytes_text(&putter->scratch), putter->scratch.size};
}

static void add_text(struct pages_putter *putter, const struct pages_value *value)
{
    if (value->form == PAGES_PLAIN)
        bytes_add_span(putter->out, value->text);
    else
        add_escaped(putter, plain_text(putter, value));
}

static bool put_text(struct pages_putter *putter, const struct pages_shape *shape,
                     const struct pages_value *value, struct error *err)
{
    (void)shape;
    if (value->kind == JSON_OBJECT || value->kind == JSON_ARRAY)
        return refuse(value, "text (jsonb takes objects and lists)", err);
    add_text(putter, value);
    return true;
}

/* The number literal in a number or a text; empty when there is none. */
static struct span number_literal(struct pages_putter *putter, const struct pages_value *value)
{
    if (value->kind == JSON_NUMBER)
        return value->text;
    struct span text = plain_text(putter, value);
    return value->kind == JSON_TEXT && json_is_number(text) ? text : (struct span){0};
}

static bool is_short_integer(struct span literal)
{
    size_t i = literal.size && literal.data[0] == '-';
    if (literal.size == i || literal.size - i > 18)
        return false;
    for (; i < literal.size; i++) {
        if (literal.data[i] < '0' || literal.data[i] > '9')
            return false;
    }
    return true;
}

/* digits * 10^exponent as a bigint. */
static bool to_bigint(const struct decimal *d, bool negative, uint64_t *magnitude)
{
    uint64_t most = (uint64_t)INT64_MAX + negative;
    uint64_t n = d->digits;
    for (int i = 0; i < d->exponent; i++) {
        if (n > most / 10)
            return false;
        n *= 10;
    }
    *magnitude = n;
    return d->exponent >= 0 && n <= most;
}

static bool put_int(struct pages_putter *putter, const struct pages_shape *shape,
                    const struct pages_value *value, struct error *err)
{
    (void)shape;
    struct span literal = number_literal(putter, value);
    if (is_short_integer(literal)) {
        bytes_add_span(putter->out, literal);
        return true;
    }
    struct decimal d;
    bool negative;
    uint64_t magnitude;
    if (literal.size == 0 || !number_decimal(literal, &d, &negative) ||
        !to_bigint(&d, negative, &magnitude))
        return refuse(value, "an integer of 64 bits", err);
    bytes_printf(putter->out, "%s%llu", negative && magnitude ? "-" : "",
                 (unsigned long long)magnitude);
    return true;
}

/* Postgres has numeric(131072, 16383); a hundredth of it is more than any vendor means. */
static bool is_sane_numeric(struct span literal)
{
    struct decimal d;
    bool negative;
    if (literal.size == 0 || literal.size > NUMERIC_TEXT_MAX)
        return false;
    number_decimal(literal, &d, &negative);
    return d.exponent <= NUMERIC_EXPONENT_MAX && d.exponent >= -NUMERIC_EXPONENT_MAX;
}

static bool put_numeric(struct pages_putter *putter, const struct pages_shape *shape,
                        const struct pages_value *value, struct error *err)
{
    (void)shape;
    struct span literal = number_literal(putter, value);
    if (!is_sane_numeric(literal))
        return refuse(value, "a number", err);
    bytes_add_span(putter->out, literal);
    return true;
}

static bool put_bool(struct pages_putter *putter, const struct pages_shape *shape,
                     const struct pages_value *value, struct error *err)
{
    (void)shape;
    struct span text = plain_text(putter, value);
    if (span_equal(text, SPAN("true")) || span_equal(text, SPAN("1")))
        bytes_add_text(putter->out, "true");
    else if (span_equal(text, SPAN("false")) || span_equal(text, SPAN("0")))
        bytes_add_text(putter->out, "false");
    else
        return refuse(value, "true or false", err);
    return true;
}

static const char *epoch_words(enum pages_epoch epoch)
{
    return epoch == PAGES_SECONDS ? "seconds since 1970" : "milliseconds since 1970";
}

static bool read_epoch(struct pages_putter *putter, const struct pages_shape *shape,
                       const struct pages_value *value, int64_t *seconds, int *micros)
{
    struct span literal = number_literal(putter, value);
    return literal.size > 0 &&
           pages_epoch_read(literal, shape->epoch == PAGES_MILLISECONDS, seconds, micros);
}

static bool put_date(struct pages_putter *putter, const struct pages_shape *shape,
                     const struct pages_value *value, struct error *err)
{
    int64_t day;
    int64_t seconds;
    int micros;
    if (shape->epoch) {
        if (!read_epoch(putter, shape, value, &seconds, &micros))
            return refuse(value, epoch_words(shape->epoch), err);
        day = zone_day(shape->zone, seconds);
    } else {
        struct pages_time time;
        if (value->kind != JSON_TEXT || !pages_time_read(plain_text(putter, value), &time))
            return refuse(value, "a date (YYYY-MM-DD)", err);
        if (time.has_offset && !shape->zone)
            return refuse(value, "a date: of a time with an offset it takes a zone, date(ZONE)",
                          err);
        day = time.has_offset ? zone_day(shape->zone, time.local - time.offset)
                              : time.local / DAY_SECONDS - (time.local % DAY_SECONDS < 0);
    }
    size_t size = day_write(day, bytes_reserve(putter->out, DAY_TEXT));
    bytes_added(putter->out, size);
    return true;
}

static bool put_local_time(struct pages_putter *putter, const struct zone *zone, struct span text,
                           const struct pages_time *time)
{
    int64_t epoch = zone_epoch(zone, time->local);
    bytes_add_span(putter->out, text);
    if (!time->has_time)
        bytes_add_text(putter->out, " 00:00:00");
    size_t size =
        pages_offset_write((int)(time->local - epoch), bytes_reserve(putter->out, PAGES_TIME_TEXT));
    bytes_added(putter->out, size);
    return true;
}

static bool put_timestamp(struct pages_putter *putter, const struct pages_shape *shape,
                          const struct pages_value *value, struct error *err)
{
    if (shape->epoch) {
        int64_t seconds;
        int micros;
        if (!read_epoch(putter, shape, value, &seconds, &micros))
            return refuse(value, epoch_words(shape->epoch), err);
        size_t size =
            pages_epoch_write(seconds, micros, bytes_reserve(putter->out, PAGES_TIME_TEXT));
        bytes_added(putter->out, size);
        return true;
    }
    struct pages_time time;
    struct span text = plain_text(putter, value);
    if (value->kind != JSON_TEXT || !pages_time_read(text, &time))
        return refuse(value, "a time (YYYY-MM-DDTHH:MM:SSZ)", err);
    if (!time.has_offset && !shape->zone)
        return refuse(value, "a time with its offset, or timestamptz(ZONE)", err);
    if (!time.has_offset)
        return put_local_time(putter, shape->zone, text, &time);
    bytes_add_span(putter->out, text);
    return true;
}

/* JSON text without the escape \u0000, which jsonb refuses. */
static struct span without_nuls(struct pages_putter *putter, struct span json)
{
    if (!memmem(json.data, json.size, "\\u0000", 6))
        return json;
    bytes_clear(&putter->scratch);
    for (size_t i = 0; i < json.size; i++) {
        if (json.data[i] == '\\' && json.size - i >= 6 &&
            memcmp(json.data + i, "\\u0000", 6) == 0) {
            putter->nuls++;
            i += 5;
            continue;
        }
        if (json.data[i] == '\\')
            bytes_add_char(&putter->scratch, json.data[i++]);
        bytes_add_char(&putter->scratch, json.data[i]);
    }
    return bytes_span(&putter->scratch);
}

/* A text as JSON again; its escapes may differ from those it came with. */
static struct span quoted(struct pages_putter *putter, const struct pages_value *value)
{
    struct span text = plain_text(putter, value);
    struct bytes kept = {0};
    struct bytes json = {0};
    for (const char *nul; (nul = memchr(text.data, '\0', text.size)); putter->nuls++) {
        size_t before = (size_t)(nul - text.data);
        bytes_add(&kept, text.data, before);
        text = (struct span){nul + 1, text.size - before - 1};
    }
    bytes_add_span(&kept, text);
    json_add_text(&json, bytes_span(&kept));
    bytes_release(&kept);
    bytes_release(&putter->scratch);
    putter->scratch = json;
    return bytes_span(&putter->scratch);
}

static bool put_json(struct pages_putter *putter, const struct pages_shape *shape,
                     const struct pages_value *value, struct error *err)
{
    (void)shape;
    (void)err;
    struct span json =
        value->kind == JSON_TEXT ? quoted(putter, value) : without_nuls(putter, value->text);
    add_escaped(putter, json);
    return true;
}

bool pages_put(struct pages_putter *putter, const struct pages_shape *shape,
               const struct pages_value *value, struct error *err)
{
    static bool (*const puts[PAGES_TYPES])(struct pages_putter *, const struct pages_shape *,
                                           const struct pages_value *, struct error *) = {
        [PAGES_TEXT] = put_text, [PAGES_INT] = put_int,   [PAGES_NUMERIC] = put_numeric,
        [PAGES_BOOL] = put_bool, [PAGES_DATE] = put_date, [PAGES_TIMESTAMP] = put_timestamp,
        [PAGES_JSON] = put_json,
    };
    return puts[shape->type](putter, shape, value, err);
}

static enum pages_type infer_number(struct span literal)
{
    struct decimal d;
    bool negative;
    uint64_t magnitude;
    if (is_short_integer(literal))
        return PAGES_INT;
    if (!is_sane_numeric(literal))
        return PAGES_TEXT;
    bool integer = literal.size <= 20 && !memchr(literal.data, '.', literal.size) &&
                   !memchr(literal.data, 'e', literal.size) &&
                   !memchr(literal.data, 'E', literal.size);
    return integer && number_decimal(literal, &d, &negative) && to_bigint(&d, negative, &magnitude)
               ? PAGES_INT
               : PAGES_NUMERIC;
}

enum pages_type pages_infer(const struct pages_value *value)
{
    struct pages_time time;
    switch (value->kind) {
    case JSON_TRUE:
    case JSON_FALSE:
        return PAGES_BOOL;
    case JSON_OBJECT:
    case JSON_ARRAY:
        return PAGES_JSON;
    case JSON_NUMBER:
        return infer_number(value->text);
    default:
        return value->form == PAGES_PLAIN && value->text.size >= 17 &&
                       pages_time_read(value->text, &time) && time.has_time && time.has_offset
                   ? PAGES_TIMESTAMP
                   : PAGES_TEXT;
    }
}

enum pages_type pages_widen(enum pages_type a, enum pages_type b)
{
    if (a == b)
        return a;
    bool numbers = (a == PAGES_INT && b == PAGES_NUMERIC) || (a == PAGES_NUMERIC && b == PAGES_INT);
    return numbers ? PAGES_NUMERIC : PAGES_TEXT;
}

void pages_put_any(struct pages_putter *putter, const struct pages_value *value)
{
    if (value->kind == JSON_OBJECT || value->kind == JSON_ARRAY)
        add_escaped(putter, without_nuls(putter, value->text));
    else
        add_text(putter, value);
}
