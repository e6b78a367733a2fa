/*
<<<<<<< HEAD
 * The Lua module "native.file": files without blocking the loop. All functions wait.
 *
 *   read(path, limit) -> text           write(path, text, mode)   the whole file, replaced at once
 *   append(path, text, mode)            list(path) -> { { name, size, modified, kind }... }
 *   look(path) -> entry or nil          remove(path)   rename(from, to)   make_folder(path, mode)
 *   spool(folder) -> spool              a file without a name, gone with its handle
 *   spool:write(text or pages buffer)   spool:read(offset, size) -> text or nil   spool:close()
=======
 * The Lua module "native.file": files read and written on libuv's worker threads, so that a slow
 * disk stops nobody. Whole files, and spools: unnamed temporary files that are written, then read
 * once.
>>>>>>> 0b3dcd2 (activity: Files, hashes, log lines and secrets for scripts)
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
<<<<<<< HEAD
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "activity/failure.h"
#include "activity/job.h"
#include "activity/modules.h"
#include "base/bytes.h"
#include "base/memory.h"

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
=======
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "activity/modules.h"
#include "activity/pages.h"
#include "base/memory.h"

enum { WHOLE_MAX = 256 << 20, CHUNK_BYTES = 256 << 10 };

static const char SPOOL[] = "signalroom.spool";

struct spool {
    int fd;
    bool busy;
};

/* One piece of work: `run` on a worker thread, `push` on the fiber's. */
struct job {
    struct fiber_wait wait;
    uv_work_t work;
    void (*run)(struct job *job);
    int (*push)(struct job *job, lua_State *L);
    char *path;
    struct bytes text;
    struct spool *spool;
    const char *what;
    int problem; /* errno */
};

/* --- the way to a worker thread and back --- */

static int deliver(struct fiber_wait *wait, lua_State *L)
{
    struct job *job = (struct job *)wait;
    lua_pushboolean(L, job->problem == 0);
    if (job->problem == 0)
        return 1 + (job->push ? job->push(job, L) : 0);
    lua_pushfstring(L, "%s %s: %s", job->what, job->path ? job->path : "the spool file",
                    strerror(job->problem));
    return 2;
}

static void interrupt(struct fiber_wait *wait)
{
    uv_cancel((uv_req_t *)&((struct job *)wait)->work);
}

static void release(struct fiber_wait *wait)
{
    struct job *job = (struct job *)wait;
    if (job->spool)
        job->spool->busy = false;
    bytes_release(&job->text);
    free(job->path);
    free(job);
}

static void run_job(uv_work_t *work)
{
    struct job *job = work->data;
    job->run(job);
}

static void ran(uv_work_t *work, int status)
{
    struct job *job = work->data;
    if (status != 0)
        job->problem = ECANCELED;
    fiber_wake(&job->wait);
}

static struct job *new_job(const char *what, void (*run)(struct job *job),
                           int (*push)(struct job *job, lua_State *L))
{
    struct job *job = memory_new(sizeof *job);
    job->what = what;
    job->run = run;
    job->push = push;
    job->work.data = job;
    return job;
}

static int start(lua_State *L, struct job *job)
{
    job->wait = (struct fiber_wait){fiber_current(L), deliver, interrupt, release};
    uv_queue_work(reactor_uv(reactor_of(L)), &job->work, run_job, ran);
    return fiber_suspend(L, &job->wait);
}

/* --- whole files --- */
>>>>>>> 0b3dcd2 (activity: Files, hashes, log lines and secrets for scripts)

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

<<<<<<< HEAD
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
=======
static void read_file(struct job *job)
{
    struct stat about;
    int fd = open(job->path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 || fstat(fd, &about) != 0 ? -1 : 1;
    if (n > 0 && S_ISREG(about.st_mode) && about.st_size > WHOLE_MAX) {
        errno = EFBIG;
        n = -1;
    }
    while (n > 0) {
        n = read(fd, bytes_reserve(&job->text, CHUNK_BYTES), CHUNK_BYTES);
        bytes_added(&job->text, n > 0 ? (size_t)n : 0);
    }
    job->problem = n < 0 ? errno : 0;
>>>>>>> 0b3dcd2 (activity: Files, hashes, log lines and secrets for scripts)
    if (fd >= 0)
        close(fd);
}

<<<<<<< HEAD
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
    lua_pushlstring(L, bytes_text(&file->got), file->got.size);
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
    struct file_job *file = file_job_new("reading", run_read_spool, deliver_spooled);
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
=======
static int push_text(struct job *job, lua_State *L)
{
    lua_pushlstring(L, bytes_text(&job->text), job->text.size);
    return 1;
}

static int read_whole(lua_State *L)
{
    struct job *job = new_job("reading", read_file, push_text);
    job->path = memory_copy_text(luaL_checkstring(L, 1));
    return start(L, job);
}

/* Beside the file first, then renamed over it: a reader sees the old text or the new one. */
static void write_file(struct job *job)
{
    struct bytes beside = {0};
    bytes_printf(&beside, "%s.XXXXXX", job->path);
    int fd = mkostemp(beside.data, O_CLOEXEC);
    bool ok = fd >= 0 && write_all(fd, bytes_span(&job->text)) && fchmod(fd, 0644) == 0 &&
              fsync(fd) == 0 && rename(beside.data, job->path) == 0;
    job->problem = ok ? 0 : errno;
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && !ok)
        unlink(beside.data);
    bytes_release(&beside);
}

