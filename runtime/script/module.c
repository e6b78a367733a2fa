/*
 * Where Lua text comes from, and what environment it gets: the embedded library (the VM's own
 * globals), C modules, and scripts (the scripts' environment). `require` itself is Lua
 * (sandbox/init.lua), so that a script's top level can be stopped like all else; here it finds and
 * compiles.
 */
#include <stdlib.h>

#include <lauxlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "script/embed.h"
#include "script/json.h"
#include "script/source.h"
#include "script/vm_state.h"

static const char library_env[] = "signalroom.library_env";
static const char script_env[] = "signalroom.script_env";
static const char require_key[] = "signalroom.require";
static const char loaders[] = "signalroom.loaders";

struct script_text {
    struct bytes name;
    struct bytes text;
};

static bool same_module(const char *embedded, const char *module)
{
    size_t size = strlen(module);
    return strncmp(embedded, module, size) == 0 &&
           (embedded[size] == '\0' || strcmp(embedded + size, ".init") == 0);
}

static const struct embed *find_embedded(const char *module)
{
    const struct embed *e = embed_table;
    while (e->module && !same_module(e->module, module))
        e++;
    return e->code ? e : NULL;
}

/* Compiled ahead: half of the time to start went into compiling the library for each VM. */
static void push_embedded(lua_State *L, const struct embed *e)
{
    if (luaL_loadbufferx(L, e->code, (size_t)(e->code_end - e->code), e->module, "b") != 0)
        lua_error(L);
    lua_getfield(L, LUA_REGISTRYINDEX, library_env);
    lua_setfenv(L, -2);
}

bool vm_load(struct vm *vm, struct span name, struct span text, struct error *err)
{
    if (!source_compile(vm->L, name, text, err))
        return false;
    lua_getfield(vm->L, LUA_REGISTRYINDEX, script_env);
    lua_setfenv(vm->L, -2);
    return true;
}

static void push_source(lua_State *L, const struct script_text *script)
{
    struct error err = {0};
    if (!source_compile(L, bytes_span(&script->name), bytes_span(&script->text), &err))
        luaL_error(L, "%s", err.text);
    lua_getfield(L, LUA_REGISTRYINDEX, script_env);
    lua_setfenv(L, -2);
}

/* find(name) -> the function that gives the module when called; nil when there is none. */
static int find(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    lua_getfield(L, LUA_REGISTRYINDEX, loaders);
    lua_getfield(L, -1, name);
    if (lua_isfunction(L, -1))
        return 1;
    const struct script_text *script = map_get_text(&vm_of(L)->sources, span_of(name));
    const struct embed *e = find_embedded(name);
    if (script)
        push_source(L, script);
    else if (e)
        push_embedded(L, e);
    else
        lua_pushnil(L);
    return 1;
}

/* environment() -> the globals of the run that is running, or the scripts' ones */
static int environment(lua_State *L)
{
    const struct world *world = vm_of(L)->current;
    if (world->host) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, world->host);
        lua_getfield(L, -1, "env");
    } else {
        lua_getfield(L, LUA_REGISTRYINDEX, script_env);
    }
    return 1;
}

void vm_global(struct vm *vm, const char *name)
{
    lua_State *L = vm->L;
    lua_getfield(L, LUA_REGISTRYINDEX, script_env);
    lua_insert(L, -2);
    lua_pushstring(L, name);
    lua_insert(L, -2);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

void vm_module(struct vm *vm, const char *name, lua_CFunction loader)
{
    lua_getfield(vm->L, LUA_REGISTRYINDEX, loaders);
    lua_pushcfunction(vm->L, loader);
    lua_setfield(vm->L, -2, name);
    lua_pop(vm->L, 1);
}

void vm_type(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction gc)
{
    luaL_newmetatable(L, name);
    lua_pushcfunction(L, gc);
    lua_setfield(L, -2, "__gc");
    lua_newtable(L);
    luaL_register(L, NULL, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

static void free_source(struct script_text *script)
{
    if (!script)
        return;
    bytes_release(&script->name);
    bytes_release(&script->text);
    free(script);
}

void vm_source(struct vm *vm, struct span name, struct span text)
{
    struct script_text *script = memory_new(sizeof *script);
    bytes_add_span(&script->name, name);
    bytes_add_span(&script->text, text);
    struct bytes module = {0};
    source_module(name, &module);
    free_source(map_put_text(&vm->sources, bytes_span(&module), script));
    bytes_release(&module);
}

bool vm_require(struct vm *vm, const char *module, struct error *err)
{
    lua_getfield(vm->L, LUA_REGISTRYINDEX, require_key);
    lua_pushstring(vm->L, module);
    if (lua_pcall(vm->L, 1, 1, 0) == 0)
        return true;
    vm_error(vm->L, err);
    return error_add(err, "loading module %s", module);
}

/* install(script) -> the scripts' environment, require. */
static int install(lua_State *L)
{
    lua_pushvalue(L, LUA_GLOBALSINDEX);
    lua_setfield(L, LUA_REGISTRYINDEX, library_env);
    lua_newtable(L);
    lua_pushcfunction(L, json_open);
    lua_setfield(L, -2, "json");
    lua_setfield(L, LUA_REGISTRYINDEX, loaders);
    push_embedded(L, find_embedded("sandbox.init"));
    script_open(L);
    lua_pushcfunction(L, find);
    lua_setfield(L, -2, "find_module");
    lua_pushcfunction(L, environment);
    lua_setfield(L, -2, "environment");
    lua_call(L, 1, 2);
    lua_setfield(L, LUA_REGISTRYINDEX, require_key);
    lua_setfield(L, LUA_REGISTRYINDEX, script_env);
    return 0;
}

void module_install(struct vm *vm)
{
    if (lua_cpcall(vm->L, install, NULL) != 0) {
        log_event(LOG_ERROR, "library_broken", "error", lua_tostring(vm->L, -1), NULL);
        abort();
    }
}

void module_release(struct vm *vm)
{
    for (struct map_entry *e = NULL; (e = map_next(&vm->sources, e));)
        free_source(e->value);
    map_release(&vm->sources);
}
