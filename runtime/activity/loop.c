/* The loop's thread and the letters that other threads send it. */
#include <errno.h>
#include <lauxlib.h>
#include <pthread.h>
#include <stdlib.h>

#include "activity/activity.h"
#include "activity/modules.h"
#include "activity/task.h"
#include "base/clock.h"
#include "base/memory.h"

enum { STACK_BYTES = 8 << 20, HEAP_LIMIT = 1 << 30, TASK_LIMIT = 256 << 20, BOOT_MS = 2000 };

enum order { ORDER_START, ORDER_CANCEL, ORDER_STOP };

struct message {
    struct letter letter; /* first */
    enum order order;
    void *task;
    struct bytes packed;                /* of START */
    enum activity_cancel_reason reason; /* of CANCEL */
};

struct activity_loop {
    struct reactor *reactor;
    struct task_host host;
    struct activity_listener worker;
    struct activity_listener own; /* what tasks talk to: hands on, and knows when to stop */
    char **names;
    char **homes; /* the script that defines each */
    struct mailbox box;
    struct letter *letters; /* taken from it, still to be obeyed */
    uv_async_t mail;
    pthread_t thread;
    bool stopping;
};

/* --- letters --- */

static void post(struct activity_loop *loop, struct message message)
{
    struct message *letter = memory_copy(&message, sizeof message);
    mailbox_send(&loop->box, &letter->letter);
}

void activity_submit(struct activity_loop *loop, void *task, struct span packed)
{
    struct message message = {.order = ORDER_START, .task = task};
    bytes_add_span(&message.packed, packed);
    post(loop, message);
}

void activity_cancel(struct activity_loop *loop, void *task, enum activity_cancel_reason reason)
{
    post(loop, (struct message){.order = ORDER_CANCEL, .task = task, .reason = reason});
}

static void stop_when_empty(struct activity_loop *loop)
{
    if (loop->stopping && loop->host.tasks.count == 0)
        reactor_stop(loop->reactor);
}

static void finished(void *user, void *task, struct activity_outcome *outcome)
{
    struct activity_loop *loop = user;
    loop->worker.finished(loop->worker.user, task, outcome);
    stop_when_empty(loop);
}

static void heartbeat(void *user, void *task, struct span details)
{
    struct activity_loop *loop = user;
    loop->worker.heartbeat(loop->worker.user, task, details);
}

static void free_message(struct message *message)
{
    bytes_release(&message->packed);
    free(message);
}

static void obey(struct activity_loop *loop, struct message *message)
{
    switch (message->order) {
    case ORDER_START:
        task_start(&loop->host, message->task, &message->packed);
        break;
    case ORDER_CANCEL:
        task_cancel(&loop->host, message->task, message->reason);
        break;
    case ORDER_STOP:
        loop->stopping = true;
        task_kill_all(&loop->host);
        stop_when_empty(loop);
        break;
    }
    free_message(message);
}

static struct message *next_message(struct activity_loop *loop)
{
    if (!loop->letters)
        loop->letters = mailbox_take(&loop->box);
    struct letter *letter = loop->letters;
    loop->letters = letter ? letter->next : NULL;
    return (struct message *)letter;
}

/* A few at a time: those that wait for sockets must not wait for a thousand new tasks. */
static void take_mail(uv_async_t *mail)
{
    struct activity_loop *loop = mail->data;
    int64_t until = clock_monotonic_ms() + REACTOR_SLICE_MS;
    struct message *message;
    while ((message = next_message(loop))) {
        obey(loop, message);
        if (clock_monotonic_ms() >= until) {
            uv_async_send(mail);
            return;
        }
    }
}

static void ring(void *mail)
{
    uv_async_send(mail);
}

/* --- its life --- */

static bool is_lua(struct span name)
{
    return name.size > 4 && memcmp(name.data + name.size - 4, ".lua", 4) == 0;
}

/* Sets the field `chunk` of the table on top. */
static bool compile(lua_State *L, const struct script_source *source, struct error *err)
{
    vm_source(vm_of(L), source->name, source->text);
    if (!vm_load(vm_of(L), source->name, source->text, err))
        return false;
    lua_setfield(L, -2, "chunk");
    return true;
}

/* Pushes the list for boot: { name, text, chunk }, templates without a chunk. */
static bool load_scripts(struct activity_loop *loop, const struct activity_options *options,
                         struct error *err)
{
    lua_State *L = reactor_lua(loop->reactor);
    lua_newtable(L);
    for (size_t i = 0; i < options->source_count; i++) {
        const struct script_source *source = &options->sources[i];
        lua_createtable(L, 0, 3);
        lua_pushlstring(L, source->name.data, source->name.size);
        lua_setfield(L, -2, "name");
        lua_pushlstring(L, source->text.data, source->text.size);
        lua_setfield(L, -2, "text");
        if (is_lua(source->name) && !compile(L, source, err))
            return false;
        lua_rawseti(L, -2, (int)i + 1);
    }
    return true;
}

