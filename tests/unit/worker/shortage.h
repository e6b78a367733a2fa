/* A system that refuses event loops and watches of folders: uv_loop_init and inotify_add_watch of
 * these programs, in front of the libraries'. */
#pragma once

#include <stdbool.h>

/* So many loops are still given, then none until the shortage is over. */
void shortage_after(int loops);
void shortage_over(void);

/* No folder is watched while it lasts. */
void shortage_of_watches(bool lasts);

/* How many folders have been watched. */
int shortage_watched(void);
