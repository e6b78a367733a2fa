#include "stage.h"

#include <stdio.h>
#include <stdlib.h>

static const char library[] =
    "local coroutines = require 'sandbox.coroutines'\n"
    "local show = require('sandbox.text').tostring\n"
    "return function(env, host)\n"
    "  local body\n"
    "  rawset(env, 'define', function(fn) body = fn end)\n"
    "  rawset(env, 'wait', function(...) return coroutines.suspend(...) end)\n"
    "  rawset(env, 'spawn', function(fn) return (coroutine.resume(coroutine.create(fn))) end)\n"
    "  rawset(env, 'uuid4', host.uuid4)\n"
    "  host.run_bundle()\n"
    "  local fiber\n"
    "  return function(input)\n"
    "    if not fiber then host.seed('seedseed') host.set_now(1768366800123) end\n"
    "    fiber = fiber or coroutine.create(body)\n"
    "    local ok, first = coroutine.resume(fiber, input)\n"
    "    if ok and first == coroutines.SUSPEND then return 'waits' end\n"
    "    fiber = nil\n"
    "    return show(ok) .. ' ' .. show(first)\n"
    "  end\n"
    "end\n";

static _Noreturn void give_up(const char *what, const struct error *err)
{
    fprintf(stderr, "%s: %s\n", what, err->text);
    abort();
}

static struct cell_options options_for(const struct script_source *sources, size_t count)
{
    return (struct cell_options){
        .sources = sources,
        .source_count = count,
        .heap_limit = 512 << 20,
        .instance_limit = 64 << 20,
        .slice_ms = 1000,
        .library = {library, sizeof library - 1},
    };
}

bool stage_bundle(struct cell **out, const struct script_source *sources, size_t count,
                  struct error *err)
{
    struct cell_options options = options_for(sources, count);
    return cell_open(out, &options, err);
}

struct cell *stage_cell_with(const char *body, size_t instance_limit, int slice_ms)
{
    struct error err = {0};
    struct bytes text = {0};
    struct cell *cell;
    bytes_printf(&text, "define(function(input) %s\nend)\n", body);
    const struct script_source source = {SPAN("story.lua"), bytes_span(&text)};
    struct cell_options options = options_for(&source, 1);
    options.instance_limit = instance_limit;
    options.slice_ms = slice_ms;
    if (!cell_open(&cell, &options, &err))
        give_up("opening the cell", &err);
    bytes_release(&text);
    return cell;
}

struct cell *stage_cell(const char *body)
{
    return stage_cell_with(body, 64 << 20, 1000);
}

struct instance *stage_run(struct cell *cell)
{
    struct error err = {0};
    struct instance *instance;
    if (!instance_new(&instance, cell, &err))
        give_up("starting a run", &err);
    return instance;
}

static const char *outcome_word(enum instance_outcome outcome)
{
    switch (outcome) {
    case INSTANCE_OUT_OF_TIME:
        return "out of time";
    case INSTANCE_OUT_OF_MEMORY:
        return "out of memory";
    default:
        return "error";
    }
}

const char *stage_say(struct instance *instance, const char *input)
{
    static char text[2048];
    struct error err = {0};
    lua_State *L = instance_lua(instance);
    lua_pushstring(L, input);
    enum instance_outcome outcome = instance_resume(instance, &err);
    if (outcome == INSTANCE_DONE) {
        snprintf(text, sizeof text, "%s", lua_tostring(L, -1));
        lua_pop(L, 1);
    } else {
        snprintf(text, sizeof text, "%s: %s", outcome_word(outcome), err.text);
    }
    return text;
}

const char *stage_once(const char *body)
{
    struct cell *cell = stage_cell(body);
    const char *said = stage_say(stage_run(cell), "");
    cell_close(cell);
    return said;
}
