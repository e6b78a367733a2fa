#include "worker/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metric.h"
#include "worker/desk.h"
#include "worker/edition.h"
#include "worker/health.h"
#include "worker/reload.h"
#include "worker/runner.h"

enum { HOST_SIZE = 256 };

struct worker_options worker_defaults(void)
{
    return (struct worker_options){
        .cache_size = 1000,
        .max_workflow_tasks = 100,
        .max_activities = 100,
        .workflow_polls = 5,
        .activity_polls = 5,
        .activity_loops = 1,
        .sticky_timeout_ms = 10000,
        .graceful_timeout_ms = 20000,
        .cancel_timeout_ms = 10000,
        .default_heartbeat_ms = 30000,
        .max_heartbeat_ms = 60000,
    };
}

/* --- options --- */

static bool check_queue(const char *queue, struct error *err)
{
    static const char *const reserved[] = {"__temporal_", "/_sys/"};
    if (!queue || !*queue)
        return error_set(err, ERROR_USAGE, "a worker needs a task queue");
    for (size_t i = 0; i < 2; i++)
        if (strncmp(queue, reserved[i], strlen(reserved[i])) == 0)
            return error_set(err, ERROR_USAGE,
                             "task queue %s: names that begin with %s are "
                             "Temporal's own",
                             queue, reserved[i]);
    return true;
}

/* docs/protocol.md, Start */
static bool check(const struct worker_options *o, struct error *err)
{
    if (!check_queue(o->task_queue, err))
        return false;
    if (o->max_workflow_tasks < 1 || o->max_activities < 1 || o->workflow_polls < 1 ||
        o->activity_polls < 1 || o->activity_loops < 1 || o->runners < 0)
        return error_set(err, ERROR_USAGE,
                         "a worker needs at least one slot, poll and thread of "
                         "each kind");
    if (o->cache_size && (o->max_workflow_tasks < 2 || o->workflow_polls < 2))
        return error_set(err, ERROR_USAGE,
                         "a worker with a cache polls two queues: give it at "
                         "least two workflow polls and two workflow tasks, or no cache");
    if (o->default_heartbeat_ms < 1 || o->max_heartbeat_ms < 1)
        return error_set(err, ERROR_USAGE, "the time between heartbeats must be at least 1 ms");
    return true;
}

static void adopt_options(struct worker *worker, const struct worker_options *options)
{
    struct arena *texts = &worker->texts;
    struct worker_options *o = &worker->options;
    char host[HOST_SIZE] = "";
    gethostname(host, sizeof host - 1);
    *o = *options;
    o->scripts = arena_copy_text(texts, options->scripts);
    o->space = arena_copy_text(texts, options->space);
    o->task_queue = arena_copy_text(texts, options->task_queue);
    o->identity = options->identity ? arena_copy_text(texts, options->identity)
                                    : arena_printf(texts, "%d@%s", (int)getpid(), host);
    uuid_make(worker->instance_key);
    if (o->cache_size)
        worker->sticky_queue = arena_printf(texts, "%s-%s", host, worker->instance_key);
    size_t cores = (size_t)sysconf(_SC_NPROCESSORS_ONLN);
    worker->runner_count = o->runners ? (size_t)o->runners : cores;
    if (o->cache_size && worker->runner_count > o->cache_size)
        worker->runner_count = o->cache_size; /* each has room for one run at least */
}

/* --- start --- */

static struct worker *new_worker(const struct worker_options *options)
{
    struct worker *worker = memory_new(sizeof *worker);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    mailbox_init(&worker->box, NULL, NULL);
    adopt_options(worker, options);
    worker->started_ms = clock_wall_ms();
    worker->state = (struct worker_state){.missing = "starting", .turned_ms = clock_monotonic_ms()};
    return worker;
}

static void free_worker(struct worker *worker)
{
    if (worker->health)
        health_stop(worker->health);
    runners_stop(worker);
    activities_stop(worker);
    activities_release(worker);
    reload_release(worker);
    edition_release(worker->edition);
    polls_release(worker);
    alarms_release(&worker->alarms);
    mailbox_release(&worker->box);
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->lock);
    arena_release(&worker->texts);
    free(worker);
}

/* The desk does not read its box any more: what the reload sent it last is read here. */
static void stop_reload(struct worker *worker)
{
    reload_stop(worker);
    notes_read(mailbox_take(&worker->box));
}

/* All bad files at once: who starts a worker mends them in one go. */
static bool check_edition(const struct edition *edition, struct error *err)
{
    struct bytes all = {0};
    size_t bad = 0;
    for (size_t i = 0; i < edition->change_count; i++) {
        const struct edition_change *change = &edition->changes[i];
        if (change->kind != CHANGE_REFUSED)
            continue;
        bad++;
        bytes_printf(&all, "%s%s", all.size ? "\n" : "", change->why);
    }
    if (bad == 1)
        error_set(err, ERROR_SCRIPT, "%s", bytes_text(&all));
    else if (bad > 1)
        error_set(err, ERROR_SCRIPT, "%zu scripts cannot serve\n%s", bad, bytes_text(&all));
    bytes_release(&all);
    return bad == 0;
}

