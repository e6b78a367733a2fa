/* The options of http.request{...} as a transfer that is ready to start. */
#pragma once

#include <lua.h>

#include "activity/transfer.h"

/* Arguments 1 and 2 of the running call: its name ("http.get") and its options. Raises ValueError
 * for options that cannot be. Appends "GET http://..." to `shown`, without secrets. */
struct transfer *http_request(lua_State *L, struct web *web, bool streams, struct bytes *shown);
