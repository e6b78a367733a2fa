/*
 * A Lua VM that cannot hurt its host: bounded memory, no JIT, text scripts only, and a coroutine in
 * it can be stopped between any two instructions.
 *
 * Stopping is by yield, never by an error that pcall would swallow: an alarm is raised (by the
 * watchdog when a slice is late, by the allocator when memory is refused), the VM's hook yields,
 * and vm_resume() comes back. So no script ever sees out of memory. For the same reason no C
 * function may call back into Lua (lua_call, lua_pcall) on a script's behalf: what runs under it
 * cannot be stopped. C that must wait ends in `return lua_yield(L, n)`.
 *
 * A VM belongs to one thread at a time. vm_resume() may nest over different VMs of one thread.
 */
#pragma once

#include <lauxlib.h>

#include "base/bytes.h"
#include "base/error.h"

enum vm_kind {
    VM_WORKFLOW, /* base, string, table, math, bit, coroutine; runs see it through the sandbox */
    VM_ACTIVITY, /* the same and the real os.time, os.clock, os.date, os.getenv, debug.traceback */
    VM_TOOL, /* for the command line: all of that, io, the whole of os and debug; never stopped */
};

struct vm;
struct vm_account;

/* heap_limit in bytes, 0: none. */
struct vm *vm_new(enum vm_kind kind, size_t heap_limit);
void vm_free(struct vm *vm);

lua_State *vm_lua(struct vm *vm); /* the main thread: build here, run scripts in coroutines */
struct vm *vm_of(lua_State *L);
void vm_collect(struct vm *vm); /* a full collection */

/* lua_pushlstring for what may be large: the collector then does as much more. By itself it works
 * the same at every allocation, and large ones leave it behind. */
void vm_push_bytes(lua_State *L, struct span bytes);

/* --- what scripts find --- */

/* Compiles text (never bytecode, no cdata literals) and pushes the chunk on vm_lua(). Its
 * environment is the scripts' one: the VM's libraries and globals, where reading or writing an
 * undefined global is an error that names the line. `name` ("activities/sync.lua") is what
 * tracebacks show. */
bool vm_load(struct vm *vm, struct span name, struct span text, struct error *err);

/* Makes the value on top of vm_lua() a global of the scripts, and pops it. */
void vm_global(struct vm *vm, const char *name);

/* A module written in C: loader is called with the name at the first `require` and returns it. */
void vm_module(struct vm *vm, const char *name, lua_CFunction loader);

/* A type of userdata: luaL_checkudata and luaL_setmetatable know it by name, scripts call its
 * methods, and gc runs when nobody holds one any more. The stack stays as it is. */
void vm_type(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction gc);

/* A script that `require` finds, compiled at first use: "activities/money.lua" answers to
 * "activities.money". name and text are copied. */
void vm_source(struct vm *vm, struct span name, struct span text);

/* Pushes what `require(module)` returns for embedded modules ("errors"), C modules and sources. */
bool vm_require(struct vm *vm, const char *module, struct error *err);

/* --- running --- */

enum vm_outcome {
    VM_DONE,          /* the results are on co's stack */
    VM_YIELDED,       /* what was yielded is on co's stack */
    VM_PREEMPTED,     /* out of budget: nothing yielded; go on with vm_resume(vm, co, 0, ...) */
    VM_ERROR,         /* the error is on top of co's stack: vm_error() */
    VM_OUT_OF_TIME,   /* VM_WORKFLOW only, instead of PREEMPTED: drop the coroutine */
    VM_OUT_OF_MEMORY, /* refused by the account's or the heap's limit: drop the coroutine */
};

/* Resumes co with nargs values on its stack (and, the first time, the function below them).
 * budget_ms is CPU time of this thread, 0: no limit. */
enum vm_outcome vm_resume(struct vm *vm, lua_State *co, int nargs, int budget_ms);

/* file:line of where the last vm_resume() first made its coroutine yield by itself, "" when it did
 * not. The coroutine does not know it any more: its innermost frame may be gone. */
const char *vm_stopped_at(const struct vm *vm);

/* Pops the error on top of L into err, kind ERROR_SCRIPT, false. */
bool vm_error(lua_State *L, struct error *err);

/* --- memory by owner --- */

/* Bytes that coroutines of one owner hold. The account outlives its owner until the last byte is
 * collected. limit 0: none. */
struct vm_account *vm_account_new(size_t limit);
void vm_account_free(struct vm_account *account);
size_t vm_account_used(const struct vm_account *account);

/* From now on allocations are charged to this account; NULL: to nobody but the heap. */
void vm_charge(struct vm *vm, struct vm_account *account);

/* --- places --- */

/* file:line of the script frame (not the embedded library's) that is running or suspended in L, ""
 * when there is none. */
void script_place(lua_State *L, struct bytes *out);

/* The same from that level of the stack on. */
void script_place_from(lua_State *L, int level, struct bytes *out);

/* One line a script frame, innermost first: "file:line: in function 'name'", without addresses and
 * the library's own frames. L is running, suspended or dead of an error. */
void script_stack(lua_State *L, struct bytes *out);

/* Raises a message with the place of the script in front, also from below the embedded library:
 * luaL_error would name the library's line. The format is lua_pushfstring's. */
int script_error(lua_State *L, const char *format, ...) __attribute__((format(printf, 2, 3)));
