#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor.h"
#include "base/arena.h"
#include "core/run.h"
#include "invariant.h"
#include "server.h"

enum { TASKS = 24, EVENTS_ENOUGH = SERVER_EVENTS - 128 };

/* The commands of one task. */
struct deeds {
    int64_t started_id;
    int64_t previous_started_id;
    struct command *commands;
    size_t count;
};

/* A change of the script that its history must not bear: at one task, one command is missing or, an
 * activity, has another name. */
struct tamper {
    int64_t started_id; /* 0: none */
    struct command command;
    bool rename;
};

struct worker {
    struct run *run; /* NULL: not in the cache */
    struct actor actor;
    struct arena task; /* what must live until run_end, and not longer */
    size_t page;
    struct deeds seen[TASKS];
    size_t seen_count;
    struct tamper tamper;
};

static struct server server;
static struct arena arena;
static struct deeds taken[TASKS]; /* by the server */
static size_t taken_count;
static uint64_t script;
static char complaint[2048];
static struct world_tally tally;

struct world_tally world_tally(void)
{
    return tally;
}

static bool complain(const char *where, const char *what)
{
    if (!*complaint)
        snprintf(complaint, sizeof complaint, "%s: %s", where, what);
    return false;
}

static void end_task(struct worker *worker)
{
    run_end(worker->run);
    arena_release(&worker->task);
}

static void evict(struct worker *worker)
{
    run_free(worker->run);
    arena_release(&worker->task);
    worker->run = NULL;
}

/* --- commands, remembered and compared --- */

static struct span keep(struct span text)
{
    return (struct span){arena_copy(&arena, text.data ? text.data : "", text.size), text.size};
}

static struct deeds deeds_of(const struct worker *worker, const struct run_answer *answer)
{
    struct deeds deeds = {
        .started_id = run_moment(worker->run).history_length,
        .previous_started_id = server.previous_started_id,
        .commands = arena_alloc(&arena, (answer->count + 1) * sizeof(struct command)),
        .count = answer->count,
    };
    for (size_t i = 0; i < answer->count; i++) {
        deeds.commands[i] = *answer->commands[i];
        deeds.commands[i].key = keep(deeds.commands[i].key);
        deeds.commands[i].name = keep(deeds.commands[i].name);
    }
    return deeds;
}

static bool same_command(const struct command *a, const struct command *b)
{
    return a->type == b->type && a->seq == b->seq && a->cancel_mode == b->cancel_mode &&
           a->initiating_id == b->initiating_id && span_equal(a->key, b->key) &&
           span_equal(a->name, b->name);
}

static bool same_deeds(const struct deeds *a, const struct deeds *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!same_command(&a->commands[i], &b->commands[i]))
            return false;
    return true;
}

static void see(struct worker *worker)
{
    struct run_answer answer;
    run_reply(worker->run, &answer);
    struct deeds deeds = deeds_of(worker, &answer);
    if (answer.stale || run_closed(worker->run)) /* of no task that the server took an answer of */
        return;
    size_t last = worker->seen_count - 1;
    if (!worker->seen_count || worker->seen[last].started_id != deeds.started_id)
        last = worker->seen_count++;
    if (last < TASKS)
        worker->seen[last] = deeds;
}

static const struct deeds *seen_at(const struct worker *worker, int64_t started_id)
{
    for (size_t i = 0; i < worker->seen_count; i++)
        if (worker->seen[i].started_id == started_id)
            return &worker->seen[i];
    return NULL;
}

/* "1/3 9/0": type/seq of each command. */
static const char *text_of(const struct deeds *deeds)
{
    char *text = arena_printf(&arena, "%s", deeds->count ? "" : "nothing");
    for (size_t i = 0; i < deeds->count; i++)
        text =
            arena_printf(&arena, "%s %d/%u", text, deeds->commands[i].type, deeds->commands[i].seq);
    return text;
}

