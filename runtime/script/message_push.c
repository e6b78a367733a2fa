/* Message -> table. One pass counts the fields that are set, so that the table is made in its size.
 */
#include "proto/proto.h"
#include "script/message.h"
#include "script/number.h"
#include "script/shape.h"

const ProtobufCMessageDescriptor *message_descriptor(const char *full_name)
{
    return proto_find(span_of(full_name));
}

static void push_message(lua_State *L, const struct shape *shape, const ProtobufCMessage *message);

#define AT(type, place) (*(const type *)(place))

/* Bit i: shape->plain[i] is to be pushed. */
static uint64_t set_fields(const struct shape *shape, const char *base)
{
    uint64_t set = 0;

    for (size_t i = 0; i < shape->plain_count; i++) {
        set |= (uint64_t)shape_is_set(shape->plain[i], base) << i;
    }
    return set;
}

static void push_integer(lua_State *L, bool negative, uint64_t size)
{
    char digits[24];
    char *at = digits + sizeof digits;

    if (size <= NUMBER_EXACT) {
        lua_pushnumber(L, negative ? -(double)size : (double)size);
        return;
    }
    do
        *--at = (char)('0' + size % 10);
    while (size /= 10);
    if (negative)
        *--at = '-';
    lua_pushlstring(L, at, (size_t)(digits + sizeof digits - at));
}

static void push_enum(lua_State *L, const struct shape_field *field, int number)
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(field->values, number);

    if (value)
        lua_pushstring(L, value->name);
    else
        lua_pushinteger(L, number);
}

static void push_string(lua_State *L, const char *text)
{
    lua_pushstring(L, text ? text : "");
}

static void push_time(lua_State *L, const struct shape_field *field, const void *message)
{
    const Gpb__Duration *duration = message;
    const Gpb__Timestamp *timestamp = message;

    if (!message)
        lua_pushnumber(L, 0);
    else if (field->kind == SHAPE_DURATION)
        lua_pushnumber(L, (double)duration->seconds * 1e3 + duration->nanos / 1e6);
    else
        lua_pushnumber(L, (double)timestamp->seconds * 1e3 + timestamp->nanos / 1e6);
}

static void push_value(lua_State *L, const struct shape_field *field, const char *place)
{
    switch (field->kind) {
    case SHAPE_INT32:
        lua_pushnumber(L, AT(int32_t, place));
        break;
    case SHAPE_UINT32:
        lua_pushnumber(L, AT(uint32_t, place));
        break;
    case SHAPE_INT64:
        push_integer(L, AT(int64_t, place) < 0,
                     AT(int64_t, place) < 0 ? -AT(uint64_t, place) : AT(uint64_t, place));
        break;
    case SHAPE_UINT64:
        push_integer(L, false, AT(uint64_t, place));
        break;
    case SHAPE_FLOAT:
        lua_pushnumber(L, (double)AT(float, place));
        break;
    case SHAPE_DOUBLE:
        lua_pushnumber(L, AT(double, place));
        break;
    case SHAPE_BOOL:
        lua_pushboolean(L, AT(protobuf_c_boolean, place));
        break;
    case SHAPE_ENUM:
        push_enum(L, field, AT(int, place));
        break;
    case SHAPE_STRING:
        push_string(L, AT(char *, place));
        break;
    case SHAPE_BYTES:
        lua_pushlstring(L, (const char *)AT(ProtobufCBinaryData, place).data,
                        AT(ProtobufCBinaryData, place).len);
        break;
    case SHAPE_MESSAGE:
        push_message(L, field->of, AT(ProtobufCMessage *, place));
        break;
    case SHAPE_DURATION:
    case SHAPE_TIMESTAMP:
        push_time(L, field, AT(void *, place));
        break;
    }
}

static void push_list(lua_State *L, const struct shape_field *field, const char *base)
{
    size_t count = AT(size_t, base + field->chooser);
    const char *values = AT(char *, base + field->offset);

    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        push_value(L, field, values + i * field->size);
        lua_rawseti(L, -2, (int)i + 1);
    }
}

static void push_map(lua_State *L, const struct shape_field *field, const char *base)
{
    size_t count = AT(size_t, base + field->chooser);
    const char *const *entries = AT(char **, base + field->offset);
    const struct shape_field *key = &field->of->fields[0];
    const struct shape_field *value = &field->of->fields[1];

    lua_createtable(L, 0, (int)count);
    for (size_t i = 0; i < count; i++) {
        push_value(L, key, entries[i] + key->offset);
        push_value(L, value, entries[i] + value->offset);
        lua_rawset(L, -3);
    }
}

static void push_field(lua_State *L, const struct shape_field *field, const char *base)
{
    lua_pushlstring(L, field->name.data, field->name.size);
    if (field->count == SHAPE_LIST)
        push_list(L, field, base);
    else if (field->count == SHAPE_MAP)
        push_map(L, field, base);
    else
        push_value(L, field, base + field->offset);
    lua_rawset(L, -3);
}

/* An unset message is an empty one: only a list or a map can hold it. */
static void push_message(lua_State *L, const struct shape *shape, const ProtobufCMessage *message)
{
    const char *base = (const char *)message;
    uint64_t set = message ? set_fields(shape, base) : 0;

    lua_checkstack(L, 8);
    lua_createtable(L, 0, __builtin_popcountll(set) + (int)shape->oneof_count);
    for (; set; set &= set - 1)
        push_field(L, shape->plain[__builtin_ctzll(set)], base);
    for (size_t i = 0; message && i < shape->oneof_count; i++) {
        uint32_t chosen = AT(uint32_t, base + shape->oneofs[i]);
        if (chosen)
            push_field(L, shape_numbered(shape, chosen), base);
    }
}

void message_push(lua_State *L, const ProtobufCMessage *message)
{
    push_message(L, shape_of(message->descriptor), message);
}
