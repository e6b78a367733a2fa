#include "cli/replay.h"

#include <lauxlib.h>

#include "script/message.h"
#include "script/protojson.h"
#include "store/store.h"
#include "workflow/workflow.h"

enum { HISTORY_MAX = 256 * 1024 * 1024 };

struct replaying {
    struct store *store;
    struct workflow_host *host;
    struct arena arena;
    struct workflow_replay_report report;
};

/* A history that records its code needs no scripts, and no fault of theirs may stand in its way. */
static bool open_scripts(struct replaying *r, const char *folder, bool needless, struct error *err)
{
    struct store_faults none = {0};
    if (!needless)
        return store_open(&r->store, folder, err);
    r->store = store_make(NULL, 0, &none);
    return true;
}

static bool run(struct replaying *r, lua_State *L, enum workflow_replay_mode mode,
                struct error *err)
{
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);
    Tpb__History__History *history;
    r->arena.limit = HISTORY_MAX;
    struct workflow_options options = {.space = "default",
                                       .task_queue = "replay",
                                       .identity = "replay",
                                       .newest = lua_toboolean(L, 4)};
    if (!history_read((struct span){text, size}, &r->arena, &history, err) ||
        !open_scripts(r, luaL_checkstring(L, 2), !options.newest && workflow_records_code(history),
                      err))
        return false;
    options.store = r->store;
    return workflow_host_open(&r->host, &options, err) &&
           workflow_replay(r->host, history, "replay", mode, &r->report, err);
}

static void release(struct replaying *r)
{
    if (r->host)
        workflow_host_close(r->host);
    if (r->store)
        store_close(r->store);
    arena_release(&r->arena);
    bytes_release(&r->report.commands);
}

int replay_file(lua_State *L)
{
    static const char *const modes[] = {"whole", "tasks", "evicting", NULL};
    enum workflow_replay_mode mode =
        (enum workflow_replay_mode)luaL_checkoption(L, 3, "whole", modes);
    struct replaying r = {0};
    struct error err = {0};
    bool ok = run(&r, L, mode, &err);
    lua_pushboolean(L, ok);
    if (ok) {
        lua_pushinteger(L, (lua_Integer)r.report.events);
        lua_pushinteger(L, (lua_Integer)r.report.tasks);
        lua_pushstring(L, r.report.code);
        lua_pushboolean(L, r.report.own_code);
    } else {
        lua_pushstring(L, error_kind_name(err.kind));
        lua_pushstring(L, err.text);
    }
    release(&r);
    return ok ? 5 : 3;
}

int replay_history_json(lua_State *L)
{
    const ProtobufCMessageDescriptor *type = message_descriptor("temporal.api.history.v1.History");
    struct arena arena = {.limit = HISTORY_MAX};
    struct bytes text = {0};
    struct error err = {0};
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "events");
    ProtobufCMessage *history = message_read(L, -1, type, &arena, &err);
    bool ok = history && protojson_write(history, &text, &err);
    lua_pushlstring(L, ok ? bytes_text(&text) : err.text, ok ? text.size : strlen(err.text));
    bytes_release(&text);
    arena_release(&arena);
    return ok ? 1 : lua_error(L);
}
