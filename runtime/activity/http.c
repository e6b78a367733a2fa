/*
 * The Lua module "native.http": one HTTP exchange, whole or streamed. Retries, and which statuses
 * are errors, are words and stand in runtime/lua/activity/http.lua.
 *
 *   perform(call, options) -> response          waits for the whole body
 *   open(call, options)    -> stream, response  waits for the first bytes of the body
 *   stream:read()          -> chunk or nil      waits for more
 *   stream:close()
 *   date(text)             -> seconds since 1970 of an HTTP date, nil when it is none
 */
#include <lauxlib.h>
#include <stdlib.h>

#include "activity/failure.h"
#include "activity/http_request.h"
#include "activity/modules.h"
#include "base/clock.h"
#include "base/memory.h"
#include "script/vm.h"

#define STREAM "signalroom.http.stream"

/* One request and its response. Lua's handle of a stream owns it, and so does a wait on it. */
struct exchange {
    struct fiber_wait wait; /* first */
    struct transfer *transfer;
    struct bytes shown; /* "GET http://..." for errors */
    int64_t begun_us;
    int owners;
    bool waits;
};

static void drop(struct exchange *exchange)
{
    if (--exchange->owners)
        return;
    transfer_free(exchange->transfer);
    bytes_release(&exchange->shown);
    free(exchange);
}

static void wake(struct exchange *exchange)
{
    if (!exchange->waits)
        return;
    exchange->waits = false;
    fiber_wake(&exchange->wait);
}

static void changed(struct transfer *transfer)
{
    wake(transfer->owner);
}

static void interrupt(struct fiber_wait *wait)
{
    wake((struct exchange *)wait);
}

static void release(struct fiber_wait *wait)
{
    drop((struct exchange *)wait);
}

/* For who reads a stream. */
static bool has_news(const struct transfer *transfer)
{
    return transfer->body.size || transfer->ended;
}

static int suspend(lua_State *L, struct exchange *exchange,
                   int (*deliver)(struct fiber_wait *wait, lua_State *L))
{
    exchange->wait = (struct fiber_wait){fiber_current(L), deliver, interrupt, release};
    exchange->waits = true;
    exchange->owners++;
    if (exchange->transfer->streams && has_news(exchange->transfer))
        wake(exchange);
    return fiber_suspend(L, &exchange->wait);
}

/* --- what comes back --- */

static const char *failure_type(const struct transfer *transfer)
{
    switch (transfer->result) {
    case CURLE_OPERATION_TIMEDOUT:
        return "TimeoutError";
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return "ValueError";
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_WEIRD_SERVER_REPLY:
        return "BadResponse";
    case CURLE_WRITE_ERROR:
        return transfer->too_big ? "BodyTooLarge" : "BadResponse";
    default:
        return "NetworkError";
    }
}

static int push_failure(lua_State *L, const struct exchange *exchange)
{
    const struct transfer *transfer = exchange->transfer;
    const char *shown = bytes_text(&exchange->shown);
    const char *reason =
        transfer->reason[0] ? transfer->reason : curl_easy_strerror(transfer->result);
    lua_pushboolean(L, false);
    if (transfer->too_big)
        failure_push(L, "BodyTooLarge", "%s: the body is larger than max_bytes = %zu", shown,
                     transfer->limit);
    else
        failure_push(L, failure_type(transfer), "%s: %s", shown, reason);
    lua_pushlstring(L, shown, exchange->shown.size);
    lua_setfield(L, -2, "request");
    if (transfer->too_big) {
        lua_pushboolean(L, true);
        lua_setfield(L, -2, "non_retryable");
    }
    return 2;
}

/* A header that came several times is one text, joined as HTTP says, cookies line by line. */
static void push_headers(lua_State *L, const struct bytes *headers)
{
    const char *line = bytes_text(headers);
    lua_newtable(L);
    while (*line) {
        const char *end = strchr(line, '\n');
        const char *colon = strchr(line, ':');
        size_t size = (size_t)(colon - line);
        const char *join = size == 10 && memcmp(line, "set-cookie", size) == 0 ? "\n" : ", ";
        for (colon++; *colon == ' ' || *colon == '\t';)
            colon++;
        lua_pushlstring(L, line, size);
        lua_pushvalue(L, -1);
        lua_rawget(L, -3);
        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            lua_pushlstring(L, colon, (size_t)(end - colon));
        } else {
            lua_pushstring(L, join);
            lua_pushlstring(L, colon, (size_t)(end - colon));
            lua_concat(L, 3);
        }
        lua_rawset(L, -3);
        line = end + 1;
    }
}

