/* A scripts folder of a story's own below /tmp. */
#pragma once

/* Set-up and tear-down of a cmocka story. */
int scripts_folder_make(void **state);
int scripts_folder_remove(void **state);

const char *scripts_folder(void);

/* Writes a file, and the folders it is in. */
void scripts_write(const char *name, const char *text);
void scripts_rename(const char *from, const char *to);
void scripts_delete(const char *name);
