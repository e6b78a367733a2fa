#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "core/run.h"
#include "invariant.h"
#include "world.h"

enum { PAGE = 12, PAGES = 8, COMMANDS = 5 };

static const struct span names[] = {
    SPAN("1"), SPAN("2"), SPAN("a"), {NULL, 0}
};

static struct event any_event(struct chance *chance, int64_t id)
{
    static const uint32_t flags[] = {1, 1, 40};
    struct event e = {
        .id = id,
        .type = (int)chance_pick(chance, 64),
        .may_ignore = chance_pick(chance, 2),
        .time_ms = chance_pick(chance, 200),
        .initiating_id = chance_pick(chance, 16),
        .key = names[chance_pick(chance, 4)],
        .name = names[chance_pick(chance, 4)],
        .sequencing_id = chance_pick(chance, 16),
    };
    if (chance_pick(chance, 2)) /* a history more likely than any */
        e.type = EVENT_TASK_SCHEDULED + (int)(id - 2) % 3;
    if (id == 1)
        e.type = EVENT_WORKFLOW_STARTED;
    if (e.type == EVENT_TASK_COMPLETED) {
        e.completed.flags = flags;
        e.completed.flag_count = chance_pick(chance, 16) ? 1 : 3;
    }
    return e;
}

static struct command any_command(struct chance *chance)
{
    return (struct command){
        .type = chance_pick(chance, 12),
        .seq = chance_pick(chance, 6),
        .key = names[chance_pick(chance, 4)],
        .name = names[chance_pick(chance, 4)],
        .cancel_mode = chance_pick(chance, 3),
        .place = names[chance_pick(chance, 4)],
    };
}

static bool feed(struct run *run, struct chance *chance, struct arena *arena, int64_t *id)
{
    struct error err = {0};
    struct event *page = arena_alloc(arena, PAGE * sizeof *page);
    size_t count = chance_pick(chance, PAGE);
    for (size_t i = 0; i < count; i++) {
        *id += chance_pick(chance, 32) ? 1 : chance_pick(chance, 3);
        page[i] = any_event(chance, *id);
    }
    return run_feed(run, page, count, chance_pick(chance, 3) > 0, &err);
}

static bool act(struct run *run, struct chance *chance, struct arena *arena)
{
    struct error err = {0};
    struct command *commands = arena_alloc(arena, COMMANDS * sizeof *commands);
    size_t count = chance_pick(chance, COMMANDS);
    for (size_t i = 0; i < count; i++)
        commands[i] = any_command(chance);
    return run_apply(run, commands, count, &err);
}

static void check(const struct run *run)
{
    const char *broken = invariant_broken(run);
    if (!broken)
        return;
    fprintf(stderr, "%s\n", broken);
    abort();
}

static bool work(struct run *run, struct chance *chance, int64_t *id)
{
    struct arena arena = {0};
    struct run_answer answer;
    struct run_jobs jobs;
    struct error err = {0};
    bool good = true;
    int64_t started_id = chance_pick(chance, 2) ? *id + 1 + chance_pick(chance, 6) : 0;
    run_begin(run, (struct run_task){.previous_started_id = chance_pick(chance, 16),
                                     .started_id = started_id});
    for (int round = 0; good && round < PAGES; round++) {
        enum run_need need = run_next(run, &jobs, &err);
        if (need == RUN_NEED_HISTORY)
            good = feed(run, chance, &arena, id);
        else if (need == RUN_NEED_SCRIPT)
            good = act(run, chance, &arena);
        else
            good = false;
        run_reply(run, &answer);
        check(run);
    }
    run_end(run);
    arena_release(&arena);
    return run_next(run, &jobs, &err) != RUN_NEED_FAIL;
}

void world_confuse(struct chance *chance)
{
    struct run *run = run_new();
    int64_t id = 0;
    for (int tasks = 0; tasks < 4 && work(run, chance, &id); tasks++)
        ;
    run_free(run);
}
