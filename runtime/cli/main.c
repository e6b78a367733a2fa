/*
 * The command line. A VM for tools on a reactor runs the embedded module cli.main as a fiber; what
 * it returns is the exit code.
 */
#include <fcntl.h>
#include <lauxlib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "activity/modules.h"
#include "base/log.h"
#include "cli/screen.h"
#include "cli/system.h"
#include "client/client.h"
#include "script/vm.h"

enum { EXIT_BROKEN = 70 }; /* EX_SOFTWARE: the command line itself could not start */

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "signalroom: %s: %s\n", what, why);
    return EXIT_BROKEN;
}

/* Pushes cli.main.run and the words of the command line. */
static bool push_command(struct vm *vm, int argc, char **argv, struct error *err)
{
    lua_State *L = vm_lua(vm);
    if (!vm_require(vm, "cli.main", err))
        return false;
    lua_getfield(L, -1, "run");
    lua_remove(L, -2);
    lua_createtable(L, argc, 0);
    for (int i = 1; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i);
    }
    return true;
}

static int run(struct reactor *reactor, struct vm *vm, int argc, char **argv)
{
    struct error err = {0};
    int results = 0;
    lua_State *L = vm_lua(vm);
    if (!modules_open(reactor, &err) || !push_command(vm, argc, argv, &err))
        return complain("starting", err.text);
    if (reactor_call(reactor, 1, &results) == FIBER_DONE)
        return (int)lua_tointeger(L, -1);
    vm_error(L, &err);
    return complain("the command line broke", err.text);
}

/* A core file would hold the keys that are in memory. */
static void forbid_core_files(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
}

/* What was closed for us stays unwritable; were it free, a socket of ours would be taken for it. */
static void take_standard_files(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    close(fd);
}

int main(int argc, char **argv)
{
    take_standard_files();
    signal(SIGPIPE, SIG_IGN);
    forbid_core_files();
    log_configure((struct log_options){.level = LOG_ERROR,
                                       .json = !isatty(STDERR_FILENO),
                                       .colour = screen_has_colour(STDERR_FILENO)});
    struct vm *vm = vm_new(VM_TOOL, 0);
    struct reactor *reactor;
    struct error err = {0};
    if (!reactor_open(&reactor, vm, &err))
        return complain("starting", err.text);
    vm_module(vm, "cli.native", system_open);
    vm_module(vm, "client.native", client_open);
    int code = run(reactor, vm, argc, argv);
    client_close(vm_lua(vm));
    reactor_close(reactor);
    return code;
}
