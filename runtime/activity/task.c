#include "activity/task.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "activity/failure.h"
#include "activity/scratch.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/redact.h"
#include "proto/proto.h"
#include "script/message.h"

typedef Tpb__Workflowservice__PollActivityTaskQueueResponse Poll;

enum { LONGEST_BEAT_MS = 10000 };

struct task {
    struct task_host *host;
    void *key;
    struct fiber *fiber;
    struct vm_account *account;
    struct arena arena; /* of the poll and of what is packed */
    const Poll *poll;
    uv_timer_t timer;
    int state;            /* registry: what Lua keeps of it */
    struct bytes details; /* packed Payloads: of the last heartbeat, at first of the last attempt */
    int64_t beat_every_ms;
    int64_t heartbeat_ms; /* the server's timeout, 0: none */
    /* Monotonic, INT64_MAX: never. */
    int64_t beat_at;   /* by itself, if the fiber gave a sign of life */
    int64_t silent_at; /* it has not beaten for too long */
    int64_t close_at;  /* it has run for too long */
    int64_t kill_at;
    unsigned long waits; /* of the fiber, at the last look */
    bool cancelled;
    enum activity_cancel_reason reason;
    struct activity_outcome outcome;
};

static const char *const reason_names[] = {
    [ACTIVITY_CANCEL_REQUESTED] = "cancel_requested",
    [ACTIVITY_NOT_FOUND] = "not_found",
    [ACTIVITY_TIMED_OUT] = "timed_out",
    [ACTIVITY_PAUSED] = "paused",
    [ACTIVITY_RESET] = "reset",
    [ACTIVITY_WORKER_SHUTDOWN] = "worker_shutdown",
};

/* The server no longer waits for it. */
static bool gone(const struct task *task)
{
    return task->cancelled &&
           (task->reason == ACTIVITY_NOT_FOUND || task->reason == ACTIVITY_TIMED_OUT);
}

/* --- its end --- */

static void free_task(uv_handle_t *timer)
{
    struct task *task = timer->data;
    arena_release(&task->arena);
    bytes_release(&task->details);
    bytes_release(&task->outcome.body);
    free(task);
}

static void fail(struct task *task, const char *type, const char *message)
{
    struct arena *arena = &task->arena;
    Tpb__Workflowservice__RespondActivityTaskFailedRequest *request =
        proto_new(&tpb__workflowservice__respond_activity_task_failed_request__descriptor, arena);
    Tpb__Failure__Failure *failure = proto_new(&tpb__failure__failure__descriptor, arena);
    Tpb__Failure__ApplicationFailureInfo *info =
        proto_new(&tpb__failure__application_failure_info__descriptor, arena);
    info->type = arena_copy_text(arena, type);
    failure->message = arena_copy_text(arena, message);
    failure->source = "LuaSDK";
    failure->application_failure_info = info;
    failure->failure_info_case = TPB__FAILURE__FAILURE__FAILURE_INFO_APPLICATION_FAILURE_INFO;
    request->failure = failure;
    task->outcome.kind = ACTIVITY_FAILED;
    bytes_clear(&task->outcome.body);
    proto_pack(request, &task->outcome.body);
}

static void finish(struct task *task)
{
    const struct activity_listener *listener = task->host->listener;
    if (gone(task)) {
        task->outcome.kind = ACTIVITY_DROPPED;
        bytes_clear(&task->outcome.body);
    }
    map_remove(&task->host->tasks, (uintptr_t)task->key);
    listener->finished(listener->user, task->key, &task->outcome);
    vm_account_free(task->account);
    uv_close((uv_handle_t *)&task->timer, free_task);
}

static void ended(struct fiber *fiber, enum fiber_outcome outcome)
{
    struct task *task = fiber->owner;
    struct error err;
    if (outcome == FIBER_OUT_OF_MEMORY) {
        fail(task, "OutOfMemory", "the activity needs more memory than one task may have");
    } else if (outcome == FIBER_KILLED) {
        task->outcome.kind = ACTIVITY_DROPPED;
    } else if (outcome == FIBER_ERROR) {
        vm_error(fiber->L, &err);
        fail(task, "LuaError", err.text);
    }
    luaL_unref(reactor_lua(task->host->reactor), LUA_REGISTRYINDEX, task->state);
    fiber_free(fiber);
    finish(task);
}

