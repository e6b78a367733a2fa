/*
 * A pull scanner for JSON text: token by token, no allocation, nothing copied.
 *
 * Strict: RFC 8259's grammar, UTF-8 without surrogates, no raw control character in text, paired
 * surrogate escapes. What it hands out is valid, so that callers need not look again. Not checked
 * here: keys that occur twice, for whoever builds the object knows them.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

enum {
    JSON_DEPTH_MAX = 200,
    JSON_SIZE_MAX = 64 << 20, /* bytes, in both directions */
};

enum json_kind {
    JSON_END, /* the text is over */
    JSON_OBJECT,
    JSON_OBJECT_END,
    JSON_ARRAY,
    JSON_ARRAY_END,
    JSON_KEY, /* its value is the next token */
    JSON_TEXT,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
};

struct json_token {
    enum json_kind kind;
    bool escaped;     /* text and key: json_unescape() is needed */
    bool integer;     /* number: neither fraction nor exponent */
    struct span text; /* key and text without quotes; else as it stands */
};

struct json_scan {
    const char *begin;
    const char *at; /* behind the last token */
    const char *end;
    unsigned depth;
    unsigned char state;
    uint64_t objects[(JSON_DEPTH_MAX + 64) / 64]; /* one bit a level: object, else array */
};

/* The text must outlive the scan. A text that is too large fails at the first token. */
void json_scan_start(struct json_scan *scan, struct span text);

/* The next token. After JSON_END it stays at the end. Fails with line, column and what was
 * expected; ERROR_LIMIT for depth and size, else ERROR_MALFORMED. */
bool json_scan_next(struct json_scan *scan, struct json_token *token, struct error *err);

/* To the end of the value that `token`, the last one, began; sets token->text to all of it. */
bool json_scan_skip(struct json_scan *scan, struct json_token *token, struct error *err);

/* The same where the caller has read the value before, whole, from this very text. */
void json_scan_jump(struct json_scan *scan, struct json_token *token, size_t size);

/* An error of the caller's about the place `at` of the text, with line and column in front. */
bool json_scan_error(const struct json_scan *scan, const char *at, struct error *err,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* To the first byte that needs a look in a text: quote, backslash, control or not ASCII. */
const char *json_skip_plain(const char *p, const char *end);

/* Adds the characters that an escaped text of a token means. */
void json_unescape(struct span text, struct bytes *out);

/* The way back: adds valid UTF-8 as a JSON text with its quotes. */
void json_add_text(struct bytes *out, struct span text);

/* Whether text is a number literal of JSON's grammar, whole. */
bool json_is_number(struct span text);
