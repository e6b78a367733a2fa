#include "store/bundle.h"

#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

enum { SIZE_BYTES = 8 };

/* What the door shows, and what it hides. */
struct bundle {
    struct store_bundle shown; /* first: a bundle is found by it */
    atomic_size_t holders;
    struct arena arena;
};

static struct bundle *behind(const struct store_bundle *bundle)
{
    return (struct bundle *)bundle;
}

/* --- names and texts as bytes: what the hash is of --- */

static void add_sized(struct bytes *out, struct span s)
{
    for (int i = 0; i < SIZE_BYTES; i++)
        bytes_add_char(out, (char)((uint64_t)s.size >> (8 * i)));
    bytes_add_span(out, s);
}

void store_bundle_write(const struct store_bundle *bundle, struct bytes *out)
{
    for (size_t i = 0; i < bundle->count; i++) {
        add_sized(out, bundle->files[i].name);
        add_sized(out, bundle->files[i].text);
    }
}

static bool take_sized(struct span *rest, struct span *s)
{
    uint64_t size = 0;

    if (rest->size < SIZE_BYTES)
        return false;
    for (int i = 0; i < SIZE_BYTES; i++)
        size |= (uint64_t)(uint8_t)rest->data[i] << (8 * i);
    if (size > rest->size - SIZE_BYTES)
        return false;
    *s = (struct span){rest->data + SIZE_BYTES, size};
    rest->data += SIZE_BYTES + size;
    rest->size -= SIZE_BYTES + size;
    return true;
}

const struct store_bundle *store_bundle_read(struct span written, struct error *err)
{
    const struct store_bundle *bundle = NULL;
    struct store_file *files = NULL;
    size_t count = 0;
    struct store_file file;

    while (written.size && take_sized(&written, &file.name) && take_sized(&written, &file.text)) {
        files = memory_resize(files, (count + 1) * sizeof *files);
        files[count++] = file;
    }
    if (count && !written.size)
        bundle = store_bundle_new(files, count);
    else
        error_set(err, ERROR_MALFORMED, "these bytes are no bundle");
    free(files);
    return bundle;
}

static void name_bundle(struct store_bundle *bundle)
{
    struct bytes written = {0};
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    store_bundle_write(bundle, &written);
    if (EVP_Digest(written.data, written.size, hash, &size, EVP_sha256(), NULL) != 1)
        abort(); /* no bundle may have another's name */
    bytes_release(&written);
    for (unsigned i = 0; i < size; i++)
        snprintf(bundle->hash + 2 * i, 3, "%02x", hash[i]);
}

/* --- holding --- */

static struct span copy_span(struct arena *arena, struct span text)
{
    return (struct span){arena_copy(arena, text.data ? text.data : "", text.size), text.size};
}

const struct store_bundle *store_bundle_new(const struct store_file *files, size_t count)
{
    struct bundle *bundle = memory_new(sizeof *bundle);
    struct store_file *copies = arena_alloc(&bundle->arena, count * sizeof *copies);

    for (size_t i = 0; i < count; i++)
        copies[i] = (struct store_file){copy_span(&bundle->arena, files[i].name),
                                        copy_span(&bundle->arena, files[i].text)};
    bundle->shown.files = copies;
    bundle->shown.count = count;
    atomic_init(&bundle->holders, 1);
    name_bundle(&bundle->shown);
    return &bundle->shown;
}

const struct store_bundle *store_bundle_hold(const struct store_bundle *bundle)
{
    atomic_fetch_add_explicit(&behind(bundle)->holders, 1, memory_order_relaxed);
    return bundle;
}

void store_bundle_release(const struct store_bundle *bundle)
{
    if (!bundle || atomic_fetch_sub(&behind(bundle)->holders, 1) > 1)
        return;
    arena_release(&behind(bundle)->arena);
    free(behind(bundle));
}
