#include "shortage.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <sys/inotify.h>
#include <uv.h>

static atomic_int left = INT_MAX;
static atomic_bool blind;
static atomic_int watched;

void shortage_after(int loops)
{
    atomic_store(&left, loops);
}

void shortage_over(void)
{
    atomic_store(&left, INT_MAX);
}

int uv_loop_init(uv_loop_t *loop)
{
    int (*init)(uv_loop_t *) = (int (*)(uv_loop_t *))dlsym(RTLD_NEXT, "uv_loop_init");

    return atomic_fetch_sub(&left, 1) > 0 ? init(loop) : UV_EMFILE;
}

void shortage_of_watches(bool lasts)
{
    atomic_store(&blind, lasts);
}

int shortage_watched(void)
{
    return atomic_load(&watched);
}

int inotify_add_watch(int fd, const char *path, uint32_t mask)
{
    int (*add)(int, const char *, uint32_t) =
        (int (*)(int, const char *, uint32_t))dlsym(RTLD_NEXT, "inotify_add_watch");

    if (atomic_load(&blind)) {
        errno = ENOSPC;
        return -1;
    }
    atomic_fetch_add(&watched, 1);
    return add(fd, path, mask);
}
