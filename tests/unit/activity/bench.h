/*
 * A bench for activity stories: a reactor whose Lua runs as fibers, and child processes (a fault
 * server, a PostgreSQL cluster) that tell where they are by their first line and end when their
 * standard input closes.
 *
 * Stories are Lua files that return a list of { "sentence", function }; each function is one cmocka
 * test. They may require "checks", checks.lua beside them.
 */
#pragma once

#include "activity/modules.h"
#include "story.h"

struct child {
    int pid;
    int input; /* closing it ends the child */
    char line[512];
};

struct child child_start(const char *const argv[]);
void child_end(struct child *child);

struct bench {
    struct reactor *reactor;
    lua_State *L;
};

void bench_open(struct bench *bench);
void bench_close(struct bench *bench);

/* A global of the stories. */
void bench_text(struct bench *bench, const char *name, const char *value);

/* Runs the stories of a file; the number that failed. */
int bench_stories(struct bench *bench, const char *path);
