#include "invariant.h"

#include "core/inside.h"

/* Open machines are counted, in order of seq and of event, and none is there twice. */
static const char *check_roster(const struct roster *roster)
{
    uint32_t open = 0;
    bool unconfirmed = false;
    for (uint32_t i = 0; i < roster->count; i++) {
        const struct machine *m = &roster->machines[i];
        open += m->state != 0;
        if (i && m->seq <= m[-1].seq)
            return "machines are not in order of seq";
        if (m->event_id && (unconfirmed || (i && m->event_id <= m[-1].event_id)))
            return "machines are not in order of their events";
        if (m->state && m->event_id > 0 && roster_by_event(roster, m->event_id) != m)
            return "a machine is not found by its event";
        if (m->state && roster_by_seq(roster, m->seq) != m)
            return "a machine is not found by its seq";
        unconfirmed |= !m->event_id;
    }
    return open == roster->open ? NULL : "open machines are counted wrong";
}

static uint32_t asked_for(const struct match *match, int type, uint32_t seq)
{
    uint32_t times = 0;
    for (uint32_t i = match->head; i < match->count; i++) {
        const struct asked *asked = &match->asked[i];
        times += !asked->dropped && (int)asked->command.type == type && asked->command.seq == seq;
    }
    return times;
}

/* A machine that no event opened waits in the FIFO. */
static const char *check_asked(const struct run *run, const struct roster *roster, int type)
{
    for (uint32_t i = 0; i < roster->count; i++) {
        const struct machine *m = &roster->machines[i];
        if (m->state && asked_for(&run->match, type, m->seq) != !m->event_id)
            return "a machine is confirmed and asked for, or neither";
    }
    return NULL;
}

const char *invariant_broken(const struct run *run)
{
    const char *broken = check_roster(&run->timers);
    if (!broken)
        broken = check_roster(&run->activities);
    if (!broken && !run->failure && !run_closed(run))
        broken = check_asked(run, &run->timers, COMMAND_START_TIMER);
    if (!broken && !run->failure && !run_closed(run))
        broken = check_asked(run, &run->activities, COMMAND_SCHEDULE_ACTIVITY);
    if (!broken && run->flags.recorded & ~(UINT64_C(1) << FLAG_STEPWISE))
        broken = "a flag was recorded that this build does not know";
    return broken;
}
