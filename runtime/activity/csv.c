#include "activity/csv.h"

#include "base/utf8.h"

enum { FIELD_START, UNQUOTED, QUOTED, QUOTE_IN_QUOTED };

enum { MARK_SIZE = 3, MARK_OVER = 4 };

const struct span csv_mark = {"\xEF\xBB\xBF", MARK_SIZE};

void csv_reader_init(struct csv_reader *reader, const struct csv_options *options)
{
    *reader = (struct csv_reader){.options = *options, .line = 1, .row_line = 1};
    if (!reader->options.separator)
        reader->options.separator = ',';
    if (!reader->options.field_max)
        reader->options.field_max = CSV_FIELD_MAX;
}

void csv_reader_release(struct csv_reader *reader)
{
    bytes_release(&reader->text);
    bytes_release(&reader->ends);
}

size_t csv_field_count(const struct csv_reader *reader)
{
    return reader->ends.size / sizeof(size_t);
}

struct span csv_field(const struct csv_reader *reader, size_t index)
{
    const size_t *ends = (const size_t *)(const void *)reader->ends.data;
    size_t begin = index ? ends[index - 1] + 1 : 0;
    return (struct span){reader->text.data + begin, ends[index] - begin};
}

static bool refuse(struct error *err, uint64_t line, const char *why)
{
    return error_set(err, ERROR_MALFORMED, "line %llu: %s", (unsigned long long)line, why);
}

static bool end_field(struct csv_reader *r, struct error *err)
{
    size_t end = r->text.size;
    if (csv_field_count(r) == CSV_COLUMNS_MAX)
        return error_set(err, ERROR_LIMIT, "line %llu: more than %d fields",
                         (unsigned long long)r->row_line, CSV_COLUMNS_MAX);
    bytes_add_char(&r->text, '\0');
    bytes_add(&r->ends, &end, sizeof end);
    r->begin = r->text.size;
    r->state = FIELD_START;
    return true;
}

static bool add_text(struct csv_reader *r, const char *p, size_t size, struct error *err)
{
    if (r->text.size - r->begin + size > r->options.field_max)
        return error_set(err, ERROR_LIMIT, "line %llu: field %zu is larger than %zu bytes",
                         (unsigned long long)r->row_line, csv_field_count(r) + 1,
                         r->options.field_max);
    if (r->text.size + size > CSV_ROW_MAX)
        return error_set(err, ERROR_LIMIT, "line %llu: a row of more than %d bytes",
                         (unsigned long long)r->row_line, CSV_ROW_MAX);
    bytes_add(&r->text, p, size);
    return true;
}

static bool check_row(struct csv_reader *r, struct error *err)
{
    size_t count = csv_field_count(r);
    size_t valid = utf8_prefix(bytes_span(&r->text));
    unsigned long long line = r->row_line;
    if (valid < r->text.size) {
        unsigned char c = (unsigned char)r->text.data[valid];
        return error_set(err, ERROR_MALFORMED, "line %llu: byte 0x%02X is not UTF-8%s", line, c,
                         c >= 0xFE ? " (it looks like UTF-16)" : "");
    }
    if (!r->options.columns)
        r->options.columns = count;
    if (count > r->options.columns || (count < r->options.columns && !r->options.short_rows))
        return error_set(err, ERROR_MALFORMED, "line %llu: %zu field%s, expected %zu", line, count,
                         count == 1 ? "" : "s", r->options.columns);
    return true;
}

/* Nothing but a line end. */
static bool is_blank(const struct csv_reader *r)
{
    return r->state == FIELD_START && r->text.size == 0 && r->options.columns != 1;
}

static void begin_row(struct csv_reader *r)
{
    bytes_clear(&r->text);
    bytes_clear(&r->ends);
    r->begin = 0;
    r->row_line = r->line;
}

/* The byte behind a line's last field. */
static enum csv_state end_line(struct csv_reader *r, char c, struct error *err)
{
    bool blank = is_blank(r);
    r->after_cr = c == '\r';
    if (!blank && !(end_field(r, err) && check_row(r, err)))
        return CSV_BAD;
    r->line++;
    if (!blank)
        return CSV_ROW;
    begin_row(r);
    return CSV_MORE;
}

/* To the next byte that matters in an unquoted field. */
static const char *skip_unquoted(const struct csv_reader *r, const char *p, const char *end)
{
    while (p < end && *p != r->options.separator && *p != '\n' && *p != '\r')
        p++;
    return p;
}

static bool read_quoted(struct csv_reader *r, const char **at, const char *end, struct error *err)
{
    const char *p = *at;
    const char *quote = memchr(p, '"', (size_t)(end - p));
    const char *stop = quote ? quote : end;
    if (!add_text(r, p, (size_t)(stop - p), err))
        return false;
    for (; p < stop; p++)
        r->line += *p == '\n';
    *at = quote ? quote + 1 : end;
    if (quote)
        r->state = QUOTE_IN_QUOTED;
    return true;
}

