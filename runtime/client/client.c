#include "client/client.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/uuid.h"
#include "proto/proto.h"
#include "rpc/settings.h"
#include "script/fiber.h"
#include "script/message.h"

enum { RESPONSE_MAX = 256 << 20 };

static const char KEY[] = "signalroom.client"; /* its address is the registry's key */

struct client {
    struct rpc *rpc;
    struct rpc_config config;
};

/* A call under way. The reply is written on the pump thread, read on the fiber's. */
struct calling {
    struct fiber_wait wait;
    struct rpc_call *call;
    struct rpc_reply reply;
    struct proto_method method;
};

static struct client *client_of(lua_State *L)
{
    lua_pushlightuserdata(L, (void *)KEY);
    lua_rawget(L, LUA_REGISTRYINDEX);
    struct client *client = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return client;
}

static struct client *connected(lua_State *L)
{
    struct client *client = client_of(L);
    if (!client->rpc)
        luaL_error(L, "no server yet: rpc.connect comes first");
    return client;
}

struct rpc *client_rpc(lua_State *L)
{
    return connected(L)->rpc;
}

const char *client_space(lua_State *L)
{
    return connected(L)->config.space;
}

/* --- requests --- */

/* Sets a string field that the caller left empty, where the message has one of that name. */
static void fill(ProtobufCMessage *message, const char *name, const char *value)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    if (!field || field->type != PROTOBUF_C_TYPE_STRING ||
        field->label == PROTOBUF_C_LABEL_REPEATED)
        return;
    const char **place = (const char **)((char *)message + field->offset);
    if (!*place || !**place)
        *place = value;
}

static bool pack_request(lua_State *L, struct client *client, const struct proto_method *method,
                         struct bytes *body, struct error *err)
{
    char uuid[UUID_SIZE];
    struct arena arena = {0};
    ProtobufCMessage *request = message_read(L, 2, method->request, &arena, err);
    bool ok = request != NULL;
    if (ok) {
        uuid_make(uuid);
        fill(request, "namespace", client->config.space);
        fill(request, "identity", client->config.identity);
        fill(request, "request_id", uuid);
        ok = proto_check_utf8(request, err);
    }
    if (ok)
        proto_pack(request, body);
    arena_release(&arena);
    return ok;
}

/* --- replies --- */

static void push_details(lua_State *L, struct span packed)
{
    struct arena arena = {.limit = RESPONSE_MAX};
    struct error err = {0};
    Gpb__Rpc__Status *status =
        packed.size ? proto_unpack(&gpb__rpc__status__descriptor, packed, &arena, &err) : NULL;
    lua_newtable(L);
    for (size_t i = 0; status && i < status->n_details; i++) {
        const Gpb__Any *any = status->details[i];
        const char *name = strrchr(any->type_url, '/');
        const ProtobufCMessageDescriptor *type = name ? proto_find(span_of(name + 1)) : NULL;
        struct span value = {(const char *)any->value.data, any->value.len};
        ProtobufCMessage *detail = type ? proto_unpack(type, value, &arena, &err) : NULL;
        if (!detail)
            continue;
        message_push(L, detail);
        lua_setfield(L, -2, name + 1);
    }
    arena_release(&arena);
}

/* false, then what rpc.lua makes a typed error of. */
static int push_failure(lua_State *L, const struct calling *calling)
{
    const struct rpc_reply *reply = &calling->reply;
    lua_pushboolean(L, 0);
    lua_createtable(L, 0, 4);
    lua_pushstring(L, rpc_status_name(reply->status));
    lua_setfield(L, -2, "status");
    lua_pushlstring(L, bytes_text(&reply->message), reply->message.size);
    lua_setfield(L, -2, "message");
    lua_pushstring(L, calling->method.name);
    lua_setfield(L, -2, "method");
    push_details(L, bytes_span(&reply->details));
    lua_setfield(L, -2, "details");
    return 2;
}

static int deliver(struct fiber_wait *wait, lua_State *L)
{
    struct calling *calling = (struct calling *)wait;
    if (calling->reply.status != RPC_OK)
        return push_failure(L, calling);
    struct arena arena = {.limit = RESPONSE_MAX};
    struct error err = {0};
    ProtobufCMessage *response =
        proto_unpack(calling->method.response, bytes_span(&calling->reply.body), &arena, &err);
    lua_pushboolean(L, response != NULL);
    if (response)
        message_push(L, response);
    else
        lua_pushstring(L, err.text);
    arena_release(&arena);
    return 2;
}

static void interrupt(struct fiber_wait *wait)
{
    rpc_cancel(((struct calling *)wait)->call);
}

static void release(struct fiber_wait *wait)
{
    struct calling *calling = (struct calling *)wait;
    rpc_call_free(calling->call);
    rpc_reply_release(&calling->reply);
    free(calling);
}

static void done(void *user, struct rpc_reply *reply)
{
    struct calling *calling = user;
    calling->reply = *reply;
    fiber_wake(&calling->wait);
}

/* method, request, wait for as long as it takes, or ms for a single attempt: true and the response,
 * or false and why. */
