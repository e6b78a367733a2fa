/*
 * A cell is one Lua VM for workflow runs: it belongs to one runner thread and one script bundle. In
 * it every run is an instance: a coroutine with a private environment. Prototypes are shared,
 * globals are not. See docs/architecture.md section 5.
 *
 * The embedded module "workflow.init" is required once per cell; it returns a function
 * `new_run(env, host) -> activate`. env is the instance's private sandboxed environment: new_run
 * puts its vocabulary in (rawset(env, "workflow", ...)), then calls host.run_bundle(), which runs
 * every script's top level once in env, entry last. `activate(activation) -> commands` is what
 * instance_resume calls. host, one table per instance:
 *
 *   run_bundle()       top levels of the bundle, in order; they only define, a yield is an error
 *   set_now(ms)        what os.time, os.date and os.clock show from now on
 *   seed(eight_bytes)  restarts math.random: xoshiro256** seeded through splitmix64
 *   random() uuid4()   a double in [0,1) and an RFC 9562 version 4 text of that same stream
 *   mark() rewind(m)   takes back what was drawn from that stream, and named by tostring, since
 *   modules            table: what `require "name"` in a script gives besides the bundle's scripts
 *   proxy(table)       an empty table that reads through to `table` and cannot change it
 *
 * The library waits with require("sandbox.coroutines").suspend(...): at the run's own scheduler,
 * raw coroutine.resume(fiber) then gives true, coroutines.SUSPEND, ... however deep in coroutines
 * of the script the call was.
 *
 * What the library finds in a cell: the real globals (debug too), `require` among the embedded
 * modules, `require "json"` (json_open's table), and require("sandbox").place(), which gives
 * "file:line" of the nearest script frame of the running coroutine (script_place), "" when there is
 * none: commands carry it.
 *
 * No script can stop its host: too much time or memory drops the coroutine (kill by yield), never
 * an error that a script could catch.
 */
#pragma once

#include <lua.h>

#include "base/bytes.h"
#include "base/error.h"
#include "script/vm.h"

struct cell;
struct instance;

struct script_source {
    struct span name; /* "workflows/sync_source.lua": what tracebacks show */
    struct span text;
};

struct cell_options {
    const struct script_source *sources; /* in order of loading: what is required comes first */
    size_t source_count;
    size_t heap_limit;     /* bytes, whole cell */
    size_t instance_limit; /* bytes accounted to one run */
    int slice_ms;          /* CPU-time limit of one activation */
    struct span library;   /* Lua text to use instead of workflow.init; tests of the cell alone */
};

/* Fails with ERROR_SCRIPT, file:line in the text, when a source does not compile. */
bool cell_open(struct cell **out, const struct cell_options *options, struct error *err);
void cell_close(struct cell *cell); /* with all its instances */
size_t cell_instances(const struct cell *cell);

enum instance_outcome {
    INSTANCE_DONE,        /* the result is on top of instance_lua() */
    INSTANCE_ERROR,       /* the library itself raised: err says why. As after the next two, */
    INSTANCE_OUT_OF_TIME, /* the instance is dead: free it */
    INSTANCE_OUT_OF_MEMORY,
};

/* Runs the bundle's top level in a fresh environment, then new_run. */
bool instance_new(struct instance **out, struct cell *cell, struct error *err);
void instance_free(struct instance *instance);

/* Where the caller pushes the one argument of activate, and finds its one result. */
lua_State *instance_lua(struct instance *instance);
enum instance_outcome instance_resume(struct instance *instance, struct error *err);
size_t instance_memory(const struct instance *instance);
