#include "workflow/code.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "base/memory.h"

enum {
    SLICE_MS = 1000,
    MAX_RUNS_PER_CELL = 500,
};

static const size_t instance_limit = (size_t)64 << 20;
static const size_t cell_limit = (size_t)2 << 30;

/* --- cells --- */

static bool open_cell(const struct workflow_options *options, const struct store_bundle *bundle,
                      struct cell **out, struct error *err)
{
    struct script_source *sources = memory_new(bundle->count * sizeof *sources);
    size_t limit = options->instance_limit;

    for (size_t i = 0; i < bundle->count; i++)
        sources[i] = (struct script_source){bundle->files[i].name, bundle->files[i].text};
    bool ok = cell_open(out,
                        &(struct cell_options){
                            .sources = sources,
                            .source_count = bundle->count,
                            .heap_limit = cell_limit,
                            .instance_limit = limit ? limit : instance_limit,
                            .slice_ms = options->slice_ms ? options->slice_ms : SLICE_MS,
                        },
                        err);
    free(sources);
    return ok;
}

static struct code_cell *find_cell(const struct code *code, size_t max_runs)
{
    for (struct code_cell *c = code->cells; c; c = c->next)
        if (cell_instances(c->cell) < max_runs)
            return c;
    return NULL;
}

static struct code_cell *add_cell(const struct codes *codes, struct code *code, struct error *err)
{
    struct cell *cell;

    if (!open_cell(&codes->options, code->bundle, &cell, err))
        return NULL;
    struct code_cell *added = memory_new(sizeof *added);
    *added = (struct code_cell){code->cells, code, cell};
    code->cells = added;
    return added;
}

static void drop_cell(struct code_cell *cell)
{
    struct code_cell **link = &cell->code->cells;

    while (*link != cell)
        link = &(*link)->next;
    *link = cell->next;
    cell_close(cell->cell);
    free(cell);
}

struct instance *code_instance(struct codes *codes, struct code *code, struct code_cell **cell,
                               struct error *err)
{
    size_t max_runs = codes->options.max_runs_per_cell;
    struct code_cell *chosen = find_cell(code, max_runs ? max_runs : MAX_RUNS_PER_CELL);
    struct instance *instance;

    if (!chosen)
        chosen = add_cell(codes, code, err);
    if (!chosen || !instance_new(&instance, chosen->cell, err))
        return NULL;
    *cell = chosen;
    return instance;
}

void code_release(struct codes *codes, struct code_cell *cell, struct instance *instance)
{
    struct code *code = cell->code;

    instance_free(instance);
    if (cell_instances(cell->cell))
        return;
    if (!code->serves || code->cells->next)
        drop_cell(cell);
    if (!code->serves)
        codes_sweep(codes);
}

/* --- types --- */

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
    return load_types(&(struct workflow_options){0}, bundle, reader, err);
}

static bool add_type(void *user, const struct store_bundle *bundle, struct span type,
                     struct error *err)
{
    struct code *code = user;

    (void)bundle;
    (void)err;
    code->types = memory_resize(code->types, (code->type_count + 1) * sizeof *code->types);
    code->types[code->type_count++] = memory_copy(type.data, type.size);
    return true;
}

bool code_describe(const struct codes *codes, struct code *code, struct error *err)
{
    if (!code->described)
        code->described = load_types(&codes->options, code->bundle,
                                     &(struct workflow_type_reader){add_type, code}, err);
    return code->described;
}

/* --- codes --- */

struct code *code_find(const struct codes *codes, const char *hash)
{
    for (struct code *code = codes->first; code; code = code->next)
        if (strcmp(code->bundle->hash, hash) == 0)
            return code;
    return NULL;
}

struct code *code_of(struct codes *codes, const struct store_bundle *bundle)
{
    struct code *code = code_find(codes, bundle->hash);

    if (code)
        return code;
    code = memory_new(sizeof *code);
    code->bundle = store_bundle_hold(bundle);
    code->next = codes->first;
    codes->first = code;
    return code;
}

static void let_go(struct code **link)
{
    struct code *code = *link;

    *link = code->next;
    while (code->cells)
        drop_cell(code->cells);
    for (size_t i = 0; i < code->type_count; i++)
        free((char *)code->types[i]);
    free(code->types);
    arena_release(&code->arena);
    store_bundle_release(code->bundle);
    free(code);
}

static bool has_runs(const struct code *code)
{
    for (const struct code_cell *c = code->cells; c; c = c->next)
        if (cell_instances(c->cell))
            return true;
    return false;
}

void codes_sweep(struct codes *codes)
{
    for (struct code **link = &codes->first; *link;)
        if ((*link)->serves || (*link)->prepared || (*link)->stays || has_runs(*link))
            link = &(*link)->next;
        else
            let_go(link);
}

void codes_release(struct codes *codes)
{
    while (codes->first)
        let_go(&codes->first);
}
