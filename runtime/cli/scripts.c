#include "cli/scripts.h"

#include <lauxlib.h>
#include <string.h>

static void set_text(lua_State *L, const char *field, const char *text)
{
    lua_pushstring(L, text);
    lua_setfield(L, -2, field);
}

static void push_types(lua_State *L, const struct edition_types *types)
{
    lua_createtable(L, (int)types->count, 0);
    for (size_t i = 0; i < types->count; i++) {
        lua_pushstring(L, types->names[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
}

static void push_script(lua_State *L, const struct edition_script *script)
{
    lua_createtable(L, 0, 3);
    set_text(L, "entry", store_entry(script->bundle).data);
    set_text(L, "hash", script->bundle->hash);
    push_types(L, &script->types);
    lua_setfield(L, -2, "types");
}

/* --- what an edit did --- */

static bool has_file(const struct store_bundle *bundle, struct span file)
{
    for (size_t i = 0; i < bundle->count; i++)
        if (span_equal(bundle->files[i].name, file))
            return true;
    return false;
}

static bool serves(const struct edition *edition, struct span file)
{
    for (size_t i = 0; i < edition->count; i++)
        if (span_equal(edition->files[i].name, file))
            return true;
    return false;
}

/* Appends the bundles of one edition that have the file and differ from the other's of the same
 * name. The file's removal is told by bundles that the newer edition has no more. */
static void add_new_bundles(lua_State *L, const struct edition *now, const struct edition *before,
                            struct span file)
{
    for (size_t i = 0; i < now->script_count; i++) {
        const struct edition_script *script = &now->scripts[i];
        const struct edition_script *old = edition_script(before, store_entry(script->bundle));
        if (!has_file(script->bundle, file) ||
            (old && strcmp(old->bundle->hash, script->bundle->hash) == 0))
            continue;
        push_script(L, script);
        if (old)
            set_text(L, "before", old->bundle->hash);
        lua_rawseti(L, -2, (int)lua_objlen(L, -2) + 1);
    }
}

static void add_lost_bundles(lua_State *L, const struct edition *now, const struct edition *before,
                             struct span file)
{
    for (size_t i = 0; i < before->script_count; i++) {
        const struct edition_script *script = &before->scripts[i];
        if (!span_equal(store_entry(script->bundle), file) || edition_script(now, file))
            continue;
        push_script(L, script);
        lua_pushnil(L);
        lua_setfield(L, -2, "hash");
        set_text(L, "before", script->bundle->hash);
        lua_rawseti(L, -2, (int)lua_objlen(L, -2) + 1);
    }
}

static void push_change(lua_State *L, const struct edition_change *change,
                        const struct edition *now, const struct edition *before)
{
    lua_createtable(L, 0, 5);
    set_text(L, "kind", edition_change_name(change->kind));
    set_text(L, "file", change->file.data);
    set_text(L, "why", change->why);
    lua_pushboolean(L, serves(now, change->file));
    lua_setfield(L, -2, "serves");
    lua_newtable(L);
    if (change->kind < CHANGE_REFUSED) {
        add_new_bundles(L, now, before, change->file);
        add_lost_bundles(L, now, before, change->file);
    }
    lua_setfield(L, -2, "bundles");
}

void scripts_push_changes(lua_State *L, const struct edition *now, const struct edition *before)
{
    lua_newtable(L);
    for (size_t i = 0; i < now->change_count; i++) {
        if (now->changes[i].said)
            continue;
        push_change(L, &now->changes[i], now, before);
        lua_rawseti(L, -2, (int)lua_objlen(L, -2) + 1);
    }
}

/* --- a look at the folder --- */

int scripts_look(lua_State *L)
{
    static const struct edition nothing;
    struct edition *edition;
    struct error err = {0};
    bool ok = edition_make(&edition, NULL, luaL_checkstring(L, 1), &err);
    lua_pushboolean(L, ok);
    if (!ok) {
        lua_pushstring(L, error_kind_name(err.kind));
        lua_pushstring(L, err.text);
        return 3;
    }
    lua_createtable(L, 0, 2);
    lua_createtable(L, (int)edition->script_count, 0);
    for (size_t i = 0; i < edition->script_count; i++) {
        push_script(L, &edition->scripts[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
    lua_setfield(L, -2, "scripts");
    scripts_push_changes(L, edition, &nothing);
    lua_setfield(L, -2, "changes");
    edition_release(edition);
    return 2;
}
