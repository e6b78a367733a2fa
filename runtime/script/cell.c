#include "script/cell.h"

#include <stdlib.h>

#include <lauxlib.h>

#include "base/memory.h"
#include "script/source.h"
#include "script/vm_state.h"

enum { LARGE_RUN = 1 << 20 }; /* a run that held so much is worth a collection when it goes */

struct cell {
    struct vm *vm;
    size_t instance_limit;
    int slice_ms;
    int bundle;  /* registry references: the list of { module =, chunk = }, */
    int start;   /* sandbox.run, */
    int new_run; /* and the workflow library */
    size_t count;
    struct instance *first;
};

struct instance {
    struct cell *cell;
    struct instance *previous;
    struct instance *next;
    struct vm_account *account;
    lua_State *co;
    int thread; /* registry references */
    int activate;
    bool dead;
    struct world world;
};

static bool add_source(lua_State *L, const struct script_source *source, int index,
                       struct error *err)
{
    struct bytes module = {0};
    lua_createtable(L, 0, 2);
    if (!source_compile(L, source->name, source->text, err)) {
        lua_pop(L, 1);
        return false;
    }
    lua_setfield(L, -2, "chunk");
    source_module(source->name, &module);
    lua_pushlstring(L, module.data, module.size);
    bytes_release(&module);
    lua_setfield(L, -2, "module");
    lua_rawseti(L, -2, index);
    return true;
}

static bool load_bundle(struct cell *cell, const struct cell_options *options, struct error *err)
{
    lua_State *L = vm_lua(cell->vm);
    lua_createtable(L, (int)options->source_count, 0);
    for (size_t i = 0; i < options->source_count; i++)
        if (!add_source(L, &options->sources[i], (int)i + 1, err))
            return false;
    cell->bundle = luaL_ref(L, LUA_REGISTRYINDEX);
    return true;
}

static bool load_library(struct cell *cell, struct span text, struct error *err)
{
    lua_State *L = vm_lua(cell->vm);
    if (!vm_require(cell->vm, "sandbox.run", err))
        return false;
    cell->start = luaL_ref(L, LUA_REGISTRYINDEX);
    if (text.size == 0) {
        if (!vm_require(cell->vm, "workflow", err))
            return false;
    } else if (luaL_loadbufferx(L, text.data, text.size, "=library", "t") != 0 ||
               lua_pcall(L, 0, 1, 0) != 0) {
        return vm_error(L, err);
    }
    cell->new_run = luaL_ref(L, LUA_REGISTRYINDEX);
    return true;
}

bool cell_open(struct cell **out, const struct cell_options *options, struct error *err)
{
    struct cell *cell = memory_new(sizeof *cell);
    cell->vm = vm_new(VM_WORKFLOW, options->heap_limit);
    cell->instance_limit = options->instance_limit;
    cell->slice_ms = options->slice_ms;
    if (!load_bundle(cell, options, err) || !load_library(cell, options->library, err)) {
        cell_close(cell);
        return false;
    }
    *out = cell;
    return true;
}

void cell_close(struct cell *cell)
{
    if (!cell)
        return;
    while (cell->first)
        instance_free(cell->first);
    vm_free(cell->vm);
    free(cell);
}

size_t cell_instances(const struct cell *cell)
{
    return cell->count;
}

/* From here on the VM works for this run. */
static void enter(struct instance *instance)
{
    struct vm *vm = instance->cell->vm;
    vm->current = &instance->world;
    vm_charge(vm, instance->account);
}

static void leave(struct instance *instance)
{
    struct vm *vm = instance->cell->vm;
    vm->current = &vm->world;
    vm_charge(vm, NULL);
}

static struct instance *create(struct cell *cell)
{
    struct instance *instance = memory_new(sizeof *instance);
    lua_State *L = vm_lua(cell->vm);
    instance->cell = cell;
    instance->account = vm_account_new(cell->instance_limit);
    instance->activate = LUA_NOREF;
    instance->next = cell->first;
    if (cell->first)
        cell->first->previous = instance;
    cell->first = instance;
    cell->count++;
    enter(instance);
    instance->co = lua_newthread(L);
    instance->thread = luaL_ref(L, LUA_REGISTRYINDEX);
    return instance;
}

