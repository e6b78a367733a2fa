#include "cli/shell.h"

#include <lauxlib.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>
#include <uv.h>

#include "activity/reactor.h"
#include "base/bytes.h"
#include "base/memory.h"
#include "script/vm.h"

enum { WATCHED = 3, MEMORY_LIMIT = 256 << 20 }; /* of one statement, as of an activity */

static const char TYPE[] = "signalroom.shell";
static const int numbers[WATCHED] = {SIGINT, SIGTERM, SIGHUP};

struct shell {
    uv_signal_t watchers[WATCHED];
    int handles; /* open; freed with the last one */
    bool survives;
    bool has_terminal;
    struct termios terminal; /* as it was at the start */
    struct statement *current;
};

/* Waits for the end of a statement's fiber, on behalf of the shell's own. */
struct statement {
    struct fiber_wait wait; /* first */
    struct shell *shell;
    struct fiber *fiber;
    struct vm_account *account;
    enum fiber_outcome outcome;
    bool interrupted;
    struct bytes place; /* where it was when it was killed */
};

/* --- signals --- */

/* As if nobody had caught the signal, with the terminal as it was. */
static void leave(struct shell *shell, int number)
{
    if (shell->has_terminal)
        tcsetattr(STDIN_FILENO, TCSANOW, &shell->terminal);
    signal(number, SIG_DFL);
    raise(number);
}

static void interrupt_statement(struct statement *statement)
{
    struct fiber *fiber = statement->fiber;
    bool waits = fiber->wait && !atomic_load(&fiber->woken);
    if (waits && !statement->interrupted)
        fiber_cancel(fiber);
    else
        fiber_kill(fiber);
    statement->interrupted = true;
}

static void signalled(uv_signal_t *watcher, int number)
{
    struct shell *shell = watcher->data;
    if (number == SIGINT && shell->current)
        interrupt_statement(shell->current);
    else if (number != SIGINT || !shell->survives)
        leave(shell, number);
}

static void watch(struct shell *shell, uv_loop_t *loop)
{
    for (int i = 0; i < WATCHED; i++) {
        shell->watchers[i].data = shell;
        uv_signal_init(loop, &shell->watchers[i]);
        uv_signal_start(&shell->watchers[i], signalled, numbers[i]);
        uv_unref((uv_handle_t *)&shell->watchers[i]);
        shell->handles++;
    }
}

/* --- statements --- */

static void ended(struct fiber *fiber, enum fiber_outcome outcome)
{
    struct statement *statement = fiber->owner;
    statement->outcome = outcome;
    if (outcome == FIBER_KILLED)
        script_place(fiber->L, &statement->place);
    statement->shell->current = NULL;
    fiber_free(fiber);
    fiber_wake(&statement->wait);
}

/* -> "done", "killed" or "out of memory"; where; whether Ctrl-C was pressed */
static int deliver(struct fiber_wait *wait, lua_State *L)
{
    static const char *const names[] = {
        [FIBER_DONE] = "done",
        [FIBER_KILLED] = "killed",
        [FIBER_OUT_OF_MEMORY] = "out of memory",
    };
    const struct statement *statement = (struct statement *)wait;
    lua_pushboolean(L, true);
    lua_pushstring(L, names[statement->outcome]);
    lua_pushstring(L, bytes_text(&statement->place));
    lua_pushboolean(L, statement->interrupted);
    return 4;
}

static void keep_waiting(struct fiber_wait *wait)
{
    (void)wait; /* nobody cancels the shell's own fiber */
}

static void release(struct fiber_wait *wait)
{
    struct statement *statement = (struct statement *)wait;
    bytes_release(&statement->place);
    vm_account_free(statement->account);
    free(statement);
}

static struct shell *check(lua_State *L)
{
    struct shell *shell = *(struct shell **)luaL_checkudata(L, 1, TYPE);
    if (!shell)
        luaL_error(L, "this shell has been closed");
    if (shell->current)
        luaL_error(L, "a statement is running already");
    return shell;
}

/* run(fn): fn is given nothing, gives nothing and raises nothing */
static int run(lua_State *L)
{
    struct shell *shell = check(L);
    struct reactor *reactor = reactor_of(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    struct statement *statement = memory_new(sizeof *statement);
    statement->wait = (struct fiber_wait){fiber_current(L), deliver, keep_waiting, release};
    statement->shell = shell;
    lua_settop(L, 2);
    lua_xmove(L, reactor_lua(reactor), 1);
    statement->fiber = reactor_spawn(reactor, 0, ended);
    if (!statement->fiber) {
        free(statement);
        return luaL_error(L, "out of memory");
    }
    statement->account = vm_account_new(MEMORY_LIMIT);
    statement->fiber->account = statement->account;
    statement->fiber->owner = statement;
    shell->current = statement;
    return fiber_suspend(L, &statement->wait);
}

/* --- its life --- */

int shell_new(lua_State *L)
{
    struct shell **place = lua_newuserdata(L, sizeof(struct shell *));
    struct shell *shell = memory_new(sizeof *shell);
    shell->survives = lua_toboolean(L, 1);
    shell->has_terminal = tcgetattr(STDIN_FILENO, &shell->terminal) == 0;
    watch(shell, reactor_uv(reactor_of(L)));
    *place = shell;
    luaL_getmetatable(L, TYPE);
    lua_setmetatable(L, -2);
    return 1;
}

static void closed(uv_handle_t *handle)
{
    struct shell *shell = handle->data;
    if (--shell->handles == 0)
        free(shell);
}

/* close(): also what the collector calls */
static int close_shell(lua_State *L)
{
    struct shell **place = luaL_checkudata(L, 1, TYPE);
    struct shell *shell = *place;
    *place = NULL;
    for (int i = 0; shell && i < WATCHED; i++)
        uv_close((uv_handle_t *)&shell->watchers[i], closed);
    return 0;
}

void shell_open(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"run_raw", run        },
        {"close",   close_shell},
        {NULL,      NULL       },
    };
    vm_type(L, TYPE, methods, close_shell);
}
