/*
 * One line per event: `log_event(LOG_INFO, "worker_ready", "task_queue", queue, NULL)`.
 *
 * Event names are snake_case and stable: people and scripts grep for them. Fields are pairs of
 * text, ended by NULL; a NULL value leaves the pair out. JSON lines or, on a terminal, readable
 * text; always to stderr, always redacted, whole lines, from any thread. base/log_file.h keeps a
 * copy.
 */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

struct log_options {
    enum log_level level; /* quieter events are dropped */
    bool json;
    bool colour;
};

void log_configure(struct log_options options);
bool log_enabled(enum log_level level);

/* "DEBUG" ... "ERROR", any case. False when the word is none of them. */
bool log_level_parse(const char *word, enum log_level *level);

void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));

/* One field whose value is text, or with `raw` JSON that is written as it is. */
struct log_field {
    struct span key;
    struct span value;
    bool raw;
};
void log_fields(enum log_level level, struct span event, const struct log_field *fields,
                size_t count);