static void push_response(lua_State *L, struct exchange *exchange)
{
    CURL *easy = exchange->transfer->easy;
    long status = 0;
    char *url = NULL;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
    lua_createtable(L, 0, 8);
    lua_pushinteger(L, status);
    lua_setfield(L, -2, "status");
    push_headers(L, &exchange->transfer->headers);
    lua_setfield(L, -2, "headers");
    lua_pushstring(L, url);
    lua_setfield(L, -2, "url");
    lua_pushlstring(L, bytes_text(&exchange->shown), exchange->shown.size);
    lua_setfield(L, -2, "request");
    lua_pushnumber(L, (double)(clock_monotonic_us() - exchange->begun_us) / 1e3);
    lua_setfield(L, -2, "elapsed_ms");
}

static int deliver_whole(struct fiber_wait *wait, lua_State *L)
{
    struct exchange *exchange = (struct exchange *)wait;
    struct transfer *transfer = exchange->transfer;
    if (transfer->result != CURLE_OK)
        return push_failure(L, exchange);
    lua_pushboolean(L, true);
    push_response(L, exchange);
    vm_push_bytes(L, bytes_span(&transfer->body));
    lua_setfield(L, -2, "body");
    return 2;
}

static int deliver_stream(struct fiber_wait *wait, lua_State *L)
{
    struct exchange *exchange = (struct exchange *)wait;
    if (exchange->transfer->ended && exchange->transfer->result != CURLE_OK)
        return push_failure(L, exchange);
    lua_pushboolean(L, true);
    struct exchange **handle = lua_newuserdata(L, sizeof(struct exchange *));
    *handle = exchange;
    exchange->owners++;
    luaL_getmetatable(L, STREAM);
    lua_setmetatable(L, -2);
    push_response(L, exchange);
    return 3;
}

static int deliver_chunk(struct fiber_wait *wait, lua_State *L)
{
    struct exchange *exchange = (struct exchange *)wait;
    struct transfer *transfer = exchange->transfer;
    if (!transfer->body.size && transfer->result != CURLE_OK)
        return push_failure(L, exchange);
    lua_pushboolean(L, true);
    if (!transfer->body.size)
        return 1;
    vm_push_bytes(L, bytes_span(&transfer->body));
    bytes_clear(&transfer->body);
    transfer_resume(transfer);
    return 2;
}

/* --- Lua's side --- */

static struct exchange *begin(lua_State *L, bool streams)
{
    struct web *web = lua_touserdata(L, lua_upvalueindex(1));
    struct bytes shown = {0};
    fiber_current(L);
    struct transfer *transfer = http_request(L, web, streams, &shown);
    struct exchange *exchange = memory_new(sizeof *exchange);
    transfer->owner = exchange;
    transfer->changed = changed;
    exchange->transfer = transfer;
    exchange->shown = shown;
    exchange->begun_us = clock_monotonic_us();
    return exchange;
}

static int perform(lua_State *L)
{
    struct exchange *exchange = begin(L, false);
    transfer_start(exchange->transfer);
    return suspend(L, exchange, deliver_whole);
}

static int open_stream(lua_State *L)
{
    struct exchange *exchange = begin(L, true);
    transfer_start(exchange->transfer);
    return suspend(L, exchange, deliver_stream);
}

static struct exchange *stream_check(lua_State *L)
{
    struct exchange **handle = luaL_checkudata(L, 1, STREAM);
    if (!*handle)
        failure_raise(L, "ValueError", "this response has been closed");
    return *handle;
}

static int stream_read(lua_State *L)
{
    struct exchange *exchange = stream_check(L);
    return suspend(L, exchange, deliver_chunk);
}

static int stream_close(lua_State *L)
{
    struct exchange **handle = luaL_checkudata(L, 1, STREAM);
    if (*handle)
        drop(*handle);
    *handle = NULL;
    return 0;
}

static int date(lua_State *L)
{
    time_t when = curl_getdate(luaL_checkstring(L, 1), NULL);
    if (when < 0)
        return 0;
    lua_pushnumber(L, (double)when);
    return 1;
}

static const luaL_Reg stream_functions[] = {
    {"read",  stream_read },
    {"close", stream_close},
    {"__gc",  stream_close},
    {NULL,    NULL        },
};

static const luaL_Reg functions[] = {
    {"perform", perform    },
    {"open",    open_stream},
    {"date",    date       },
    {NULL,      NULL       },
};

int http_open(lua_State *L)
{
    luaL_newmetatable(L, STREAM);
    luaL_register(L, NULL, stream_functions);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    lua_newtable(L);
    lua_pushlightuserdata(L, web_open(reactor_of(L)));
    luaL_openlib(L, NULL, functions, 1);
    return 1;
}
