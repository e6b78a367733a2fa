/* A folder of scripts becomes bundles. Each story writes its own folder below /tmp and removes it.
 */
#include "story.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"

static char dir[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/store-test-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static int remove_folder(void **state)
{
    (void)state;
    return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void script(const char *name, const char *text)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    for (char *slash = path + strlen(dir) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = 0;
        mkdir(path, 0700);
    }
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static struct store *opened(void)
{
    struct store *store = NULL;
    struct error err = {0};

    if (!store_open(&store, dir, &err))
        fail_msg("%s", err.text);
    return store;
}

static void refused(enum error_kind kind, const char *part)
{
    struct store *store = NULL;
    struct error err = {0};

    assert_false(store_open(&store, dir, &err));
    assert_int_equal(err.kind, kind);
    if (!strstr(err.text, part))
        fail_msg("\"%s\" is not in \"%s\"", part, err.text);
}

static const struct store_bundle *bundle_of(const struct store *store, const char *folder,
                                            const char *entry)
{
    const struct store_bundle *const *bundles;
    size_t count = store_bundles(store, folder, &bundles);

    for (size_t i = 0; i < count; i++)
        if (strcmp(bundles[i]->files[bundles[i]->count - 1].name.data, entry) == 0)
            return bundles[i];
    fail_msg("no bundle of %s in %s", entry, folder);
    return NULL;
}

static void a_bundle_is_the_entry_after_all_it_requires(void **state)
{
    (void)state;
    script("workflows/a.lua",
           "local d = require \"shared.dates\" local m = require('shared.money')");
    script("shared/dates.lua", "require[[shared.zones]] return {}");
    script("shared/zones/init.lua", "return {}");
    script("shared/money.lua", "require 'shared.zones' return {}");
    struct store *store = opened();
    const struct store_bundle *bundle = bundle_of(store, "workflows", "workflows/a.lua");

    assert_int_equal(bundle->count, 4);
    assert_string_equal(bundle->files[0].name.data, "shared/zones/init.lua");
    assert_string_equal(bundle->files[1].name.data, "shared/dates.lua");
    assert_string_equal(bundle->files[2].name.data, "shared/money.lua");
    store_close(store);
}

static void bundles_are_told_apart_by_folder(void **state)
{
    const struct store_bundle *const *bundles;

    (void)state;
    script("workflows/a.lua", "");
    script("workflows/deep/b.lua", "");
    script("workflows2/c.lua", "");
    script("activities/d.lua", "");
    script("activities/notes.txt", "");
    script("activities/.e.lua", "");
    script("activities/f.lua~", "");
    script("reports/daily.lua", "");
    script("reports/mail/daily.mjml", "require 'nothing'");
    script("reports/.daily.mjml.swp", "");
    script("reports/4913", "");
    struct store *store = opened();
    assert_int_equal(store_bundles(store, "workflows", &bundles), 2);
    assert_int_equal(store_bundles(store, "activities", &bundles), 1);
    assert_int_equal(store_bundles(store, "reports", &bundles), 2);
    assert_string_equal(bundles[1]->files[0].name.data, "reports/mail/daily.mjml");
    store_close(store);
}

static void every_fault_is_said_and_what_is_good_is_there(void **state)
{
    const struct store_file files[] = {
        {SPAN("workflows/a.lua"), SPAN("require 'gone'")        },
        {SPAN("workflows/b.lua"), SPAN("\nrequire 'broken'")    },
        {SPAN("workflows/c.lua"), SPAN("")                      },
        {SPAN("broken.lua"),      SPAN("local x\nrequire(name)")},
    };
    const struct store_bundle *const *bundles;
    struct store_faults faults = {0};

    (void)state;
    struct store *store = store_make(files, 4, &faults);
    assert_int_equal(store_bundles(store, "workflows", &bundles), 1);
    assert_string_equal(bundles[0]->files[0].name.data, "workflows/c.lua");
    assert_int_equal(faults.count, 2);
    assert_string_equal(fault_of(&faults, SPAN("workflows/a.lua"))->why.text,
                        "workflows/a.lua:1: no script answers to require \"gone\"");
    assert_string_equal(fault_of(&faults, SPAN("broken.lua"))->why.text,
                        "broken.lua:2: require takes a literal name, as in require "
                        "\"workflows.dates\"");
    faults_release(&faults);
    store_close(store);
}

static void the_hash_is_of_names_and_texts_and_of_what_is_required(void **state)
{
    char first[65];

    (void)state;
    script("workflows/a.lua", "require 'lib'");
    script("workflows/other.lua", "");
    script("lib.lua", "return 1");
    struct store *store = opened();
    strcpy(first, bundle_of(store, "workflows", "workflows/a.lua")->hash);
    assert_int_equal(strlen(first), 64);
    store_close(store);

    script("workflows/other.lua", "-- changed");
    store = opened();
    assert_string_equal(bundle_of(store, "workflows", "workflows/a.lua")->hash, first);
    store_close(store);

    script("lib.lua", "return 2");
    store = opened();
    assert_string_not_equal(bundle_of(store, "workflows", "workflows/a.lua")->hash, first);
    store_close(store);
}

static void a_bundle_that_is_held_outlives_its_store(void **state)
{
    (void)state;
    script("workflows/a.lua", "return 1");
    struct store *store = opened();
    const struct store_bundle *bundle =
        store_bundle_hold(bundle_of(store, "workflows", "workflows/a.lua"));
    store_close(store);
    assert_string_equal(bundle->files[0].text.data, "return 1");
    store_bundle_release(bundle);
}

static void require_in_comments_strings_and_fields_is_no_require(void **state)
{
    (void)state;
    script("workflows/a.lua", "-- require 'x1'\n--[==[ require 'x2' ]] ]==]\n"
                              "local s = \"require 'x3' \\\" require 'x4'\"\n"
                              "local l = [[require 'x5']]\n"
                              "t.require 'x6' t:require 'x7'\n"
                              "local required, myrequire = 1, 2\n"
                              "return require 'json'");
    struct store *store = opened();
    assert_int_equal(bundle_of(store, "workflows", "workflows/a.lua")->count, 1);
    store_close(store);
}

static void a_missing_target_is_named_with_its_line(void **state)
{
    (void)state;
    script("workflows/a.lua", "\n\nrequire 'lib'");
    script("lib.lua", "--[[\n]]\nrequire \"gone.away\"");
    refused(ERROR_SCRIPT, "lib.lua:3: no script answers to require \"gone.away\"");
}

static void a_circle_is_refused_where_it_closes(void **state)
{
    (void)state;
    script("a.lua", "require 'b'");
    script("b.lua", "\nrequire 'a'");
    refused(ERROR_SCRIPT, "b.lua:2: require \"a\" closes a circle");
}

static void a_require_of_no_literal_is_refused(void **state)
{
    (void)state;
    script("workflows/a.lua", "local name = 'x'\nrequire(name)");
    refused(ERROR_SCRIPT, "workflows/a.lua:2: require takes a literal name");
}

static void a_folder_that_is_not_there_is_an_error_of_the_system(void **state)
{
    (void)state;
    rmdir(dir);
    refused(ERROR_SYSTEM, dir);
    mkdir(dir, 0700);
}

static void a_link_to_itself_is_a_fault_of_that_script_alone(void **state)
{
    static const char *const links[] = {"workflows/b.lua", "workflows/c"};
    struct folder folder;
    struct error err = {0};

    (void)state;
    script("workflows/a.lua", "");
    for (size_t i = 0; i < 2; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", dir, links[i]);
        assert_int_equal(symlink(path, path), 0);
    }
    assert_true(folder_read(&folder, dir, &err));
    assert_int_equal(folder.count, 1);
    assert_int_equal(folder.faults.count, 1);
    assert_string_equal(folder.faults.list[0].why.text,
                        "workflows/b.lua: Too many levels of symbolic links");
    folder_release(&folder);
}

static void an_empty_folder_has_no_bundles(void **state)
{
    const struct store_bundle *const *bundles;

    (void)state;
    struct store *store = opened();
    assert_int_equal(store_bundles(store, "workflows", &bundles), 0);
    store_close(store);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest stories[] = {
        STORY(a_bundle_is_the_entry_after_all_it_requires),
        STORY(bundles_are_told_apart_by_folder),
        STORY(every_fault_is_said_and_what_is_good_is_there),
        STORY(the_hash_is_of_names_and_texts_and_of_what_is_required),
        STORY(a_bundle_that_is_held_outlives_its_store),
        STORY(require_in_comments_strings_and_fields_is_no_require),
        STORY(a_missing_target_is_named_with_its_line),
        STORY(a_circle_is_refused_where_it_closes),
        STORY(a_require_of_no_literal_is_refused),
        STORY(a_folder_that_is_not_there_is_an_error_of_the_system),
        STORY(a_link_to_itself_is_a_fault_of_that_script_alone),
        STORY(an_empty_folder_has_no_bundles),
    };

    return RUN_STORIES("store", stories);
}