/* One step outside of quoted text: CSV_MORE means go on. */
static enum csv_state read_plain(struct csv_reader *r, const char **at, const char *end,
                                 struct error *err)
{
    char c = **at;
    if (c == r->options.separator) {
        ++*at;
        return end_field(r, err) ? CSV_MORE : CSV_BAD;
    }
    if (c == '\n' || c == '\r') {
        ++*at;
        return end_line(r, c, err);
    }
    if (r->state == QUOTE_IN_QUOTED) {
        if (c != '"') {
            refuse(err, r->line, "text behind a closing quote");
            return CSV_BAD;
        }
        ++*at;
        r->state = QUOTED;
        return add_text(r, "\"", 1, err) ? CSV_MORE : CSV_BAD;
    }
    if (r->state == FIELD_START && c == '"') {
        ++*at;
        r->state = QUOTED;
        r->quote_line = r->line;
        return CSV_MORE;
    }
    const char *p = *at;
    r->state = UNQUOTED;
    *at = skip_unquoted(r, p, end);
    return add_text(r, p, (size_t)(*at - p), err) ? CSV_MORE : CSV_BAD;
}

/* The mark may come in pieces; what only began like it belongs to the first field. */
static const char *skip_mark(struct csv_reader *r, const char *p, const char *end)
{
    while (p < end && r->mark < MARK_SIZE && *p == csv_mark.data[r->mark]) {
        r->mark++;
        p++;
    }
    if (p == end && r->mark < MARK_SIZE)
        return p;
    if (r->mark < MARK_SIZE && r->mark > 0) {
        bytes_add(&r->text, csv_mark.data, r->mark);
        r->state = UNQUOTED;
    }
    r->mark = MARK_OVER;
    return p;
}

static enum csv_state read_bytes(struct csv_reader *r, const char **at, const char *end,
                                 struct error *err)
{
    while (*at < end) {
        if (r->after_cr && **at == '\n')
            ++*at;
        r->after_cr = false;
        enum csv_state state = CSV_MORE;
        if (r->state == QUOTED)
            state = read_quoted(r, at, end, err) ? CSV_MORE : CSV_BAD;
        else if (*at < end)
            state = read_plain(r, at, end, err);
        if (state != CSV_MORE)
            return state;
    }
    return CSV_MORE;
}

static void forget_row(struct csv_reader *r)
{
    if (r->row_done)
        begin_row(r);
    r->row_done = false;
}

enum csv_state csv_read(struct csv_reader *reader, struct span *input, struct error *err)
{
    const char *p = input->data;
    const char *end = p + input->size;
    if (input->size == 0)
        return CSV_MORE;
    forget_row(reader);
    if (reader->mark < MARK_OVER)
        p = skip_mark(reader, p, end);
    enum csv_state state = read_bytes(reader, &p, end, err);
    reader->row_done = state == CSV_ROW;
    *input = (struct span){p, (size_t)(end - p)};
    return state;
}

enum csv_state csv_finish(struct csv_reader *reader, struct error *err)
{
    forget_row(reader);
    if (reader->mark < MARK_SIZE && reader->mark > 0)
        bytes_add(&reader->text, csv_mark.data, reader->mark);
    reader->mark = MARK_OVER;
    if (reader->state == QUOTED) {
        refuse(err, reader->quote_line, "a quote is never closed");
        return CSV_BAD;
    }
    if (reader->state == FIELD_START && reader->text.size == 0)
        return CSV_END;
    if (!end_field(reader, err) || !check_row(reader, err))
        return CSV_BAD;
    reader->row_done = true;
    return CSV_ROW;
}

static bool needs_quotes(struct span field, char separator)
{
    for (size_t i = 0; i < field.size; i++) {
        char c = field.data[i];
        if (c == separator || c == '"' || c == '\n' || c == '\r')
            return true;
    }
    bool like_mark = field.size >= MARK_SIZE && memcmp(field.data, csv_mark.data, MARK_SIZE) == 0;
    return like_mark || (field.size && (field.data[0] == ' ' || field.data[field.size - 1] == ' '));
}

static void write_quoted(struct bytes *out, struct span field)
{
    bytes_add_char(out, '"');
    for (size_t i = 0; i < field.size; i++) {
        if (field.data[i] == '"')
            bytes_add_char(out, '"');
        bytes_add_char(out, field.data[i]);
    }
    bytes_add_char(out, '"');
}

void csv_write(struct bytes *out, const struct span *fields, size_t count, char separator)
{
    for (size_t i = 0; i < count; i++) {
        bool lone = count == 1 && fields[i].size == 0; /* else it would read as an empty line */
        if (i)
            bytes_add_char(out, separator);
        if (lone || needs_quotes(fields[i], separator))
            write_quoted(out, fields[i]);
        else
            bytes_add_span(out, fields[i]);
    }
    bytes_add(out, "\r\n", 2);
}
