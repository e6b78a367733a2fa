/*
 * A script made of others: it reads each global that they read, at its top level. Loaded beside
 * them it fails, naming their line, where they would fail once that line runs: a misspelt name in a
 * rare branch is found when it is saved, by the very environment that the script will have.
 */
#pragma once

#include "store/folder.h"

/* Adds the reads of a file; of a file's name only the first. */
void probe_add(struct bytes *script, const struct store_file *file);
