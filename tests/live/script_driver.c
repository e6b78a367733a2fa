/*
 * A door into the messages for protojson_test.py. Each line of stdin is a task, each line of stdout
 * its answer in hex, or "! " and the reason:
 *
 *   history HEX      a history file    -> the packed History
 *   read TYPE HEX    proto3 JSON       -> the packed message
 *   write TYPE HEX   a packed message  -> proto3 JSON
 *   lua TYPE HEX     a packed message  -> the packed message, by way of a Lua table
 */
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>

#include "script/message.h"
#include "script/protojson.h"

static bool from_hex(const char *text, struct bytes *out)
{
    unsigned byte;

    for (; sscanf(text, "%2x", &byte) == 1; text += 2)
        bytes_add_char(out, (char)byte);
    return *text == 0;
}

static ProtobufCMessage *through_lua(const ProtobufCMessage *message, struct arena *arena,
                                     struct error *err)
{
    lua_State *L = luaL_newstate();
    message_push(L, message);
    ProtobufCMessage *again = message_read(L, -1, message->descriptor, arena, err);
    lua_close(L);
    return again;
}

/* What the task makes of the bytes; the message it ends with goes to *message. */
static bool perform(const char *verb, const char *type, struct span bytes, struct arena *arena,
                    ProtobufCMessage **message, struct error *err)
{
    if (strcmp(verb, "history") == 0)
        return history_read(bytes, arena, (Tpb__History__History **)message, err);
    const ProtobufCMessageDescriptor *descriptor = message_descriptor(type);
    if (!descriptor)
        return error_set(err, ERROR_USAGE, "no such message");
    if (strcmp(verb, "read") == 0)
        return protojson_read(bytes, descriptor, arena, message, err);
    *message = proto_unpack(descriptor, bytes, arena, err);
    if (*message && strcmp(verb, "lua") == 0)
        *message = through_lua(*message, arena, err);
    return *message != NULL;
}

static void answer(char *line)
{
    struct arena arena = {0};
    struct bytes in = {0};
    struct bytes out = {0};
    struct error err = {0};
    ProtobufCMessage *message = NULL;
    char *save;
    const char *verb = strtok_r(line, " \n", &save);
    const char *type = verb && strcmp(verb, "history") != 0 ? strtok_r(NULL, " \n", &save) : "";
    const char *hex = strtok_r(NULL, " \n", &save);

    bool good = from_hex(hex ? hex : "", &in) &&
                perform(verb, type, bytes_span(&in), &arena, &message, &err);
    if (good && strcmp(verb, "write") == 0)
        good = protojson_write(message, &out, &err);
    else if (good)
        proto_pack(message, &out);
    if (!good)
        printf("! %s", err.text);
    for (size_t i = 0; good && i < out.size; i++)
        printf("%02x", (unsigned char)out.data[i]);
    putchar('\n');
    fflush(stdout);
    arena_release(&arena);
    bytes_release(&in);
    bytes_release(&out);
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;

    while (getline(&line, &room, stdin) > 0)
        answer(line);
    free(line);
    return 0;
}