/* Whether the worker's script did in each task what the server took, up to event `upto`. */
static bool check_seen(const struct worker *worker, size_t upto)
{
    static const struct deeds nothing;
    for (size_t i = 0; i < taken_count && taken[i].started_id <= (int64_t)upto; i++) {
        const struct deeds *seen = seen_at(worker, taken[i].started_id);
        if (!same_deeds(seen ? seen : &nothing, &taken[i]))
            return complain("a replay",
                            arena_printf(&arena, "at event %lld %s instead of %s",
                                         (long long)taken[i].started_id,
                                         text_of(seen ? seen : &nothing), text_of(&taken[i])));
    }
    return true;
}

/* --- one task --- */

static bool feed(struct worker *worker, size_t upto, size_t *fed)
{
    struct error err = {0};
    size_t left = upto - *fed;
    size_t size = worker->page && worker->page < left ? worker->page : left;
    struct event *page = arena_alloc(&worker->task, (size + 1) * sizeof *page);
    memcpy(page, server.events + *fed, size * sizeof *page);
    *fed += size;
    tally.replayed += size;
    if (!run_feed(worker->run, page, size, *fed < upto, &err))
        return complain("a page", err.text);
    return true;
}

static void tamper(const struct tamper *tamper, struct command *commands, size_t *count)
{
    for (size_t i = 0; i < *count; i++) {
        struct command *c = &commands[i];
        if (c->type != tamper->command.type || c->seq != tamper->command.seq)
            continue;
        c->name = SPAN("another");
        if (tamper->rename)
            return;
        memmove(c, c + 1, (--*count - i) * sizeof *c);
        return;
    }
}

static bool act(struct worker *worker, const struct run_jobs *jobs)
{
    struct error err = {0};
    size_t count;
    struct command *commands = actor_act(&worker->actor, jobs, &worker->task, &count);
    if (*worker->actor.complaint)
        return complain("the script", worker->actor.complaint);
    if (worker->tamper.started_id == jobs->moment.history_length)
        tamper(&worker->tamper, commands, &count);
    if (!run_apply(worker->run, commands, count, &err))
        return complain("commands", err.text);
    see(worker);
    return true;
}

/* Works off a task, all but its end. History is what the server has, up to event `upto`. */
static bool work(struct worker *worker, struct run_task task, size_t upto)
{
    struct error err = {0};
    struct run_jobs jobs;
    if (!worker->run) {
        worker->run = run_new();
        worker->seen_count = 0;
        actor_init(&worker->actor, script);
    }
    size_t fed = (size_t)run_last_event(worker->run);
    run_begin(worker->run, task);
    for (;;) {
        enum run_need need = run_next(worker->run, &jobs, &err);
        const char *broken = invariant_broken(worker->run);
        if (broken)
            return complain("the run", broken);
        if (need == RUN_NEED_FAIL)
            return complain("a task", err.text);
        if (need == RUN_NEED_NOTHING)
            break;
        if (need == RUN_NEED_HISTORY ? !feed(worker, upto, &fed) : !act(worker, &jobs))
            return false;
    }
    if (!run_closed(worker->run) && run_last_event(worker->run) != (int64_t)upto)
        return complain("a task", "not all of history was applied");
    return true;
}

static bool query(struct worker *worker)
{
    struct run_answer answer;
    struct run_task task = {.previous_started_id = server.previous_started_id};
    if (!work(worker, task, server.count))
        return false;
    run_reply(worker->run, &answer);
    if (answer.respond)
        return complain("a query", "it would be answered by a completion");
    if (run_closed(worker->run) != server.closed)
        return complain("a query", "the run is closed on one side only");
    end_task(worker);
    bool good = check_seen(worker, server.count);
    if (answer.stale)
        evict(worker);
    return good;
}

/* --- the run as it is lived --- */

static unsigned pick(unsigned limit)
{
    return chance_pick(server.chance, limit);
}

static void live(unsigned most)
{
    for (unsigned n = pick(most); n > 0; n--)
        server_live(&server);
}

static void open_task(void)
{
    server_open_task(&server);
    for (int attempt = 1; attempt < 4 && pick(6) == 0; attempt++) {
        server_drop_task(&server);
        live(3);
        server_open_task(&server);
    }
}

