/*
 * The marker `signalroom.bundle`, which the first completion of every run records: on which code it
 * began, and that code itself when it is small. A run is pinned to it: wherever and whenever it is
 * rebuilt, it runs this code or none.
 *
 *     details.bundle   {"engine":"temporal-lua 0.1.0, LuaJIT 2.1","entry":"workflows/a.lua",
 *                       "hash":"9f3c...","v":1}
 *     details.source   what store_pack makes, when that has at most PIN_SOURCE_MAX bytes
 *
 * These are in histories forever. A server terminates a run whose marker is too large, hence the
 * limit.
 */
#pragma once

#include "core/event.h"
#include "workflow/code.h"

#define PIN_NAME "signalroom.bundle"

enum { PIN_SOURCE_MAX = 32 << 10 };

/* The command that records the code; what it points to lives as long as the code. */
struct command pin_command(const struct codes *codes, struct code *code);

bool pin_is(const struct event *marker);

/* The code that the marker names: the host's own of that hash, else the marker's source. NULL, and
 * err says where it may be had, when there is neither. */
struct code *pin_code(struct codes *codes, const struct event *marker, struct error *err);
