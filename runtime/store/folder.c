#include "store/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/memory.h"

enum {
    FILE_SIZE_MAX = 4 << 20,
    FOLDER_DEPTH_MAX = 16,
};

/* --- faults --- */

void fault_add(struct store_faults *faults, struct span file, const struct error *why)
{
    faults->list = memory_resize(faults->list, (faults->count + 1) * sizeof *faults->list);
    faults->list[faults->count++] = (struct store_fault){file, *why};
}

const struct store_fault *fault_of(const struct store_faults *faults, struct span file)
{
    for (size_t i = 0; i < faults->count; i++)
        if (span_equal(faults->list[i].file, file))
            return &faults->list[i];
    return NULL;
}

void faults_release(struct store_faults *faults)
{
    free(faults->list);
    *faults = (struct store_faults){0};
}

/* --- names --- */

bool is_lua(struct span name)
{
    return name.size > 4 && memcmp(name.data + name.size - 4, ".lua", 4) == 0;
}

static bool all_digits(const char *name)
{
    return name[strspn(name, "0123456789")] == '\0';
}

bool folder_wants(const char *name)
{
    return *name && *name != '.' && *name != '#' && name[strlen(name) - 1] != '~' &&
           !all_digits(name);
}

static bool is_of_reports(const char *name)
{
    return strncmp(name, "reports/", 8) == 0;
}

/* --- reading --- */

/* A file that was deleted meanwhile has no text, and is no fault. */
static bool read_text(struct folder *folder, const char *path, size_t size, struct span *text,
                      struct error *err)
{
    FILE *file = fopen(path, "rb");

    if (!file)
        return errno == ENOENT || error_set(err, ERROR_SYSTEM, "%s", strerror(errno));
    char *bytes = arena_alloc(&folder->arena, size + 1);
    size_t got = fread(bytes, 1, size, file);
    bool failed = ferror(file);
    fclose(file);
    if (failed)
        return error_set(err, ERROR_SYSTEM, "reading failed");
    *text = (struct span){bytes, got};
    return true;
}

static void add_fault(struct folder *folder, const char *name, struct error *why)
{
    error_add(why, "%s", name);
    fault_add(&folder->faults, span_of(arena_copy_text(&folder->arena, name)), why);
}

static void add_file(struct folder *folder, const char *path, const char *name, size_t size)
{
    struct store_file file = {
        span_of(arena_copy_text(&folder->arena, name)), {NULL, 0}
    };
    struct error err = {0};

    if (size > FILE_SIZE_MAX)
        error_set(&err, ERROR_LIMIT, "%zu bytes, more than %d", size, FILE_SIZE_MAX);
    else
        read_text(folder, path, size, &file.text, &err);
    if (err.kind != ERROR_NONE)
        add_fault(folder, name, &err);
    if (!file.text.data)
        return;
    if (folder->count == folder->room) {
        folder->room = folder->room ? folder->room * 2 : 32;
        folder->files = memory_resize(folder->files, folder->room * sizeof *folder->files);
    }
    folder->files[folder->count++] = file;
}

static bool is_wanted(const char *name)
{
    return is_lua(span_of(name)) || is_of_reports(name);
}

/* What cannot be looked at. A script is a fault of its own; but what lies in a folder, nobody
 * knows. */
static bool miss_entry(struct folder *folder, const char *path, const char *name, struct error *err)
{
    struct error why;
    bool is_link = errno == ELOOP; /* that leads to itself: no folder */

    if (errno == ENOENT)
        return true;
    if (!is_lua(span_of(name)) && !is_link)
        return error_errno(err, "looking at %s", path);
    error_set(&why, ERROR_SYSTEM, "%s", strerror(errno));
    if (is_wanted(name))
        add_fault(folder, name, &why);
    return true;
}

static bool read_below(struct folder *folder, const char *dir, const char *below, int depth,
                       struct error *err);

static bool read_entry(struct folder *folder, const char *dir, const char *name, int depth,
                       struct error *err)
{
    const char *path = arena_printf(&folder->arena, "%s/%s", dir, name);
    struct stat st;

    if (stat(path, &st) != 0)
        return miss_entry(folder, path, name, err);
    if (S_ISDIR(st.st_mode))
        return read_below(folder, dir, name, depth + 1, err);
    if (S_ISREG(st.st_mode) && is_wanted(name))
        add_file(folder, path, name, (size_t)st.st_size);
    return true;
}

static bool read_below(struct folder *folder, const char *dir, const char *below, int depth,
                       struct error *err)
{
    const char *path = *below ? arena_printf(&folder->arena, "%s/%s", dir, below) : dir;
    struct dirent *entry;
    bool ok = true;

    if (depth > FOLDER_DEPTH_MAX)
        return error_set(err, ERROR_LIMIT, "%s: folders deeper than %d", path, FOLDER_DEPTH_MAX);
    DIR *opened = opendir(path);
    if (!opened)
        return error_errno(err, "opening the scripts folder %s", path);
    while (ok && (entry = readdir(opened)))
        if (folder_wants(entry->d_name))
            ok = read_entry(
                folder, dir,
                arena_printf(&folder->arena, "%s%s%s", below, *below ? "/" : "", entry->d_name),
                depth, err);
    closedir(opened);
    return ok;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct store_file *)a)->name.data,
                  ((const struct store_file *)b)->name.data);
}

bool folder_read(struct folder *folder, const char *dir, struct error *err)
{
    *folder = (struct folder){0};
    if (!read_below(folder, dir, "", 0, err))
        return false;
    if (folder->count > 0)
        qsort(folder->files, folder->count, sizeof *folder->files, by_name);
    return true;
}

void folder_release(struct folder *folder)
{
    free(folder->files);
    faults_release(&folder->faults);
    arena_release(&folder->arena);
}
