#include "store/bundle.h"

#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

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

static void hash_span(EVP_MD_CTX *digest, struct span s)
{
    uint8_t size[8];

    for (int i = 0; i < 8; i++)
        size[i] = (uint8_t)((uint64_t)s.size >> (8 * i));
    EVP_DigestUpdate(digest, size, sizeof size);
    EVP_DigestUpdate(digest, s.data, s.size);
}

static void name_bundle(struct store_bundle *bundle)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
    for (size_t i = 0; i < bundle->count; i++) {
        hash_span(digest, bundle->files[i].name);
        hash_span(digest, bundle->files[i].text);
    }
    EVP_DigestFinal_ex(digest, hash, &size);
    EVP_MD_CTX_free(digest);
    for (unsigned i = 0; i < size; i++)
        snprintf(bundle->hash + 2 * i, 3, "%02x", hash[i]);
}

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
