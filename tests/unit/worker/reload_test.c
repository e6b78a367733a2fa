/* A reload among the threads of a worker: all of them take an edition, or none. */
#include "story.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metric.h"
#include "scripts_folder.h"
#include "shortage.h"
#include "worker/desk.h"
#include "worker/edition.h"
#include "worker/reload.h"
#include "worker/runner.h"
#include "workflow/host.h"

enum { PATIENCE_MS = 60000, RUNNERS = 2 };

/* A worker of the scripts folder without a server: its desk only reads its mail. */
static struct worker *worker;
static pthread_t desk;
static atomic_bool desk_ends;
static bool stopped; /* by the story: its reload */

static void *turn(void *user)
{
    (void)user;
    while (!atomic_load(&desk_ends))
        notes_read(mailbox_wait(&worker->box, clock_monotonic_ms() + 10));
    return NULL;
}

/* A version of what both kinds of scripts require, in one stroke. */
static void save(const char *version)
{
    char text[40];

    snprintf(text, sizeof text, "return '%s'", version);
    scripts_write(".draft", text);
    scripts_rename(".draft", "version.lua");
}

static void check(bool ok, const struct error *err)
{
    if (!ok)
        fail_msg("%s", err->text);
}

static int start_worker(void **state)
{
    struct error err = {0};

    if (scripts_folder_make(state) != 0)
        return -1;
    scripts_write("workflows/a.lua", "workflow(require 'version') { run = function() end }");
    scripts_write("activities/b.lua", "activity(require 'version') { run = function() end }");
    save("old");
    log_configure((struct log_options){.level = LOG_ERROR + 1});
    worker = memory_new(sizeof *worker);
    worker->options = worker_defaults();
    worker->options.scripts = scripts_folder();
    worker->options.space = worker->options.task_queue = worker->options.identity = "tested";
    worker->runner_count = RUNNERS;
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->changed, NULL);
    mailbox_init(&worker->box, NULL, NULL);
    check(edition_make(&worker->edition, NULL, scripts_folder(), &err), &err);
    check(activity_world_start(&worker->activities.world, worker, worker->edition, &err), &err);
    check(runners_start(worker, &err), &err);
    atomic_store(&desk_ends, false);
    assert_int_equal(pthread_create(&desk, NULL, turn, NULL), 0);
    check(reload_start(worker, &err), &err);
    return 0;
}

static int stop_worker(void **state)
{
    shortage_over();
    atomic_store(&desk_ends, true);
    pthread_join(desk, NULL);
    notes_read(mailbox_take(&worker->box));
    if (!stopped)
        reload_stop(worker);
    stopped = false;
    notes_read(mailbox_take(&worker->box));
    runners_stop(worker);
    activities_stop(worker);
    activities_release(worker);
    reload_release(worker);
    edition_release(worker->edition);
    mailbox_release(&worker->box);
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->lock);
    free(worker);
    return scripts_folder_remove(state);
}

/* --- what a thread has, asked on that thread --- */

struct question {
    struct note note;
    void (*ask)(struct question *question);
    struct runner *runner;
    size_t limit;
    char name[16];
    struct mailbox answers;
};

static void answer(struct note *note)
{
    struct question *q = (struct question *)note;

    q->ask(q);
    mailbox_send(&q->answers, &q->note.letter);
}

static void put(struct question *q, struct mailbox *box)
{
    q->note.read = answer;
    mailbox_init(&q->answers, NULL, NULL);
    mailbox_send(box, &q->note.letter);
    assert_non_null(mailbox_wait(&q->answers, clock_monotonic_ms() + PATIENCE_MS));
    mailbox_release(&q->answers);
}

static void name_workflow(struct question *q)
{
    strcpy(q->name, bytes_text(&q->runner->host->known));
}

static void name_activity(struct question *q)
{
    strcpy(q->name, activity_names(worker->activities.world->loops[0])[0]);
}

