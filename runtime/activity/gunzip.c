/*
 * The Lua module "native.gunzip": unpacks gzip as it comes.
 *
 *   reader()          -> reader
 *   reader:feed(chunk)              what came; the chunk before must be used up
 *   reader:next()     -> text or nil    a piece of at most 256 KiB; nil: it wants a chunk
 *   reader:finish()                 there is no more: raises VendorError when the end is missing
 *
 * Several packed texts behind each other are one text, as gzip has it.
 */
#include <lauxlib.h>
#include <zlib.h>

#include "activity/failure.h"
#include "activity/modules.h"
#include "activity/scratch.h"
#include "script/vm.h"

#define READER "signalroom.gunzip"

enum { PIECE = 256 << 10, GZIP_ONLY = 16 };

/* Slot of the reader's environment that keeps the chunk alive. */
enum { SLOT_CHUNK = 1 };

struct unpacker {
    z_stream stream;
    bool begun; /* within a packed text */
};

static struct unpacker *check(lua_State *L)
{
    return luaL_checkudata(L, 1, READER);
}

static int unpacker_gc(lua_State *L)
{
    struct unpacker *unpacker = lua_touserdata(L, 1);
    inflateEnd(&unpacker->stream);
    return 0;
}

static int unpacker_new(lua_State *L)
{
    struct unpacker *unpacker = lua_newuserdata(L, sizeof *unpacker);
    *unpacker = (struct unpacker){0};
    if (inflateInit2(&unpacker->stream, GZIP_ONLY + MAX_WBITS) != Z_OK)
        return luaL_error(L, "no memory for unpacking");
    luaL_getmetatable(L, READER);
    lua_setmetatable(L, -2);
    lua_newtable(L);
    lua_setfenv(L, -2);
    return 1;
}

static int feed(lua_State *L)
{
    struct unpacker *unpacker = check(L);
    size_t size;
    const char *chunk = luaL_checklstring(L, 2, &size);
    if (unpacker->stream.avail_in)
        failure_raise(L, "ValueError", "gunzip: the chunk before is not used up");
    unpacker->stream.next_in = (z_const Bytef *)chunk;
    unpacker->stream.avail_in = (uInt)size;
    lua_getfenv(L, 1);
    lua_pushvalue(L, 2);
    lua_rawseti(L, -2, SLOT_CHUNK);
    return 0;
}

/* Unpacks until the piece is full, the chunk is used up or a packed text ends. */
static void unpack_some(lua_State *L, struct unpacker *unpacker)
{
    unpacker->begun = true;
    int code = inflate(&unpacker->stream, Z_NO_FLUSH);
    if (code == Z_STREAM_END) {
        unpacker->begun = false;
        inflateReset(&unpacker->stream);
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
        failure_raise(L, "VendorError", "gzip: %s",
                      unpacker->stream.msg ? unpacker->stream.msg : "broken");
    }
}

static int next_piece(lua_State *L)
{
    struct unpacker *unpacker = check(L);
    z_stream *stream = &unpacker->stream;
    struct bytes *piece = scratch_push(L);
    stream->next_out = (Bytef *)bytes_reserve(piece, PIECE);
    stream->avail_out = PIECE;
    /* Once also without input: what did not fit into the piece before waits inside. */
    do
        if (stream->avail_in || unpacker->begun)
            unpack_some(L, unpacker);
    while (stream->avail_in && stream->avail_out);
    size_t size = PIECE - stream->avail_out;
    if (!size)
        return 0;
    vm_push_bytes(L, (struct span){piece->data, size});
    bytes_release(piece);
    return 1;
}

static int finish(lua_State *L)
{
    if (check(L)->begun)
        failure_raise(L, "VendorError", "gzip: the end is missing");
    return 0;
}

static const luaL_Reg methods[] = {
    {"feed",   feed      },
    {"next",   next_piece},
    {"finish", finish    },
    {NULL,     NULL      },
};

static const luaL_Reg functions[] = {
    {"reader", unpacker_new},
    {NULL,     NULL        },
};

int gunzip_open(lua_State *L)
{
    vm_type(L, READER, methods, unpacker_gc);
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}
