/*
 * Protobuf messages as Lua tables and back, by descriptor: no glue per message.
 *
 *   message          table keyed by field name as in the .proto
 *   repeated         list; map: table by key; an empty one is left out when pushed
 *   string, bytes    Lua string; a `string` field must be UTF-8 without NUL, else an error names it
 *   int64, uint64    number while exact (2^53), beyond it a decimal string; both are read
 *   bool, double     themselves
 *   enum             the value's full name, "EVENT_TYPE_TIMER_FIRED"; numbers are read too, and
 *                    pushed when this build does not know the name
 *   Duration, Timestamp (google.protobuf)   number of milliseconds with fraction: exact to the
 *                    nanosecond below 99 days, to the microsecond in our centuries
 *   Any              { type_url =, value = }
 *
 * Zero values and unset fields are absent when pushed; a member of a oneof that is set is there,
 * zero or not. What is read must be a table that loses nothing: an unknown key (with the path and
 * the nearest field), a hole in a list, a fraction in an integer, two members of one oneof are
 * errors. Maps are read in the order of their keys, so equal tables pack to equal bytes.
 */
#pragma once

#include <lua.h>
#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"
#include "base/error.h"

/* "temporal.api.command.v1.Command"; NULL when this build has no such message. */
const ProtobufCMessageDescriptor *message_descriptor(const char *full_name);

/* Pushes one table. Raises nothing but Lua's out of memory. */
void message_push(lua_State *L, const ProtobufCMessage *message);

/* Reads the table at index, without metamethods, into a message in the arena. NULL and err on
 * failure: ERROR_SCRIPT when the table is no such message, ERROR_LIMIT when it is nested deeper
 * than PROTO_DEPTH_MAX or passes the arena's limit. The stack is left as it was. */
ProtobufCMessage *message_read(lua_State *L, int index, const ProtobufCMessageDescriptor *type,
                               struct arena *arena, struct error *err);
