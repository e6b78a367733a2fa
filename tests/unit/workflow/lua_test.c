/*
 * The stories of tests/lua: each file returns a table of functions, name -> story, and a story
 * fails by raising. They run in a VM of the command line, on the library that is embedded here.
 */
#include "story.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>

#include "script/vm.h"

static const char *const run_all =
    "local stories, path = ...\n"
    "local names, failed = {}, {}\n"
    "for name in pairs(stories) do names[#names + 1] = name end\n"
    "table.sort(names)\n"
    "for _, name in ipairs(names) do\n"
    "  local ok, err = pcall(stories[name])\n"
    "  if not ok then\n"
    "    failed[#failed + 1] = path .. ': ' .. name .. ': ' .. tostring(err)\n"
    "  end\n"
    "end\n"
    "return #names, table.concat(failed, '\\n')";

static struct span read_file(const char *path, struct bytes *text)
{
    char block[4096];
    size_t got;
    FILE *file = fopen(path, "rb");

    assert_non_null(file);
    bytes_clear(text);
    while ((got = fread(block, 1, sizeof block, file)) > 0)
        bytes_add(text, block, got);
    fclose(file);
    return bytes_span(text);
}

static void load(struct vm *vm, const char *name, struct span text)
{
    struct error err = {0};

    if (!vm_load(vm, span_of(name), text, &err))
        fail_msg("%s", err.text);
}

/* How many stories the file has; what failed is printed and counted. */
static int run_file(const char *path, struct bytes *text, size_t *failed)
{
    struct vm *vm = vm_new(VM_TOOL, 0);
    lua_State *L = vm_lua(vm);

    load(vm, "run_all.lua", span_of(run_all));
    load(vm, path, read_file(path, text));
    if (lua_pcall(L, 0, 1, 0) != 0)
        fail_msg("%s: %s", path, lua_tostring(L, -1));
    lua_pushstring(L, path);
    if (lua_pcall(L, 2, 2, 0) != 0)
        fail_msg("%s: %s", path, lua_tostring(L, -1));
    int count = (int)lua_tointeger(L, -2);
    if (*lua_tostring(L, -1)) {
        print_error("%s\n", lua_tostring(L, -1));
        ++*failed;
    }
    vm_free(vm);
    return count;
}

static void the_stories_of_the_library_hold(void **state)
{
    struct bytes text = {0};
    size_t failed = 0;
    int count = 0;
    glob_t files;

    (void)state;
    assert_int_equal(glob("tests/lua/*_test.lua", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++)
        count += run_file(files.gl_pathv[i], &text, &failed);
    print_message("%d stories in %zu files\n", count, files.gl_pathc);
    globfree(&files);
    bytes_release(&text);
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(the_stories_of_the_library_hold),
    };

    return RUN_STORIES("Lua library", stories);
}
