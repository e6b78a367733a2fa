#include "workflow/pin.h"

#include <luajit.h>
#include <stdio.h>

#include "base/utf8.h"
#include "proto/sdk.h"
#include "script/json_scan.h"
#include "store/pack.h"
#include "workflow/wire.h"

#define ENGINE SDK_NAME " " SDK_VERSION ", " LUAJIT_VERSION

enum { HASH_SIZE = 64, HASH_SHOWN = 7 };

typedef Tpb__Command__RecordMarkerCommandAttributes Attributes;
typedef Tpb__Command__RecordMarkerCommandAttributes__DetailsEntry Detail;

/* --- writing --- */

static Tpb__Common__Payloads *payloads_of(struct arena *arena, const char *encoding,
                                          const struct bytes *text)
{
    Tpb__Common__Payloads *payloads = proto_new(&tpb__common__payloads__descriptor, arena);
    Tpb__Common__Payload *payload = proto_new(&tpb__common__payload__descriptor, arena);
    Tpb__Common__Payload__MetadataEntry *entry =
        proto_new(&tpb__common__payload__metadata_entry__descriptor, arena);

    entry->key = "encoding";
    entry->value = (ProtobufCBinaryData){strlen(encoding), (uint8_t *)encoding};
    payload->n_metadata = 1;
    payload->metadata = arena_alloc(arena, sizeof entry);
    payload->metadata[0] = entry;
    payload->data = (ProtobufCBinaryData){
        text->size, (uint8_t *)arena_copy(arena, bytes_text(text), text->size)};
    payloads->n_payloads = 1;
    payloads->payloads = arena_alloc(arena, sizeof payload);
    payloads->payloads[0] = payload;
    return payloads;
}

static void add_detail(Attributes *attributes, struct arena *arena, const char *key,
                       Tpb__Common__Payloads *value)
{
    Detail *detail = proto_new(
        &tpb__command__record_marker_command_attributes__details_entry__descriptor, arena);

    detail->key = key;
    detail->value = value;
    attributes->details[attributes->n_details++] = detail;
}

static void describe(const struct store_bundle *bundle, struct bytes *out)
{
    struct span entry = store_entry(bundle);

    entry.size = utf8_prefix(entry);
    bytes_add_text(out, "{\"engine\":");
    json_add_text(out, SPAN(ENGINE));
    bytes_add_text(out, ",\"entry\":");
    json_add_text(out, entry);
    bytes_printf(out, ",\"hash\":\"%s\",\"v\":1}", bundle->hash);
}

/* A payload limit that is set lower than usual leaves room for the rest of the marker. */
static size_t source_limit(const struct codes *codes)
{
    size_t half = codes->options.payload_limit / 2;

    return half < PIN_SOURCE_MAX ? half : PIN_SOURCE_MAX;
}

static void make_marker(const struct codes *codes, struct code *code)
{
    struct arena *arena = &code->arena;
    Attributes *attributes =
        proto_new(&tpb__command__record_marker_command_attributes__descriptor, arena);
    struct bytes about = {0}, source = {0};

    attributes->marker_name = PIN_NAME;
    attributes->details = arena_alloc(arena, 2 * sizeof *attributes->details);
    describe(code->bundle, &about);
    add_detail(attributes, arena, "bundle", payloads_of(arena, "json/plain", &about));
    code->stays = !store_pack(code->bundle, &source) || source.size > source_limit(codes);
    if (!code->stays)
        add_detail(attributes, arena, "source", payloads_of(arena, "binary/plain", &source));
    bytes_release(&about);
    bytes_release(&source);
    code->marker = arena_alloc(arena, sizeof *code->marker);
    code->marker->attributes = &attributes->base;
}

struct command pin_command(const struct codes *codes, struct code *code)
{
    if (!code->marker)
        make_marker(codes, code);
    return (struct command){
        .type = COMMAND_RECORD_MARKER,
        .key = SPAN(PIN_NAME),
        .attrs = code->marker,
    };
}

