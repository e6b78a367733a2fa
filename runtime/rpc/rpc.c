#include "rpc/rpc.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "rpc/call.h"
#include "rpc/channel.h"
#include "rpc/grpc_log.h"
#include "rpc/tls.h"

enum { SHUTDOWN_PATIENCE_MS = 1000 };

static atomic_int users_of_grpc;

/* Debian builds Abseil with its search for deadlocks on: a graph of all locks, kept at each of the
 * hundreds that gRPC takes in a call. It can be had off by a C++ function alone, by its name in
 * Debian's library; where there is none of that name, calls only cost more. */
static void spare_lock_graph(void)
{
    enum { IGNORE_DEADLOCKS };
    void (*set_mode)(int) = dlsym(
        RTLD_DEFAULT, "_ZN4absl7debian329SetMutexDeadlockDetectionModeENS0_15OnDeadlockCycleE");
    if (set_mode)
        set_mode(IGNORE_DEADLOCKS);
}

static void prepare_grpc(void)
{
    spare_lock_graph();
    tls_use_system_roots();
    grpc_log_capture();
}

static void start_grpc(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, prepare_grpc);
    atomic_fetch_add(&users_of_grpc, 1);
    grpc_init();
}

/* gRPC's own threads may let go of it a moment later; who closes the last rpc wants none left. */
static void stop_grpc(void)
{
    bool last = atomic_fetch_sub(&users_of_grpc, 1) == 1;
    int64_t until_ms = clock_monotonic_ms() + SHUTDOWN_PATIENCE_MS;
    grpc_shutdown();
    while (last && grpc_is_initialized() && clock_monotonic_ms() < until_ms)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

bool rpc_open(struct rpc **out, const struct rpc_config *config, struct error *err)
{
    struct channel *channel;
    start_grpc();
    if (!channel_open(&channel, config, err)) {
        stop_grpc();
        return error_add(err, "connecting to %s", config->address);
    }
    struct rpc *rpc = memory_new(sizeof *rpc);
    int64_t seed = clock_monotonic_us();
    memcpy(rpc->dice, &seed, sizeof rpc->dice);
    if (!pump_start(rpc, channel, err)) {
        free(rpc);
        stop_grpc();
        return false;
    }
    *out = rpc;
    return true;
}

void rpc_close(struct rpc *rpc)
{
    if (!rpc)
        return;
    pump_stop(rpc);
    free(rpc);
    stop_grpc();
}

struct rpc_call *rpc_start(struct rpc *rpc, const struct rpc_request *request, rpc_done *done,
                           void *user)
{
    struct rpc_call *call = call_new(rpc, request);
    call->done = done;
    call->user = user;
    pump_send(rpc, &call->start);
    return call;
}

void rpc_cancel(struct rpc_call *call)
{
    if (atomic_load(&call->ended) || atomic_exchange(&call->cancel_asked, true))
        return;
    atomic_fetch_add(&call->holders, 1);
    if (!pump_send(call->rpc, &call->cancel))
        call_drop(call);
}

void rpc_call_free(struct rpc_call *call)
{
    if (call)
        call_drop(call);
}

struct waiter {
    pthread_mutex_t mutex;
    pthread_cond_t answered;
    bool done;
    struct rpc_reply reply;
};

static void wake_waiter(void *user, struct rpc_reply *reply)
{
    struct waiter *waiter = user;
    pthread_mutex_lock(&waiter->mutex);
    waiter->reply = *reply;
    waiter->done = true;
    pthread_cond_signal(&waiter->answered);
    pthread_mutex_unlock(&waiter->mutex);
}

void rpc_wait(struct rpc *rpc, const struct rpc_request *request, struct rpc_reply *reply)
{
    struct waiter waiter = {.mutex = PTHREAD_MUTEX_INITIALIZER,
                            .answered = PTHREAD_COND_INITIALIZER};
    struct rpc_call *call = rpc_start(rpc, request, wake_waiter, &waiter);
    pthread_mutex_lock(&waiter.mutex);
    while (!waiter.done)
        pthread_cond_wait(&waiter.answered, &waiter.mutex);
    pthread_mutex_unlock(&waiter.mutex);
    rpc_call_free(call);
    *reply = waiter.reply;
}

bool rpc_connected(const struct rpc *rpc)
{
    return atomic_load(&rpc->connected);
}

void rpc_internal_is_final(struct rpc *rpc)
{
    atomic_store(&rpc->internal_is_final, true);
}
