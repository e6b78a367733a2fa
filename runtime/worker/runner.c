#include "worker/runner.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metric.h"
#include "worker/desk.h"
#include "worker/eager.h"
#include "worker/edition.h"
#include "worker/workflow_task.h"

enum { STACK_SIZE = 8 << 20 }; /* unpacking recurses */

static struct held_run *held_of(struct cache_entry *entry)
{
    return (struct held_run *)entry;
}

/* --- runs in memory --- */

static struct held_run *hold(struct runner *runner, struct span run_id)
{
    struct held_run *held = memory_new(sizeof *held);
    held->entry.run_id = (struct span){memory_copy(run_id.data, run_id.size), run_id.size};
    held->queries_end = &held->queries;
    cache_add(&runner->cache, &held->entry);
    return held;
}

static void build(struct runner *runner, struct held_run *held)
{
    held->run = workflow_run_new(runner->host, held->entry.run_id);
    atomic_fetch_add(&runner->worker->cached_runs, 1);
    metric_move("temporal_sticky_cache_size", "", 1);
}

static void evict_run(struct runner *runner, struct held_run *held)
{
    if (!held->run)
        return;
    workflow_run_free(held->run);
    held->run = NULL;
    atomic_fetch_sub(&runner->worker->cached_runs, 1);
    metric_move("temporal_sticky_cache_size", "", -1);
}

static void let_go(struct runner *runner, struct held_run *held)
{
    evict_run(runner, held);
    cache_remove(&runner->cache, &held->entry);
    free((char *)held->entry.run_id.data);
    free(held);
}

static void trim(struct runner *runner)
{
    struct cache_entry *surplus;
    while ((surplus = cache_surplus(&runner->cache))) {
        if (runner->cache.capacity)
            metric_count("temporal_sticky_cache_total_forced_eviction", "", 1);
        let_go(runner, held_of(surplus));
    }
}

/* --- tasks --- */

static void take_eager(struct note *note)
{
    struct workflow_task *task = (struct workflow_task *)note;
    eager_accept(task->runner->worker, bytes_span(&task->reply), task->eager);
    workflow_task_free(task);
}

static void slot_is_free(struct note *note)
{
    polls_task_done(((struct workflow_task *)note)->runner->worker, POLL_NORMAL);
    take_eager(note);
}

/* Its slot is the follower's. */
static void replaced(struct runner *runner, struct workflow_task *task)
{
    if (!task->eager) {
        workflow_task_free(task);
        return;
    }
    task->note.read = take_eager;
    desk_send(runner->worker, &task->note);
}

static void over(struct runner *runner, struct workflow_task *task)
{
    task->note.read = slot_is_free;
    desk_send(runner->worker, &task->note);
}

static void start(struct runner *runner, struct held_run *held, struct workflow_task *task)
{
    held->task = task;
    task->held = held;
    task->next = NULL;
    cache_claim(&runner->cache, &held->entry);
    *runner->ready_end = task;
    runner->ready_end = &task->next;
}

static void replace_waiting(struct runner *runner, struct held_run *held,
                            struct workflow_task *task)
{
    if (held->next) {
        log_event(LOG_DEBUG, "workflow_task_superseded", "run_id", held->entry.run_id.data, NULL);
        over(runner, held->next);
    }
    held->next = task;
}

static void wait_for_run(struct runner *runner, struct held_run *held, struct workflow_task *task)
{
    if (!workflow_task_is_query(task)) {
        replace_waiting(runner, held, task);
        return;
    }
    task->next = NULL;
    *held->queries_end = task;
    held->queries_end = &task->next;
}

static struct workflow_task *take_waiting(struct held_run *held)
{
    struct workflow_task *task = held->next;
    held->next = NULL;
    if (!task && (task = held->queries) && !(held->queries = task->next))
        held->queries_end = &held->queries;
    return task;
}

void runner_offer(struct runner *runner, struct workflow_task *task)
{
    struct span run_id = workflow_task_run_id(task);
    struct cache_entry *entry = cache_find(&runner->cache, run_id);
    struct held_run *held = entry ? held_of(entry) : hold(runner, run_id);
    if (held->task)
        wait_for_run(runner, held, task);
    else
        start(runner, held, task);
}

