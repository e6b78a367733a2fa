#include "workflow/host.h"

#include <stdlib.h>

#include "base/memory.h"

static const size_t payload_limit = (size_t)2 << 20;

/* --- types --- */

static bool add_types(struct map *types, const struct code *code, struct error *err)
{
    for (size_t i = 0; i < code->type_count; i++) {
        const struct code *other = map_put_text(types, span_of(code->types[i]), (void *)code);
        if (other)
            return error_set(err, ERROR_SCRIPT, "workflow \"%s\" is defined in %s and in %s",
                             code->types[i], store_entry(other->bundle).data,
                             store_entry(code->bundle).data);
    }
    return true;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void name_types(struct workflow_host *host)
{
    const char **names = memory_new((host->types.count + 1) * sizeof *names);
    size_t count = 0;

    for (struct map_entry *e = NULL; (e = map_next(&host->types, e));)
        names[count++] = e->text;
    qsort(names, count, sizeof *names, by_text);
    bytes_clear(&host->known);
    for (size_t i = 0; i < count; i++)
        bytes_printf(&host->known, "%s%s", i ? ", " : "", names[i]);
    free(names);
}

struct code *host_find(const struct workflow_host *host, struct span type, struct error *err)
{
    struct code *code = map_get_text(&host->types, type);

    if (!code)
        error_set(err, ERROR_SCRIPT, "no script defines the workflow \"%.*s\"; this worker has %s",
                  (int)type.size, type.data, host->types.count ? bytes_text(&host->known) : "none");
    return code;
}

/* --- readings --- */

/* The types of all bundles. Codes that are new to the host are added to it. */
static bool read_types(struct workflow_host *host, const struct store_bundle *const *bundles,
                       size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct code *code = code_of(&host->codes, bundles[i]);
        code->prepared = true;
        if (!code_describe(&host->codes, code, err) || !add_types(&host->next, code, err))
            return false;
    }
    return true;
}

bool workflow_host_prepare(struct workflow_host *host, const struct store *store, struct error *err)
{
    const struct store_bundle *const *bundles;
    size_t count = store_bundles(store, "workflows", &bundles);

    workflow_host_discard(host);
    if (read_types(host, bundles, count, err))
        return true;
    workflow_host_discard(host);
    return false;
}

void workflow_host_take(struct workflow_host *host)
{
    map_release(&host->types);
    host->types = host->next;
    host->next = (struct map){0};
    for (struct code *code = host->codes.first; code; code = code->next) {
        code->serves = code->prepared;
        code->prepared = false;
    }
    name_types(host);
    codes_sweep(&host->codes);
}

void workflow_host_discard(struct workflow_host *host)
{
    map_release(&host->next);
    for (struct code *code = host->codes.first; code; code = code->next)
        code->prepared = false;
    codes_sweep(&host->codes);
}

/* --- the door --- */

bool workflow_host_open(struct workflow_host **out, const struct workflow_options *options,
                        struct error *err)
{
    struct workflow_host *host = memory_new(sizeof *host);

    host->codes.options = *options;
    if (!options->payload_limit)
        host->codes.options.payload_limit = payload_limit;
    if (!workflow_host_prepare(host, options->store, err)) {
        workflow_host_close(host);
        return false;
    }
    workflow_host_take(host);
    *out = host;
    return true;
}

void workflow_host_leave(struct workflow_host *host)
{
    host->codes.options.sticky_queue = NULL;
}

void workflow_host_close(struct workflow_host *host)
{
    if (!host)
        return;
    codes_release(&host->codes);
    map_release(&host->types);
    map_release(&host->next);
    bytes_release(&host->known);
    free(host);
}
