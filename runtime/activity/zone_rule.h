/*
 * The rule at the end of a TZif file, which holds for all times behind its table: a POSIX TZ text
 * such as "EST5EDT,M3.2.0,M11.1.0", with RFC 8536's wider hours.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct zone_change {
    enum { CHANGE_MONTH, CHANGE_JULIAN, CHANGE_DAY } kind;
    int month, week, weekday; /* CHANGE_MONTH: Mm.w.d */
    int day;                  /* CHANGE_JULIAN: 1 to 365, no leap day; CHANGE_DAY: 0 to 365 */
    int seconds;              /* of the local day */
};

struct zone_rule {
    int standard; /* seconds east of UTC */
    int summer;
    bool has_summer;
    struct zone_change to_summer;
    struct zone_change to_standard;
};

bool zone_rule_parse(struct span text, struct zone_rule *rule);
int zone_rule_offset(const struct zone_rule *rule, int64_t epoch);
