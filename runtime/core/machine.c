#include "core/machine.h"

#include "core/entity.h"

const struct machine_table *const machine_tables[SLOT_COUNT] = {
    [SLOT_TASK] = &task_table,     [SLOT_TIMER] = &timer_table,   [SLOT_ACTIVITY] = &activity_table,
    [SLOT_MARKER] = &marker_table, [SLOT_ENDING] = &ending_table,
};

static _Thread_local uint64_t taken[SLOT_COUNT][MACHINE_ROWS];

const struct machine_row *machine_step(const struct machine_table *table, uint8_t *state,
                                       unsigned input)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct machine_row *row = &table->rows[i];
        if (row->from != *state || row->input != input)
            continue;
        taken[table->slot][i]++;
        *state = row->to;
        return row;
    }
    return NULL;
}

bool machine_refuse(const struct machine_table *table, uint8_t state, unsigned input,
                    struct error *err)
{
    return error_set(err, ERROR_MALFORMED, "%s is %s, which %s does not fit", table->name,
                     table->states[state], table->inputs[input]);
}

uint64_t machine_taken(const struct machine_table *table, size_t row)
{
    return taken[table->slot][row];
}
