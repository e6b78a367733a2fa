#include "rpc/metadata.h"

#include <stdlib.h>
#include <strings.h>

#include "base/memory.h"
#include "base/redact.h"
#include "proto/sdk.h"

#define SPACE_HEADER "temporal-namespace"

static grpc_slice slice_of(struct span text)
{
    return grpc_slice_from_copied_buffer(text.data, text.size);
}

static bool value_is_legal(grpc_slice name, grpc_slice value)
{
    return grpc_is_binary_header(name) || grpc_header_nonbin_value_is_legal(value);
}

/* What gRPC itself owns, and what names this client to the server. */
static bool is_reserved(const char *name)
{
    static const char *const names[] = {"client-name", "client-version", "content-type", "host",
                                        "te",          "user-agent"};
    if (name[0] == ':' || strncasecmp(name, "grpc-", 5) == 0)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

static void add(struct metadata *m, struct span name, struct span value)
{
    m->items = memory_resize(m->items, (m->count + 1) * sizeof *m->items);
    m->items[m->count++] = (grpc_metadata){.key = slice_of(name), .value = slice_of(value)};
}

static bool add_checked(struct metadata *m, const struct rpc_header *header, struct error *err)
{
    if (!header->name[0] || is_reserved(header->name))
        return error_set(err, ERROR_CONFIG, "the gRPC header \"%.64s\" is not for users to set",
                         header->name);
    add(m, span_of(header->name), span_of(header->value));
    grpc_metadata *last = &m->items[m->count - 1];
    if (!grpc_header_key_is_legal(last->key))
        return error_set(err, ERROR_CONFIG,
                         "gRPC header name \"%.64s\" is not legal: only a-z 0-9 _ - . may stand in "
                         "it",
                         header->name);
    if (!value_is_legal(last->key, last->value))
        return error_set(err, ERROR_CONFIG,
                         "the value of gRPC header \"%.64s\" holds a byte that is not printable "
                         "ASCII (a line end, perhaps)",
                         header->name);
    return true;
}

static bool add_key(struct metadata *m, const char *api_key, struct error *err)
{
    struct bytes value = {0};
    redact_register(span_of(api_key));
    bytes_printf(&value, "Bearer %s", api_key);
    add(m, SPAN("authorization"), bytes_span(&value));
    bytes_release(&value);
    if (!grpc_header_nonbin_value_is_legal(m->items[m->count - 1].value))
        return error_set(err, ERROR_CONFIG,
                         "the API key holds a byte that is not printable ASCII (a line end, "
                         "perhaps): copy it again");
    return true;
}

static bool build(struct metadata *m, const struct rpc_config *config, struct error *err)
{
    bool authorized = false;
    add(m, SPAN("client-name"), SPAN(SDK_NAME));
    add(m, SPAN("client-version"), SPAN(SDK_VERSION));
    for (size_t i = 0; i < config->header_count; i++) {
        const struct rpc_header *header = &config->headers[i];
        if (!add_checked(m, header, err))
            return false;
        authorized |= strcmp(header->name, "authorization") == 0;
        m->names_space |= strcmp(header->name, SPACE_HEADER) == 0;
    }
    return authorized || !config->api_key || add_key(m, config->api_key, err);
}

bool metadata_build(struct metadata *out, const struct rpc_config *config, struct error *err)
{
    struct metadata m = {0};
    if (!build(&m, config, err)) {
        metadata_release(&m);
        return false;
    }
    *out = m;
    return true;
}

void metadata_release(struct metadata *m)
{
    metadata_attempt_release(m->items, m->count);
    *m = (struct metadata){0};
}

bool metadata_space_is_legal(struct span space)
{
    return space.size == 0 ||
           grpc_header_nonbin_value_is_legal(grpc_slice_from_static_buffer(space.data, space.size));
}

grpc_metadata *metadata_attempt(const struct metadata *m, grpc_slice space, size_t *count)
{
    grpc_metadata *items = memory_new((m->count + 1) * sizeof *items);
    for (size_t i = 0; i < m->count; i++)
        items[i] = (grpc_metadata){.key = grpc_slice_ref(m->items[i].key),
                                   .value = grpc_slice_ref(m->items[i].value)};
    *count = m->count;
    if (GRPC_SLICE_LENGTH(space) && !m->names_space)
        items[(*count)++] = (grpc_metadata){.key = grpc_slice_from_static_string(SPACE_HEADER),
                                            .value = grpc_slice_ref(space)};
    return items;
}

void metadata_attempt_release(grpc_metadata *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        grpc_slice_unref(items[i].key);
        grpc_slice_unref(items[i].value);
    }
    free(items);
}

struct span metadata_find(const grpc_metadata_array *array, const char *name)
{
    for (size_t i = 0; i < array->count; i++) {
        const grpc_metadata *item = &array->metadata[i];
        if (grpc_slice_str_cmp(item->key, name) == 0)
            return (struct span){(const char *)GRPC_SLICE_START_PTR(item->value),
                                 GRPC_SLICE_LENGTH(item->value)};
    }
    return (struct span){0};
}
