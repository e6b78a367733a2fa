/*
 * How a run ends: complete, fail, cancelled, continue-as-new, or by the server's hand.
 *
 *     state    input       next     effect
 *     OPEN     ASK         ASKED    the closing command goes behind all others
 *     ASKED    ASK         ASKED    dropped: the first one counts
 *     ASKED    CONFIRMED   CLOSED
 *     OPEN     STOPPED     CLOSED   terminated or timed out
 *     ASKED    STOPPED     CLOSED
 *     CLOSED   ASK         CLOSED   dropped: a script that is told of its last signals
 *
 * A closing command that the server refuses (UnhandledCommand) is no event for this machine: the
 * run is rebuilt and sees what it had not seen.
 */
#include "core/entity.h"

enum { OPEN, ASKED, CLOSED };
enum { IN_ASK, IN_CONFIRMED, IN_STOPPED };
enum { SEND = 1 };

static const char *const states[] = {"OPEN", "ASKED", "CLOSED"};
static const char *const inputs[] = {"a closing command", "its event", "a stop by the server"};

static const struct machine_row rows[] = {
    {OPEN,   IN_ASK,       ASKED,  SEND},
    {ASKED,  IN_ASK,       ASKED,  0   },
    {ASKED,  IN_CONFIRMED, CLOSED, 0   },
    {OPEN,   IN_STOPPED,   CLOSED, 0   },
    {ASKED,  IN_STOPPED,   CLOSED, 0   },
    {CLOSED, IN_ASK,       CLOSED, 0   },
};

const struct machine_table ending_table = {
    "the run", states, inputs, rows, sizeof rows / sizeof *rows, SLOT_ENDING,
};

bool ending_ask(struct run *run, const struct command *command, struct error *err)
{
    (void)err;
    if (machine_step(&ending_table, &run->ending, IN_ASK)->effect == SEND)
        match_end(&run->match, command);
    return true;
}

void ending_confirmed(struct run *run, const struct command *command, const struct event *event)
{
    (void)command;
    (void)event;
    machine_step(&ending_table, &run->ending, IN_CONFIRMED);
}

bool ending_hear(struct run *run, const struct event *event, struct error *err)
{
    (void)event;
    (void)err;
    machine_step(&ending_table, &run->ending, IN_STOPPED);
    return true;
}

bool ending_asked(const struct run *run)
{
    return run->ending == ASKED;
}

bool run_closed(const struct run *run)
{
    return run->ending == CLOSED;
}
