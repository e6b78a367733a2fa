#include "worker/wire.h"

static void add_varint(struct bytes *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        bytes_add_char(out, (char)(value | 0x80));
    bytes_add_char(out, (char)value);
}

void wire_add_message(struct bytes *out, unsigned field, struct span packed)
{
    add_varint(out, (uint64_t)field << 3 | 2);
    add_varint(out, packed.size);
    bytes_add_span(out, packed);
}

ProtobufCBinaryData wire_binary(struct span bytes)
{
    return (ProtobufCBinaryData){bytes.size, (uint8_t *)bytes.data};
}
