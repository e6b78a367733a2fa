#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
    va_list args;
    err->kind = kind;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return false;
}

bool error_add(struct error *err, const char *format, ...)
{
    char context[sizeof err->text];
    char tail[sizeof err->text];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(context, sizeof context, format, args);
    va_end(args);
    memcpy(tail, err->text, sizeof tail);
    size_t used = n < 0 ? 0 : (size_t)n < sizeof context ? (size_t)n : sizeof context - 1;
    memcpy(err->text, context, used);
    snprintf(err->text + used, sizeof err->text - used, ": %s", tail);
    return false;
}

bool error_errno(struct error *err, const char *format, ...)
{
    int code = errno;
    va_list args;
    err->kind = ERROR_SYSTEM;
    va_start(args, format);
    int n = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof err->text)
        snprintf(err->text + n, sizeof err->text - (size_t)n, ": %s", strerror(code));
    return false;
}

const char *error_kind_name(enum error_kind kind)
{
    static const char *const names[] = {
        [ERROR_NONE] = "none",       [ERROR_USAGE] = "usage",     [ERROR_CONFIG] = "config",
        [ERROR_NETWORK] = "network", [ERROR_REFUSED] = "refused", [ERROR_MALFORMED] = "malformed",
        [ERROR_LIMIT] = "limit",     [ERROR_SCRIPT] = "script",   [ERROR_HISTORY] = "history",
        [ERROR_SYSTEM] = "system",   [ERROR_BUG] = "bug",
    };
    return names[kind];
}
