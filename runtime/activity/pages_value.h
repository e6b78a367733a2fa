/*
 * One value on its way from JSON (or Lua, or CSV) to a field of COPY text.
 *
 * Nothing is guessed: what does not fit its column is refused, and what is money stays the text it
 * was. Numbers may come as text; empty text is no value, except in a text column. NUL, which
 * Postgres cannot store, is taken out and counted.
 */
#pragma once

#include "activity/zone.h"
#include "base/bytes.h"
#include "base/error.h"
#include "script/json_scan.h"

enum pages_type {
    PAGES_TEXT,
    PAGES_INT,     /* bigint; a fraction or more than 64 bits is refused */
    PAGES_NUMERIC, /* the literal itself */
    PAGES_BOOL,    /* true and false, 1 and 0, also as text */
    PAGES_DATE,
    PAGES_TIMESTAMP,
    PAGES_JSON,
    PAGES_TYPES,
};

/* The type's name in Postgres: "bigint". */
const char *pages_type_sql(enum pages_type type);

enum pages_epoch { PAGES_NO_EPOCH, PAGES_SECONDS, PAGES_MILLISECONDS };

/* How a column reads its values. */
struct pages_shape {
    enum pages_type type;
    enum pages_epoch epoch;  /* date and timestamp: numbers since 1970 */
    const struct zone *zone; /* date and timestamp: of times that say no offset, and of days */
};

enum pages_form {
    PAGES_PLAIN,   /* text without anything that COPY or JSON escapes */
    PAGES_ESCAPED, /* text with JSON's escapes */
    PAGES_RAW,     /* text, any bytes of UTF-8 */
};

/* kind: JSON_TEXT, JSON_NUMBER, JSON_TRUE, JSON_FALSE, JSON_NULL; JSON_OBJECT and JSON_ARRAY with
 * all their text; JSON_END: there is none. */
struct pages_value {
    enum json_kind kind;
    enum pages_form form;
    struct span text;
};

/* What putting needs beside the value. */
struct pages_putter {
    struct bytes *out;
    struct bytes scratch;
    uint64_t nuls; /* taken out so far */
};

/* Null, absent, or empty text where text is not wanted. */
bool pages_is_null(const struct pages_shape *shape, const struct pages_value *value);

/* Adds the field, without separators. The value must not be null. On failure err says what was
 * expected and what was found; something may have been added. */
bool pages_put(struct pages_putter *putter, const struct pages_shape *shape,
               const struct pages_value *value, struct error *err);

/* The most special type whose COPY text pages_put_any() writes for the value. Not of null. */
enum pages_type pages_infer(const struct pages_value *value);

/* The narrowest type that holds what both hold. */
enum pages_type pages_widen(enum pages_type a, enum pages_type b);

/* Adds the field as the text that is right in a column of the inferred type and of any wider one.
 */
void pages_put_any(struct pages_putter *putter, const struct pages_value *value);
