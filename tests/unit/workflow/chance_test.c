/*
 * Programs of chance on a server of chance. A script draws from the workflow's own random numbers
 * what it does next, so that each run id is another program; whatever it does, and whoever looks at
 * it between its tasks, a run from memory and one rebuilt from history must answer alike, and the
 * history must replay in all ways.
 */
#include "story.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "workflow/server.h"

static const char *const chaos =
    "local trace, pokes = {}, 0\n"
    "local act\n"
    "local function note(...) trace[#trace + 1] = table.concat({ ... }, ' ') end\n"
    "local function outcome(ok, value)\n"
    "  note(tostring(ok), ok and tostring(value) or tostring(value.type))\n"
    "  if not ok and value.type == 'CancelledError' then error(value) end\n"
    "end\n"
    "local cancels = { 'try', 'wait', 'abandon' }\n"
    "local doings = {\n"
    "  function() outcome(pcall(workflow.call, 'a', math.random(9))) end,\n"
    "  function() outcome(pcall(workflow.sleep, math.random(20))) end,\n"
    "  function()\n"
    "    local f = workflow.start('b', nil, { cancel = cancels[math.random(3)] })\n"
    "    if math.random(2) == 1 then outcome(pcall(workflow.sleep, 1)) end\n"
    "    if math.random(2) == 1 then f:cancel() end\n"
    "    outcome(pcall(f.wait, f))\n"
    "  end,\n"
    "  function()\n"
    "    local list = {}\n"
    "    for i = 1, math.random(3) do\n"
    "      list[i] = math.random(2) == 1 and workflow.start('c', i) or workflow.timer(i)\n"
    "    end\n"
    "    if math.random(2) == 1 then\n"
    "      outcome(pcall(workflow.wait_any, list))\n"
    "    else\n"
    "      outcome(pcall(workflow.wait_all, list))\n"
    "    end\n"
    "  end,\n"
    "  function() outcome(pcall(workflow.await, function() return pokes % 3 == 0 end, 30)) end,\n"
    "  function()\n"
    "    local inbox = workflow.signal('go')\n"
    "    note('go', tostring(inbox:receive(math.random(30))), inbox:waiting())\n"
    "  end,\n"
    "  function(level)\n"
    "    local futures = {}\n"
    "    for i = 1, math.random(3) do futures[i] = workflow.spawn(act, level + 1) end\n"
    "    if math.random(3) == 1 then futures[1]:cancel() end\n"
    "    for i = 1, #futures do outcome(pcall(futures[i].wait, futures[i])) end\n"
    "  end,\n"
    "  function(level)\n"
    "    outcome(pcall(workflow.timeout, math.random(20), function() act(level + 1) end))\n"
    "  end,\n"
    "  function(level)\n"
    "    local ok, err = pcall(workflow.scope, function(scope)\n"
    "      workflow.spawn(act, level + 1)\n"
    "      if math.random(2) == 1 then workflow.spawn(function() workflow.sleep(3) scope:cancel() "
    "end) end\n"
    "      act(level + 1)\n"
    "    end)\n"
    "    note('scope', tostring(ok), ok and '' or tostring(err.type))\n"
    "  end,\n"
    "  function(level) workflow.shield(act, level + 1) end,\n"
    "  function() note(workflow.uuid(), workflow.now(), tostring({})) end,\n"
    "}\n"
    "function act(level)\n"
    "  for _ = 1, math.random(3) do\n"
    "    doings[math.random(level > 3 and 2 or #doings)](level)\n"
    "  end\n"
    "  return #trace\n"
    "end\n"
    "workflow 'Chaos' {\n"
    "  run = function()\n"
    "    for _ = 1, 6 do act(1) end\n"
    "    if math.random(8) == 1 then pcall(workflow.continue_as_new, 1) end\n"
    "    if math.random(8) == 1 then error(ValueError('chance')) end\n"
    "    return trace\n"
    "  end,\n"
    "  signals = { poke = function(x)\n"
    "    pokes = pokes + 1\n"
    "    if x % 5 == 0 then pcall(workflow.call, 'poked', x) end\n"
    "  end },\n"
    "  queries = { peek = function()\n"
    "    return { workflow.uuid(), math.random(9), tostring({}), tostring(trace), #trace }\n"
    "  end },\n"
    "}\n";

static void runs_from_memory_and_from_history_are_equal_whatever_happens(void **state)
{
    unsigned long runs = getenv("CHANCE_RUNS") ? strtoul(getenv("CHANCE_RUNS"), NULL, 10) : 60;
    size_t events = 0;

    (void)state;
    log_configure((struct log_options){.level = LOG_ERROR});
    theatre_script("workflows/t.lua", chaos);
    for (unsigned long seed = 1; seed <= runs; seed++) {
        const Tpb__History__History *history = server_play("Chaos", seed);
        theatre_replays_history(history);
        events += history->n_events;
        theatre_rest();
    }
    print_message("%lu runs, %zu events\n", runs, events);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test_setup_teardown(
            runs_from_memory_and_from_history_are_equal_whatever_happens, theatre_open,
            theatre_close),
    };

    return RUN_STORIES("programs of chance", stories);
}