/* Whether all of them serve this version. */
static bool all_serve(const char *version)
{
    struct question of_desk = {.ask = name_activity};

    put(&of_desk, &worker->box);
    bool all = strcmp(of_desk.name, version) == 0;
    for (size_t i = 0; i < RUNNERS; i++) {
        struct question q = {.ask = name_workflow, .runner = &worker->runners[i]};
        put(&q, &q.runner->box);
        all = all && strcmp(q.name, version) == 0;
    }
    return all;
}

static void set_limit(struct question *q)
{
    q->runner->host->codes.options.instance_limit = q->limit;
}

/* A runner whose runs get so little memory does not load a script; 0: enough. */
static void limit_runner(size_t runner, size_t limit)
{
    struct question q = {.ask = set_limit, .runner = &worker->runners[runner], .limit = limit};

    put(&q, &q.runner->box);
}

static void count_prepared(struct question *q)
{
    q->limit = q->runner->host->next.count;
}

static size_t prepared(size_t runner)
{
    struct question q = {.ask = count_prepared, .runner = &worker->runners[runner]};

    put(&q, &q.runner->box);
    return q.limit;
}

/* A runner that is at one thing until the gate opens. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void wait_at_gate(struct note *note)
{
    (void)note;
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
}

static void *stop_reload(void *user)
{
    (void)user;
    reload_stop(worker);
    return NULL;
}

/* --- stories --- */

static double failures(void)
{
    return metric_value("signalroom_scripts_reload_failures", "");
}

/* False when the deadline is over. */
static bool is_soon(int64_t deadline)
{
    usleep(1000); /* or less: alarms of scripts that this thread has checked may end it */
    return clock_monotonic_ms() < deadline;
}

static void await_failure(double before)
{
    int64_t deadline = clock_monotonic_ms() + PATIENCE_MS;

    while (failures() <= before)
        assert_true(is_soon(deadline));
}

static void await(const char *version)
{
    int64_t deadline = clock_monotonic_ms() + PATIENCE_MS;

    while (!all_serve(version))
        assert_true(is_soon(deadline));
}

static void an_edit_reaches_every_thread(void **state)
{
    (void)state;
    assert_true(all_serve("old"));
    save("new");
    await("new");
}

static void what_one_runner_cannot_take_nobody_takes_until_it_can(void **state)
{
    static const char *const versions[] = {"old", "new", "newest"};

    (void)state;
    for (size_t i = 0; i < RUNNERS; i++) {
        double before = failures();
        limit_runner(i, 1);
        save(versions[i + 1]);
        await_failure(before);
        assert_true(all_serve(versions[i]));
        limit_runner(i, 0);
        await(versions[i + 1]);
    }
}

static void what_no_world_can_be_started_for_nobody_takes_until_it_can(void **state)
{
    double before = failures();

    (void)state;
    shortage_after(1); /* the check's */
    save("new");
    await_failure(before);
    assert_true(all_serve("old"));
    shortage_over();
    await("new");
}

static void a_stop_waits_for_the_runners_that_still_read_an_edition(void **state)
{
    struct note visit = {.read = wait_at_gate};
    struct timespec soon;
    pthread_t stopping;
    int64_t deadline = clock_monotonic_ms() + PATIENCE_MS;

    (void)state;
    pthread_mutex_lock(&gate);
    mailbox_send(&worker->runners[0].box, &visit.letter);
    save("new");
    while (prepared(1) == 0 && is_soon(deadline))
        continue;
    stopped = pthread_create(&stopping, NULL, stop_reload, NULL) == 0;
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 200000000;
    soon.tv_sec += soon.tv_nsec / 1000000000;
    soon.tv_nsec %= 1000000000;
    int code = pthread_timedjoin_np(stopping, NULL, &soon);
    pthread_mutex_unlock(&gate);
    assert_int_equal(code, ETIMEDOUT);
    pthread_join(stopping, NULL);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, start_worker, stop_worker)

int main(void)
{
    const struct CMUnitTest stories[] = {
        STORY(an_edit_reaches_every_thread),
        STORY(what_one_runner_cannot_take_nobody_takes_until_it_can),
        STORY(a_stop_waits_for_the_runners_that_still_read_an_edition),
        STORY(what_no_world_can_be_started_for_nobody_takes_until_it_can),
    };

    return RUN_STORIES("reload", stories);
}