/* --- reading --- */

struct pin {
    char hash[HASH_SIZE + 1];
    char entry[128];
    int version;
    struct span source; /* NULL: it is not there */
};

bool pin_is(const struct event *marker)
{
    return span_equal(marker->key, SPAN(PIN_NAME));
}

static struct span detail_of(const struct event *marker, const char *key)
{
    const Tpb__History__MarkerRecordedEventAttributes *a = marker->attrs;

    for (size_t i = 0; i < a->n_details; i++) {
        const Tpb__Common__Payloads *value = a->details[i]->value;
        if (strcmp(a->details[i]->key, key) == 0 && value && value->n_payloads)
            return (struct span){(const char *)value->payloads[0]->data.data,
                                 value->payloads[0]->data.len};
    }
    return (struct span){0};
}

static void copy_text(const struct json_token *token, char *place, size_t room)
{
    struct bytes text = {0};

    json_unescape(token->text, &text);
    snprintf(place, room, "%s", bytes_text(&text));
    bytes_release(&text);
}

static bool read_field(struct json_scan *scan, struct span key, struct pin *pin, struct error *err)
{
    struct json_token value;

    if (!json_scan_next(scan, &value, err))
        return false;
    if (value.kind == JSON_TEXT && span_equal(key, SPAN("hash")))
        copy_text(&value, pin->hash, sizeof pin->hash);
    else if (value.kind == JSON_TEXT && span_equal(key, SPAN("entry")))
        copy_text(&value, pin->entry, sizeof pin->entry);
    else if (value.kind == JSON_NUMBER && span_equal(key, SPAN("v")))
        pin->version = span_equal(value.text, SPAN("1"));
    return json_scan_skip(scan, &value, err);
}

static bool read_pin(const struct event *marker, struct pin *pin, struct error *err)
{
    struct json_scan scan;
    struct json_token token;

    *pin = (struct pin){.source = detail_of(marker, "source")};
    json_scan_start(&scan, detail_of(marker, "bundle"));
    if (!json_scan_next(&scan, &token, err))
        return false;
    do {
        if (!json_scan_next(&scan, &token, err))
            return false;
        if (token.kind == JSON_KEY && !read_field(&scan, token.text, pin, err))
            return false;
    } while (token.kind == JSON_KEY);
    if (pin->version != 1)
        return error_set(err, ERROR_MALFORMED, "it was written by a newer SignalRoom");
    return strlen(pin->hash) == HASH_SIZE || error_set(err, ERROR_MALFORMED, "it names no bundle");
}

static struct code *unpack(struct codes *codes, const struct pin *pin, struct error *err)
{
    const struct store_bundle *bundle;
    struct code *code;

    if (!pin->source.data) {
        error_set(err, ERROR_SCRIPT,
                  "it is too large to be in the history, and this worker has not seen it. Start a "
                  "worker whose scripts folder holds that version, or reset the run to its first "
                  "workflow task: it then begins on the code of today");
        return NULL;
    }
    bundle = store_unpack(pin->source, pin->hash, err);
    if (!bundle)
        return NULL;
    code = code_of(codes, bundle);
    store_bundle_release(bundle);
    return code;
}

struct code *pin_code(struct codes *codes, const struct event *marker, struct error *err)
{
    struct pin pin;
    struct code *code;

    if (!read_pin(marker, &pin, err)) {
        error_add(err, "the marker " PIN_NAME " of event %lld cannot be read",
                  (long long)marker->id);
        return NULL;
    }
    code = code_find(codes, pin.hash);
    if (!code)
        code = unpack(codes, &pin, err);
    if (!code)
        error_add(err, "this run began on %s@%.*s (bundle %s) and runs on no other code", pin.entry,
                  HASH_SHOWN, pin.hash, pin.hash);
    return code;
}
