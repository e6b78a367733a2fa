/*
 * Reload: the thread that watches the scripts folder, and brings what it has to those who run it.
 *
 * It may block, since nothing waits for it. It makes the next edition (every check is there), has
 * every runner prepare its bundles, and starts the world of its activities. When all of that went
 * well, the desk gets the world and the runners take the bundles, by mail, between two tasks, and
 * none of that can fail. Else, which after the checks means that the machine is short of something,
 * nothing has changed, and it is tried again later. Tasks that run stay where they are; the thread
 * stops a world when the desk says that its last task is over.
 */
#pragma once

#include "worker/note.h"
#include "worker/worker.h"

struct reload;

/* Begins with the edition of the worker's start. */
bool reload_start(struct worker *worker, struct error *err);

/* Any thread: the note is read on the thread of the reload. */
void reload_send(struct worker *worker, struct note *note);

/* Joins the thread. What it has sent may still be under way: reload_release frees it, when those
 * who got it have ended. Both do nothing when the folder is not watched. */
void reload_stop(struct worker *worker);
void reload_release(struct worker *worker);
