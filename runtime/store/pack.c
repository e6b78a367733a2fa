#include "store/pack.h"

#include <zlib.h>

bool store_pack(const struct store_bundle *bundle, struct bytes *out)
{
    struct bytes written = {0};

    store_bundle_write(bundle, &written);
    uLongf size = compressBound(written.size);
    bool fits = written.size <= STORE_UNPACKED_MAX &&
                compress2((Bytef *)bytes_reserve(out, size), &size, (const Bytef *)written.data,
                          written.size, Z_BEST_COMPRESSION) == Z_OK;
    if (fits)
        bytes_added(out, size);
    bytes_release(&written);
    return fits;
}

static bool inflate_all(struct span packed, struct bytes *out, struct error *err)
{
    z_stream stream = {.next_in = (z_const Bytef *)packed.data, .avail_in = (uInt)packed.size};
    int code;

    if (inflateInit(&stream) != Z_OK)
        return error_set(err, ERROR_SYSTEM, "zlib does not start");
    stream.next_out = (Bytef *)bytes_reserve(out, STORE_UNPACKED_MAX);
    stream.avail_out = STORE_UNPACKED_MAX;
    code = inflate(&stream, Z_FINISH);
    bytes_added(out, stream.total_out);
    inflateEnd(&stream);
    if (code == Z_STREAM_END && !stream.avail_in)
        return true;
    if (code == Z_BUF_ERROR && !stream.avail_out)
        return error_set(err, ERROR_LIMIT, "it unpacks to more than %d bytes", STORE_UNPACKED_MAX);
    return error_set(err, ERROR_MALFORMED, "it does not unpack");
}

const struct store_bundle *store_unpack(struct span packed, const char *hash, struct error *err)
{
    struct bytes written = {0};
    const struct store_bundle *bundle = NULL;

    if (inflate_all(packed, &written, err))
        bundle = store_bundle_read(bytes_span(&written), err);
    bytes_release(&written);
    if (!bundle || strcmp(bundle->hash, hash) == 0)
        return bundle;
    error_set(err, ERROR_MALFORMED, "it is the source of another bundle, %s", bundle->hash);
    store_bundle_release(bundle);
    return NULL;
}
