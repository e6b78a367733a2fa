/*
 *     state    input     next
 *     ASKED    RECORDED  CLOSED
 *
 * Recorded once, matched in order by its name, and never heard of again; its only state is its
 * place among the commands.
 */
#include "core/entity.h"

enum { CLOSED, ASKED };
enum { IN_RECORDED };

static const char *const states[] = {"CLOSED", "ASKED"};
static const char *const inputs[] = {"MarkerRecorded"};

static const struct machine_row rows[] = {
    {ASKED, IN_RECORDED, CLOSED, 0},
};

const struct machine_table marker_table = {
    "the marker", states, inputs, rows, sizeof rows / sizeof *rows, SLOT_MARKER,
};

bool marker_record(struct run *run, const struct command *command, struct error *err)
{
    (void)err;
    match_ask(&run->match, command);
    return true;
}

void marker_recorded(struct run *run, const struct command *command, const struct event *event)
{
    uint8_t state = ASKED;
    (void)run;
    (void)command;
    (void)event;
    machine_step(&marker_table, &state, IN_RECORDED);
}