static int write_whole(lua_State *L)
{
    size_t size;
    const char *path = luaL_checkstring(L, 1);
    const char *text = luaL_checklstring(L, 2, &size);
    struct job *job = new_job("writing", write_file, NULL);
    job->path = memory_copy_text(path);
    bytes_add(&job->text, text, size);
    return start(L, job);
}

static void remove_file(struct job *job)
{
    job->problem = unlink(job->path) == 0 ? 0 : errno;
}

static int remove_whole(lua_State *L)
{
    struct job *job = new_job("removing", remove_file, NULL);
    job->path = memory_copy_text(luaL_checkstring(L, 1));
    return start(L, job);
}

/* Names in the folder, NUL between them. */
static void list_folder(struct job *job)
{
    DIR *folder = opendir(job->path);
    job->problem = folder ? 0 : errno;
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            bytes_add(&job->text, entry->d_name, strlen(entry->d_name) + 1);
    if (folder)
        closedir(folder);
}

static int push_names(struct job *job, lua_State *L)
{
    lua_newtable(L);
    const char *name = bytes_text(&job->text);
    const char *end = name + job->text.size;
    for (int i = 1; name < end; i++, name += strlen(name) + 1) {
        lua_pushstring(L, name);
        lua_rawseti(L, -2, i);
    }
    return 1;
}

static int list_names(lua_State *L)
{
    struct job *job = new_job("listing", list_folder, push_names);
    job->path = memory_copy_text(luaL_checkstring(L, 1));
    return start(L, job);
}

static int exists(lua_State *L)
{
    lua_pushboolean(L, access(luaL_checkstring(L, 1), F_OK) == 0);
    return 1;
}

/* --- spools --- */

static int new_spool(lua_State *L)
{
    const char *folder = getenv("TMPDIR");
    struct spool *spool = lua_newuserdata(L, sizeof *spool);
    *spool = (struct spool){
        .fd = open(folder && *folder ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
    if (spool->fd < 0)
        return luaL_error(L, "making a spool file: %s", strerror(errno));
    luaL_getmetatable(L, SPOOL);
    lua_setmetatable(L, -2);
    return 1;
}

static struct spool *spool_at(lua_State *L)
{
    struct spool *spool = luaL_checkudata(L, 1, SPOOL);
    if (spool->fd < 0 || spool->busy)
        luaL_error(L, "the spool file is %s", spool->busy ? "in use" : "closed");
    return spool;
}

static void append_spool(struct job *job)
{
    bool ok = lseek(job->spool->fd, 0, SEEK_END) >= 0 &&
              write_all(job->spool->fd, bytes_span(&job->text));
    job->problem = ok ? 0 : errno;
}

/* spool, text or a buffer of pages, whose bytes are taken over. */
static int append(lua_State *L)
{
    struct spool *spool = spool_at(L);
    struct bytes *buffer = pages_buffer(L, 2);
    struct bytes text = {0};
    size_t size = 0;
    const char *words = buffer ? NULL : luaL_checklstring(L, 2, &size);
    if (buffer) {
        text = *buffer;
        *buffer = (struct bytes){0};
    } else {
        bytes_add(&text, words, size);
    }
    struct job *job = new_job("writing", append_spool, NULL);
    job->spool = spool;
    job->text = text;
    spool->busy = true;
    return start(L, job);
}

static int rewind_spool(lua_State *L)
{
    lseek(spool_at(L)->fd, 0, SEEK_SET);
    return 0;
}

static void read_chunk(struct job *job)
{
    ssize_t n = read(job->spool->fd, bytes_reserve(&job->text, CHUNK_BYTES), CHUNK_BYTES);
    job->problem = n < 0 ? errno : 0;
    bytes_added(&job->text, n > 0 ? (size_t)n : 0);
}

static int push_chunk(struct job *job, lua_State *L)
{
    return job->text.size ? push_text(job, L) : 0;
}

/* The next 256 KiB, nothing at the end. */
static int next_chunk(lua_State *L)
{
    struct job *job = new_job("reading", read_chunk, push_chunk);
    job->spool = spool_at(L);
    job->spool->busy = true;
    return start(L, job);
}

static int close_spool(lua_State *L)
{
    struct spool *spool = luaL_checkudata(L, 1, SPOOL);
    if (spool->fd >= 0 && !spool->busy) {
        close(spool->fd);
        spool->fd = -1;
    }
    return 0;
}

int file_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"read",   read_whole  },
        {"write",  write_whole },
        {"remove", remove_whole},
        {"list",   list_names  },
        {"exists", exists      },
        {"spool",  new_spool   },
        {NULL,     NULL        },
    };
    static const luaL_Reg methods[] = {
        {"append", append      },
        {"rewind", rewind_spool},
        {"next",   next_chunk  },
        {"close",  close_spool },
        {NULL,     NULL        },
    };
    luaL_newmetatable(L, SPOOL);
    lua_pushcfunction(L, close_spool);
    lua_setfield(L, -2, "__gc");
    lua_newtable(L);
    luaL_register(L, NULL, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
>>>>>>> 0b3dcd2 (activity: Files, hashes, log lines and secrets for scripts)
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}
