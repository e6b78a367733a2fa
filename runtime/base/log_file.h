/*
 * A copy of the log in a file, so that somebody can read later what was said while nobody looked.
 * It is bounded: when it has grown to its limit it becomes FILE.old and a new one begins.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

/* From now on log lines go there, too, and nowhere else but stderr. */
bool log_file_open(const char *path, size_t limit, struct error *err);
bool log_file_is_open(void);

/* Any thread. A whole line; when the disk is full it is lost. */
void log_file_write(struct span line);
