#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_file.h"
#include "base/redact.h"
#include "base/utf8.h"

enum { MAX_FIELDS = 24 };

/* clang-format off */
static const struct {
    const char *name;
    const char *lower;
    const char *colour;
} levels[] = {
    [LOG_DEBUG]   = {"DEBUG",   "debug",   "\033[2m"},
    [LOG_INFO]    = {"INFO",    "info",    "\033[32m"},
    [LOG_WARNING] = {"WARNING", "warning", "\033[33m"},
    [LOG_ERROR]   = {"ERROR",   "error",   "\033[31m"},
};
/* clang-format on */

static struct log_options current = {.level = LOG_INFO};
static atomic_int threshold = LOG_INFO;

void log_configure(struct log_options options)
{
    current = options;
    atomic_store(&threshold, (int)options.level);
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load(&threshold);
}

bool log_level_parse(const char *word, enum log_level *level)
{
    for (enum log_level i = LOG_DEBUG; i <= LOG_ERROR; i++) {
        if (strcasecmp(word, levels[i].name) == 0) {
            *level = i;
            return true;
        }
    }
    return false;
}

static void add_json_text(struct bytes *line, struct span text)
{
    struct bytes mended = {0};
    if (!utf8_valid(text)) {
        utf8_mend(text, &mended);
        text = bytes_span(&mended);
    }
    bytes_add_char(line, '"');
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == '"' || c == '\\')
            bytes_printf(line, "\\%c", c);
        else if (c == '\n')
            bytes_add_text(line, "\\n");
        else if (c < 0x20)
            bytes_printf(line, "\\u%04x", c);
        else
            bytes_add_char(line, (char)c);
    }
    bytes_add_char(line, '"');
    bytes_release(&mended);
}

static void add_json_line(struct bytes *line, enum log_level level, struct span event,
                          const struct log_field *fields, size_t count)
{
    char when[CLOCK_TEXT_SIZE];
    clock_text(clock_wall_ms(), when);
    bytes_add_char(line, '{');
    for (size_t i = 0; i < count; i++) {
        add_json_text(line, fields[i].key);
        bytes_add_char(line, ':');
        if (fields[i].raw)
            bytes_add_span(line, fields[i].value);
        else
            add_json_text(line, fields[i].value);
        bytes_add_char(line, ',');
    }
    bytes_add_text(line, "\"event\":");
    add_json_text(line, event);
    bytes_printf(line, ",\"level\":\"%s\",\"timestamp\":\"%s\"}\n", levels[level].lower, when);
}

static void add_plain_line(struct bytes *line, enum log_level level, struct span event,
                           const struct log_field *fields, size_t count)
{
    char when[CLOCK_TEXT_SIZE];
    clock_text(clock_wall_ms(), when);
    const char *on = current.colour ? levels[level].colour : "";
    const char *off = current.colour ? "\033[0m" : "";
    bytes_printf(line, "%.12s %s%-7s%s ", when + 11, on, levels[level].name, off);
    bytes_add_span(line, event);
    for (size_t i = 0; i < count; i++) {
        bytes_add_char(line, ' ');
        bytes_add_span(line, fields[i].key);
        bytes_add_char(line, '=');
        bytes_add_span(line, fields[i].value);
    }
    bytes_add_char(line, '\n');
}

static void write_whole(const struct bytes *line)
{
    size_t done = 0;
    while (done < line->size) {
        ssize_t n = write(STDERR_FILENO, line->data + done, line->size - done);
        if (n <= 0)
            return;
        done += (size_t)n;
    }
}

void log_fields(enum log_level level, struct span event, const struct log_field *fields,
                size_t count)
{
    if (!log_enabled(level))
        return;
    struct bytes line = {0};
    bool is_kept = log_file_is_open();
    if (current.json || is_kept)
        add_json_line(&line, level, event, fields, count);
    if (is_kept) {
        redact(&line);
        log_file_write(bytes_span(&line));
    }
    if (!current.json) {
        bytes_clear(&line);
        add_plain_line(&line, level, event, fields, count);
    }
    redact(&line);
    write_whole(&line);
    bytes_release(&line);
}

void log_event(enum log_level level, const char *event, ...)
{
    struct log_field fields[MAX_FIELDS];
    size_t count = 0;
    const char *key;
    va_list args;
    va_start(args, event);
    while (count < MAX_FIELDS && (key = va_arg(args, const char *))) {
        const char *value = va_arg(args, const char *);
        if (value)
            fields[count++] = (struct log_field){span_of(key), span_of(value), false};
    }
    va_end(args);
    log_fields(level, span_of(event), fields, count);
}
