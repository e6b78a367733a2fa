/*
 * One history, replayed in fifty processes by a script that does all that Lua leaves to chance:
 * each process has other hash seeds and other addresses, and the commands must be the same bytes.
 */
#include "story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "workflow/theatre.h"

enum { PROCESSES = 50 };

static const char *const script =
    "local words = {}\n"
    "for w in ('north east south west red green blue cyan black white'):gmatch('%a+') do\n"
    "  words[w] = #w\n"
    "end\n"
    "workflow 'Dice' { run = function(input)\n"
    "  local seen = {}\n"
    "  for word, n in pairs(words) do seen[#seen + 1] = word .. n end\n"
    "  for key in next, input do seen[#seen + 1] = key end\n"
    "  seen[#seen + 1] = next(words)\n"
    "  workflow.call('order', seen)\n"
    "  workflow.call('time', { os.time(), os.date('%Y-%m-%d %H:%M:%S'), os.clock(), workflow.now() "
    "})\n"
    "  workflow.call('chance', { math.random(), math.random(6), workflow.random(), workflow.uuid() "
    "})\n"
    "  local thing = {}\n"
    "  workflow.call('names', { tostring(thing), tostring(pcall), ('%s'):format({}),\n"
    "    tostring(coroutine.create(function() end)), tostring(thing) })\n"
    "  local _, err = pcall(function() local x = nil; return x.field end)\n"
    "  workflow.call('errors', { tostring(err), tostring(ValueError('v')) })\n"
    "  table.sort(seen, function(a, b) return #a < #b end)\n"
    "  return { sorted = seen, input = input }\n"
    "end }";

static const char *const words =
    "start Dice {'b':1,'a':2,'d':3,'c':4,'f':5,'e':6}; task; activity 1 order; done 1; task;"
    "activity 2 time; done 2; task; activity 3 chance; done 3; task; activity 4 names; done 4;"
    "task; activity 5 errors; done 5; task; complete";

static void print_commands(void)
{
    struct workflow_replay_report report = {.keep_commands = true};
    struct error err = {0};

    theatre_open(NULL);
    theatre_script("workflows/t.lua", script);
    if (!workflow_replay(theatre_host(), history_of(theatre_arena(), words), "id", REPLAY_WHOLE,
                         &report, &err))
        printf("%s", err.text);
    fwrite(report.commands.data, 1, report.commands.size, stdout);
    bytes_release(&report.commands);
    theatre_close(NULL);
}

static struct bytes commands_of_another_process(void)
{
    struct bytes out = {0};
    char self[256] = {0}, line[300], block[4096];
    size_t got;

    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    snprintf(line, sizeof line, "%s child", self);
    FILE *child = popen(line, "r");
    assert_non_null(child);
    while ((got = fread(block, 1, sizeof block, child)) > 0)
        bytes_add(&out, block, got);
    assert_int_equal(pclose(child), 0);
    return out;
}

static void fifty_processes_give_the_same_bytes(void **state)
{
    struct bytes first = commands_of_another_process();

    (void)state;
    assert_non_null(memmem(first.data, first.size, "table: #1", 9));
    for (int i = 1; i < PROCESSES; i++) {
        struct bytes other = commands_of_another_process();
        assert_int_equal(other.size, first.size);
        assert_memory_equal(other.data, first.data, first.size);
        bytes_release(&other);
    }
    bytes_release(&first);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(fifty_processes_give_the_same_bytes),
    };

    (void)argv;
    if (argc > 1) {
        print_commands();
        return 0;
    }
    return RUN_STORIES("many processes", stories);
}