static bool open_scripts(struct worker *worker, struct error *err)
{
    if (!edition_make(&worker->edition, NULL, worker->options.scripts, err) ||
        !check_edition(worker->edition, err))
        return false;
    if (!worker->edition->any_workflows && !worker->edition->any_activities)
        return error_set(err, ERROR_USAGE,
                         "%s defines neither workflows nor activities: a worker would have nothing "
                         "to do",
                         worker->options.scripts);
    return !worker->edition->any_activities ||
           activity_world_start(&worker->activities.world, worker, worker->edition, err);
}

static bool open_rooms(struct worker *worker, struct error *err)
{
    const struct worker_options *o = &worker->options;
    if (o->health_address && !health_start(&worker->health, worker, o->health_address, err))
        return false;
    if (!open_scripts(worker, err) || !connect_ask(o->rpc, o->space, &worker->facts, err))
        return false;
    pthread_mutex_lock(&worker->lock);
    snprintf(worker->state.server, sizeof worker->state.server, "%s", worker->facts.version);
    pthread_mutex_unlock(&worker->lock);
    if (!runners_start(worker, err))
        return false;
    worker->polls.workflows = worker->edition->any_workflows;
    worker->polls.activities = worker->edition->any_activities;
    polls_init(worker);
    return true;
}

/* The names of the types that the scripts of a folder define: "A, B". */
static struct bytes types_below(const struct edition *edition, const char *folder)
{
    struct bytes names = {0};

    for (size_t i = 0; i < edition->script_count; i++) {
        const struct edition_script *script = &edition->scripts[i];
        const char *entry = script->bundle->files[script->bundle->count - 1].name.data;
        for (size_t n = 0; n < script->types.count; n++)
            if (strncmp(entry, folder, strlen(folder)) == 0)
                bytes_printf(&names, "%s%s", names.size ? ", " : "", script->types.names[n]);
    }
    return names;
}

static void announce(const struct worker *worker)
{
    char port[12] = "";
    if (worker->health)
        snprintf(port, sizeof port, "%d", health_port(worker->health));
    if (worker->edition->any_workflows)
        metric_count("temporal_worker_start", "worker_type=\"WorkflowWorker\"", 1);
    if (worker->edition->any_activities)
        metric_count("temporal_worker_start", "worker_type=\"ActivityWorker\"", 1);
    struct bytes workflows = types_below(worker->edition, "workflows/");
    struct bytes activities = types_below(worker->edition, "activities/");
    log_event(LOG_INFO, "worker_started", "namespace", worker->options.space, "task_queue",
              worker->options.task_queue, "identity", worker->options.identity, "server",
              worker->facts.version, "workflows", bytes_text(&workflows), "activities",
              bytes_text(&activities), "health_port", *port ? port : NULL, NULL);
    bytes_release(&workflows);
    bytes_release(&activities);
}

bool worker_start(struct worker **out, const struct worker_options *options, struct error *err)
{
    if (!check(options, err))
        return false;
    struct worker *worker = new_worker(options);
    bool watched = !options->fixed_scripts;
    if (!open_rooms(worker, err) || (watched && !reload_start(worker, err)) ||
        !desk_start(worker, err)) {
        stop_reload(worker);
        free_worker(worker);
        return false;
    }
    announce(worker);
    *out = worker;
    return true;
}

/* --- leave --- */

struct request {
    struct note note;
    struct worker *worker;
};

static void read_drain(struct note *note)
{
    struct request *request = (struct request *)note;
    shutdown_begin(request->worker);
    free(request);
}

static void read_hurry(struct note *note)
{
    struct request *request = (struct request *)note;
    shutdown_hurry(request->worker);
    free(request);
}

static void ask_desk(struct worker *worker, void (*read)(struct note *note))
{
    struct request *request = memory_new(sizeof *request);
    request->note.read = read;
    request->worker = worker;
    desk_send(worker, &request->note);
}

void worker_drain(struct worker *worker)
{
    ask_desk(worker, read_drain);
}

void worker_hurry(struct worker *worker)
{
    ask_desk(worker, read_hurry);
}

bool worker_wait(struct worker *worker, int64_t deadline_ms)
{
    struct timespec until = {.tv_sec = (time_t)(deadline_ms / 1000),
                             .tv_nsec = (long)(deadline_ms % 1000) * 1000000};
    int code = 0;
    pthread_mutex_lock(&worker->lock);
    while (worker->state.phase != WORKER_STOPPED && code == 0)
        code = deadline_ms < 0 ? pthread_cond_wait(&worker->changed, &worker->lock)
                               : pthread_cond_timedwait(&worker->changed, &worker->lock, &until);
    bool stopped = worker->state.phase == WORKER_STOPPED;
    pthread_mutex_unlock(&worker->lock);
    return stopped;
}

bool worker_stop(struct worker *worker, struct error *err)
{
    if (!worker_wait(worker, 0))
        worker_hurry(worker);
    desk_join(worker);
    notes_read(mailbox_take(&worker->box));
    stop_reload(worker);
    struct error why = worker->gave_up;
    free_worker(worker);
    if (why.kind != ERROR_NONE)
        *err = why;
    return why.kind == ERROR_NONE;
}

void worker_state(struct worker *worker, struct worker_state *out)
{
    pthread_mutex_lock(&worker->lock);
    *out = worker->state;
    pthread_mutex_unlock(&worker->lock);
}

int worker_health_port(const struct worker *worker)
{
    return worker->health ? health_port(worker->health) : 0;
}
