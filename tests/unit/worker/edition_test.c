/* What an edit of the scripts folder does to what serves. */
#include "story.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "scripts_folder.h"
#include "shortage.h"
#include "worker/edition.h"

#define WORKFLOW(name) "workflow '" name "' { run = function() end }\n"
#define ACTIVITY(name) "activity '" name "' { run = function() end }\n"

static struct edition *edition_after(const struct edition *last)
{
    struct edition *edition = NULL;
    struct error err = {0};

    if (!edition_make(&edition, last, scripts_folder(), &err))
        fail_msg("%s", err.text);
    return edition;
}

/* "kind name: why" of each change, a line each. */
static void changed(const struct edition *edition, const char *expected)
{
    struct bytes text = {0};

    for (size_t i = 0; i < edition->change_count; i++) {
        const struct edition_change *c = &edition->changes[i];
        bytes_printf(&text, "%s %s%s%s\n", edition_change_name(c->kind), c->file.data,
                     c->why ? ": " : "", c->why ? c->why : "");
    }
    assert_string_equal(bytes_text(&text), expected);
    bytes_release(&text);
}

static const char *text_of(const struct edition *edition, const char *name)
{
    for (size_t i = 0; i < edition->count; i++)
        if (strcmp(edition->files[i].name.data, name) == 0)
            return edition->files[i].text.data;
    return NULL;
}

static void types_of(const struct edition *edition, const char *entry, const char *expected)
{
    struct bytes text = {0};
    const struct edition_script *script = edition_script(edition, span_of(entry));

    assert_non_null(script);
    for (size_t i = 0; i < script->types.count; i++)
        bytes_printf(&text, "%s;", script->types.names[i]);
    assert_string_equal(bytes_text(&text), expected);
    bytes_release(&text);
}

static void an_edition_knows_what_each_script_defines(void **state)
{
    (void)state;
    scripts_write("workflows/a.lua", WORKFLOW("B") WORKFLOW("A"));
    scripts_write("workflows/lib.lua", "return {}");
    scripts_write("activities/a.lua", ACTIVITY("greet"));
    struct edition *one = edition_after(NULL);
    types_of(one, "workflows/a.lua", "A;B;");
    types_of(one, "workflows/lib.lua", "");
    types_of(one, "activities/a.lua", "greet;");
    assert_true(one->any_workflows && one->any_activities);
    assert_true(edition_has_activity(one, "greet"));
    assert_false(edition_has_activity(one, "A"));
    assert_false(edition_has_activity(one, "gree"));
    changed(one, "added activities/a.lua\nadded workflows/a.lua\nadded workflows/lib.lua\n");
    struct edition *two = edition_after(one);
    changed(two, "");
    types_of(two, "workflows/a.lua", "A;B;");
    types_of(two, "activities/a.lua", "greet;");
    assert_true(edition_equals(one, two) && edition_same_activities(one, two));
    edition_release(one);
    edition_release(two);
}

static void at_the_start_every_bad_file_is_named(void **state)
{
    (void)state;
    scripts_write("workflows/a.lua", "\nworkflow 'A' { }");
    scripts_write("workflows/b.lua", "local x = = 1");
    scripts_write("workflows/c.lua", WORKFLOW("C"));
    scripts_write("activities/d.lua", "activity 'd' { runs = 1 }");
    scripts_write("activities/e.lua", "nothing()");
    scripts_write("activities/f.lua", ACTIVITY("f") "require 'gone'");
    struct edition *one = edition_after(NULL);
    assert_int_equal(one->count, 1);
    assert_int_equal(one->change_count, 6);
    assert_non_null(strstr(one->changes[0].why, "activities/d.lua:1: activity \"d\""));
    assert_non_null(strstr(one->changes[1].why, "activities/e.lua:1: "));
    assert_non_null(strstr(one->changes[2].why, "activities/f.lua:2: no script answers"));
    assert_non_null(strstr(one->changes[3].why, "workflows/a.lua:2: workflow \"A\" has no"));
    assert_non_null(strstr(one->changes[4].why, "workflows/b.lua:1: "));
    assert_int_equal(one->changes[5].kind, CHANGE_ADDED);
    edition_release(one);
}