void runner_finished(struct runner *runner, struct workflow_task *task, bool evict)
{
    struct held_run *held = task->held;
    struct workflow_task *follower = task->follower;
    if (held) {
        held->task = NULL;
        if (evict)
            evict_run(runner, held);
        if (follower)
            replace_waiting(runner, held, follower);
        struct workflow_task *next = take_waiting(held);
        if (next)
            start(runner, held, next);
        else if (!held->run)
            let_go(runner, held);
        else
            cache_rest(&runner->cache, &held->entry);
        trim(runner);
    }
    if (follower)
        replaced(runner, task);
    else
        over(runner, task);
}

static void count_cache_use(struct runner *runner, const struct workflow_task *task)
{
    const Tpb__History__History *history = task->poll->history;
    bool whole = history->n_events && history->events[0]->event_id == 1;
    if (task->poll->previous_started_event_id == 0 || !runner->cache.capacity)
        return;
    if (task->held->run && !whole) {
        atomic_fetch_add(&runner->worker->cache_hits, 1);
        metric_count("temporal_sticky_cache_hit", "", 1);
    } else if (!task->held->run) {
        atomic_fetch_add(&runner->worker->cache_misses, 1);
        metric_count("temporal_sticky_cache_miss", "", 1);
    }
}

static void begin_ready(struct runner *runner)
{
    struct workflow_task *task;
    while ((task = runner->ready)) {
        runner->ready = task->next;
        if (!runner->ready)
            runner->ready_end = &runner->ready;
        atomic_store(&runner->busy_since_ms, clock_monotonic_ms());
        if (runner->abandoned) {
            runner_finished(runner, task, true);
            continue;
        }
        count_cache_use(runner, task);
        task->rebuilds = !task->held->run && task->poll->previous_started_event_id > 0;
        if (!task->held->run)
            build(runner, task->held);
        workflow_task_begin(task);
    }
}

static void read_task(struct note *note)
{
    struct workflow_task *task = (struct workflow_task *)note;
    struct error why;
    if (workflow_task_open(task, &why))
        runner_offer(task->runner, task);
    else
        workflow_task_refuse(task, &why);
}

/* --- the thread --- */

static bool offer_eager(void *user, const char *activity_type)
{
    struct runner *runner = user;
    bool offers = runner->offered < EAGER_MAX && eager_offer(runner->worker, activity_type);
    runner->offered += offers;
    return offers;
}

static bool open_host(struct runner *runner, struct error *err)
{
    const struct worker *worker = runner->worker;
    return workflow_host_open(
        &runner->host,
        &(struct workflow_options){.store = worker->edition->store,
                                   .space = worker->options.space,
                                   .task_queue = worker->options.task_queue,
                                   .identity = worker->options.identity,
                                   .sticky_queue = worker->sticky_queue,
                                   .sticky_timeout_ms = worker->options.sticky_timeout_ms,
                                   .slice_ms = worker->options.slice_ms,
                                   .instance_limit = worker->options.instance_limit,
                                   .max_runs_per_cell = worker->options.max_runs_per_cell,
                                   .payload_limit = worker->facts.payload_limit,
                                   .eager = offer_eager,
                                   .eager_user = runner},
        err);
}

static bool report_open(struct runner *runner)
{
    struct worker *worker = runner->worker;
    bool opened = open_host(runner, &runner->failure);
    pthread_mutex_lock(&worker->lock);
    runner->outcome = opened ? RUNNER_OPEN : RUNNER_FAILED;
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
    return opened;
}

static void let_all_go(struct runner *runner)
{
    for (struct map_entry *e; (e = map_next(&runner->cache.by_run, NULL));)
        let_go(runner, e->value);
    cache_release(&runner->cache);
}

static void *run(void *user)
{
    struct runner *runner = user;
    pthread_setname_np(pthread_self(), "runner");
    if (!report_open(runner))
        return NULL;
    while (!runner->closed) {
        atomic_store(&runner->busy_since_ms, 0);
        struct letter *letters = mailbox_wait(&runner->box, -1);
        atomic_store(&runner->busy_since_ms, clock_monotonic_ms());
        notes_read(letters);
        begin_ready(runner);
    }
    let_all_go(runner);
    workflow_host_close(runner->host);
    return NULL;
}

static void read_leave(struct note *note)
{
    workflow_host_leave(OWNER(note, struct runner, leave)->host);
}

static void read_abandon(struct note *note)
{
    struct runner *runner = OWNER(note, struct runner, abandon);
    runner->abandoned = true;
    for (struct map_entry *e = NULL; (e = map_next(&runner->cache.by_run, e));)
        if (held_of(e->value)->task)
            exchange_cancel(&held_of(e->value)->task->exchange);
}

