/*
 * proto3 JSON: messages as the Temporal CLI, its UI and every SDK write and read them in files.
 *
 * Read liberally, as others' old and new files need: lowerCamelCase and snake_case names, enum
 * values as "EVENT_TYPE_TIMER_FIRED" or "TimerFired" or a number, 64-bit integers as text or
 * number, base64 of both alphabets. Unknown fields are passed over and unknown enum names become 0.
 * What is left must be right: an error tells path, line and column.
 *
 * Written as the CLI does: lowerCamelCase, full enum names, 64-bit integers as text, unset fields
 * left out, two spaces of indentation.
 */
#pragma once

#include "proto/proto.h"

struct json_scan;

/* Reads a message into the arena. ERROR_MALFORMED when the text is no such message, ERROR_LIMIT for
 * its size, its depth or the arena's limit. */
bool protojson_read(struct span text, const ProtobufCMessageDescriptor *type, struct arena *arena,
                    ProtobufCMessage **out, struct error *err);

/* The same for the value that comes next in a longer text. */
bool protojson_read_next(struct json_scan *scan, const ProtobufCMessageDescriptor *type,
                         struct arena *arena, ProtobufCMessage **out, struct error *err);

/* Appends the message as JSON. ERROR_MALFORMED when a string in it is not UTF-8. */
bool protojson_write(const void *message, struct bytes *out, struct error *err);

/* Reads a history from the bytes of a file: what `temporal workflow show -o json` prints, a list of
 * such histories (the first counts), or a packed temporal.api.history.v1.History. A history
 * without events is an error. */
bool history_read(struct span file, struct arena *arena, Tpb__History__History **out,
                  struct error *err);