/* Puts where the script was in front. */
static bool stopped(const struct instance *instance, struct error *err)
{
    const char *place = vm_stopped_at(instance->cell->vm);
    return *place && error_add(err, "%s", place);
}

static bool no_room(const struct instance *instance, struct error *err)
{
    error_set(err, ERROR_LIMIT, "the run needed more than its %zu bytes of memory",
              instance->cell->instance_limit);
    return stopped(instance, err);
}

static bool no_time(const struct instance *instance, struct error *err)
{
    error_set(err, ERROR_LIMIT, "the scripts ran for more than %d ms without waiting",
              instance->cell->slice_ms);
    return stopped(instance, err);
}

static bool start(struct instance *instance, struct error *err)
{
    struct cell *cell = instance->cell;
    lua_State *co = instance->co;
    lua_rawgeti(co, LUA_REGISTRYINDEX, cell->start);
    lua_rawgeti(co, LUA_REGISTRYINDEX, cell->bundle);
    lua_rawgeti(co, LUA_REGISTRYINDEX, cell->new_run);
    switch (vm_resume(cell->vm, co, 2, cell->slice_ms)) {
    case VM_DONE:
        lua_settop(co, 1);
        instance->activate = luaL_ref(co, LUA_REGISTRYINDEX);
        return true;
    case VM_ERROR:
        return vm_error(co, err);
    case VM_OUT_OF_MEMORY:
        return no_room(instance, err);
    case VM_OUT_OF_TIME:
    case VM_PREEMPTED:
        return no_time(instance, err);
    case VM_YIELDED:
        break;
    }
    return error_set(err, ERROR_SCRIPT, "a script waits at its top level; wait inside run");
}

bool instance_new(struct instance **out, struct cell *cell, struct error *err)
{
    struct instance *instance = create(cell);
    bool started = start(instance, err);
    leave(instance);
    if (!started) {
        instance_free(instance);
        return false;
    }
    *out = instance;
    return true;
}

void instance_free(struct instance *instance)
{
    if (!instance)
        return;
    struct cell *cell = instance->cell;
    lua_State *L = vm_lua(cell->vm);
    bool large = instance_memory(instance) > LARGE_RUN;
    leave(instance);
    world_release(&instance->world, L);
    luaL_unref(L, LUA_REGISTRYINDEX, instance->activate);
    luaL_unref(L, LUA_REGISTRYINDEX, instance->thread);
    if (instance->previous)
        instance->previous->next = instance->next;
    else
        cell->first = instance->next;
    if (instance->next)
        instance->next->previous = instance->previous;
    cell->count--;
    vm_account_free(instance->account);
    free(instance);
    if (large)
        vm_collect(cell->vm);
}

lua_State *instance_lua(struct instance *instance)
{
    enter(instance);
    return instance->co;
}

size_t instance_memory(const struct instance *instance)
{
    return vm_account_used(instance->account);
}

enum instance_outcome instance_resume(struct instance *instance, struct error *err)
{
    struct cell *cell = instance->cell;
    lua_State *co = instance->co;
    if (instance->dead) {
        error_set(err, ERROR_BUG, "the run is over: an earlier activation killed it");
        return INSTANCE_ERROR;
    }
    enter(instance);
    lua_rawgeti(co, LUA_REGISTRYINDEX, instance->activate);
    lua_insert(co, -2);
    enum vm_outcome outcome = vm_resume(cell->vm, co, 1, cell->slice_ms);
    leave(instance);
    instance->dead = outcome != VM_DONE;
    switch (outcome) {
    case VM_DONE:
        return INSTANCE_DONE;
    case VM_OUT_OF_MEMORY:
        no_room(instance, err);
        return INSTANCE_OUT_OF_MEMORY;
    case VM_OUT_OF_TIME:
    case VM_PREEMPTED:
        no_time(instance, err);
        return INSTANCE_OUT_OF_TIME;
    case VM_ERROR:
        vm_error(co, err);
        return INSTANCE_ERROR;
    case VM_YIELDED:
        break;
    }
    error_set(err, ERROR_BUG, "the workflow library yielded to its host");
    return INSTANCE_ERROR;
}
