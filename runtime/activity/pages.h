/*
 * The page lane: rows of a JSON page become rows of COPY text in C, without a Lua value in between.
 *
 *     struct pages_plan *plan = pages_plan_new();
 *     pages_plan_column(plan, SPAN("revenue"), SPAN("money! at reporting.revenue"), NULL, &err);
 *     pages_plan_add(plan, body, SPAN("table"), &rows, &err);        any number of pages
 *     COPY stage (revenue) FROM STDIN  <-  plan->rows                then pages_plan_clear(plan)
 *
 * A column says `TYPE`, `TYPE!` (not null) or either with ` at PATH`; without a path it is the
 * member of its own name. PATH (pages_path.h) may name several, "cost | spend": the first that is
 * not null counts. TYPE is one of
 *
 *     text int money numeric bool date timestamptz jsonb
 *     date(epoch, ZONE) date(epoch_ms, ZONE) date(ZONE)
 *     timestamptz(epoch) timestamptz(epoch_ms) timestamptz(ZONE)
 *
 * where date(epoch, ZONE) is the business day in ZONE of seconds since 1970, date(ZONE) that of a
 * time with an offset, and timestamptz(ZONE) reads times that say no offset.
 *
 * A page is taken whole or not at all: on failure the rows are as before. A value that does not fit
 * fails with row, column, path and value; so does a key twice in one row. Required values that are
 * missing are counted over the page: "required revenue is missing in 37 of 37 rows".
 *
 * An inferring plan (pages_plan_infer) has no columns at first and finds them: objects become
 * columns a__b down to two levels, deeper ones and lists jsonb; types widen bigint -> numeric ->
 * text as values demand. A key that was only ever null makes no column. Rows that came before a
 * column was found are filled up when they are taken, pages_plan_pad().
 *
 * A tolerating plan (pages_plan_tolerate) takes rows with missing and misfitting values, as nulls,
 * and counts them over all pages: its user judges. It also notes strangers: members of the objects
 * on its paths that no path asks for.
 *
 * One thread at a time. Sizes: pages as json_scan.h allows, 1,000 columns.
 */
#pragma once

#include "activity/pages_path.h"
#include "activity/pages_value.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

enum { PAGES_COLUMNS_MAX = 1000, PAGES_NAME_MAX = 63, PAGES_CHOICES_MAX = 8 };

struct pages_column {
    struct span name;
    struct span at; /* the path as written, for messages */
    struct pages_shape shape;
    bool required;
    int choices[PAGES_CHOICES_MAX]; /* slots; the first that is not null */
    int choice_count;
    uint64_t found;         /* rows with a value, all pages */
    uint64_t missing;       /* rows without one, in this page; in all pages when it tolerates */
    uint64_t first_missing; /* the first of them, from 1 */
    uint64_t absent;        /* of those: rows in which not even a null stands at its path */
    uint64_t misfits;       /* rows whose value does not fit, when it tolerates */
    uint64_t first_misfit;
    struct span misfit; /* what is wrong with the first of them */
};

/* A value as found in the row that is being read. */
struct pages_slot {
    uint64_t row; /* the row that set it, 0: none */
    struct pages_value value;
};

/* From here on rows have so many fields. */
struct pages_step {
    size_t at; /* offset in rows */
    size_t columns;
};

struct pages_plan {
    struct arena arena;
    struct path_tree tree;
    bool infers;
    bool tolerates;
    unsigned strangers;
    struct pages_column *columns;
    size_t count;
    struct pages_slot *slots;
    size_t slot_room;
    struct span list;   /* of the page added last: its rows as they stand in it */
    struct bytes rows;  /* COPY text */
    struct bytes steps; /* of struct pages_step; empty unless it infers */
    struct pages_putter putter;
    uint64_t row_count;  /* all rows ever added */
    uint64_t row_stamp;  /* rows ever begun */
    uint64_t text_stamp; /* texts ever begun */
};

struct pages_plan *pages_plan_new(void);
void pages_plan_free(struct pages_plan *plan);

/* fallback: the zone of dates and times that name none, or NULL. ERROR_USAGE when the spec says
 * nothing that can be done, ERROR_CONFIG for an unknown zone. Not while rows are in the plan. */
bool pages_plan_column(struct pages_plan *plan, struct span name, struct span spec,
                       const struct zone *fallback, struct error *err);

/* Makes it a plan that finds its columns; it must have none. */
void pages_plan_infer(struct pages_plan *plan);

/* Makes it count what does not fit, and note strangers; it must not infer. */
void pages_plan_tolerate(struct pages_plan *plan);

/* Calls visit(user, path, type) for every stranger: the path as a column writes it, and the type of
 * its first value in Postgres, NULL when it was only ever null. */
void pages_plan_strangers(struct pages_plan *plan,
                          void (*visit)(void *user, struct span path, const char *type),
                          void *user);

/* Adds the rows of the list at row_path ("table", "data.items", "" for the page itself). *rows is
 * how many. A null in its place is an empty list; anything else than a list is an error. */
bool pages_plan_add(struct pages_plan *plan, struct span page, struct span row_path, size_t *rows,
                    struct error *err);

/* Adds one row given as JSON text (an object or a list), by the same paths. */
bool pages_plan_add_row(struct pages_plan *plan, struct span row, struct error *err);

/* Adds one row given as one value a column, in the order of columns. Fails at once when a required
 * one is null. */
bool pages_plan_values(struct pages_plan *plan, const struct pages_value *values,
                       struct error *err);

/* Fills the rows up to the columns that there are now. Before rows are taken; costs nothing when
 * there is nothing to do. */
void pages_plan_pad(struct pages_plan *plan);

/* Moves the rows, padded, behind what `out` holds; the plan is then without rows. */
void pages_plan_take(struct pages_plan *plan, struct bytes *out);

/* COPY text whose rows have `from` fields as one whose rows have `to`; nulls behind. */
void pages_pad(struct span rows, size_t from, size_t to, struct bytes *out);

/* The text of the value at a path of a page; nothing behind it is read, nor inside of `known`, a
 * part of the page that a plan has read (its list, or empty), unless the path leads there. Kind
 * JSON_END when there is none. Objects and lists are an error: they are rows, or for json.decode.
 */
bool pages_scalar(struct span page, struct span path, struct span known, struct pages_value *value,
                  struct error *err);

struct lua_State;

/* The module "pages" for scripts: lua/meta/pages.lua. */
int pages_open(struct lua_State *L);

/* The plan at index; raises ValueError when it is none. */
struct pages_plan *pages_plan_at(struct lua_State *L, int index);

/* The COPY text in the buffer at index, which plan:take() returned to Lua; NULL when it is none. */
struct bytes *pages_buffer(struct lua_State *L, int index);
