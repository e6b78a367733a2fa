#include "cli/child.h"

#include <errno.h>
#include <lauxlib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <uv.h>

#include "activity/reactor.h"
#include "base/memory.h"
#include "script/fiber.h"
#include "script/vm.h"

enum { OUTPUT_MAX = 64 * 1024, MAX_WORDS = 256, STREAMS = 3, OUTPUTS = 2 };

static const char TYPE[] = "signalroom.child";

struct child {
    uv_process_t process;
    uv_pipe_t pipes[OUTPUTS];
    struct bytes output;
    char chunk[4096];
    bool ended;
    bool captured;
    int code;
    int handles; /* still open; freed with the last one once Lua has let go */
    bool released;
    struct awaiting *awaiting;
    void (*tell)(void *user); /* that it has ended; NULL: nobody */
    void *told;
};

/* A fiber that waits for the end of a process, or for its patience to end. */
struct awaiting {
    struct fiber_wait wait;
    uv_timer_t timer;
    struct child *child;
};

static void let_go(struct child *child)
{
    if (child->handles > 0 || !child->released)
        return;
    bytes_release(&child->output);
    free(child);
}

static void closed(uv_handle_t *handle)
{
    struct child *child = handle->data;
    child->handles--;
    let_go(child);
}

static int deliver_end(struct fiber_wait *wait, lua_State *L)
{
    struct awaiting *awaiting = (struct awaiting *)wait;
    lua_pushboolean(L, 1);
    if (!awaiting->child || !awaiting->child->ended)
        return 1;
    lua_pushinteger(L, awaiting->child->code);
    return 2;
}

static void timer_closed(uv_handle_t *handle)
{
    struct awaiting *awaiting = handle->data;
    fiber_wake(&awaiting->wait);
}

static void end_waiting(struct awaiting *awaiting)
{
    if (awaiting->child->awaiting != awaiting)
        return;
    awaiting->child->awaiting = NULL;
    uv_close((uv_handle_t *)&awaiting->timer, timer_closed);
}

static void out_of_patience(uv_timer_t *timer)
{
    end_waiting(timer->data);
}

static void interrupt(struct fiber_wait *wait)
{
    end_waiting((struct awaiting *)wait);
}

static void release(struct fiber_wait *wait)
{
    free(wait);
}

static void exited(uv_process_t *process, int64_t status, int signal_number)
{
    struct child *child = process->data;
    child->ended = true;
    child->code = signal_number ? 128 + signal_number : (int)status;
    if (child->awaiting)
        end_waiting(child->awaiting);
    if (child->tell)
        child->tell(child->told);
    uv_close((uv_handle_t *)process, closed);
}

static void make_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)suggested;
    struct child *child = handle->data;
    *buffer = uv_buf_init(child->chunk, sizeof child->chunk);
}

static void keep_tail(struct bytes *output)
{
    if (output->size <= OUTPUT_MAX)
        return;
    size_t drop = output->size - OUTPUT_MAX / 2;
    memmove(output->data, output->data + drop, output->size - drop + 1);
    output->size -= drop;
}

static void printed(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct child *child = stream->data;
    if (count < 0) {
        uv_close((uv_handle_t *)stream, closed);
        return;
    }
    bytes_add(&child->output, buffer->base, (size_t)count);
    keep_tail(&child->output);
}

static void read_words(lua_State *L, int index, char *words[MAX_WORDS + 1])
{
    luaL_checktype(L, index, LUA_TTABLE);
    size_t count = lua_objlen(L, index);
    luaL_argcheck(L, count >= 1 && count <= MAX_WORDS, index, "1 to 256 words expected");
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, index, (int)i + 1);
        luaL_argcheck(L, lua_isstring(L, -1), index, "words must be strings");
        words[i] = (char *)lua_tostring(L, -1); /* stays alive: the table holds it */
        lua_pop(L, 1);
    }
    words[count] = NULL;
}

/* Standard input is ours, or none for a captured child; its two outputs are ours, or a pipe each.
 */
static void set_streams(uv_process_options_t *options, uv_stdio_container_t streams[STREAMS],
                        struct child *child, uv_loop_t *loop)
{
    streams[0] = child->captured ? (uv_stdio_container_t){.flags = UV_IGNORE}
                                 : (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = 0};
    for (int fd = 1; fd < STREAMS; fd++) {
        streams[fd] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = fd};
        if (!child->captured)
            continue;
        uv_pipe_t *pipe = &child->pipes[fd - 1];
        uv_pipe_init(loop, pipe, 0);
        pipe->data = child;
        child->handles++;
        streams[fd].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
        streams[fd].data.stream = (uv_stream_t *)pipe;
    }
    options->stdio = streams;
    options->stdio_count = STREAMS;
}

