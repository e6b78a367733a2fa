#include "worker/watch.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/folder.h"

enum {
    DEPTH_MAX = 16,
    LONGEST_MS = 2000, /* from the first event until it is told, whatever goes on */
};

/* On one folder. */
struct eye {
    uv_fs_event_t event;
    struct watch *watch;
    struct eye *next;
    char *path;
    const char *only; /* the one name that counts, NULL: all do */
    dev_t device;
    ino_t inode;
    bool seen; /* by the walk under way */
};

struct watch {
    struct watch_options options;
    char *dir;
    uv_loop_t *loop;
    uv_timer_t quiet;
    uv_timer_t look;
    struct eye *eyes;
    int64_t since_us; /* 0: nothing has happened */
    uint64_t signature;
    int handles; /* open ones; freed with the last */
    bool blind;  /* that some folder cannot be watched has been said */
};

/* --- telling --- */

static void walk(struct watch *watch);

static void on_quiet(uv_timer_t *timer)
{
    struct watch *watch = timer->data;
    int64_t since_us = watch->since_us;
    watch->since_us = 0;
    walk(watch);
    watch->options.changed(watch->options.user, since_us);
}

static void stir(struct watch *watch)
{
    int64_t now_us = clock_monotonic_us();
    if (!watch->since_us)
        watch->since_us = now_us;
    if (now_us - watch->since_us < LONGEST_MS * 1000 || !uv_is_active((uv_handle_t *)&watch->quiet))
        uv_timer_start(&watch->quiet, on_quiet, (uint64_t)watch->options.quiet_ms, 0);
}

static void on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
    const struct eye *eye = event->data;
    (void)events;
    (void)status;
    if (!name || (eye->only ? strcmp(name, eye->only) == 0 : folder_wants(name)))
        stir(eye->watch);
}

static void on_look(uv_timer_t *timer)
{
    struct watch *watch = timer->data;
    uint64_t before = watch->signature;
    walk(watch);
    if (watch->signature != before)
        stir(watch);
}

/* --- eyes --- */

static void let_go(struct watch *watch)
{
    if (--watch->handles > 0)
        return;
    free(watch->dir);
    free(watch);
}

static void eye_closed(uv_handle_t *handle)
{
    struct eye *eye = handle->data;
    struct watch *watch = eye->watch;
    free(eye->path);
    free(eye);
    let_go(watch);
}

static void timer_closed(uv_handle_t *handle)
{
    let_go(handle->data);
}

static void say_blind(struct watch *watch, const char *path, int code)
{
    if (!watch->blind)
        log_event(LOG_WARNING, "scripts_not_watched", "folder", path, "reason", uv_strerror(code),
                  NULL);
    watch->blind = true;
}

static void look_with(struct eye *eye)
{
    int code = uv_fs_event_start(&eye->event, on_event, eye->path, 0);
    if (code)
        say_blind(eye->watch, eye->path, code);
}

static struct eye *open_eye(struct watch *watch, const char *path, const struct stat *st)
{
    struct eye *eye = memory_new(sizeof *eye);
    eye->watch = watch;
    eye->path = memory_copy_text(path);
    eye->device = st->st_dev;
    eye->inode = st->st_ino;
    eye->event.data = eye;
    eye->next = watch->eyes;
    watch->eyes = eye;
    uv_fs_event_init(watch->loop, &eye->event);
    watch->handles++;
    look_with(eye);
    return eye;
}

/* The eye on this very folder: one of the same name that took its place needs another. One that the
 * system would not open gets another chance. */
static void see_folder(struct watch *watch, const char *path, const struct stat *st)
{
    for (struct eye *eye = watch->eyes; eye; eye = eye->next)
        if (!eye->only && strcmp(eye->path, path) == 0 && eye->device == st->st_dev &&
            eye->inode == st->st_ino) {
            eye->seen = true;
            if (!uv_is_active((uv_handle_t *)&eye->event))
                look_with(eye);
            return;
        }
    open_eye(watch, path, st)->seen = true;
}

