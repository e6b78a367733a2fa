/*
 * Paths into JSON, and the tree that many of them make, so that one pass over a row finds them all.
 *
 *   reporting.revenue                      a member of a member
 *   columns[column_type=affiliate].id      of the element of a list whose column_type is that text
 *   items[1].price                         of the first element: places count from 1, as in Lua
 *   "Click ID"."a.b"                       quotes where a name has one of . [ ] | " or outer blanks
 *   .                                      the value itself
 */
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

enum path_step { PATH_MEMBER, PATH_PLACE, PATH_WHERE };

/* What the object that a node stands for had at its n-th key last time: rows are mostly alike, so
 * the next one needs one comparison a key. */
struct path_guess {
    struct span key;
    struct path_node *child; /* NULL: not wanted */
};

enum { PATH_STEPS_MAX = 16, PATH_GUESSES = 256, PATH_TEXT_MAX = 1000 };

struct path_node {
    enum path_step step; /* how the parent leads here */
    struct span name;    /* PATH_MEMBER, PATH_WHERE */
    struct span equals;  /* PATH_WHERE */
    size_t place;        /* PATH_PLACE */
    int slot;            /* where the value goes, -1: nowhere */
    bool stranger;       /* no path leads here: a member that was met, see pages_plan_tolerate() */
    int met;             /* of a stranger: the kind of its first value that is not null */
    struct span label;   /* of a tree that grows: the column's name, "a__b" */
    struct path_node *children;
    struct path_node *next; /* sibling */
    struct path_guess *guesses;
    size_t guess_count;
    uint64_t guess_stamp; /* guesses point into the text of this stamp */
};

struct path_tree {
    struct arena *arena;
    struct path_node root;
    int slot_count;
};

void path_tree_init(struct path_tree *tree, struct arena *arena);

/* Adds one path, its text copied; *slot is where its value will be. Equal paths share a slot. */
bool path_add(struct path_tree *tree, struct span text, int *slot, struct error *err);

/* The same for a path of one member whose name is taken as it is. */
int path_add_member(struct path_tree *tree, struct span name);

/* The child for a member, NULL when there is none. The search begins behind the sibling `after`
 * (NULL: at the first), since keys mostly come in the same order. */
struct path_node *path_member(const struct path_node *node, struct span name,
                              const struct path_node *after);

/* The same, made when there is none. */
struct path_node *path_make_member(struct path_tree *tree, struct path_node *node,
                                   struct span name);

/* Cuts the first of "a | b | c" off rest. False when nothing is left. */
bool path_next_choice(struct span *rest, struct span *choice);