static int give_up(lua_State *L, struct child *child, const char *program, int problem)
{
    child->ended = true;
    uv_close((uv_handle_t *)&child->process, closed);
    for (int i = 0; child->captured && i < OUTPUTS; i++)
        uv_close((uv_handle_t *)&child->pipes[i], closed);
    lua_pushboolean(L, 0);
    lua_pushfstring(L, "%s: %s", program, uv_strerror(problem));
    return 2;
}

/* words, capture, working folder or nil, own group (terminal signals then pass it by): true and the
 * process, or false and why not. */
int child_spawn(lua_State *L)
{
    char *words[MAX_WORDS + 1];
    read_words(L, 1, words);
    struct child **place = lua_newuserdata(L, sizeof(struct child *));
    struct child *child = memory_new(sizeof *child);
    *place = child;
    luaL_getmetatable(L, TYPE);
    lua_setmetatable(L, -2);
    child->captured = lua_toboolean(L, 2);
    child->process.data = child;

    uv_loop_t *loop = reactor_uv(reactor_of(L));
    uv_stdio_container_t streams[STREAMS];
    uv_process_options_t options = {.file = words[0],
                                    .args = words,
                                    .exit_cb = exited,
                                    .cwd = luaL_optstring(L, 3, NULL),
                                    .flags = lua_toboolean(L, 4) ? UV_PROCESS_DETACHED : 0};
    set_streams(&options, streams, child, loop);
    int rc = uv_spawn(loop, &child->process, &options);
    child->handles++;
    if (rc != 0)
        return give_up(L, child, words[0], rc);
    for (int i = 0; child->captured && i < OUTPUTS; i++)
        uv_read_start((uv_stream_t *)&child->pipes[i], make_room, printed);
    lua_pushboolean(L, 1);
    lua_pushvalue(L, -2);
    return 2;
}

struct child *child_at(lua_State *L, int index)
{
    return *(struct child **)luaL_checkudata(L, index, TYPE);
}

bool child_ended(const struct child *child)
{
    return child->ended;
}

void child_tell(struct child *child, void (*tell)(void *user), void *user)
{
    child->tell = tell;
    child->told = user;
}

/* process, seconds or nil: the exit code, 128 + n for signal n; nothing when patience ended. */
static int wait_for(lua_State *L)
{
    struct child *child = child_at(L, 1);
    double seconds = luaL_optnumber(L, 2, -1);
    if (child->ended) {
        lua_pushboolean(L, 1);
        lua_pushinteger(L, child->code);
        return 2;
    }
    if (child->awaiting)
        return luaL_error(L, "somebody else waits for this process already");
    struct awaiting *awaiting = memory_new(sizeof *awaiting);
    awaiting->wait = (struct fiber_wait){fiber_current(L), deliver_end, interrupt, release};
    awaiting->child = child;
    awaiting->timer.data = awaiting;
    child->awaiting = awaiting;
    uv_timer_init(reactor_uv(reactor_of(L)), &awaiting->timer);
    if (seconds >= 0)
        uv_timer_start(&awaiting->timer, out_of_patience, (uint64_t)(seconds * 1000), 0);
    return fiber_suspend(L, &awaiting->wait);
}

static int kill_it(lua_State *L)
{
    static const char *const names[] = {"SIGTERM", "SIGINT", "SIGKILL", "SIGQUIT", NULL};
    static const int numbers[] = {SIGTERM, SIGINT, SIGKILL, SIGQUIT};
    struct child *child = child_at(L, 1);
    int number = numbers[luaL_checkoption(L, 2, "SIGTERM", names)];
    if (!child->ended)
        uv_process_kill(&child->process, number);
    return 0;
}

static int has_ended(lua_State *L)
{
    lua_pushboolean(L, child_at(L, 1)->ended);
    return 1;
}

static int output(lua_State *L)
{
    struct child *child = child_at(L, 1);
    lua_pushlstring(L, bytes_text(&child->output), child->output.size);
    return 1;
}

static int pid(lua_State *L)
{
    lua_pushinteger(L, child_at(L, 1)->process.pid);
    return 1;
}

static int forget(lua_State *L)
{
    struct child *child = child_at(L, 1);
    child->released = true;
    let_go(child);
    return 0;
}

void child_open(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"wait_raw", wait_for },
        {"kill",     kill_it  },
        {"ended",    has_ended},
        {"output",   output   },
        {"pid",      pid      },
        {NULL,       NULL     },
    };
    vm_type(L, TYPE, methods, forget);
}
