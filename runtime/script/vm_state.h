/* What the files of the VM share; rooms above include script/vm.h. */
#pragma once

#include <signal.h>

#include "base/map.h"
#include "script/pool.h"
#include "script/vm.h"
#include "script/world.h"

struct vm_account {
    size_t used;
    size_t limit;
    size_t calm;   /* up to it nothing is done */
    bool released; /* the owner is gone: free it with its last byte */
};

/* Why the hook is armed, the graver the greater. */
enum vm_alarm {
    ALARM_NONE,
    ALARM_COLLECT, /* near a memory limit: collect, then see */
    ALARM_LATE,    /* out of budget */
    ALARM_MEMORY,  /* memory was refused */
};

enum { VM_NESTING_LIMIT = 100 };

struct vm {
    lua_State *L;
    enum vm_kind kind;
    struct vm_account own;
    struct vm_account heap; /* all accounts together */
    struct vm_account *charged;
    struct pool pool;
    size_t garbage; /* that is no reason to collect */

    bool running;                 /* inside vm_resume(): memory may be refused */
    volatile sig_atomic_t alarm;  /* enum vm_alarm */
    volatile sig_atomic_t arming; /* the VM's thread is inside lua_sethook() */
    lua_State *hooked;            /* the coroutine that the hook made yield last */
    struct bytes stopped_at;      /* where a script was when the hook first made it yield */

    struct world world;    /* time, chance and names of those who have none of their own */
    struct world *current; /* of the run that is running */
    struct map sources;    /* module name -> struct script_text, for require */
    int nesting;           /* coroutines of scripts that resumed one another: */
    lua_State *callers[VM_NESTING_LIMIT];
};

/* limit 0: none. */
void account_init(struct vm_account *account, size_t limit);

void *vm_allocate(void *vm, void *block, size_t old_size, size_t new_size);

/* Arms the hook for an alarm at least that grave. */
void vm_raise(struct vm *vm, enum vm_alarm alarm);

/* After a collection: does the run that is charged, or do all together, still hold too much? */
bool vm_memory_is_tight(const struct vm *vm);

/* True when the script must stop: what loops in C returns as soon as it can. */
bool vm_stopping(const struct vm *vm);

/* script_stack() of the running coroutine and of the coroutines that resumed it. */
void vm_stack(lua_State *running, struct bytes *out);

/* The C functions that the embedded library builds the sandbox from: require "script". */
int script_open(lua_State *L);

/* Installs `require` for the embedded library and creates the environment of scripts. */
void module_install(struct vm *vm);
void module_release(struct vm *vm);
