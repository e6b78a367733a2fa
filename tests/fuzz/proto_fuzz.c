/* room: script */
/*
 * Any bytes as a packed message of any type: refused with a reason, or read, and then everything
 * that we do with messages works on it: packed and read again it packs to equal bytes; as a Lua
 * table and as JSON it is read back.
 *
 * Input: two bytes choose the type, one the arena's limit, the rest is the message.
 */
#include <lauxlib.h>
#include <stdlib.h>

#include "script/message.h"
#include "script/protojson.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
    if (!good)
        abort();
}

static void check_again(const ProtobufCMessageDescriptor *type, const void *message,
                        struct arena *arena)
{
    struct bytes first = {0};
    struct bytes second = {0};
    struct error err = {0};

    proto_pack(message, &first);
    void *again = proto_unpack(type, bytes_span(&first), arena, &err);
    must(again != NULL);
    proto_pack(again, &second);
    must(span_equal(bytes_span(&first), bytes_span(&second)));
    bytes_release(&first);
    bytes_release(&second);
}

/* A table holds every message but those with times out of range. */
static void check_table(const ProtobufCMessageDescriptor *type, const void *message,
                        struct arena *arena)
{
    static lua_State *L;
    struct error err = {0};

    if (!L)
        L = luaL_newstate();
    message_push(L, message);
    if (!message_read(L, -1, type, arena, &err))
        must(err.kind == ERROR_SCRIPT && strstr(err.text, "out of range"));
    lua_settop(L, 0);
}

static void check_json(const ProtobufCMessageDescriptor *type, const void *message,
                       struct arena *arena)
{
    struct bytes first = {0};
    struct bytes second = {0};
    struct error err = {0};
    ProtobufCMessage *again;

    if (!protojson_write(message, &first, &err)) {
        must(err.kind == ERROR_MALFORMED || err.kind == ERROR_LIMIT);
    } else if (protojson_read(bytes_span(&first), type, arena, &again, &err)) {
        must(protojson_write(again, &second, &err));
        must(first.size > 0 && second.size > 0);
    }
    bytes_release(&first);
    bytes_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct error err = {0};

    if (size < 3)
        return 0;
    const ProtobufCMessageDescriptor *type =
        proto_registry[(data[0] | data[1] << 8) % proto_registry_size];
    struct span packed = {(const char *)data + 3, size - 3};
    arena.limit = data[2] < 16 ? 64 * (size_t)data[2] : 0;
    void *message = proto_unpack(type, packed, &arena, &err);
    arena.limit = 0;
    if (!message) {
        must(err.kind == ERROR_MALFORMED || err.kind == ERROR_LIMIT);
    } else {
        check_again(type, message, &arena);
        if (proto_check_utf8(message, &err)) {
            check_table(type, message, &arena);
            check_json(type, message, &arena);
        }
    }
    arena_release(&arena);
    return 0;
}
