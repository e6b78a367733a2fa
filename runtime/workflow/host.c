#include "workflow/host.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "base/memory.h"

enum {
    SLICE_MS = 1000,
    MAX_RUNS_PER_CELL = 500,
};

static const size_t instance_limit = (size_t)64 << 20;
static const size_t cell_limit = (size_t)2 << 30;
static const size_t payload_limit = (size_t)2 << 20;

static struct workflow_options with_defaults(struct workflow_options o)
{
    o.slice_ms = o.slice_ms ? o.slice_ms : SLICE_MS;
    o.instance_limit = o.instance_limit ? o.instance_limit : instance_limit;
    o.max_runs_per_cell = o.max_runs_per_cell ? o.max_runs_per_cell : MAX_RUNS_PER_CELL;
    o.payload_limit = o.payload_limit ? o.payload_limit : payload_limit;
    return o;
}

/* --- cells --- */

static bool open_cell(const struct workflow_options *options, const struct store_bundle *bundle,
                      struct cell **out, struct error *err)
{
    struct script_source *sources = memory_new(bundle->count * sizeof *sources);

    for (size_t i = 0; i < bundle->count; i++)
        sources[i] = (struct script_source){bundle->files[i].name, bundle->files[i].text};
    bool ok = cell_open(out,
                        &(struct cell_options){
                            .sources = sources,
                            .source_count = bundle->count,
                            .heap_limit = cell_limit,
                            .instance_limit = options->instance_limit,
                            .slice_ms = options->slice_ms,
                        },
                        err);
    free(sources);
    return ok;
}

static struct host_cell *find_cell(struct workflow_host *host, const struct store_bundle *bundle)
{
    for (struct host_cell *c = host->cells; c; c = c->next)
        if (c->bundle == bundle && cell_instances(c->cell) < host->options.max_runs_per_cell)
            return c;
    return NULL;
}

static struct host_cell *add_cell(struct workflow_host *host, const struct store_bundle *bundle,
                                  struct error *err)
{
    struct cell *cell;

    if (!open_cell(&host->options, bundle, &cell, err))
        return NULL;
    struct host_cell *added = memory_new(sizeof *added);
    *added = (struct host_cell){host->cells, bundle, cell};
    host->cells = added;
    return added;
}

static void drop_cell(struct workflow_host *host, struct host_cell *cell)
{
    struct host_cell **link = &host->cells;

    while (*link != cell)
        link = &(*link)->next;
    *link = cell->next;
    cell_close(cell->cell);
    free(cell);
}

static bool has_siblings(const struct workflow_host *host, const struct host_cell *cell)
{
    for (const struct host_cell *c = host->cells; c; c = c->next)
        if (c != cell && c->bundle == cell->bundle)
            return true;
    return false;
}

struct instance *host_instance(struct workflow_host *host, const struct store_bundle *bundle,
                               struct host_cell **cell, struct error *err)
{
    struct host_cell *chosen = find_cell(host, bundle);
    struct instance *instance;

    if (!chosen)
        chosen = add_cell(host, bundle, err);
    if (!chosen || !instance_new(&instance, chosen->cell, err))
        return NULL;
    *cell = chosen;
    return instance;
}

void host_release(struct workflow_host *host, struct host_cell *cell, struct instance *instance)
{
    instance_free(instance);
    if (cell_instances(cell->cell) == 0 && has_siblings(host, cell))
        drop_cell(host, cell);
}

/* --- types --- */

static bool add_type(void *user, const struct store_bundle *bundle, struct span type,
                     struct error *err)
{
    struct workflow_host *host = user;
    const struct store_bundle *other = map_get_text(&host->types, type);

    if (other)
        return error_set(err, ERROR_SCRIPT, "workflow \"%.*s\" is defined in %s and in %s",
                         (int)type.size, type.data, store_entry(other).data,
                         store_entry(bundle).data);
    map_put_text(&host->types, type, (void *)bundle);
    return true;
}

/* The result of `describe` is on the stack: { types = { name, ... } }, of the entry script. */
static bool read_types(const struct store_bundle *bundle, lua_State *L,
                       const struct workflow_type_reader *reader, struct error *err)
{
    bool ok = true;

    lua_getfield(L, -1, "types");
    for (int i = 1; ok && i <= (int)lua_objlen(L, -1); i++) {
        size_t size;
        lua_rawgeti(L, -1, i);
        const char *name = lua_tolstring(L, -1, &size);
        ok = reader->found(reader->user, bundle, (struct span){name, size}, err);
        lua_pop(L, 1);
    }
    return ok;
}

static bool describe(const struct store_bundle *bundle, struct instance *instance,
                     const struct workflow_type_reader *reader, struct error *err)
{
    lua_State *L = instance_lua(instance);

    lua_createtable(L, 0, 1);
    lua_pushlstring(L, store_entry(bundle).data, store_entry(bundle).size);
    lua_setfield(L, -2, "describe");
    if (instance_resume(instance, err) != INSTANCE_DONE)
        return error_add(err, "%s", store_entry(bundle).data);
    return read_types(bundle, L, reader, err);
}

static bool load_types(const struct workflow_options *options, const struct store_bundle *bundle,
                       const struct workflow_type_reader *reader, struct error *err)
{
    struct cell *cell;
    struct instance *instance;

    if (!open_cell(options, bundle, &cell, err))
        return false;
    bool ok = instance_new(&instance, cell, err) && describe(bundle, instance, reader, err);
    cell_close(cell);
    return ok;
}

bool workflow_describe(const struct store_bundle *bundle, const struct workflow_type_reader *reader,
                       struct error *err)
{
    struct workflow_options options = with_defaults((struct workflow_options){0});

    return load_types(&options, bundle, reader, err);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void list_types(struct workflow_host *host)
{
    const char **names = memory_new((host->types.count + 1) * sizeof *names);
    size_t count = 0;

    for (struct map_entry *e = NULL; (e = map_next(&host->types, e));)
        names[count++] = e->text;
    if (count)
        qsort(names, count, sizeof *names, by_text);
    for (size_t i = 0; i < count; i++)
        bytes_printf(&host->known, "%s%s", i ? ", " : "", names[i]);
    free(names);
}

const struct store_bundle *host_find(const struct workflow_host *host, struct span type,
                                     struct error *err)
{
    const struct store_bundle *bundle = map_get_text(&host->types, type);

    if (!bundle)
        error_set(err, ERROR_SCRIPT, "no script defines the workflow \"%.*s\"; this worker has %s",
                  (int)type.size, type.data, host->types.count ? bytes_text(&host->known) : "none");
    return bundle;
}

/* --- the door --- */

bool workflow_host_open(struct workflow_host **out, const struct workflow_options *options,
                        struct error *err)
{
    struct workflow_host *host = memory_new(sizeof *host);
    const struct store_bundle *const *bundles;
    size_t count = store_bundles(options->store, "workflows", &bundles);

    const struct workflow_type_reader reader = {add_type, host};

    host->options = with_defaults(*options);
    for (size_t i = 0; i < count; i++)
        if (!load_types(&host->options, bundles[i], &reader, err)) {
            workflow_host_close(host);
            return false;
        }
    list_types(host);
    *out = host;
    return true;
}

void workflow_host_leave(struct workflow_host *host)
{
    host->options.sticky_queue = NULL;
}

void workflow_host_close(struct workflow_host *host)
{
    if (!host)
        return;
    while (host->cells)
        drop_cell(host, host->cells);
    map_release(&host->types);
    bytes_release(&host->known);
    free(host);
}
