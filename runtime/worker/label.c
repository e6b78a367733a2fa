#include "worker/label.h"

#include "base/bytes.h"

const char *label_add(struct arena *arena, const char *before, const char *key, const char *value)
{
    struct bytes text = {0};
    bytes_printf(&text, "%s%s%s=\"", before, *before ? "," : "", key);
    for (; *value; value++) {
        if (*value == '\n') {
            bytes_add_text(&text, "\\n");
            continue;
        }
        if (*value == '"' || *value == '\\')
            bytes_add_char(&text, '\\');
        bytes_add_char(&text, *value);
    }
    bytes_add_char(&text, '"');
    const char *copy = arena_copy(arena, text.data, text.size);
    bytes_release(&text);
    return copy;
}
