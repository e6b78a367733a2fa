/*
 * The machine of one Temporal entity: a table of rows that stands on top of the entity's file and
 * is its documentation. What is not in the table cannot happen and is refused.
 *
 * Rows taken are counted per thread, so that the tests can show that each is taken at least once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct machine_row {
    uint8_t from;
    uint8_t input;
    uint8_t to;
    uint8_t effect; /* the entity's own enum; 0: none */
};

struct machine_table {
    const char *name;
    const char *const *states;
    const char *const *inputs;
    const struct machine_row *rows;
    uint8_t count;
    uint8_t slot; /* enum machine_slot */
};

/* One for each table, the place of its counts. A new entity adds a line here and in machine.c. */
enum machine_slot { SLOT_TASK, SLOT_TIMER, SLOT_ACTIVITY, SLOT_MARKER, SLOT_ENDING, SLOT_COUNT };
enum { MACHINE_ROWS = 64 };

/* Every table, in order of slots. */
extern const struct machine_table *const machine_tables[SLOT_COUNT];

/* Moves `state` by the row for `input`. NULL, and no move, when there is no such row. */
const struct machine_row *machine_step(const struct machine_table *table, uint8_t *state,
                                       unsigned input);

/* "timer is FIRED, which CANCEL does not fit": what to say when there was no row. */
bool machine_refuse(const struct machine_table *table, uint8_t state, unsigned input,
                    struct error *err);

/* How often this thread took the row. */
uint64_t machine_taken(const struct machine_table *table, size_t row);
