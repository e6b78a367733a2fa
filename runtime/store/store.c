/*
 * The bundles among some files. Every script is an entry; its bundle is the file and what it
 * requires, over and over, in the order of need. A bundle's name is a hash of names and texts, so
 * the same text is the same bundle on any machine.
 */
#include "store/store.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/memory.h"
#include "store/scan.h"

enum { REQUIRE_DEPTH_MAX = 200 };

/* What needs no file: modules of the runtime and of Lua. Whether a script may have them is decided
 * where it runs. */
static const char *const library[] = {
    "bit", "cjson", "cjson.safe", "coroutine", "debug",  "ffi",   "io",
    "jit", "json",  "math",       "os",        "string", "table",
};

struct script {
    struct store_file file;
    bool open;   /* its requires are being followed: meeting it again is a cycle */
    size_t seen; /* number of the bundle that has it */
};

struct store {
    const struct store_bundle **bundles; /* sorted by the entry's name */
    size_t bundle_count;
};

/* A store while it is made. */
struct making {
    struct store *store;
    struct script *scripts; /* sorted by name */
    size_t count;
    struct map by_name;
    struct store_faults *faults;
};

/* --- following require --- */

static bool in_library(struct span name)
{
    for (size_t i = 0; i < sizeof library / sizeof *library; i++)
        if (span_equal(name, span_of(library[i])))
            return true;
    return false;
}

/* "workflows.dates" is workflows/dates.lua or workflows/dates/init.lua. */
static struct script *find_script(const struct making *making, struct span module)
{
    struct bytes path = {0};
    struct script *found;

    for (size_t i = 0; i < module.size; i++)
        bytes_add_char(&path, module.data[i] == '.' ? '/' : module.data[i]);
    size_t stem = path.size;
    bytes_add_text(&path, ".lua");
    found = map_get_text(&making->by_name, bytes_span(&path));
    if (!found) {
        path.size = stem;
        bytes_add_text(&path, "/init.lua");
        found = map_get_text(&making->by_name, bytes_span(&path));
    }
    bytes_release(&path);
    return found;
}

/* One bundle while its files are gathered. */
struct gathering {
    const struct making *making;
    size_t number;
    struct store_file *files;
    size_t count;
    int depth;
    struct span culprit; /* the file whose require cannot be followed */
};

static bool gather(struct gathering *g, struct script *script, struct error *err);

static bool gather_required(struct gathering *g, struct scan_require require, struct error *err)
{
    struct script *target = find_script(g->making, require.name);

    if (!target && in_library(require.name))
        return true;
    if (!target)
        return error_set(err, ERROR_SCRIPT, "no script answers to require \"%.*s\"",
                         (int)require.name.size, require.name.data);
    if (target->open)
        return error_set(err, ERROR_SCRIPT, "require \"%.*s\" closes a circle",
                         (int)require.name.size, require.name.data);
    return gather(g, target, err);
}

static bool blame(struct gathering *g, const struct script *script, int line, struct error *err)
{
    g->culprit = script->file.name;
    return error_add(err, "%.*s:%d", (int)script->file.name.size, script->file.name.data, line);
}

static bool gather(struct gathering *g, struct script *script, struct error *err)
{
    struct scan scan = {script->file.text, 0, 1};
    struct scan_require require;
    struct error fault = {0};

    if (script->seen == g->number)
        return true;
    if (++g->depth > REQUIRE_DEPTH_MAX)
        return error_set(err, ERROR_LIMIT, "require nests deeper than %d", REQUIRE_DEPTH_MAX);
    script->open = true;
    bool ok = true;
    while (ok && is_lua(script->file.name) && scan_next(&scan, &require, &fault))
        ok = gather_required(g, require, &fault);
    script->open = false;
    g->depth--;
    if (fault.kind != ERROR_NONE) {
        *err = fault;
        return g->culprit.data ? false : blame(g, script, require.line, err);
    }
    script->seen = g->number;
    g->files[g->count++] = script->file;
    return true;
}

static void make_bundle(struct making *making, size_t index)
{
    struct store *store = making->store;
    struct gathering g = {
        .making = making,
        .number = index + 1,
        .files = memory_new(making->count * sizeof *g.files),
    };
    struct error err = {0};

    if (gather(&g, &making->scripts[index], &err))
        store->bundles[store->bundle_count++] = store_bundle_new(g.files, g.count);
    else if (!fault_of(making->faults, g.culprit))
        fault_add(making->faults, g.culprit, &err);
    free(g.files);
}

/* --- the door --- */

struct store *store_make(const struct store_file *files, size_t count, struct store_faults *faults)
{
    struct making making = {
        .store = memory_new(sizeof *making.store),
        .scripts = memory_new((count + 1) * sizeof *making.scripts),
        .faults = faults,
    };

    making.store->bundles = memory_new((count + 1) * sizeof *making.store->bundles);
    for (size_t i = 0; i < count; i++)
        making.scripts[making.count++].file = files[i];
    for (size_t i = 0; i < making.count; i++)
        map_put_text(&making.by_name, making.scripts[i].file.name, &making.scripts[i]);
    for (size_t i = 0; i < making.count; i++)
        make_bundle(&making, i);
    map_release(&making.by_name);
    free(making.scripts);
    return making.store;
}

bool store_open(struct store **out, const char *dir, struct error *err)
{
    struct folder folder;
    bool ok = folder_read(&folder, dir, err);

    if (ok) {
        *out = store_make(folder.files, folder.count, &folder.faults);
        ok = folder.faults.count == 0;
        if (!ok) {
            *err = folder.faults.list[0].why;
            store_close(*out);
        }
    }
    folder_release(&folder);
    return ok;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < store->bundle_count; i++)
        store_bundle_release(store->bundles[i]);
    free(store->bundles);
    free(store);
}

static bool lies_in(const struct store_bundle *bundle, const char *folder)
{
    size_t size = strlen(folder);
    const char *name = store_entry(bundle).data;

    return strncmp(name, folder, size) == 0 && name[size] == '/';
}

size_t store_bundles(const struct store *store, const char *folder,
                     const struct store_bundle *const **out)
{
    size_t first = 0, end;

    while (first < store->bundle_count && !lies_in(store->bundles[first], folder))
        first++;
    end = first;
    while (end < store->bundle_count && lies_in(store->bundles[end], folder))
        end++;
    *out = store->bundles + first;
    return end - first;
}

const struct store_bundle *store_find(const struct store *store, struct span entry)
{
    for (size_t i = 0; i < store->bundle_count; i++)
        if (span_equal(store_entry(store->bundles[i]), entry))
            return store->bundles[i];
    return NULL;
}
