/*
 * The Lua module "native.file": files without blocking the loop. All functions wait.
 *
 *   read(path, limit) -> text           write(path, text, mode)   the whole file, replaced at once
 *   append(path, text, mode)            list(path) -> { { name, size, modified, kind }... }
 *   look(path) -> entry or nil          remove(path)   rename(from, to)   make_folder(path, mode)
 *   spool(folder) -> spool              a file without a name, gone with its handle
 *   spool:write(text or pages buffer)   spool:close()
 *   spool:read(offset, size) -> text or nil
 *   spool:read(offset, size, pages buffer) -> bytes read, into the buffer's memory
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "activity/failure.h"
#include "activity/job.h"
#include "activity/modules.h"
#include "activity/pages.h"
#include "base/bytes.h"
#include "base/memory.h"
#include "script/vm.h"

#define SPOOL "signalroom.file.spool"

enum { ENTRIES_MAX = 100000 };

enum entry_kind { ENTRY_FILE, ENTRY_FOLDER, ENTRY_OTHER };

struct entry {
    char *name;
    double size;
    double modified;
    enum entry_kind kind;
};

struct file_job {
    struct job job; /* first */
    char what[16];  /* "reading": for errors */
    char *path;
    char *other;      /* of rename */
    struct span text; /* to be written; lives in Lua */
    struct bytes got;
    struct bytes *lender; /* whose memory `got` is, for the time of the job; lives in Lua */
    size_t limit;
    mode_t mode;
    struct entry *entries;
    size_t entry_count;
    int fd;      /* of a spool */
    bool opened; /* the spool's fd, and nobody has it yet */
    off_t offset;
    int code; /* errno; 0: went well */
};

/* --- on the pool --- */

static bool write_all(int fd, struct span text)
{
    while (text.size) {
        ssize_t n = write(fd, text.data, text.size);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            text.data += n;
            text.size -= (size_t)n;
        }
    }
    return true;
}

static void run_read(struct job *job)
{
    struct file_job *file = (struct file_job *)job;
    struct stat about;
    int fd = open(file->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &about) != 0) {
        file->code = errno;
        return;
    }
    enum { STEP = 1 << 16 };
    ssize_t n = 1;
    while (n > 0 && file->got.size <= file->limit) {
        n = read(fd, bytes_reserve(&file->got, STEP), STEP);
        if (n > 0)
            bytes_added(&file->got, (size_t)n);
    }
    if (n < 0)
        file->code = errno;
    else if (file->got.size > file->limit)
        file->code = EFBIG;
    close(fd);
}

/* The new text is whole on disk before it takes the old one's place. */
static void run_write(struct job *job)
{
    struct file_job *file = (struct file_job *)job;
    struct bytes beside = {0};
    bytes_printf(&beside, "%s.XXXXXX", file->path);
    int fd = mkostemp(beside.data, O_CLOEXEC);
    if (fd < 0) {
        file->code = errno;
    } else if (!write_all(fd, file->text) || fchmod(fd, file->mode) != 0 || fsync(fd) != 0 ||
               rename(beside.data, file->path) != 0) {
        file->code = errno;
        unlink(beside.data);
    }
    if (fd >= 0)
        close(fd);
    bytes_release(&beside);
}

static void run_append(struct job *job)
{
    struct file_job *file = (struct file_job *)job;
    int fd = open(file->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, file->mode);
    if (fd < 0 || !write_all(fd, file->text))
        file->code = errno;
    if (fd >= 0)
        close(fd);
}

static bool look_at(int folder, const char *name, struct entry *entry)
{
    struct stat about;
    if (fstatat(folder, name, &about, 0) != 0)
        return false;
    entry->name = memory_copy_text(name);
    entry->size = (double)about.st_size;
    entry->modified = (double)about.st_mtim.tv_sec + (double)about.st_mtim.tv_nsec / 1e9;
    entry->kind = S_ISREG(about.st_mode)   ? ENTRY_FILE
                  : S_ISDIR(about.st_mode) ? ENTRY_FOLDER
                                           : ENTRY_OTHER;
    return true;
}

