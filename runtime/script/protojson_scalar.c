#include "script/protojson_scalar.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "script/number.h"
#include "script/protojson_text.h"

bool protojson_refuse(struct protojson_reader *r, const struct path *path, const char *why)
{
    struct bytes text = {0};

    json_scan_error(r->scan, r->token.text.data ? r->token.text.data : r->scan->at, r->err, "%s",
                    why);
    if (path) {
        path_write(path, &text);
        error_add(r->err, "%s", bytes_text(&text));
        bytes_release(&text);
    }
    return false;
}

bool protojson_expected(struct protojson_reader *r, const struct path *path, const char *expected)
{
    char why[80];

    snprintf(why, sizeof why, "expected %s", expected);
    return protojson_refuse(r, path, why);
}

void *protojson_take(struct protojson_reader *r, const struct path *path, size_t size)
{
    void *place = arena_try(r->arena, size);

    if (!place) {
        protojson_refuse(r, path, "the message takes too much memory");
        r->err->kind = ERROR_LIMIT;
    }
    return place;
}

struct span protojson_meaning(struct protojson_reader *r)
{
    if (!r->token.escaped)
        return r->token.text;
    bytes_clear(&r->text);
    json_unescape(r->token.text, &r->text);
    return bytes_span(&r->text);
}

/* --- numbers: a literal, or the same as text --- */

/* The number's letters with a NUL behind them. */
static bool literal(struct protojson_reader *r, const struct path *path, const char **text)
{
    struct span letters = r->token.text;

    if (r->token.kind == JSON_TEXT)
        letters = protojson_meaning(r);
    else if (r->token.kind != JSON_NUMBER)
        return protojson_expected(r, path, "a number");
    if (letters.data != r->text.data) {
        bytes_clear(&r->text);
        bytes_add_span(&r->text, letters);
    }
    *text = bytes_text(&r->text);
    return true;
}

static bool read_double(struct protojson_reader *r, const struct path *path, double *number)
{
    const char *text;

    if (!literal(r, path, &text))
        return false;
    if (strcmp(text, "NaN") == 0)
        *number = (double)NAN;
    else if (strcmp(text, "Infinity") == 0)
        *number = (double)INFINITY;
    else if (strcmp(text, "-Infinity") == 0)
        *number = -(double)INFINITY;
    else if (json_is_number(bytes_span(&r->text)))
        *number = strtod(text, NULL);
    else
        return protojson_expected(r, path, "a number");
    return true;
}

/* A whole number as sign and size. "12.0" and "1e3" are whole too. */
static bool read_whole(struct protojson_reader *r, const struct path *path, bool *negative,
                       uint64_t *size)
{
    const char *text;
    double number;

    if (!literal(r, path, &text))
        return false;
    *negative = text[0] == '-';
    errno = 0;
    if (strspn(text + *negative, "0123456789") == r->text.size - *negative &&
        r->text.size > *negative) {
        *size = strtoull(text + *negative, NULL, 10);
        return errno == 0 || protojson_expected(r, path, "an integer of 64 bits");
    }
    if (!read_double(r, path, &number))
        return false;
    if (!(fabs(number) <= (double)NUMBER_EXACT) || number != floor(number))
        return protojson_expected(r, path, "an integer");
    *size = (uint64_t)fabs(number);
    return true;
}

static bool read_signed(struct protojson_reader *r, const struct path *path, int64_t most,
                        int64_t *number)
{
    bool negative = false;
    uint64_t size = 0;

    if (!read_whole(r, path, &negative, &size))
        return false;
    if (size > (uint64_t)most + negative)
        return protojson_refuse(r, path, "the integer is out of range");
    *number = negative ? (int64_t)-size : (int64_t)size;
    return true;
}

static bool read_unsigned(struct protojson_reader *r, const struct path *path, uint64_t most,
                          uint64_t *number)
{
    bool negative = false;

    if (!read_whole(r, path, &negative, number))
        return false;
    if (*number > most || (negative && *number > 0))
        return protojson_refuse(r, path, "the integer is out of range");
    return true;
}

/* --- enums --- */

/* Whether two names are the same but for case and underscores. */
static bool same_letters(struct span a, const char *b)
{
    size_t i = 0;

    for (;;) {
        while (i < a.size && a.data[i] == '_')
            i++;
        while (*b == '_')
            b++;
        if (i == a.size || !*b)
            return i == a.size && !*b;
        if ((a.data[i] | 0x20) != (*b | 0x20))
            return false;
        i++;
        b++;
    }
}

