/*
 * Time zones of the system's database (TZif files, RFC 8536), without libc's global zone: any
 * number of zones at once, on any thread. Zones live as long as the process.
 *
 * Instants are seconds since 1970-01-01T00:00Z; local times are seconds since 1970-01-01T00:00 on
 * the zone's wall clock; days are day.h's numbers.
 */
#pragma once

#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

struct zone;

/* "America/New_York", from $TZDIR or /usr/share/zoneinfo. NULL with ERROR_CONFIG when there is no
 * such zone or its file is damaged. */
const struct zone *zone_find(struct span name, struct error *err);

/* Seconds east of UTC at an instant: -18000 for New York in winter. */
int zone_offset(const struct zone *zone, int64_t epoch);

/* The instant at which the wall clock shows `local`. A time that occurs twice is the first of the
 * two; one that is skipped counts on from before the gap (02:30 becomes 03:30). */
int64_t zone_epoch(const struct zone *zone, int64_t local);

/* The local day of an instant. */
int64_t zone_day(const struct zone *zone, int64_t epoch);

/* The instant at which a local day begins; it ends when the next one begins, after 23, 24 or 25
 * hours as a rule. */
int64_t zone_day_start(const struct zone *zone, int64_t day);

/* Reads a TZif file's bytes: what zone_find does with a file. NULL with ERROR_MALFORMED. */
struct zone *zone_parse(struct span file, struct error *err);
void zone_free(struct zone *zone);

/* The module "zone" for scripts: lua/meta/zone.lua. */
struct lua_State;
int zone_open(struct lua_State *L);
