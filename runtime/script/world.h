/*
 * What a script can know of the world outside: the time, chance, and names for things that have no
 * text. In a workflow each run has its own world, fed by history, so that a replay sees the same.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <lua.h>

struct world {
    uint64_t chance[4]; /* xoshiro256**; all zeros: not seeded */
    double now_ms;      /* since 1970 */
    double first_ms;    /* os.clock counts from here */
    bool has_now;
    bool real;           /* the machine's clock instead of now_ms */
    int names;           /* registry reference to a table thing -> number, weak; 0: none yet */
    int host;            /* registry reference to the run's host table (cell.h); 0: not a run */
    unsigned name_count; /* numbers given out */
};

void world_release(struct world *world, lua_State *L);

/* Sets os and math functions of the current world, uuid4, set_now and seed in the table on top. */
void world_open(lua_State *L);

/* Pushes "table: #1": the same number for the same thing, counted as the run first shows them. */
void world_name(lua_State *L, int index);