/* What boot returned is on top: the names, and the script of each. */
static void keep_names(struct activity_loop *loop)
{
    lua_State *L = reactor_lua(loop->reactor);
    size_t count = lua_objlen(L, -2);
    loop->names = memory_new((count + 1) * sizeof *loop->names);
    loop->homes = memory_new((count + 1) * sizeof *loop->homes);
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, -2, (int)i + 1);
        lua_rawgeti(L, -2, (int)i + 1);
        loop->names[i] = memory_copy_text(lua_tostring(L, -2));
        loop->homes[i] = memory_copy_text(lua_tostring(L, -1));
        lua_pop(L, 2);
    }
}

static bool boot_failed(lua_State *co, enum vm_outcome outcome, struct error *err)
{
    if (outcome == VM_ERROR)
        return vm_error(co, err);
    return error_set(err, ERROR_SCRIPT, "%s: the top level of a script defines; this one %s",
                     vm_stopped_at(vm_of(co)),
                     outcome == VM_PREEMPTED ? "did not end" : "needs too much memory");
}

/* The scripts' top levels run outside of fibers: they define, and cannot wait. */
static bool call_boot(lua_State *L, struct error *err)
{
    lua_State *co = lua_newthread(L);
    lua_insert(L, -3);
    lua_xmove(L, co, 2);
    enum vm_outcome outcome = vm_resume(vm_of(L), co, 1, BOOT_MS);
    if (outcome != VM_DONE)
        return boot_failed(co, outcome, err);
    lua_xmove(co, L, 2);
    return true;
}

static bool boot(struct activity_loop *loop, const struct activity_options *options,
                 struct error *err)
{
    lua_State *L = reactor_lua(loop->reactor);
    if (!vm_require(vm_of(L), "activity", err))
        return false;
    lua_getfield(L, -1, "activity");
    modules_global(L, "activity");
    lua_getfield(L, -1, "run");
    loop->host.run = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_getfield(L, -1, "boot");
    if (!load_scripts(loop, options, err) || !call_boot(L, err))
        return false;
    keep_names(loop);
    lua_settop(L, 0);
    return true;
}

static bool open_loop(struct activity_loop *loop, const struct activity_options *options,
                      struct error *err)
{
    struct vm *vm = vm_new(VM_ACTIVITY, options->heap_limit ? options->heap_limit : HEAP_LIMIT);
    if (!reactor_open(&loop->reactor, vm, err)) {
        vm_free(vm);
        return false;
    }
    loop->worker = options->listener;
    loop->own = (struct activity_listener){finished, heartbeat, loop};
    loop->host.reactor = loop->reactor;
    loop->host.listener = &loop->own;
    loop->host.memory_limit = options->task_limit ? options->task_limit : TASK_LIMIT;
    uv_async_init(reactor_uv(loop->reactor), &loop->mail, take_mail);
    loop->mail.data = loop;
    mailbox_init(&loop->box, ring, &loop->mail);
    return modules_open(loop->reactor, err) && boot(loop, options, err);
}

static void free_texts(char **texts)
{
    for (char **text = texts; text && *text; text++)
        free(*text);
    free(texts);
}

static void close_loop(struct activity_loop *loop)
{
    struct message *message;
    if (loop->reactor) {
        uv_close((uv_handle_t *)&loop->mail, NULL);
        reactor_close(loop->reactor);
        while ((message = next_message(loop)))
            free_message(message);
        mailbox_release(&loop->box);
    }
    free_texts(loop->names);
    free_texts(loop->homes);
    map_release(&loop->host.tasks);
    free(loop);
}

static void *run(void *user)
{
    struct activity_loop *loop = user;
    pthread_setname_np(pthread_self(), "activities");
    reactor_run(loop->reactor);
    return NULL;
}

bool activity_loop_start(struct activity_loop **out, const struct activity_options *options,
                         struct error *err)
{
    struct activity_loop *loop = memory_new(sizeof *loop);
    pthread_attr_t attributes;
    if (!open_loop(loop, options, err)) {
        close_loop(loop);
        return false;
    }
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    errno = pthread_create(&loop->thread, &attributes, run, loop);
    pthread_attr_destroy(&attributes);
    if (errno) {
        close_loop(loop);
        return error_errno(err, "starting the thread of activities");
    }
    *out = loop;
    return true;
}

bool activity_check(const struct activity_options *options, const struct activity_reader *reader,
                    struct error *err)
{
    struct activity_loop *loop = memory_new(sizeof *loop);
    bool ok = open_loop(loop, options, err);
    for (size_t i = 0; ok && loop->names[i]; i++)
        reader->found(reader->user, loop->names[i], loop->homes[i]);
    close_loop(loop);
    return ok;
}

const char *const *activity_names(const struct activity_loop *loop)
{
    return (const char *const *)loop->names;
}

void activity_loop_stop(struct activity_loop *loop)
{
    post(loop, (struct message){.order = ORDER_STOP});
    pthread_join(loop->thread, NULL);
    close_loop(loop);
}
