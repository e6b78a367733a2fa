/*
 * Why a call failed, for code and for people.
 *
 * A fallible function returns bool and takes `struct error *err` last; err is untouched on success.
 * The kind tells the caller what to do; the text is for people and grows by context in front:
 *
 *     return error_set(err, ERROR_CONFIG, "no such profile: %s", name);
 *     return error_add(err, "reading %s", path);
 *
 * Nobody logs and returns. A text never holds a secret: callers pass names, not values.
 */
#pragma once

#include <stdbool.h>

enum error_kind {
    ERROR_NONE,
    ERROR_USAGE,     /* the caller asked for something that cannot be: fix the call */
    ERROR_CONFIG,    /* a setting is missing or wrong: fix the configuration */
    ERROR_NETWORK,   /* could not reach a peer: retry may help */
    ERROR_REFUSED,   /* a peer answered no: retry does not help */
    ERROR_MALFORMED, /* bytes from outside are not what they must be */
    ERROR_LIMIT,     /* a size, depth, time or memory limit was hit */
    ERROR_SCRIPT,    /* a Lua script is wrong: the text holds file:line */
    ERROR_HISTORY,   /* history and script disagree: nondeterminism */
    ERROR_SYSTEM,    /* the operating system refused; the text holds strerror */
    ERROR_BUG,       /* an invariant of our own broke */
};

struct error {
    enum error_kind kind;
    char text[1024];
};

/* Sets kind and text, always returns false. */
bool error_set(struct error *err, enum error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of the text, always returns false. */
bool error_add(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sets ERROR_SYSTEM with strerror(errno) behind the text, always returns false. */
bool error_errno(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The kind's word for logs and JSON: "config", "network", ... */
const char *error_kind_name(enum error_kind kind);
