/*
 * The only file that knows both Temporal's messages and the core's plain structs: two tables, one
 * row for a type of event, one for a type of command.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "core/event.h"
#include "proto/proto.h"

/* What `attrs` of a command is: the message for the wire, and its words for people. */
struct wire_command {
    ProtobufCMessage *attributes; /* NULL: made by wire_command */
    Tpb__Sdk__UserMetadata *metadata;
};

/* The core's view of a page. False with ERROR_MALFORMED when an event lacks its attributes. The
 * attrs of an event are its attributes' message, NULL when this build does not know the type. */
bool wire_events(const Tpb__History__History *history, struct arena *arena, struct event **events,
                 size_t *count, struct error *err);

/* The message type of a command's attributes, NULL when this build does not know the command. */
const ProtobufCMessageDescriptor *wire_attributes(int command_type);

/* The command as the server reads it. */
Tpb__Command__Command *wire_command(const struct command *command, struct arena *arena);
