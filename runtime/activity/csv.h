/*
 * CSV by RFC 4180, in pieces as they come from a socket or a file.
 *
 * Read: CR LF, LF and CR end a line; a byte order mark in front is taken off; quoted fields may
 * hold separators, line ends and doubled quotes; a quote inside an unquoted field is itself. All
 * text is UTF-8. An empty line is no row, except where rows have one column: there it is an empty
 * field. Every row has as many fields as the first one. Whatever else is an error with its line,
 * counted from 1: a row too long or (unless allowed) too short, text behind a closing quote, a
 * quote that is never closed, bytes that are not UTF-8, a field or a row beyond its limit.
 *
 *     while ((state = csv_read(&reader, &input, &err)) == CSV_ROW) ... csv_field(&reader, i) ...
 *     CSV_MORE: the input is used up, go on with the next piece; after the last one csv_finish().
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

enum { CSV_FIELD_MAX = 1 << 20, CSV_ROW_MAX = 64 << 20, CSV_COLUMNS_MAX = 10000 };

struct csv_options {
    char separator;   /* 0: a comma */
    size_t field_max; /* bytes, 0: CSV_FIELD_MAX */
    size_t columns;   /* fields a row, 0: as many as the first has */
    bool short_rows;  /* rows may end early */
};

struct csv_reader {
    struct csv_options options;
    int state;
    struct bytes text; /* the row's fields, a NUL behind each */
    struct bytes ends; /* of size_t: where in text each field ends */
    size_t begin;      /* of the field under way */
    unsigned mark;     /* bytes of the byte order mark seen, 4: that is over */
    bool after_cr;
    bool row_done;       /* text and ends hold the row that was given out */
    uint64_t line;       /* that is being read */
    uint64_t row_line;   /* where the last row begins */
    uint64_t quote_line; /* where the open quote stands */
};

enum csv_state {
    CSV_ROW,
    CSV_MORE,
    CSV_END,
    CSV_BAD, /* err says why; only csv_reader_release is left */
};

void csv_reader_init(struct csv_reader *reader, const struct csv_options *options);
void csv_reader_release(struct csv_reader *reader);

/* Takes what it reads off the front of input. The fields of a row live until the next call. */
enum csv_state csv_read(struct csv_reader *reader, struct span *input, struct error *err);

/* There is no more input: the row that no line end ended, then CSV_END. */
enum csv_state csv_finish(struct csv_reader *reader, struct error *err);

size_t csv_field_count(const struct csv_reader *reader);
struct span csv_field(const struct csv_reader *reader, size_t index); /* from 0 */

/* Adds one row, ended by CR LF, quoted where that is needed. */
void csv_write(struct bytes *out, const struct span *fields, size_t count, char separator);

/* Spreadsheets take a file for UTF-8 when it begins with this. */
extern const struct span csv_mark;

struct lua_State;

/* The module "native.csv", behind activity.csv. */
int csv_open(struct lua_State *L);