/* --- walking --- */

static void sign(struct watch *watch, const char *path, const struct stat *st)
{
    const uint64_t facts[] = {(uint64_t)st->st_ino, (uint64_t)st->st_size,
                              (uint64_t)st->st_mtim.tv_sec, (uint64_t)st->st_mtim.tv_nsec};
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char *c = path; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        hash = (hash ^ facts[i]) * 0x100000001b3u;
    watch->signature += hash; /* in whatever order the folder lists them */
}

static void walk_below(struct watch *watch, const char *path, int depth);

static void walk_entry(struct watch *watch, const char *path, int depth)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return;
    if (S_ISDIR(st.st_mode)) {
        see_folder(watch, path, &st);
        walk_below(watch, path, depth + 1);
    } else {
        sign(watch, path, &st);
    }
}

static void walk_below(struct watch *watch, const char *path, int depth)
{
    DIR *opened = depth <= DEPTH_MAX ? opendir(path) : NULL;
    struct dirent *entry;
    while (opened && (entry = readdir(opened))) {
        char below[PATH_MAX];
        if (folder_wants(entry->d_name) &&
            snprintf(below, sizeof below, "%s/%s", path, entry->d_name) < (int)sizeof below)
            walk_entry(watch, below, depth);
    }
    if (opened)
        closedir(opened);
}

static void close_unseen(struct watch *watch)
{
    struct eye **link = &watch->eyes;
    while (*link) {
        struct eye *eye = *link;
        if (eye->seen || eye->only) {
            link = &eye->next;
        } else {
            *link = eye->next;
            uv_close((uv_handle_t *)&eye->event, eye_closed);
        }
    }
}

/* Gives every folder its eye and signs what lies in them. */
static void walk(struct watch *watch)
{
    for (struct eye *eye = watch->eyes; eye; eye = eye->next)
        eye->seen = false;
    watch->signature = 0;
    walk_entry(watch, watch->dir, 0);
    close_unseen(watch);
}

/* --- the door --- */

/* The folder itself may be replaced, as deployments do that switch a symbolic link. */
static void watch_parent(struct watch *watch)
{
    char parent[PATH_MAX];
    struct stat st;
    const char *slash = strrchr(watch->dir, '/');
    snprintf(parent, sizeof parent, "%.*s", slash ? (int)(slash - watch->dir) : 1,
             slash ? watch->dir : ".");
    if (stat(*parent ? parent : "/", &st) == 0)
        open_eye(watch, *parent ? parent : "/", &st)->only = slash ? slash + 1 : watch->dir;
}

static void open_timer(struct watch *watch, uv_timer_t *timer)
{
    uv_timer_init(watch->loop, timer);
    timer->data = watch;
    watch->handles++;
}

bool watch_open(struct watch **out, uv_loop_t *loop, const struct watch_options *options,
                struct error *err)
{
    struct stat st;
    if (stat(options->dir, &st) != 0)
        return error_errno(err, "watching the scripts folder %s", options->dir);
    struct watch *watch = memory_new(sizeof *watch);
    watch->options = *options;
    watch->dir = memory_copy_text(options->dir);
    for (size_t end = strlen(watch->dir); end > 1 && watch->dir[end - 1] == '/'; end--)
        watch->dir[end - 1] = '\0';
    watch->loop = loop;
    open_timer(watch, &watch->quiet);
    open_timer(watch, &watch->look);
    watch_parent(watch);
    walk(watch);
    uv_timer_start(&watch->look, on_look, (uint64_t)options->look_ms, (uint64_t)options->look_ms);
    *out = watch;
    return true;
}

void watch_close(struct watch *watch)
{
    if (!watch)
        return;
    uv_close((uv_handle_t *)&watch->quiet, timer_closed);
    uv_close((uv_handle_t *)&watch->look, timer_closed);
    while (watch->eyes) {
        struct eye *eye = watch->eyes;
        watch->eyes = eye->next;
        uv_close((uv_handle_t *)&eye->event, eye_closed);
    }
}