/* --- time --- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void on_timer(uv_timer_t *timer);

static void arm(struct task *task)
{
    int64_t at =
        earlier(earlier(task->beat_at, task->silent_at), earlier(task->close_at, task->kill_at));
    int64_t now = clock_monotonic_ms();
    uv_timer_start(&task->timer, on_timer, (uint64_t)(at > now ? at - now : 0), 0);
}

static void beat(struct task *task)
{
    const struct activity_listener *listener = task->host->listener;
    if (task->heartbeat_ms)
        task->silent_at = clock_monotonic_ms() + task->heartbeat_ms + TASK_GRACE_MS;
    listener->heartbeat(listener->user, task->key, bytes_span(&task->details));
}

/* The weightiest reason counts, and only a weightier one interrupts a script that cleans up. */
static bool outweighs(enum activity_cancel_reason reason, const struct task *task)
{
    static const int weights[] = {
        [ACTIVITY_WORKER_SHUTDOWN] = 1,  [ACTIVITY_PAUSED] = 2,    [ACTIVITY_RESET] = 3,
        [ACTIVITY_CANCEL_REQUESTED] = 4, [ACTIVITY_TIMED_OUT] = 5, [ACTIVITY_NOT_FOUND] = 5,
    };
    return !task->cancelled || weights[reason] > weights[task->reason];
}

static void cancel(struct task *task, enum activity_cancel_reason reason)
{
    if (!outweighs(reason, task))
        return;
    task->cancelled = true;
    task->reason = reason;
    if (gone(task)) {
        task->beat_at = task->silent_at = task->close_at = INT64_MAX;
        task->kill_at = clock_monotonic_ms() + TASK_GRACE_MS;
        arm(task);
    }
    fiber_cancel(task->fiber);
}

static void on_timer(uv_timer_t *timer)
{
    struct task *task = timer->data;
    int64_t now = clock_monotonic_ms();
    if (now >= task->kill_at) {
        task->kill_at = INT64_MAX;
        fiber_kill(task->fiber);
        return;
    }
    if (now >= task->close_at || now >= task->silent_at) {
        cancel(task, ACTIVITY_TIMED_OUT);
        return;
    }
    if (now >= task->beat_at) {
        if (task->fiber->wait || task->fiber->waits != task->waits)
            beat(task);
        task->waits = task->fiber->waits;
        task->beat_at = now + task->beat_every_ms;
    }
    arm(task);
}

static int64_t duration_ms(const Gpb__Duration *duration)
{
    return duration ? duration->seconds * 1000 + duration->nanos / 1000000 : 0;
}

static void set_deadlines(struct task *task)
{
    int64_t now = clock_monotonic_ms();
    int64_t close_ms = duration_ms(task->poll->start_to_close_timeout);
    if (!close_ms)
        close_ms = duration_ms(task->poll->schedule_to_close_timeout);
    task->heartbeat_ms = duration_ms(task->poll->heartbeat_timeout);
    task->beat_every_ms = LONGEST_BEAT_MS;
    task->silent_at = task->kill_at = INT64_MAX;
    if (task->heartbeat_ms) {
        task->silent_at = now + task->heartbeat_ms + TASK_GRACE_MS;
        task->beat_every_ms = earlier(LONGEST_BEAT_MS, task->heartbeat_ms / 4 + 1);
    }
    task->close_at = close_ms ? now + close_ms + TASK_GRACE_MS : INT64_MAX;
    task->beat_at = now + task->beat_every_ms;
}

/* --- its life --- */

static bool unpack(struct task *task, const struct bytes *packed, struct error *err)
{
    task->poll = proto_unpack(&tpb__workflowservice__poll_activity_task_queue_response__descriptor,
                              bytes_span(packed), &task->arena, err);
    if (task->poll && task->poll->heartbeat_details)
        proto_pack(task->poll->heartbeat_details, &task->details);
    return task->poll != NULL;
}

void task_start(struct task_host *host, void *key, struct bytes *packed)
{
    struct error err;
    struct task *task = memory_new(sizeof *task);
    task->host = host;
    task->key = key;
    task->state = LUA_NOREF;
    task->timer.data = task;
    uv_timer_init(reactor_uv(host->reactor), &task->timer);
    task->account = vm_account_new(host->memory_limit);
    map_put(&host->tasks, (uintptr_t)key, task);
    if (!unpack(task, packed, &err)) {
        fail(task, "MalformedTask", err.text);
        finish(task);
        return;
    }
    lua_rawgeti(reactor_lua(host->reactor), LUA_REGISTRYINDEX, host->run);
    task->fiber = reactor_spawn(host->reactor, 0, ended);
    if (!task->fiber) {
        fail(task, "OutOfMemory", "the worker's memory for activities is used up");
        finish(task);
        return;
    }
    task->fiber->owner = task;
    task->fiber->account = task->account;
    set_deadlines(task);
    arm(task);
}