static void a_bad_edit_is_refused_and_the_others_are_taken(void **state)
{
    (void)state;
    scripts_write("workflows/a.lua", WORKFLOW("A"));
    scripts_write("workflows/b.lua", WORKFLOW("B"));
    scripts_write("activities/c.lua", ACTIVITY("c"));
    struct edition *one = edition_after(NULL);
    scripts_write("workflows/a.lua", WORKFLOW("A") "}");
    scripts_write("workflows/b.lua", WORKFLOW("B") WORKFLOW("B2"));
    scripts_write("activities/c.lua", ACTIVITY("c") "-- edited");
    struct edition *two = edition_after(one);
    changed(two, "reloaded activities/c.lua\n"
                 "refused workflows/a.lua: workflows/a.lua:2: unexpected symbol near '}'\n"
                 "reloaded workflows/b.lua\n");
    assert_string_equal(text_of(two, "workflows/a.lua"), WORKFLOW("A"));
    types_of(two, "workflows/b.lua", "B;B2;");
    scripts_write("workflows/a.lua", WORKFLOW("A2"));
    struct edition *three = edition_after(two);
    changed(three, "reloaded workflows/a.lua\n");
    types_of(three, "workflows/a.lua", "A2;");
    edition_release(one);
    edition_release(two);
    edition_release(three);
}

static void a_global_that_is_not_there_is_refused_wherever_it_stands(void **state)
{
    (void)state;
    scripts_write("workflows/a.lua", "workflow 'A' { run = function(x)\n"
                                     "  if x then return wrokflow.now() end\n"
                                     "  return http and print and json and workflow.now()\nend }");
    scripts_write("workflows/b.lua", "workflow 'B' { run = function()\n  total = 1\nend }");
    scripts_write("activities/c.lua", "activity 'c' { run = function()\n"
                                      "  return io.open('x') or http or json or report\nend }");
    scripts_write("activities/d.lua", ACTIVITY("d") "local both = require 'both'");
    scripts_write("both.lua", "return function() return workflow or http end");
    struct edition *one = edition_after(NULL);
    changed(one,
            "refused activities/c.lua: activities/c.lua:2: there is no global 'io': use `file`\n"
            "added activities/d.lua\n"
            "added both.lua\n"
            "refused workflows/a.lua: workflows/a.lua:2: there is no global 'wrokflow'; is it "
            "misspelt, or is a `local` or a `require` missing?\n"
            "refused workflows/b.lua: workflows/b.lua:2: assignment to the global 'total'; "
            "declare it with `local`\n");
    edition_release(one);
}

static void what_was_edited_together_is_held_back_together(void **state)
{
    (void)state;
    scripts_write("lib.lua", "return 1");
    scripts_write("workflows/a.lua", "require 'lib' " WORKFLOW("A"));
    scripts_write("workflows/b.lua", "require 'lib' " WORKFLOW("B"));
    scripts_write("workflows/c.lua", WORKFLOW("C"));
    struct edition *one = edition_after(NULL);
    scripts_write("lib.lua", "return 2");
    scripts_write("workflows/a.lua", "require 'lib' workflow 'A' {}");
    scripts_write("workflows/c.lua", WORKFLOW("C") "-- edited");
    struct edition *two = edition_after(one);
    changed(two,
            "held back lib.lua: it goes with workflows/a.lua\n"
            "refused workflows/a.lua: workflows/a.lua:1: workflow \"A\" has no function `run`\n"
            "reloaded workflows/c.lua\n");
    assert_string_equal(text_of(two, "lib.lua"), "return 1");
    edition_release(one);
    edition_release(two);
}

static void what_goes_with_a_file_that_cannot_be_read_is_held_back(void **state)
{
    char path[128];

    (void)state;
    scripts_write("lib.lua", "return 1");
    scripts_write("workflows/a.lua", "require 'lib' " WORKFLOW("A"));
    scripts_write("workflows/b.lua", WORKFLOW("B"));
    struct edition *one = edition_after(NULL);
    scripts_delete("lib.lua");
    snprintf(path, sizeof path, "%s/lib.lua", scripts_folder());
    assert_int_equal(symlink(path, path), 0); /* nobody can read it, root neither */
    scripts_write("workflows/a.lua", "require 'lib' " WORKFLOW("A") "-- edited");
    scripts_write("workflows/b.lua", WORKFLOW("B") "-- edited");
    struct edition *two = edition_after(one);
    changed(two, "refused lib.lua: lib.lua: Too many levels of symbolic links\n"
                 "held back workflows/a.lua: it goes with lib.lua\n"
                 "reloaded workflows/b.lua\n");
    assert_true(two->unread);
    scripts_delete("lib.lua");
    scripts_write("lib.lua", "return 2");
    struct edition *three = edition_after(two);
    changed(three, "reloaded lib.lua\nreloaded workflows/a.lua\n");
    assert_false(three->unread);
    edition_release(one);
    edition_release(two);
    edition_release(three);
}

