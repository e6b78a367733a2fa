/* A history from a file of any form that tools write. */
#include "script/json_scan.h"
#include "script/protojson.h"

static const ProtobufCMessageDescriptor *const type = &tpb__history__history__descriptor;

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool read_text(struct span file, struct arena *arena, ProtobufCMessage **out,
                      struct error *err)
{
    struct json_scan scan;
    struct json_token token;
    size_t at = 0;

    while (at < file.size && is_space(file.data[at]))
        at++;
    if (at < file.size && file.data[at] == '{')
        return protojson_read(file, type, arena, out, err);
    if (at == file.size || file.data[at] != '[')
        return error_set(err, ERROR_MALFORMED,
                         "neither JSON nor a packed temporal.api.history.v1.History");
    json_scan_start(&scan, file);
    return json_scan_next(&scan, &token, err) && protojson_read_next(&scan, type, arena, out, err);
}

bool history_read(struct span file, struct arena *arena, Tpb__History__History **out,
                  struct error *err)
{
    ProtobufCMessage *message = NULL;
    struct error packed_err = {0};

    /* A packed history begins with a byte that is white space in JSON, and the size behind it may
     * look like a brace: only the whole tells. */
    if (file.size > 0 && file.data[0] == '\n')
        message = proto_unpack(type, file, arena, &packed_err);
    if (packed_err.kind == ERROR_LIMIT) {
        *err = packed_err;
        return false;
    }
    if (!message && !read_text(file, arena, &message, err))
        return false;
    *out = (Tpb__History__History *)message;
    return (*out)->n_events > 0 || error_set(err, ERROR_MALFORMED, "a history without events");
}
