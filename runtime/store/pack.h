/*
 * A bundle small enough to travel: what store_bundle_write gives, as a zlib stream. What comes from
 * elsewhere is believed only when it has the hash that it was asked for by.
 */
#pragma once

#include "store/bundle.h"

enum { STORE_UNPACKED_MAX = 4 << 20 };

/* False when the bundle is larger than what store_unpack takes. */
bool store_pack(const struct store_bundle *bundle, struct bytes *out);

/* Held once. NULL and err: ERROR_MALFORMED when it is no packed bundle or another one than `hash`
 * names, ERROR_LIMIT when it unpacks to more than STORE_UNPACKED_MAX bytes. */
const struct store_bundle *store_unpack(struct span packed, const char *hash, struct error *err);
