#include "base/path.h"

#include <stdarg.h>
#include <stdio.h>

void path_write(const struct path *path, struct bytes *out)
{
    if (path->up)
        path_write(path->up, out);
    if (!path->name.data) {
        bytes_printf(out, "[%zu]", path->index);
        return;
    }
    if (path->up)
        bytes_add_char(out, '.');
    bytes_add_span(out, path->name);
}

/* The near end of a long way says most, and leaves room for what is wrong. */
enum { SHOWN = 400 };

bool path_error(const struct path *path, struct error *err, enum error_kind kind,
                const char *format, ...)
{
    struct bytes text = {0};
    char why[512];
    va_list args;

    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    if (!path)
        return error_set(err, kind, "%s", why);
    path_write(path, &text);
    size_t cut = text.size > SHOWN ? text.size - SHOWN : 0;
    error_set(err, kind, "%s%s: %s", cut ? "..." : "", text.data + cut, why);
    bytes_release(&text);
    return false;
}
