/*
 * The bundles among some files. Every script is an entry; its bundle is the file and what it
 * requires, over and over, in the order of need. A bundle's name is a hash of names and texts, so
 * the same text is the same bundle on any machine.
 *
 * What a later version adds belongs here: bundles that came from a run's history instead of the
 * folder, and several versions of one entry.
 */
#include "store/store.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
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
    struct arena arena;
    struct script *scripts; /* sorted by name */
    size_t count;
    struct map by_name;
    const struct store_bundle **bundles; /* sorted by the entry's name */
    size_t bundle_count;
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
static struct script *find_script(struct store *store, struct span module)
{
    struct bytes path = {0};
    struct script *found;

    for (size_t i = 0; i < module.size; i++)
        bytes_add_char(&path, module.data[i] == '.' ? '/' : module.data[i]);
    size_t stem = path.size;
    bytes_add_text(&path, ".lua");
    found = map_get_text(&store->by_name, bytes_span(&path));
    if (!found) {
        path.size = stem;
        bytes_add_text(&path, "/init.lua");
        found = map_get_text(&store->by_name, bytes_span(&path));
    }
    bytes_release(&path);
    return found;
}

/* One bundle while its files are gathered. */
struct gathering {
    struct store *store;
    size_t number;
    struct store_file *files;
    size_t count;
    int depth;
    struct span culprit; /* the file whose require cannot be followed */
};

static bool gather(struct gathering *g, struct script *script, struct error *err);

static bool gather_required(struct gathering *g, struct scan_require require, struct error *err)
{
    struct script *target = find_script(g->store, require.name);

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
    return error_add(err, "%s:%d", script->file.name.data, line);
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

/* --- naming --- */

static void hash_span(EVP_MD_CTX *digest, struct span s)
{
    uint8_t size[8];

    for (int i = 0; i < 8; i++)
        size[i] = (uint8_t)((uint64_t)s.size >> (8 * i));
    EVP_DigestUpdate(digest, size, sizeof size);
    EVP_DigestUpdate(digest, s.data, s.size);
}

static void name_bundle(struct store_bundle *bundle)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
    for (size_t i = 0; i < bundle->count; i++) {
        hash_span(digest, bundle->files[i].name);
        hash_span(digest, bundle->files[i].text);
    }
    EVP_DigestFinal_ex(digest, hash, &size);
    EVP_MD_CTX_free(digest);
    for (unsigned i = 0; i < size; i++)
        snprintf(bundle->hash + 2 * i, 3, "%02x", hash[i]);
}

static void make_bundle(struct store *store, size_t index, struct store_faults *faults)
{
    struct gathering g = {
        .store = store,
        .number = index + 1,
        .files = memory_new(store->count * sizeof *g.files),
    };
    struct store_bundle *bundle = arena_alloc(&store->arena, sizeof *bundle);
    struct error err = {0};

    if (gather(&g, &store->scripts[index], &err)) {
        bundle->files = (const void *)arena_copy(&store->arena, (const void *)g.files,
                                                 g.count * sizeof *g.files);
        bundle->count = g.count;
        name_bundle(bundle);
        store->bundles[store->bundle_count++] = bundle;
    } else if (!fault_of(faults, g.culprit)) {
        fault_add(faults, g.culprit, &err);
    }
    free(g.files);
}

/* --- the door --- */

static struct span copy_span(struct store *store, struct span text)
{
    return (struct span){arena_copy(&store->arena, text.data, text.size), text.size};
}

struct store *store_make(const struct store_file *files, size_t count, struct store_faults *faults)
{
    struct store *store = memory_new(sizeof *store);

    store->scripts = memory_new((count + 1) * sizeof *store->scripts);
    store->bundles = arena_alloc(&store->arena, (count + 1) * sizeof *store->bundles);
    for (size_t i = 0; i < count; i++)
        store->scripts[store->count++].file =
            (struct store_file){copy_span(store, files[i].name), copy_span(store, files[i].text)};
    for (size_t i = 0; i < store->count; i++)
        map_put_text(&store->by_name, store->scripts[i].file.name, &store->scripts[i]);
    for (size_t i = 0; i < store->count; i++)
        make_bundle(store, i, faults);
    return store;
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
    map_release(&store->by_name);
    free(store->scripts);
    arena_release(&store->arena);
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
