/* Packed messages, put together by hand where unpacking them would be for nothing. */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "base/bytes.h"

/* Adds a field of message type whose value is already packed. Fields packed behind a message belong
 * to it. */
void wire_add_message(struct bytes *out, unsigned field, struct span packed);

/* For a message that only lives until it is packed. */
ProtobufCBinaryData wire_binary(struct span bytes);