/* Where EVENT_TYPE_TIMER_FIRED of EventType goes on: at TIMER_FIRED. The whole name when it does
 * not begin so. */
static const char *without_prefix(const char *value, const char *type)
{
    const char *rest = value;

    for (; *type; type++) {
        while (*rest == '_')
            rest++;
        if ((*rest++ | 0x20) != (*type | 0x20))
            return value;
    }
    return *rest == '_' ? rest + 1 : value;
}

static bool read_enum(struct protojson_reader *r, const struct shape_field *field,
                      const struct path *path, int *number)
{
    const ProtobufCEnumDescriptor *type = field->values;
    int64_t wide = 0;

    if (r->token.kind == JSON_NUMBER) {
        bool good = read_signed(r, path, INT32_MAX, &wide);
        *number = (int)wide;
        return good;
    }
    if (r->token.kind != JSON_TEXT)
        return protojson_expected(r, path, "an enum value");
    struct span name = protojson_meaning(r);
    bytes_clear(&r->scratch);
    bytes_add_span(&r->scratch, name);
    const ProtobufCEnumValue *exact =
        protobuf_c_enum_descriptor_get_value_by_name(type, bytes_text(&r->scratch));
    *number = exact ? exact->value : 0;
    for (unsigned i = 0; !exact && i < type->n_values; i++)
        if (same_letters(name, without_prefix(type->values[i].name, type->short_name)))
            *number = type->values[i].value;
    return true;
}

/* --- text --- */

static bool read_string(struct protojson_reader *r, const struct path *path, const char **out)
{
    if (r->token.kind != JSON_TEXT)
        return protojson_expected(r, path, "a text");
    struct span text = protojson_meaning(r);
    if (memchr(text.data ? text.data : "", 0, text.size))
        return protojson_refuse(r, path, "the text holds a NUL");
    char *copy = protojson_take(r, path, text.size + 1);
    if (!copy)
        return false;
    if (text.size)
        memcpy(copy, text.data, text.size);
    copy[text.size] = 0;
    *out = copy;
    return true;
}

static bool read_bytes(struct protojson_reader *r, const struct path *path,
                       ProtobufCBinaryData *out)
{
    bytes_clear(&r->scratch);
    if (r->token.kind != JSON_TEXT || !base64_read(protojson_meaning(r), &r->scratch))
        return protojson_expected(r, path, "bytes in base64");
    out->len = r->scratch.size;
    out->data = protojson_take(r, path, out->len + 1);
    if (!out->data)
        return false;
    memcpy(out->data, bytes_text(&r->scratch), out->len);
    return true;
}

bool protojson_scalar(struct protojson_reader *r, const struct shape_field *field,
                      const struct path *path, union protojson_value *value)
{
    bool good;

    *value = (union protojson_value){
        .bytes = {0, NULL}
    };
    switch (field->kind) {
    case SHAPE_INT32:
        good = read_signed(r, path, INT32_MAX, &value->i64);
        value->i32 = (int32_t)value->i64;
        return good;
    case SHAPE_UINT32:
        good = read_unsigned(r, path, UINT32_MAX, &value->u64);
        value->u32 = (uint32_t)value->u64;
        return good;
    case SHAPE_INT64:
        return read_signed(r, path, INT64_MAX, &value->i64);
    case SHAPE_UINT64:
        return read_unsigned(r, path, UINT64_MAX, &value->u64);
    case SHAPE_FLOAT:
        good = read_double(r, path, &value->f64);
        value->f32 = (float)value->f64;
        return good;
    case SHAPE_DOUBLE:
        return read_double(r, path, &value->f64);
    case SHAPE_BOOL:
        value->truth = r->token.kind == JSON_TRUE;
        return value->truth || r->token.kind == JSON_FALSE ||
               protojson_expected(r, path, "true or false");
    case SHAPE_ENUM:
        return read_enum(r, field, path, &value->number);
    case SHAPE_STRING:
        return read_string(r, path, &value->text);
    case SHAPE_BYTES:
        return read_bytes(r, path, &value->bytes);
    default:
        return protojson_refuse(r, path, "a message is no single value");
    }
}
