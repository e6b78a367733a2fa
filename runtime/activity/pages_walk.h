/*
 * One pass over JSON text that fills the slots of a tree of paths. For pages*.c alone.
 */
#pragma once

#include "activity/pages.h"

/* Reads the value that `token`, the scan's last, begins, and sets the slots on its way, stamped
 * with plan->row_stamp. */
bool pages_walk(struct pages_plan *plan, struct json_scan *scan, struct json_token *token,
                struct error *err);

struct pages_target {
    const struct path_node *path; /* the root of a tree of one path */
    struct json_token token;      /* the value, begun but not read on */
    struct span known;            /* a list or an object that was read before; not read again */
    bool found;                   /* false: the scan is at the end of its text */
};

/* To the value at the target's path, from a fresh scan. `seen`, unless NULL, gets the keys of the
 * object where the path broke off, "a, b, c". The plan lends its scratch. */
bool pages_walk_to(struct pages_plan *plan, struct json_scan *scan, struct pages_target *target,
                   struct bytes *seen, struct error *err);
