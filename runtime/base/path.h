/*
 * The way from a value to one inside it, for errors: "input.payloads[2].metadata.encoding".
 *
 * A walk that recurses keeps one struct path per level on the stack; nothing is written until
 * something is wrong.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

struct path {
    const struct path *up; /* NULL: this is the first step */
    struct span name;      /* a field or a key; data NULL: an element of a list */
    size_t index;          /* the element's number, as it is to be shown */
};

void path_write(const struct path *path, struct bytes *out);

/* Sets "path: text", or the text alone when path is NULL; always returns false. */
bool path_error(const struct path *path, struct error *err, enum error_kind kind,
                const char *format, ...) __attribute__((format(printf, 4, 5)));
