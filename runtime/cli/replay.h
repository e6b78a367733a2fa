/* Recorded histories through scripts, without a server; and histories as JSON. */
#pragma once

#include <lua.h>

/* file text, scripts folder, mode "whole", "tasks" or "evicting", and whether the scripts are used
 * although the history records its own code: true, events, tasks, code, whether it is the
 * history's; or false and why. */
int replay_file(lua_State *L);

/* List of HistoryEvent tables: {"events": [...]} as the Temporal tools write it. Raises when it
 * cannot. */
int replay_history_json(lua_State *L);
