#include "activity/reactor.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"

enum { WOKEN_MS = 2 * REACTOR_SLICE_MS };

static char reactor_key;

struct queue {
    struct letter *first;
    struct letter **last;
};

struct reactor {
    struct fiber_host host; /* first: a host is its reactor */
    uv_loop_t uv;
    uv_thread_t thread;
    uv_async_t mail;
    struct mailbox elsewhere; /* fibers woken on other threads */
    uv_idle_t turn;           /* active while a fiber is ready */
    struct queue woken;       /* their waits have ended */
    struct queue fresh;       /* never ran */
    struct queue spent;       /* used up a slice */
    struct reactor_part *parts;
    enum fiber_outcome outcome; /* of reactor_call's fiber */
};

static void queue_clear(struct queue *queue)
{
    queue->first = NULL;
    queue->last = &queue->first;
}

static void queue_add(struct queue *queue, struct letter *letter)
{
    letter->next = NULL;
    *queue->last = letter;
    queue->last = &letter->next;
}

static struct fiber *queue_take(struct queue *queue)
{
    struct letter *letter = queue->first;
    if (!letter)
        return NULL;
    queue->first = letter->next;
    if (!queue->first)
        queue_clear(queue);
    return (struct fiber *)letter;
}

static void run(struct reactor *reactor, struct fiber *fiber)
{
    enum fiber_outcome outcome = fiber_run(fiber);
    if (outcome == FIBER_PREEMPTED)
        queue_add(&reactor->spent, &fiber->letter);
    else if (outcome != FIBER_WAITING)
        fiber->ended(fiber, outcome);
}

static void run_some(struct reactor *reactor, struct queue *queue, int budget_ms)
{
    int64_t until = clock_monotonic_ms() + budget_ms;
    struct fiber *fiber;
    while ((fiber = queue_take(queue))) {
        run(reactor, fiber);
        if (clock_monotonic_ms() >= until)
            return;
    }
}

static void take_turn(uv_idle_t *idle)
{
    struct reactor *reactor = idle->data;
    run_some(reactor, &reactor->woken, WOKEN_MS);
    run_some(reactor, &reactor->fresh, REACTOR_SLICE_MS);
    run_some(reactor, &reactor->spent, 0);
    if (!reactor->woken.first && !reactor->fresh.first && !reactor->spent.first)
        uv_idle_stop(idle);
}

static void make_ready(struct reactor *reactor, struct queue *queue, struct fiber *fiber)
{
    queue_add(queue, &fiber->letter);
    uv_idle_start(&reactor->turn, take_turn);
}

static void ready(struct fiber_host *host, struct fiber *fiber)
{
    struct reactor *reactor = (struct reactor *)host;
    uv_thread_t self = uv_thread_self();
    if (uv_thread_equal(&self, &reactor->thread))
        make_ready(reactor, &reactor->woken, fiber);
    else
        mailbox_send(&reactor->elsewhere, &fiber->letter);
}

static void take_mail(uv_async_t *mail)
{
    struct reactor *reactor = mail->data;
    struct letter *letter = mailbox_take(&reactor->elsewhere);
    while (letter) {
        struct fiber *fiber = (struct fiber *)letter;
        letter = letter->next;
        make_ready(reactor, &reactor->woken, fiber);
    }
}

static void ring(void *mail)
{
    uv_async_send(mail);
}

static bool open_loop(struct reactor *reactor, struct error *err)
{
    int rc = uv_loop_init(&reactor->uv);
    if (rc == 0)
        rc = uv_async_init(&reactor->uv, &reactor->mail, take_mail);
    if (rc != 0)
        return error_set(err, ERROR_SYSTEM, "opening an event loop: %s", uv_strerror(rc));
    uv_idle_init(&reactor->uv, &reactor->turn);
    reactor->mail.data = reactor->turn.data = reactor;
    return true;
}

bool reactor_open(struct reactor **out, struct vm *vm, struct error *err)
{
    struct reactor *reactor = memory_new(sizeof *reactor);
    if (!open_loop(reactor, err)) {
        free(reactor);
        return false;
    }
    fiber_host_open(&reactor->host, vm);
    mailbox_init(&reactor->elsewhere, ring, &reactor->mail);
    queue_clear(&reactor->woken);
    queue_clear(&reactor->fresh);
    queue_clear(&reactor->spent);
    reactor->host.ready = ready;
    reactor->host.slice_ms = REACTOR_SLICE_MS;
    reactor->thread = uv_thread_self();
    lua_State *L = vm_lua(vm);
    lua_pushlightuserdata(L, &reactor_key);
    lua_pushlightuserdata(L, reactor);
    lua_rawset(L, LUA_REGISTRYINDEX);
    *out = reactor;
    return true;
}

void reactor_close(struct reactor *reactor)
{
    vm_free(reactor->host.vm);
    while (reactor->parts) {
        struct reactor_part *part = reactor->parts;
        reactor->parts = part->next;
        part->close(part);
    }
    uv_close((uv_handle_t *)&reactor->mail, NULL);
    uv_close((uv_handle_t *)&reactor->turn, NULL);
    uv_run(&reactor->uv, UV_RUN_DEFAULT);
    uv_loop_close(&reactor->uv);
    mailbox_release(&reactor->elsewhere);
    free(reactor);
}

uv_loop_t *reactor_uv(struct reactor *reactor)
{
    return &reactor->uv;
}

lua_State *reactor_lua(struct reactor *reactor)
{
    return vm_lua(reactor->host.vm);
}

void reactor_add(struct reactor *reactor, struct reactor_part *part)
{
    part->next = reactor->parts;
    reactor->parts = part;
}

struct reactor *reactor_of(lua_State *L)
{
    lua_pushlightuserdata(L, &reactor_key);
    lua_rawget(L, LUA_REGISTRYINDEX);
    struct reactor *reactor = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return reactor;
}

struct fiber *reactor_spawn(struct reactor *reactor, int count,
                            void (*ended)(struct fiber *fiber, enum fiber_outcome outcome))
{
    struct fiber *fiber = fiber_new(&reactor->host, count);
    if (!fiber)
        return NULL;
    fiber->ended = ended;
    make_ready(reactor, &reactor->fresh, fiber);
    return fiber;
}

void reactor_run(struct reactor *reactor)
{
    reactor->thread = uv_thread_self();
    uv_run(&reactor->uv, UV_RUN_DEFAULT);
}

void reactor_stop(struct reactor *reactor)
{
    uv_stop(&reactor->uv);
}

static void call_ended(struct fiber *fiber, enum fiber_outcome outcome)
{
    struct reactor *reactor = (struct reactor *)fiber->host;
    reactor->outcome = outcome;
    reactor_stop(reactor);
}

enum fiber_outcome reactor_call(struct reactor *reactor, int count, int *results)
{
    *results = 0;
    struct fiber *fiber = reactor_spawn(reactor, count, call_ended);
    if (!fiber)
        return FIBER_OUT_OF_MEMORY;
    reactor_run(reactor);
    if (reactor->outcome == FIBER_DONE)
        *results = lua_gettop(fiber->L);
    else if (reactor->outcome == FIBER_ERROR)
        *results = 1;
    lua_xmove(fiber->L, reactor_lua(reactor), *results);
    fiber_free(fiber);
    return reactor->outcome;
}
