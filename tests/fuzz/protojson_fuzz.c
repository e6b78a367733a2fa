/* room: script */
/*
 * Any text as proto3 JSON of any type, and as a history file: refused with a reason, or read, and
 * then printing it, reading that and printing again gives the same text.
 *
 * Input: two bytes choose the type, the rest is the text.
 */
#include <stdlib.h>

#include "script/protojson.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
    if (!good)
        abort();
}

static void check_print(const ProtobufCMessage *message, struct arena *arena)
{
    struct bytes first = {0};
    struct bytes second = {0};
    struct error err = {0};
    ProtobufCMessage *again;

    must(protojson_write(message, &first, &err));
    must(protojson_read(bytes_span(&first), message->descriptor, arena, &again, &err));
    must(protojson_write(again, &second, &err));
    must(span_equal(bytes_span(&first), bytes_span(&second)));
    bytes_release(&first);
    bytes_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct error err = {0};
    Tpb__History__History *history;
    ProtobufCMessage *message;

    if (size < 2)
        return 0;
    struct span text = {(const char *)data + 2, size - 2};
    const ProtobufCMessageDescriptor *type =
        proto_registry[(data[0] | data[1] << 8) % proto_registry_size];
    if (protojson_read(text, type, &arena, &message, &err))
        check_print(message, &arena);
    else
        must(err.kind == ERROR_MALFORMED || err.kind == ERROR_LIMIT);
    err = (struct error){0};
    if (!history_read(text, &arena, &history, &err))
        must(err.kind == ERROR_MALFORMED || err.kind == ERROR_LIMIT);
    arena_release(&arena);
    return 0;
}