static int call(lua_State *L)
{
    struct client *client = connected(L);
    struct fiber *fiber = fiber_current(L);
    size_t size;
    const char *name = luaL_checklstring(L, 1, &size);
    luaL_checktype(L, 2, LUA_TTABLE);
    struct proto_method method;
    struct bytes body = {0};
    struct error err = {0};
    bool ok = proto_method_find((struct span){name, size}, &method)
                  ? pack_request(L, client, &method, &body, &err)
                  : error_set(&err, ERROR_USAGE, "this build has no call %s", name);
    if (!ok) {
        bytes_release(&body);
        lua_pushboolean(L, 0);
        lua_pushstring(L, err.text);
        return 2;
    }
    char path[256];
    snprintf(path, sizeof path, "/%s/%s", method.service, method.name);
    struct calling *calling = memory_new(sizeof *calling);
    calling->method = method;
    calling->wait = (struct fiber_wait){fiber, deliver, interrupt, release};
    struct rpc_request request = {.method = path,
                                  .body = bytes_span(&body),
                                  .space = span_of(client->config.space),
                                  .retry = lua_toboolean(L, 3) ? RPC_WAIT : RPC_CLIENT};
    if (lua_isnumber(L, 4)) {
        request.deadline_ms = (int)lua_tointeger(L, 4);
        request.retry = RPC_ONCE;
    }
    calling->call = rpc_start(client->rpc, &request, done, calling);
    bytes_release(&body);
    return fiber_suspend(L, &calling->wait);
}

/* --- the connection --- */

static void disconnect(struct client *client)
{
    if (client->rpc)
        rpc_close(client->rpc);
    client->rpc = NULL;
    rpc_config_release(&client->config);
    client->config = (struct rpc_config){0};
}

static const char *text_field(lua_State *L, const char *field)
{
    lua_getfield(L, 1, field);
    const char *text = lua_tostring(L, -1); /* the table keeps it alive */
    lua_pop(L, 1);
    return text;
}

/* "VARIABLE=text of the field" behind the others; flags must have room for a NULL more. */
static void add_flag(lua_State *L, const char **flags, const char *variable, const char *field)
{
    const char *text = text_field(L, field);
    while (*flags)
        flags++;
    if (text)
        *flags = lua_pushfstring(L, "%s=%s", variable, text);
}

/* { address, namespace, profile, config_file }: nothing, or the error's text. */
static int connect(lua_State *L)
{
    struct client *client = client_of(L);
    const char *flags[3] = {NULL};
    luaL_checktype(L, 1, LUA_TTABLE);
    disconnect(client);
    add_flag(L, flags, "TEMPORAL_ADDRESS", "address");
    add_flag(L, flags, "TEMPORAL_NAMESPACE", "namespace");
    struct rpc_config_source source = {
        .file = text_field(L, "config_file"), .profile = text_field(L, "profile"), .flags = flags};
    struct error err = {0};
    if (rpc_config_load(&client->config, &source, &err) &&
        rpc_open(&client->rpc, &client->config, &err))
        return 0;
    lua_pushstring(L, err.text);
    return 1;
}

/* { profile, config_file }: what the profile of temporal.toml alone says, by name of the variable
 * it stands for; or nil and the error's text. */
static int profile(lua_State *L)
{
    static const char *const finders[] = {"HOME", "XDG_CONFIG_HOME", "TEMPORAL_CONFIG_FILE",
                                          "TEMPORAL_PROFILE"};
    const char *found[sizeof finders / sizeof *finders + 1] = {NULL};
    const char *nothing[] = {NULL};
    size_t count = 0;
    struct settings settings = {0};
    struct error err = {0};
    luaL_checktype(L, 1, LUA_TTABLE);
    for (size_t i = 0; i < sizeof finders / sizeof *finders; i++)
        if (getenv(finders[i]))
            found[count++] = lua_pushfstring(L, "%s=%s", finders[i], getenv(finders[i]));
    struct rpc_config_source source = {.file = text_field(L, "config_file"),
                                       .profile = text_field(L, "profile"),
                                       .flags = found,
                                       .environment = nothing};
    bool ok = settings_read(&settings, &source, &err);
    lua_newtable(L);
    for (int i = 0; ok && i < SETTINGS; i++) {
        lua_pushstring(L, settings.values[i]); /* NULL is nil */
        lua_setfield(L, -2, settings_variable((enum setting)i));
    }
    settings_release(&settings);
    if (ok)
        return 1;
    lua_pushnil(L);
    lua_pushstring(L, err.text);
    return 2;
}

static int address(lua_State *L)
{
    lua_pushstring(L, connected(L)->config.address);
    return 1;
}

static int space(lua_State *L)
{
    lua_pushstring(L, client_space(L));
    return 1;
}

int client_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"connect",   connect},
        {"profile",   profile},
        {"call",      call   },
        {"address",   address},
        {"namespace", space  },
        {NULL,        NULL   },
    };
    lua_pushlightuserdata(L, (void *)KEY);
    lua_pushlightuserdata(L, memory_new(sizeof(struct client)));
    lua_rawset(L, LUA_REGISTRYINDEX);
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}

void client_close(lua_State *L)
{
    struct client *client = client_of(L);
    if (!client)
        return;
    disconnect(client);
    free(client);
    lua_pushlightuserdata(L, (void *)KEY);
    lua_pushnil(L);
    lua_rawset(L, LUA_REGISTRYINDEX);
}
