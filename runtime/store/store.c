/*
 * The scripts folder read once into memory, and the bundles found in it. Every file below a folder
 * is an entry; its bundle is the file and what it requires, over and over, in the order of need.
 * A bundle's name is a hash of names and texts, so the same text is the same bundle on any machine.
 *
 * What a later version adds belongs here: bundles that came from a run's history instead of the
 * folder, several versions of one entry, and reading the folder again.
 */
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/memory.h"
#include "store/scan.h"

enum {
    FILE_SIZE_MAX = 4 << 20,
    FOLDER_DEPTH_MAX = 16,
    REQUIRE_DEPTH_MAX = 200,
};

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
    size_t room;
    struct map by_name;
    const struct store_bundle **bundles; /* one a script, in the scripts' order */
};

/* --- reading --- */

static bool read_text(struct store *store, const char *path, size_t size, struct span *text,
                      struct error *err)
{
    FILE *file = fopen(path, "rb");

    if (!file)
        return error_errno(err, "opening %s", path);
    char *bytes = arena_alloc(&store->arena, size + 1);
    size_t got = fread(bytes, 1, size, file);
    bool failed = ferror(file);
    fclose(file);
    if (failed)
        return error_set(err, ERROR_SYSTEM, "reading %s failed", path);
    *text = (struct span){bytes, got};
    return true;
}

static bool add_script(struct store *store, const char *dir, const char *name, size_t size,
                       struct error *err)
{
    struct store_file file = {
        span_of(arena_copy_text(&store->arena, name)), {NULL, 0}
    };
    const char *path = arena_printf(&store->arena, "%s/%s", dir, name);

    if (size > FILE_SIZE_MAX)
        return error_set(err, ERROR_LIMIT, "%s has %zu bytes, more than %d", path, size,
                         FILE_SIZE_MAX);
    if (!read_text(store, path, size, &file.text, err))
        return false;
    if (store->count == store->room) {
        store->room = store->room ? store->room * 2 : 32;
        store->scripts = memory_resize(store->scripts, store->room * sizeof *store->scripts);
    }
    store->scripts[store->count++] = (struct script){.file = file};
    return true;
}

static bool is_lua(const char *name)
{
    size_t size = strlen(name);

    return size > 4 && strcmp(name + size - 4, ".lua") == 0;
}

static bool read_folder(struct store *store, const char *dir, const char *below, int depth,
                        struct error *err);

static bool read_entry(struct store *store, const char *dir, const char *name, int depth,
                       struct error *err)
{
    const char *path = arena_printf(&store->arena, "%s/%s", dir, name);
    struct stat st;

    if (stat(path, &st) != 0)
        return errno == ENOENT ? true : error_errno(err, "looking at %s", path);
    if (S_ISDIR(st.st_mode))
        return read_folder(store, dir, name, depth + 1, err);
    if (S_ISREG(st.st_mode) && is_lua(name))
        return add_script(store, dir, name, (size_t)st.st_size, err);
    return true;
}

static bool read_folder(struct store *store, const char *dir, const char *below, int depth,
                        struct error *err)
{
    const char *path = *below ? arena_printf(&store->arena, "%s/%s", dir, below) : dir;
    struct dirent *entry;
    bool ok = true;

    if (depth > FOLDER_DEPTH_MAX)
        return error_set(err, ERROR_LIMIT, "%s: folders deeper than %d", path, FOLDER_DEPTH_MAX);
    DIR *folder = opendir(path);
    if (!folder)
        return error_errno(err, "opening the scripts folder %s", path);
    while (ok && (entry = readdir(folder)))
        if (entry->d_name[0] != '.')
            ok = read_entry(
                store, dir,
                arena_printf(&store->arena, "%s%s%s", below, *below ? "/" : "", entry->d_name),
                depth, err);
    closedir(folder);
    return ok;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct script *)a)->file.name.data,
                  ((const struct script *)b)->file.name.data);
}

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
    while (ok && scan_next(&scan, &require, &fault))
        ok = gather_required(g, require, &fault);
    script->open = false;
    g->depth--;
    if (fault.kind != ERROR_NONE) {
        *err = fault;
        return error_add(err, "%s:%d", script->file.name.data, require.line);
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

static bool name_bundle(struct store_bundle *bundle, struct error *err)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    if (!digest || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(digest);
        return error_set(err, ERROR_BUG, "libcrypto has no SHA-256");
    }
    for (size_t i = 0; i < bundle->count; i++) {
        hash_span(digest, bundle->files[i].name);
        hash_span(digest, bundle->files[i].text);
    }
    EVP_DigestFinal_ex(digest, hash, &size);
    EVP_MD_CTX_free(digest);
    for (unsigned i = 0; i < size; i++)
        snprintf(bundle->hash + 2 * i, 3, "%02x", hash[i]);
    return true;
}

static bool make_bundle(struct store *store, size_t index, struct error *err)
{
    struct gathering g = {
        .store = store,
        .number = index + 1,
        .files = memory_new(store->count * sizeof *g.files),
    };
    struct store_bundle *bundle = arena_alloc(&store->arena, sizeof *bundle);
    bool ok = gather(&g, &store->scripts[index], err);

    if (ok) {
        bundle->files = (const void *)arena_copy(&store->arena, (const void *)g.files,
                                                 g.count * sizeof *g.files);
        bundle->count = g.count;
        store->bundles[index] = bundle;
    }
    free(g.files);
    return ok && name_bundle(bundle, err);
}

/* --- the door --- */

static bool fill(struct store *store, const char *dir, struct error *err)
{
    if (!read_folder(store, dir, "", 0, err))
        return false;
    if (store->count > 0)
        qsort(store->scripts, store->count, sizeof *store->scripts, by_name);
    for (size_t i = 0; i < store->count; i++)
        map_put_text(&store->by_name, store->scripts[i].file.name, &store->scripts[i]);
    store->bundles = arena_alloc(&store->arena, (store->count + 1) * sizeof *store->bundles);
    for (size_t i = 0; i < store->count; i++)
        if (!make_bundle(store, i, err))
            return false;
    return true;
}

bool store_open(struct store **out, const char *dir, struct error *err)
{
    struct store *store = memory_new(sizeof *store);

    if (!fill(store, dir, err)) {
        store_close(store);
        return false;
    }
    *out = store;
    return true;
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

static bool lies_in(const struct script *script, const char *folder)
{
    size_t size = strlen(folder);
    const char *name = script->file.name.data;

    return strncmp(name, folder, size) == 0 && name[size] == '/';
}

size_t store_bundles(const struct store *store, const char *folder,
                     const struct store_bundle *const **out)
{
    size_t first = 0, end;

    while (first < store->count && !lies_in(&store->scripts[first], folder))
        first++;
    end = first;
    while (end < store->count && lies_in(&store->scripts[end], folder))
        end++;
    *out = store->bundles + first;
    return end - first;
}
