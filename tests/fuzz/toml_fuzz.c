/* room: rpc */
/* Whatever bytes temporal.toml holds, reading it ends, and what was read is a tree of texts. */
#include <stdlib.h>

#include "rpc/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct toml toml;
    struct error err = {0};
    if (!toml_parse(&toml, (struct span){(const char *)bytes, size}, "f", &err)) {
        if (err.kind != ERROR_CONFIG)
            abort();
        return 0;
    }
    for (int i = 1; i < toml.count; i++) {
        const struct toml_entry *entry = &toml.entries[i];
        bool found = !entry->key || toml_child(&toml, entry->parent, entry->key) == i;
        if (entry->parent >= i || !found || (entry->kind == TOML_TEXT && !entry->text))
            abort();
    }
    toml_release(&toml);
    return 0;
}
