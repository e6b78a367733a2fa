#include "shortage.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdatomic.h>
#include <uv.h>

static atomic_int left = INT_MAX;

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