static void read_reload(struct note *note)
{
    struct runner_order *order = (struct runner_order *)note;
    struct workflow_host *host = order->runner->host;
    switch (order->step) {
    case RUNNER_PREPARE:
        workflow_host_prepare(host, order->store, &order->err);
        break;
    case RUNNER_TAKE:
        workflow_host_take(host);
        break;
    case RUNNER_DISCARD:
        workflow_host_discard(host);
        break;
    }
    order->done(order);
}

static void read_close(struct note *note)
{
    struct runner *runner = OWNER(note, struct runner, close);
    runner->closed = true;
}

static bool start_thread(struct runner *runner, struct error *err)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    int code = pthread_create(&runner->thread, &attributes, run, runner);
    pthread_attr_destroy(&attributes);
    if (code)
        return error_set(err, ERROR_SYSTEM, "starting a runner: %s", strerror(code));
    runner->started = true;
    return true;
}

static bool wait_open(struct worker *worker, struct runner *runner, struct error *err)
{
    pthread_mutex_lock(&worker->lock);
    while (runner->outcome == RUNNER_OPENING)
        pthread_cond_wait(&worker->changed, &worker->lock);
    pthread_mutex_unlock(&worker->lock);
    if (runner->outcome == RUNNER_FAILED)
        *err = runner->failure;
    return runner->outcome == RUNNER_OPEN;
}

bool runners_start(struct worker *worker, struct error *err)
{
    size_t share = worker->options.cache_size / worker->runner_count;
    size_t rest = worker->options.cache_size % worker->runner_count;
    worker->runners = memory_new(worker->runner_count * sizeof *worker->runners);
    for (size_t i = 0; i < worker->runner_count; i++) {
        struct runner *runner = &worker->runners[i];
        runner->worker = worker;
        runner->ready_end = &runner->ready;
        runner->cache.capacity = share + (i < rest);
        runner->leave.read = read_leave;
        runner->abandon.read = read_abandon;
        runner->close.read = read_close;
        mailbox_init(&runner->box, NULL, NULL);
    }
    for (size_t i = 0; i < worker->runner_count; i++)
        if (!start_thread(&worker->runners[i], err))
            return false;
    for (size_t i = 0; i < worker->runner_count; i++)
        if (!wait_open(worker, &worker->runners[i], err))
            return false;
    return true;
}

static uint64_t hash_of(struct span run_id)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < run_id.size; i++)
        hash = (hash ^ (unsigned char)run_id.data[i]) * 0x100000001b3u;
    return hash ^ hash >> 32;
}

void runners_accept(struct worker *worker, struct span run_id, struct bytes *body)
{
    struct runner *runner = &worker->runners[hash_of(run_id) % worker->runner_count];
    struct workflow_task *task = workflow_task_new(runner, body);
    task->note.read = read_task;
    mailbox_send(&runner->box, &task->note.letter);
}

void runner_reload(struct runner_order *order)
{
    order->note.read = read_reload;
    order->err = (struct error){0};
    mailbox_send(&order->runner->box, &order->note.letter);
}

void runners_leave(struct worker *worker)
{
    for (size_t i = 0; i < worker->runner_count; i++)
        mailbox_send(&worker->runners[i].box, &worker->runners[i].leave.letter);
}

void runners_abandon(struct worker *worker)
{
    for (size_t i = 0; i < worker->runner_count; i++)
        mailbox_send(&worker->runners[i].box, &worker->runners[i].abandon.letter);
}

void runners_stop(struct worker *worker)
{
    for (size_t i = 0; worker->runners && i < worker->runner_count; i++) {
        struct runner *runner = &worker->runners[i];
        if (runner->started) {
            mailbox_send(&runner->box, &runner->close.letter);
            pthread_join(runner->thread, NULL);
        }
        mailbox_release(&runner->box);
    }
    free(worker->runners);
    worker->runners = NULL;
}

int64_t runners_busy_since(const struct worker *worker)
{
    int64_t oldest = 0;
    for (size_t i = 0; worker->runners && i < worker->runner_count; i++) {
        int64_t since = atomic_load(&worker->runners[i].busy_since_ms);
        if (since && (!oldest || since < oldest))
            oldest = since;
    }
    return oldest;
}
