/* room: activity */
/* Any bytes in pieces of any size are the same rows and the same error, and rows that are written
 * read back. */
#include <stdlib.h>

#include "activity/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void note(struct bytes *out, const struct csv_reader *reader, struct bytes *written)
{
    size_t count = csv_field_count(reader);
    struct span *fields = calloc(count, sizeof *fields);
    for (size_t i = 0; i < count; i++) {
        struct span field = csv_field(reader, i);
        bytes_add(out, &field.size, sizeof field.size);
        bytes_add_span(out, field);
        fields[i] = field;
    }
    bytes_add_char(out, '/');
    if (written)
        csv_write(written, fields, count, ',');
    free(fields);
}

/* What is read, and how it ended, as bytes. */
static enum csv_state read_all(struct span text, size_t piece, struct bytes *out,
                               struct bytes *written)
{
    static const struct csv_options options = {.field_max = 200};
    struct csv_reader reader;
    struct error err = {0};
    enum csv_state state = CSV_MORE;
    csv_reader_init(&reader, &options);
    while (text.size && state != CSV_BAD) {
        struct span input = {text.data, text.size < piece ? text.size : piece};
        text = (struct span){text.data + input.size, text.size - input.size};
        while ((state = csv_read(&reader, &input, &err)) == CSV_ROW)
            note(out, &reader, written);
        if (state == CSV_MORE && input.size)
            abort();
    }
    while (state != CSV_BAD && (state = csv_finish(&reader, &err)) == CSV_ROW)
        note(out, &reader, written);
    bytes_add_text(out, err.text);
    csv_reader_release(&reader);
    return state;
}

static void check_round(struct bytes *written, struct span rows)
{
    struct bytes again = {0};
    if (read_all(bytes_span(written), 7, &again, NULL) != CSV_END ||
        !span_equal(bytes_span(&again), rows))
        abort();
    bytes_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct span text = {(const char *)data + 1, size - 1};
    struct bytes whole = {0};
    struct bytes pieces = {0};
    struct bytes written = {0};
    enum csv_state state = read_all(text, size, &whole, &written);
    if (read_all(text, data[0] % 9 + 1, &pieces, NULL) != state ||
        !span_equal(bytes_span(&whole), bytes_span(&pieces)))
        abort();
    if (state == CSV_END)
        check_round(&written, bytes_span(&whole));
    bytes_release(&whole);
    bytes_release(&pieces);
    bytes_release(&written);
    return 0;
}