void task_cancel(struct task_host *host, void *key, enum activity_cancel_reason reason)
{
    struct task *task = map_get(&host->tasks, (uintptr_t)key);
    if (task)
        cancel(task, reason);
}

void task_kill_all(struct task_host *host)
{
    for (struct map_entry *entry = NULL; (entry = map_next(&host->tasks, entry));)
        fiber_kill(((struct task *)entry->value)->fiber);
}

/* --- Lua's side --- */

static struct task *current(lua_State *L)
{
    struct fiber *fiber = fiber_find(L);
    if (!fiber || fiber->ended != ended)
        failure_raise(L, "ValueError", "this call is for activities: no activity task runs here");
    return fiber->owner;
}

static int poll(lua_State *L)
{
    message_push(L, &current(L)->poll->base);
    return 1;
}

static int adopt(lua_State *L)
{
    struct task *task = current(L);
    lua_settop(L, 1);
    task->state = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

/* state() -> what adopt was given; nil where no task runs */
static int state(lua_State *L)
{
    struct fiber *fiber = fiber_find(L);
    if (!fiber || fiber->ended != ended)
        return 0;
    lua_rawgeti(L, LUA_REGISTRYINDEX, ((struct task *)fiber->owner)->state);
    return 1;
}

static int reason(lua_State *L)
{
    struct fiber *fiber = fiber_find(L);
    struct task *task = fiber && fiber->ended == ended ? fiber->owner : NULL;
    if (!task || !task->cancelled)
        return 0;
    lua_pushstring(L, reason_names[task->reason]);
    return 1;
}

/* The table at index as a message of this type, packed in the place of what `out` held. */
static void pack(lua_State *L, int index, const ProtobufCMessageDescriptor *type, struct bytes *out)
{
    struct arena arena = {0};
    struct error err;
    const void *message = message_read(L, index, type, &arena, &err);
    if (message) {
        bytes_clear(out);
        proto_pack(message, out);
    }
    arena_release(&arena);
    if (!message)
        failure_raise(L, "ValueError", "%s", err.text);
}

static int heartbeat(lua_State *L)
{
    struct task *task = current(L);
    pack(L, 1, &tpb__common__payloads__descriptor, &task->details);
    beat(task);
    return 0;
}

static int finish_as(lua_State *L)
{
    static const char *const kinds[] = {"completed", "failed", "canceled", NULL};
    static const ProtobufCMessageDescriptor *const types[] = {
        &tpb__workflowservice__respond_activity_task_completed_request__descriptor,
        &tpb__workflowservice__respond_activity_task_failed_request__descriptor,
        &tpb__workflowservice__respond_activity_task_canceled_request__descriptor,
    };
    struct task *task = current(L);
    int kind = luaL_checkoption(L, 1, NULL, kinds);
    pack(L, 2, types[kind], &task->outcome.body);
    task->outcome.kind = (enum activity_outcome_kind)kind;
    return 0;
}

/* The message handler of xpcall: what was raised, and where. */
static int report(lua_State *L)
{
    struct bytes stack = {0};
    lua_settop(L, 1);
    lua_createtable(L, 0, 2);
    lua_insert(L, 1);
    lua_setfield(L, 1, "error");
    script_stack(L, &stack);
    lua_pushlstring(L, bytes_text(&stack), stack.size);
    bytes_release(&stack);
    lua_setfield(L, 1, "stack");
    return 1;
}

/* hide(text) -> the text without secrets */
static int hide(lua_State *L)
{
    struct span text;
    text.data = luaL_checklstring(L, 1, &text.size);
    struct bytes *out = scratch_push(L);
    bytes_add_span(out, text);
    redact(out);
    lua_pushlstring(L, bytes_text(out), out->size);
    return 1;
}

static const luaL_Reg functions[] = {
    {"hide",      hide     },
    {"poll",      poll     },
    {"adopt",     adopt    },
    {"state",     state    },
    {"reason",    reason   },
    {"heartbeat", heartbeat},
    {"finish",    finish_as},
    {"report",    report   },
    {NULL,        NULL     },
};

int task_open(lua_State *L)
{
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}