/* The fate of an answer. False when the run must be rebuilt. */
static bool settle(struct worker *worker, const struct run_answer *answer)
{
    struct deeds deeds = deeds_of(worker, answer);
    live(4);
    switch (pick(12)) {
    case 0:
        server_drop_task(&server);
        return false;
    case 1:
        server_terminate(&server);
        return true;
    default:
        if (!server_take(&server, answer))
            return false;
        taken[taken_count++] = deeds;
        return true;
    }
}

static bool live_task(struct worker *worker)
{
    struct run_answer answer;
    live(5);
    if (pick(6) == 0 && !query(worker))
        return false;
    open_task();
    if (pick(4) == 0)
        evict(worker);
    worker->page = pick(5);
    struct run_task task = {server.previous_started_id, server.started_id, {0}, {0}};
    if (!work(worker, task, server.count))
        return false;
    run_reply(worker->run, &answer);
    if (!answer.respond)
        return complain("a live task", "no answer");
    bool kept = settle(worker, &answer);
    if (*server.complaint)
        return complain("an answer", server.complaint);
    end_task(worker);
    if (!kept)
        evict(worker);
    return true;
}

static bool live_run(struct worker *worker)
{
    while (!server.closed && taken_count < TASKS && server.count < EVENTS_ENOUGH) {
        if (!live_task(worker))
            return false;
        if (pick(6) == 0 && !query(worker))
            return false;
        if (!server.closed && pick(40) == 0)
            server_terminate(&server);
    }
    return query(worker);
}

/* --- the run as it is replayed --- */

static bool replay_whole(size_t page)
{
    struct worker worker = {.page = page};
    bool good = query(&worker);
    evict(&worker);
    return good;
}

/* As a worker without a cache sees it: each task on a new run. */
static bool replay_evicted(size_t page)
{
    struct run_answer answer;
    for (size_t i = 0; i < taken_count; i++) {
        struct worker worker = {.page = page};
        struct run_task task = {taken[i].previous_started_id, taken[i].started_id, {0}, {0}};
        bool good = work(&worker, task, (size_t)taken[i].started_id);
        if (good) {
            run_reply(worker.run, &answer);
            good = answer.respond || complain("a task without a cache", "no answer");
            good = good && check_seen(&worker, (size_t)taken[i].started_id);
        }
        evict(&worker);
        if (!good)
            return false;
    }
    return true;
}

static bool can_tamper(const struct command *c)
{
    return c->type == COMMAND_SCHEDULE_ACTIVITY || c->type == COMMAND_START_TIMER ||
           c->type == COMMAND_RECORD_MARKER;
}

/* A script changed in one command of the past is refused. */
static bool replay_tampered(void)
{
    struct worker worker = {.page = pick(5)};
    size_t task = taken_count ? pick((unsigned)taken_count) : 0;
    size_t place = taken_count && taken[task].count ? pick((unsigned)taken[task].count) : 0;
    if (!taken_count || !taken[task].count || !can_tamper(&taken[task].commands[place]))
        return true;
    worker.tamper = (struct tamper){taken[task].started_id, taken[task].commands[place], false};
    if (worker.tamper.command.type == COMMAND_SCHEDULE_ACTIVITY)
        worker.tamper.rename = pick(2);
    bool borne = query(&worker);
    evict(&worker);
    if (borne)
        return complain("a changed script", "history bore it");
    *complaint = '\0';
    tally.refused++;
    return true;
}

static bool replay(void)
{
    bool thorough = tally.runs % 16 == 0;
    if (!replay_whole(0) || !replay_evicted(0) || !replay_evicted(1 + pick(7)))
        return false;
    for (size_t page = 1; page <= server.count; page += thorough ? 1 : page)
        if (!replay_whole(page))
            return false;
    return replay_tampered();
}

const char *world_play(struct chance *chance)
{
    struct worker worker = {0};
    *complaint = '\0';
    taken_count = 0;
    arena_reset(&arena);
    script = chance_mix(chance_pick(chance, 256), chance_pick(chance, 256));
    script = chance_mix(script, chance_pick(chance, 256));
    server_start(&server, &arena, chance);
    bool good = live_run(&worker);
    evict(&worker);
    tally.runs++;
    tally.tasks += taken_count;
    tally.events += server.count;
    if (good && replay())
        return "";
    return complaint;
}

void world_forget(void)
{
    arena_release(&arena);
}