static void run_look(struct job *job)
{
    struct file_job *file = (struct file_job *)job;
    file->entries = memory_new(sizeof *file->entries);
    if (look_at(AT_FDCWD, file->path, file->entries))
        file->entry_count = 1;
    else if (errno != ENOENT && errno != ENOTDIR)
        file->code = errno;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static void add_entry(struct file_job *file, int folder, const char *name)
{
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return;
    if ((file->entry_count & (file->entry_count - 1)) == 0)
        file->entries =
            memory_resize(file->entries, (file->entry_count * 2 + 1) * sizeof(struct entry));
    if (look_at(folder, name, &file->entries[file->entry_count]))
        file->entry_count++;
}

static void run_list(struct job *job)
{
    struct file_job *file = (struct file_job *)job;
    DIR *folder = opendir(file->path);
    struct dirent *found;
    if (!folder) {
        file->code = errno;
        return;
    }
    while ((found = readdir(folder)) && file->entry_count < ENTRIES_MAX)
        add_entry(file, dirfd(folder), found->d_name);
    if (found)
        file->code = EFBIG;
    closedir(folder);
    if (file->entry_count)
        qsort(file->entries, file->entry_count, sizeof *file->entries, by_name);
}

static void run_remove(struct job *job)
{
    struct file_job *file = (struct file_job *)job;
    if (remove(file->path) != 0)
        file->code = errno;
}

static void run_rename(struct job *job)
{
    struct file_job *file = (struct file_job *)job;
    if (rename(file->path, file->other) != 0)
        file->code = errno;
}

/* With the folders above it; one that is there already is as good. */
static void run_make_folder(struct job *job)
{
    struct file_job *file = (struct file_job *)job;
    for (char *slash = file->path; slash;) {
        slash = strchr(slash + 1, '/');
        if (slash)
            *slash = '\0';
        file->code = mkdir(file->path, file->mode) == 0 || errno == EEXIST ? 0 : errno;
        if (slash)
            *slash = '/';
    }
    struct stat about;
    if (!file->code && (stat(file->path, &about) != 0 || !S_ISDIR(about.st_mode)))
        file->code = ENOTDIR;
}

static void run_open_spool(struct job *job)
{
    struct file_job *file = (struct file_job *)job;
    file->fd = open(file->path, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    file->opened = file->fd >= 0;
    if (!file->opened)
        file->code = errno;
}

static void run_write_spool(struct job *job)
{
    struct file_job *file = (struct file_job *)job;
    if (!write_all(file->fd, file->text))
        file->code = errno;
}

static void run_read_spool(struct job *job)
{
    struct file_job *file = (struct file_job *)job;
    ssize_t n = pread(file->fd, bytes_reserve(&file->got, file->limit), file->limit, file->offset);
    if (n < 0)
        file->code = errno;
    else
        bytes_added(&file->got, (size_t)n);
}

/* --- what comes back --- */

static void release(struct job *job)
{
    struct file_job *file = (struct file_job *)job;
    for (size_t i = 0; i < file->entry_count; i++)
        free(file->entries[i].name);
    free(file->entries);
    free(file->path);
    free(file->other);
    bytes_release(&file->got);
    if (file->opened)
        close(file->fd);
}

/* True when it failed: `false, FileError` is pushed. */
static bool failed(const struct file_job *file, lua_State *L)
{
    if (!file->code)
        return false;
    lua_pushboolean(L, false);
    failure_push(L, "FileError", "%s %s: %s", file->what, file->path ? file->path : "a spool",
                 strerror(file->code));
    lua_pushstring(L, uv_err_name(uv_translate_sys_error(file->code)));
    lua_setfield(L, -2, "code");
    return true;
}

static int deliver_nothing(struct job *job, lua_State *L)
{
    if (failed((struct file_job *)job, L))
        return 2;
    lua_pushboolean(L, true);
    return 1;
}

static int deliver_text(struct job *job, lua_State *L)
{
    struct file_job *file = (struct file_job *)job;
    if (failed(file, L))
        return 2;
    lua_pushboolean(L, true);
    vm_push_bytes(L, bytes_span(&file->got));
    return 2;
}

static int deliver_to_lender(struct job *job, lua_State *L)
{
    struct file_job *file = (struct file_job *)job;
    *file->lender = file->got;
    file->got = (struct bytes){0};
    if (failed(file, L))
        return 2;
    lua_pushboolean(L, true);
    lua_pushnumber(L, (lua_Number)file->lender->size);
    return 2;
}

static int deliver_spooled(struct job *job, lua_State *L)
{
    struct file_job *file = (struct file_job *)job;
    int count = deliver_text(job, L);
    return file->code || file->got.size ? count : (lua_pop(L, 1), 1);
}

static void push_entry(lua_State *L, const struct entry *entry)
{
    static const char *const kinds[] = {"file", "folder", "other"};
    lua_createtable(L, 0, 4);
    lua_pushstring(L, entry->name);
    lua_setfield(L, -2, "name");
    lua_pushnumber(L, entry->size);
    lua_setfield(L, -2, "size");
    lua_pushnumber(L, entry->modified);
    lua_setfield(L, -2, "modified");
    lua_pushstring(L, kinds[entry->kind]);
    lua_setfield(L, -2, "kind");
}

static int deliver_look(struct job *job, lua_State *L)
{
    struct file_job *file = (struct file_job *)job;
    if (failed(file, L))
        return 2;
    lua_pushboolean(L, true);
    if (!file->entry_count)
        return 1;
    push_entry(L, file->entries);
    return 2;
}

static int deliver_list(struct job *job, lua_State *L)
{
    struct file_job *file = (struct file_job *)job;
    if (failed(file, L))
        return 2;
    lua_pushboolean(L, true);
    lua_createtable(L, (int)file->entry_count, 0);
    for (size_t i = 0; i < file->entry_count; i++) {
        push_entry(L, &file->entries[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
    return 2;
}

static int deliver_spool(struct job *job, lua_State *L)
{
    struct file_job *file = (struct file_job *)job;
    if (failed(file, L))
        return 2;
    lua_pushboolean(L, true);
    int *fd = lua_newuserdata(L, sizeof *fd);
    *fd = file->fd;
    file->opened = false;
    luaL_getmetatable(L, SPOOL);
    lua_setmetatable(L, -2);
    return 2;
}

/* --- Lua's side --- */

static struct file_job *file_job_new(const char *what, void (*run)(struct job *job),
                                     int (*deliver)(struct job *job, lua_State *L))
{
    struct file_job *file = memory_new(sizeof *file);
    snprintf(file->what, sizeof file->what, "%s", what);
    file->job.run = run;
    file->job.deliver = deliver;
    file->job.release = release;
    return file;
}

/* A job on the path that is argument 1. */
static struct file_job *on_path(lua_State *L, const char *what, void (*run)(struct job *job),
                                int (*deliver)(struct job *job, lua_State *L))
{
    size_t size;
    const char *path = luaL_checklstring(L, 1, &size);
    fiber_current(L);
    if (!size || strlen(path) != size)
        failure_raise(L, "ValueError", "a path must not be empty and must not have a NUL");
    struct file_job *file = file_job_new(what, run, deliver);
    file->path = memory_copy_text(path);
    return file;
}

static int read_file(lua_State *L)
{
    size_t limit = (size_t)luaL_checknumber(L, 2);
    struct file_job *file = on_path(L, "reading", run_read, deliver_text);
    file->limit = limit;
    return job_suspend(L, &file->job);
}

static int put(lua_State *L, const char *what, void (*run)(struct job *job))
{
    struct span text = modules_bytes(L, 2);
    mode_t mode = (mode_t)luaL_checkinteger(L, 3);
    struct file_job *file = on_path(L, what, run, deliver_nothing);
    file->text = text;
    file->mode = mode;
    return job_suspend(L, &file->job);
}

static int write_file(lua_State *L)
{
    return put(L, "writing", run_write);
}

static int append_file(lua_State *L)
{
    return put(L, "appending to", run_append);
}

static int list(lua_State *L)
{
    return job_suspend(L, &on_path(L, "listing", run_list, deliver_list)->job);
}

static int look(lua_State *L)
{
    return job_suspend(L, &on_path(L, "looking at", run_look, deliver_look)->job);
}

static int remove_path(lua_State *L)
{
    return job_suspend(L, &on_path(L, "removing", run_remove, deliver_nothing)->job);
}

static int rename_path(lua_State *L)
{
    const char *to = luaL_checkstring(L, 2);
    struct file_job *file = on_path(L, "renaming", run_rename, deliver_nothing);
    file->other = memory_copy_text(to);
    return job_suspend(L, &file->job);
}

static int make_folder(lua_State *L)
{
    mode_t mode = (mode_t)luaL_checkinteger(L, 2);
    struct file_job *file = on_path(L, "making", run_make_folder, deliver_nothing);
    file->mode = mode;
    return job_suspend(L, &file->job);
}

static int spool(lua_State *L)
{
    return job_suspend(L, &on_path(L, "spooling in", run_open_spool, deliver_spool)->job);
}

static int spool_check(lua_State *L)
{
    int fd = *(int *)luaL_checkudata(L, 1, SPOOL);
    fiber_current(L);
    if (fd < 0)
        failure_raise(L, "ValueError", "this spool has been closed");
    return fd;
}

static int spool_write(lua_State *L)
{
    int fd = spool_check(L);
    struct span text = modules_bytes(L, 2);
    struct file_job *file = file_job_new("writing", run_write_spool, deliver_nothing);
    file->fd = fd;
    file->text = text;
    return job_suspend(L, &file->job);
}

static int spool_read(lua_State *L)
{
    int fd = spool_check(L);
    double offset = luaL_checknumber(L, 2);
    size_t size = (size_t)luaL_checkinteger(L, 3);
    struct bytes *lender = pages_buffer(L, 4);
    struct file_job *file =
        file_job_new("reading", run_read_spool, lender ? deliver_to_lender : deliver_spooled);
    if (lender) {
        bytes_clear(lender);
        file->lender = lender;
        file->got = *lender;
        *lender = (struct bytes){0};
    }
    file->fd = fd;
    file->offset = (off_t)offset;
    file->limit = size;
    return job_suspend(L, &file->job);
}

static int spool_close(lua_State *L)
{
    int *fd = luaL_checkudata(L, 1, SPOOL);
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    return 0;
}

static const luaL_Reg spool_functions[] = {
    {"write", spool_write},
    {"read",  spool_read },
    {"close", spool_close},
    {"__gc",  spool_close},
    {NULL,    NULL       },
};

static const luaL_Reg functions[] = {
    {"read",        read_file  },
    {"write",       write_file },
    {"append",      append_file},
    {"list",        list       },
    {"look",        look       },
    {"remove",      remove_path},
    {"rename",      rename_path},
    {"make_folder", make_folder},
    {"spool",       spool      },
    {NULL,          NULL       },
};

int file_open(lua_State *L)
{
    luaL_newmetatable(L, SPOOL);
    luaL_register(L, NULL, spool_functions);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}
