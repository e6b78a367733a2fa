/*
 * Runs that nobody wrote: random scripts, servers and workers, each lived and then replayed.
 * CORE_SEEDS=n plays n of them (default 10000, under sanitizers 2000), CORE_SEED=s begins at seed
 * s.
 */
#include "story.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/machine.h"
#include "world.h"

#ifdef __SANITIZE_ADDRESS__
enum { SEEDS = 2000 };
#else
enum { SEEDS = 10000 };
#endif

static unsigned long setting(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);
    return text ? strtoul(text, NULL, 10) : otherwise;
}

static void what_was_lived_replays_equal(void **state)
{
    (void)state;
    unsigned long first = setting("CORE_SEED", 1);
    unsigned long count = setting("CORE_SEEDS", SEEDS);
    for (unsigned long seed = first; seed < first + count; seed++) {
        struct chance chance = {.state = seed};
        const char *complaint = world_play(&chance);
        if (*complaint)
            fail_msg("CORE_SEED=%lu CORE_SEEDS=1: %s", seed, complaint);
    }
    struct world_tally t = world_tally();
    printf("%lu runs, %lu tasks, %lu events, %lu events applied, %lu changed scripts refused\n",
           t.runs, t.tasks, t.events, t.replayed, t.refused);
    assert_true(count < 1000 || (t.tasks > t.runs && t.refused > t.runs / 4));
}

/* But two: the heartbeats of another SDK, and the cancel of an activity that the script abandoned.
 */
static void chance_alone_takes_every_row(void **state)
{
    (void)state;
    int missing = 0;
    for (size_t i = 0; i < SLOT_COUNT; i++)
        for (size_t row = 0; row < machine_tables[i]->count; row++)
            missing += !machine_taken(machine_tables[i], row);
    assert_true(missing == 2 || setting("CORE_SEEDS", SEEDS) < 2000);
}

static void nonsense_is_refused_and_harms_nothing(void **state)
{
    (void)state;
    unsigned long count = setting("CORE_SEEDS", SEEDS);
    for (unsigned long seed = 1; seed <= count; seed++) {
        struct chance chance = {.state = seed};
        world_confuse(&chance);
    }
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(what_was_lived_replays_equal),
        cmocka_unit_test(chance_alone_takes_every_row),
        cmocka_unit_test(nonsense_is_refused_and_harms_nothing),
    };
    int failed = RUN_STORIES("core/property", stories);
    world_forget();
    return failed;
}
