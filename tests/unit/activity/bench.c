#include "bench.h"

#include <lauxlib.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { START_MS = 60000 };

static void read_line(struct child *child, int output)
{
    size_t size = 0;
    struct pollfd poll_fd = {.fd = output, .events = POLLIN};
    while (size + 1 < sizeof child->line && poll(&poll_fd, 1, START_MS) == 1 &&
           read(output, child->line + size, 1) == 1 && child->line[size] != '\n')
        size++;
    child->line[size] = '\0';
    if (!size)
        fail_msg("a child process ended or hung before it said where it is");
}

struct child child_start(const char *const argv[])
{
    struct child child = {0};
    int input[2], output[2];
    assert_int_equal(pipe(input) | pipe(output), 0);
    child.pid = fork();
    if (child.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        dup2(input[0], STDIN_FILENO);
        dup2(output[1], STDOUT_FILENO);
        for (int fd = 3; fd < 64; fd++)
            close(fd);
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    close(input[0]);
    close(output[1]);
    child.input = input[1];
    read_line(&child, output[0]);
    close(output[0]);
    return child;
}

void child_end(struct child *child)
{
    close(child->input);
    waitpid(child->pid, NULL, 0);
}

void bench_open(struct bench *bench)
{
    struct error err = {0};
    struct vm *vm = vm_new(VM_ACTIVITY, 0);
    if (!reactor_open(&bench->reactor, vm, &err) || !modules_open(bench->reactor, &err))
        fail_msg("%s", err.text);
    bench->L = reactor_lua(bench->reactor);
}

void bench_close(struct bench *bench)
{
    reactor_close(bench->reactor);
}

void bench_text(struct bench *bench, const char *name, const char *value)
{
    lua_pushstring(bench->L, value);
    modules_global(bench->L, name);
}

static void load(struct bench *bench, const char *name, const char *script)
{
    struct error err = {0};
    if (!vm_load(vm_of(bench->L), span_of(name), span_of(script), &err))
        fail_msg("%s", err.text);
}

/* Calls the function on top of the stack as a fiber; how many results it left. */
static int call(struct bench *bench)
{
    struct error err = {0};
    int results;
    enum fiber_outcome outcome = reactor_call(bench->reactor, 0, &results);
    if (outcome == FIBER_ERROR) {
        vm_error(bench->L, &err);
        fail_msg("%s", err.text);
    }
    assert_int_equal(outcome, FIBER_DONE);
    return results;
}

struct story {
    struct bench *bench;
    int function;
};

static void run_story(void **state)
{
    struct story *story = *state;
    lua_rawgeti(story->bench->L, LUA_REGISTRYINDEX, story->function);
    lua_pop(story->bench->L, call(story->bench));
}

static void read_file(const char *path, struct bytes *out)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t got;
    while ((got = fread(bytes_reserve(out, 65536), 1, 65536, file)) > 0)
        bytes_added(out, got);
    fclose(file);
}

int bench_stories(struct bench *bench, const char *path)
{
    struct bytes text = {0};
    lua_State *L = bench->L;
    read_file("tests/unit/activity/checks.lua", &text);
    vm_source(vm_of(L), SPAN("checks.lua"), bytes_span(&text));
    bytes_clear(&text);
    read_file(path, &text);
    load(bench, path, bytes_text(&text));
    bytes_release(&text);
    assert_int_equal(call(bench), 1);
    size_t count = lua_objlen(L, -1);
    struct CMUnitTest *tests = calloc(count, sizeof *tests);
    struct story *stories = calloc(count, sizeof *stories);
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, -1, (int)i + 1);
        lua_rawgeti(L, -1, 1);
        lua_rawgeti(L, -2, 2);
        stories[i] = (struct story){bench, luaL_ref(L, LUA_REGISTRYINDEX)};
        tests[i] = (struct CMUnitTest){.name = strdup(lua_tostring(L, -1)),
                                       .test_func = run_story,
                                       .initial_state = &stories[i]};
        lua_pop(L, 2);
    }
    lua_pop(L, 1);
    int failed = _cmocka_run_group_tests(path, tests, count, NULL, NULL);
    for (size_t i = 0; i < count; i++)
        free((char *)tests[i].name);
    free(tests);
    free(stories);
    return failed;
}
