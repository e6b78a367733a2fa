/*
 * What lies in a scripts folder: names and texts, sorted by name. Every .lua below it, and below
 * reports/ every file, for templates. What editors leave beside a file (dot files, "x~", "#x#",
 * vim's "4913") is not seen.
 */
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

struct store_file {
    struct span name; /* path below the scripts folder: "workflows/sync_source.lua" */
    struct span text;
};

/* A file that cannot serve, and why: the error's text begins with the file's name. */
struct store_fault {
    struct span file;
    struct error why;
};

struct store_faults {
    struct store_fault *list;
    size_t count;
};

struct folder {
    struct arena arena; /* of names and texts */
    struct store_file *files;
    size_t count;
    size_t room;
    struct store_faults faults; /* files that are there and cannot be read */
};

/* Whether a file or a folder of that name is looked at. */
bool folder_wants(const char *name);

/* False when a folder cannot be listed. Released either way by the caller. */
bool folder_read(struct folder *folder, const char *dir, struct error *err);
void folder_release(struct folder *folder);

bool is_lua(struct span name);

void fault_add(struct store_faults *faults, struct span file, const struct error *why);

/* NULL: the file is not among them. */
const struct store_fault *fault_of(const struct store_faults *faults, struct span file);
void faults_release(struct store_faults *faults);