static void what_the_system_will_not_give_is_no_fault_of_a_script(void **state)
{
    struct edition *two = NULL;
    struct error err = {0};

    (void)state;
    scripts_write("activities/a.lua", ACTIVITY("a"));
    struct edition *one = edition_after(NULL);
    scripts_write("activities/a.lua", ACTIVITY("a") "-- edited");
    shortage_after(0);
    bool made = edition_make(&two, one, scripts_folder(), &err);
    shortage_over();
    assert_false(made);
    assert_int_equal(err.kind, ERROR_SYSTEM);
    assert_string_equal(err.text,
                        "checking the scripts: opening an event loop: too many open files");
    edition_release(one);
}

static void an_edit_that_breaks_an_untouched_script_is_refused(void **state)
{
    (void)state;
    scripts_write("lib.lua", "return { name = function() return 'A' end }");
    scripts_write("workflows/a.lua", "local lib = require 'lib'\n"
                                     "workflow(lib.name()) { run = function() end }");
    struct edition *one = edition_after(NULL);
    scripts_write("lib.lua", "return { nom = function() return 'A' end }");
    struct edition *two = edition_after(one);
    assert_int_equal(two->change_count, 1);
    assert_int_equal(two->changes[0].kind, CHANGE_REFUSED);
    assert_string_equal(two->changes[0].file.data, "lib.lua");
    assert_non_null(strstr(two->changes[0].why, "workflows/a.lua:2: "));
    assert_true(edition_equals(one, two));
    scripts_delete("lib.lua");
    struct edition *three = edition_after(two);
    changed(three, "refused lib.lua: workflows/a.lua:1: no script answers to require \"lib\"\n");
    edition_release(one);
    edition_release(two);
    edition_release(three);
}

static void a_deleted_file_takes_its_types_with_it(void **state)
{
    (void)state;
    scripts_write("workflows/a.lua", WORKFLOW("A"));
    scripts_write("workflows/b.lua", WORKFLOW("B"));
    struct edition *one = edition_after(NULL);
    scripts_rename("workflows/a.lua", "workflows/c.lua");
    scripts_delete("workflows/b.lua");
    struct edition *two = edition_after(one);
    changed(two, "removed workflows/a.lua\nremoved workflows/b.lua\nadded workflows/c.lua\n");
    types_of(two, "workflows/c.lua", "A;");
    assert_null(edition_script(two, SPAN("workflows/b.lua")));
    edition_release(one);
    edition_release(two);
}

static void a_second_definition_of_a_type_is_refused_where_it_is_new(void **state)
{
    (void)state;
    scripts_write("workflows/b.lua", WORKFLOW("A"));
    scripts_write("activities/b.lua", ACTIVITY("a"));
    struct edition *one = edition_after(NULL);
    scripts_write("workflows/a.lua", WORKFLOW("A"));
    scripts_write("activities/a.lua", ACTIVITY("a"));
    struct edition *two = edition_after(one);
    changed(two, "refused activities/a.lua: activity \"a\" is defined in activities/a.lua and in "
                 "activities/b.lua\n"
                 "refused workflows/a.lua: workflow \"A\" is defined in workflows/a.lua and in "
                 "workflows/b.lua\n");
    assert_true(edition_equals(one, two));
    edition_release(one);
    edition_release(two);
}

static void a_folder_that_cannot_be_read_changes_nothing(void **state)
{
    struct edition *edition;
    struct error err = {0};

    (void)state;
    assert_false(edition_make(&edition, NULL, "/tmp/there is no such folder", &err));
    assert_int_equal(err.kind, ERROR_SYSTEM);
}

#define STORY(name)                                                                                \
    cmocka_unit_test_setup_teardown(name, scripts_folder_make, scripts_folder_remove)

int main(void)
{
    const struct CMUnitTest stories[] = {
        STORY(an_edition_knows_what_each_script_defines),
        STORY(at_the_start_every_bad_file_is_named),
        STORY(a_bad_edit_is_refused_and_the_others_are_taken),
        STORY(a_global_that_is_not_there_is_refused_wherever_it_stands),
        STORY(what_was_edited_together_is_held_back_together),
        STORY(what_goes_with_a_file_that_cannot_be_read_is_held_back),
        STORY(what_the_system_will_not_give_is_no_fault_of_a_script),
        STORY(an_edit_that_breaks_an_untouched_script_is_refused),
        STORY(a_deleted_file_takes_its_types_with_it),
        STORY(a_second_definition_of_a_type_is_refused_where_it_is_new),
        STORY(a_folder_that_cannot_be_read_changes_nothing),
    };

    return RUN_STORIES("edition", stories);
}
