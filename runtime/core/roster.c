#include "core/roster.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static void drop_closed(struct roster *roster)
{
    uint32_t kept = 0;
    if (roster->open == roster->count)
        return;
    for (uint32_t i = 0; i < roster->count; i++)
        if (roster->machines[i].state)
            roster->machines[kept++] = roster->machines[i];
    roster->count = kept;
}

static void resize(struct roster *roster, uint32_t room)
{
    if (room == roster->room)
        return;
    roster->machines = memory_resize(roster->machines, room * sizeof *roster->machines);
    roster->room = room;
}

struct machine *roster_add(struct roster *roster, uint32_t seq, uint8_t state)
{
    if (seq <= roster->last_seq)
        return NULL;
    if (roster->count == roster->room && roster->open <= roster->room / 2)
        drop_closed(roster);
    if (roster->count == roster->room)
        resize(roster, roster->room ? roster->room * 2 : 4);
    struct machine *machine = &roster->machines[roster->count++];
    *machine = (struct machine){.seq = seq, .state = state};
    roster->last_seq = seq;
    roster->open++;
    return machine;
}

static struct machine *open_at(const struct roster *roster, uint32_t i, bool found)
{
    return found && roster->machines[i].state ? &roster->machines[i] : NULL;
}

struct machine *roster_by_seq(const struct roster *roster, uint32_t seq)
{
    uint32_t low = 0;
    uint32_t high = roster->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (roster->machines[middle].seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return open_at(roster, low, low < roster->count && roster->machines[low].seq == seq);
}

struct machine *roster_by_event(const struct roster *roster, int64_t event_id)
{
    uint32_t low = 0;
    uint32_t high = event_id > 0 ? roster->count : 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int64_t id = roster->machines[middle].event_id;
        if (id && id < event_id)
            low = middle + 1;
        else
            high = middle;
    }
    return open_at(roster, low,
                   event_id > 0 && low < roster->count &&
                       roster->machines[low].event_id == event_id);
}

void roster_close(struct roster *roster, struct machine *machine)
{
    machine->state = 0;
    if (--roster->open == 0)
        roster->count = 0;
}

void roster_strike(struct roster *roster, struct machine *machine)
{
    size_t behind = roster->count - (size_t)(machine - roster->machines) - 1;
    memmove(machine, machine + 1, behind * sizeof *machine);
    roster->count--;
    if (--roster->open == 0)
        roster->count = 0;
}

void roster_shrink(struct roster *roster)
{
    drop_closed(roster);
    if (!roster->count)
        roster_release(roster);
    else if (roster->count <= roster->room / 2)
        resize(roster, roster->count);
}

void roster_release(struct roster *roster)
{
    free(roster->machines);
    roster->machines = NULL;
    roster->count = roster->room = roster->open = 0;
}
