/*
 * An edition: the scripts that serve at one time. It is made of what lies in the folder, and where
 * that is bad, of what the last edition had: a file that fails a check is refused, and files that
 * were edited with it and belong to its bundles are held back with it, so that no bundle is half
 * old and half new. Everything else of the folder is taken. What an edition serves has passed every
 * check, as a whole. An edition never changes, and any thread may hold it.
 */
#pragma once

#include <stdatomic.h>

#include "activity/activity.h"
#include "store/store.h"

struct edition_types {
    const char **names;
    size_t count;
};

struct edition_script {
    const struct store_bundle *bundle;
    struct edition_types types; /* that its entry defines */
};

enum edition_change_kind {
    CHANGE_ADDED,
    CHANGE_EDITED,
    CHANGE_REMOVED,
    CHANGE_REFUSED,
    CHANGE_HELD
};

/* What became of a file that is not as it was at the last edition. */
struct edition_change {
    enum edition_change_kind kind;
    struct span file;
    struct span text;
    const char *why; /* of REFUSED, with file:line; of HELD */
    bool said;       /* the last edition said the same of it */
};

struct edition {
    atomic_int holders;
    struct arena arena;
    struct store_file *files; /* that serve, sorted by name */
    size_t count;
    struct store *store;
    struct edition_script *scripts; /* of workflows and activities, sorted by name */
    size_t script_count;
    struct script_source *sources; /* what activity loops load */
    size_t source_count;
    bool any_workflows;
    bool any_activities;
    bool unread; /* the system would not give some file: a later look may bring it */
    struct edition_change *changes; /* against the last edition; sorted by name */
    size_t change_count;
};

/* `last` may be NULL: then what is bad is left out. False when the folder cannot be read, when
 * nothing of it can be told good from bad, or when the system gives too little to check it. */
bool edition_make(struct edition **out, const struct edition *last, const char *dir,
                  struct error *err);
struct edition *edition_hold(struct edition *edition);
void edition_release(struct edition *edition); /* NULL is nothing */

/* Whether both serve the same texts. */
bool edition_equals(const struct edition *a, const struct edition *b);

/* Whether activity loops load the same. */
bool edition_same_activities(const struct edition *a, const struct edition *b);

const struct edition_script *edition_script(const struct edition *edition, struct span entry);

/* Whether a script of it defines an activity of this type. */
bool edition_has_activity(const struct edition *edition, const char *type);

/* The word for it: "added", "refused", ... */
const char *edition_change_name(enum edition_change_kind kind);
