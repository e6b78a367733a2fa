/*
 * Protobuf messages as Lua tables and back, by descriptor: no glue per message.
 *
 *   message          table keyed by field name as in the .proto
 *   repeated         list; map: table by key; an empty one is left out when pushed
 *   string, bytes    Lua string; a `string` field must be UTF-8, else an error names the path
 *   int64            number while exact (2^53), beyond it a decimal string; both are read
 *   bool, double     themselves
 *   enum             the value's full name, "EVENT_TYPE_TIMER_FIRED"; numbers are read too
 *   Duration, Timestamp (google.protobuf)   number of milliseconds, fraction kept
 *   Any              { type_url =, value = }
 *
 * Zero values and unset fields are absent when pushed. An unknown key is an error (with the path
 * and the nearest field), so that a typo never vanishes.
 */
#pragma once

#include <lua.h>
#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"
#include "base/error.h"

/* "temporal.api.command.v1.Command"; NULL when this build has no such message. */
const ProtobufCMessageDescriptor *message_descriptor(const char *full_name);

/* Pushes one table. */
void message_push(lua_State *L, const ProtobufCMessage *message);

/* Reads the table at index into a message in the arena. NULL and err on failure. */
ProtobufCMessage *message_read(lua_State *L, int index, const ProtobufCMessageDescriptor *type,
                               struct arena *arena, struct error *err);
