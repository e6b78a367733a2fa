#include "worker/reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metric.h"
#include "worker/desk.h"
#include "worker/edition.h"
#include "worker/runner.h"
#include "worker/watch.h"

enum {
    QUIET_MS = 50,
    LOOK_MS = 5000,
    AGAIN_MS = 1000, /* after a failure; twice as long after each further one */
    AGAIN_MAX_MS = 32000,
    STACK_SIZE = 8 << 20, /* scripts compile on it */
};

struct desk_order {
    struct note note;
    struct reload *reload;
    struct activity_world *world; /* NULL: it stays as it is */
    bool workflows;
    bool activities;
    bool refused;
    bool answered; /* under the worker's lock */
};

struct reload {
    struct worker *worker;
    pthread_t thread;
    uv_loop_t loop;
    uv_async_t mail;
    struct mailbox box;
    struct note close;
    struct watch *watch;
    uv_timer_t again;
    int again_ms;
    struct error missed;     /* why the last look brought nothing; kind ERROR_NONE: it did */
    struct edition *edition; /* the newest; it serves */
    struct desk_order to_desk;
    struct runner_order *to_runners;
    size_t unanswered; /* orders to runners; under the worker's lock */
    bool closing;      /* under the worker's lock */
};

/* --- orders --- */

static void read_order(struct note *note)
{
    struct desk_order *order = (struct desk_order *)note;
    struct worker *worker = order->reload->worker;
    order->refused = worker->shutdown.step != SHUTDOWN_NOT_BEGUN;
    if (!order->refused) {
        if (order->world)
            activities_move(worker, order->world);
        worker->polls.workflows = order->workflows;
        worker->polls.activities = order->activities;
    }
    pthread_mutex_lock(&worker->lock);
    order->answered = true;
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
}

/* False when the worker stops meanwhile: its desk reads no more mail. */
static bool await_desk(struct reload *reload)
{
    struct worker *worker = reload->worker;
    pthread_mutex_lock(&worker->lock);
    while (!reload->to_desk.answered && !reload->closing)
        pthread_cond_wait(&worker->changed, &worker->lock);
    bool answered = reload->to_desk.answered;
    pthread_mutex_unlock(&worker->lock);
    return answered;
}

/* The desk did not want it. */
static void drop_world(struct desk_order *order)
{
    if (!order->world || !order->refused)
        return;
    activity_world_stop(order->world);
    activity_world_free(order->world);
    order->world = NULL;
}

/* False when the worker leaves: nothing was moved, or nobody will know. */
static bool move_desk(struct reload *reload, const struct edition *edition,
                      struct activity_world *world)
{
    reload->to_desk = (struct desk_order){.note.read = read_order,
                                          .reload = reload,
                                          .world = world,
                                          .workflows = edition->any_workflows,
                                          .activities = edition->any_activities};
    desk_send(reload->worker, &reload->to_desk.note);
    if (!await_desk(reload))
        return false;
    drop_world(&reload->to_desk);
    return !reload->to_desk.refused;
}

static void runner_done(struct runner_order *order)
{
    struct reload *reload = order->user;
    pthread_mutex_lock(&reload->worker->lock);
    reload->unanswered--;
    pthread_cond_broadcast(&reload->worker->changed);
    pthread_mutex_unlock(&reload->worker->lock);
}

/* Runners read their mail until the reload has ended. */
static void await_runners(struct reload *reload)
{
    pthread_mutex_lock(&reload->worker->lock);
    while (reload->unanswered)
        pthread_cond_wait(&reload->worker->changed, &reload->worker->lock);
    pthread_mutex_unlock(&reload->worker->lock);
}

/* False when one of them could not. */
static bool order_runners(struct reload *reload, enum runner_step step, const struct store *store,
                          struct error *err)
{
    struct worker *worker = reload->worker;
    pthread_mutex_lock(&worker->lock);
    reload->unanswered = worker->runner_count;
    pthread_mutex_unlock(&worker->lock);
    for (size_t i = 0; i < worker->runner_count; i++) {
        struct runner_order *order = &reload->to_runners[i];
        *order = (struct runner_order){.runner = &worker->runners[i],
                                       .step = step,
                                       .store = store,
                                       .done = runner_done,
                                       .user = reload};
        runner_reload(order);
    }
    await_runners(reload);
    for (size_t i = 0; i < worker->runner_count; i++)
        if (reload->to_runners[i].err.kind != ERROR_NONE) {
            *err = reload->to_runners[i].err;
            return false;
        }
    return true;
}

/* All that can fail, before anything changes. */
static bool prepare(struct reload *reload, struct edition *next, struct activity_world **world,
                    struct error *err)
{
    *world = NULL;
    return order_runners(reload, RUNNER_PREPARE, next->store, err) &&
           (edition_same_activities(reload->edition, next) ||
            activity_world_start(world, reload->worker, next, err));
}

/* Activities first: a new run may ask for a new activity at once. False and no error: the worker
 * leaves. */
static bool replace(struct reload *reload, struct edition *next, struct error *err)
{
    struct activity_world *world;
    if (edition_equals(next, reload->edition))
        return true;
    bool ok = prepare(reload, next, &world, err) && move_desk(reload, next, world);
    order_runners(reload, ok ? RUNNER_TAKE : RUNNER_DISCARD, NULL, err);
    return ok;
}

/* --- saying it --- */

static void list_bundles(const struct edition *edition, const struct edition *last,
                         struct bytes *out)
{
    for (size_t i = 0; i < edition->script_count; i++) {
        const struct edition_script *script = &edition->scripts[i];
        const struct edition_script *before = edition_script(last, store_entry(script->bundle));
        if (!before || strcmp(before->bundle->hash, script->bundle->hash) != 0)
            bytes_printf(out, "%s%s@%.7s", out->size ? " " : "", store_entry(script->bundle).data,
                         script->bundle->hash);
    }
}

static void log_taken(const struct edition *edition, const struct edition *last, int64_t took_us,
                      enum log_level level)
{
    struct bytes files = {0};
    struct bytes bundles = {0};
    char took_ms[24];
    for (size_t i = 0; i < edition->change_count; i++)
        if (edition->changes[i].kind < CHANGE_REFUSED)
            bytes_printf(&files, "%s%s", files.size ? " " : "", edition->changes[i].file.data);
    list_bundles(edition, last, &bundles);
    snprintf(took_ms, sizeof took_ms, "%lld", (long long)took_us / 1000);
    log_event(level, "scripts_reloaded", "files", bytes_text(&files), "bundles",
              bytes_text(&bundles), "took_ms", took_ms, NULL);
    bytes_release(&files);
    bytes_release(&bundles);
}

static void log_refused(const struct edition *edition, enum log_level level)
{
    for (size_t i = 0; i < edition->change_count; i++) {
        const struct edition_change *change = &edition->changes[i];
        if (change->kind >= CHANGE_REFUSED && !change->said)
            log_event(level, change->kind == CHANGE_HELD ? "script_held_back" : "script_refused",
                      "file", change->file.data, "reason", change->why, NULL);
    }
}

/* Files that do not serve as they lie there. */
static void count_refused(const struct edition *edition)
{
    size_t count = 0;
    for (size_t i = 0; i < edition->change_count; i++)
        count += edition->changes[i].kind >= CHANGE_REFUSED;
    metric_set("signalroom_scripts_refused", "", (double)count);
}

/* Whoever listens says it in words of his own. */
static void say(struct reload *reload, struct edition *edition, struct edition *last,
                int64_t since_us)
{
    const struct worker_options *o = &reload->worker->options;
    int64_t took_us = clock_monotonic_us() - since_us;
    log_refused(edition, o->reloaded ? LOG_DEBUG : LOG_WARNING);
    if (!edition_equals(edition, last)) {
        metric_count("signalroom_scripts_reloads", "", 1);
        metric_observe("signalroom_scripts_reload_latency", "", (double)took_us / 1e6);
        log_taken(edition, last, took_us, o->reloaded ? LOG_DEBUG : LOG_INFO);
    }
    if (o->reloaded)
        o->reloaded(o->user, edition, last);
}

/* --- a reload --- */

static bool has_news(const struct edition *edition)
{
    for (size_t i = 0; i < edition->change_count; i++)
        if (!edition->changes[i].said)
            return true;
    return false;
}

static bool is_leaving(const struct reload *reload)
{
    struct worker *worker = reload->worker;
    pthread_mutex_lock(&worker->lock);
    bool leaving = reload->closing || worker->state.phase >= WORKER_DRAINING;
    pthread_mutex_unlock(&worker->lock);
    return leaving;
}

static void look(void *user, int64_t since_us);

static void look_again(uv_timer_t *timer)
{
    look(timer->data, clock_monotonic_us());
}

/* What the system refused it may give later, and no event will tell. */
static void try_later(struct reload *reload)
{
    uv_timer_start(&reload->again, look_again, (uint64_t)reload->again_ms, 0);
    reload->again_ms = reload->again_ms < AGAIN_MAX_MS / 2 ? 2 * reload->again_ms : AGAIN_MAX_MS;
}

/* Said once, and counted each time. */
static void miss(struct reload *reload, const char *event, const struct error *err)
{
    metric_count("signalroom_scripts_reload_failures", "", 1);
    if (strcmp(reload->missed.text, err->text) != 0)
        log_event(LOG_ERROR, event, "reason", err->text, NULL);
    reload->missed = *err;
    try_later(reload);
}

static void take(struct reload *reload, struct edition *next, int64_t since_us)
{
    struct edition *last = reload->edition;
    reload->edition = next;
    reload->missed = (struct error){0};
    count_refused(next);
    if (has_news(next))
        say(reload, next, last, since_us);
    edition_release(last);
    if (next->unread) {
        try_later(reload);
    } else {
        reload->again_ms = AGAIN_MS;
        uv_timer_stop(&reload->again);
    }
}

static void look(void *user, int64_t since_us)
{
    struct reload *reload = user;
    struct edition *next;
    struct error err = {0};
    if (is_leaving(reload))
        return;
    if (!edition_make(&next, reload->edition, reload->worker->options.scripts, &err)) {
        miss(reload, "scripts_not_read", &err);
    } else if (replace(reload, next, &err)) {
        take(reload, next, since_us);
    } else {
        edition_release(next);
        if (err.kind != ERROR_NONE)
            miss(reload, "scripts_not_reloaded", &err);
    }
}

/* --- the thread --- */

static void take_mail(uv_async_t *mail)
{
    struct reload *reload = mail->data;
    notes_read(mailbox_take(&reload->box));
}

static void ring(void *mail)
{
    uv_async_send(mail);
}

static void read_close(struct note *note)
{
    struct reload *reload = OWNER(note, struct reload, close);
    watch_close(reload->watch);
    uv_close((uv_handle_t *)&reload->again, NULL);
    uv_close((uv_handle_t *)&reload->mail, NULL);
}

static void *run(void *user)
{
    struct reload *reload = user;
    pthread_setname_np(pthread_self(), "reload");
    look(reload, clock_monotonic_us()); /* what was edited before the watch stood */
    uv_run(&reload->loop, UV_RUN_DEFAULT);
    return NULL;
}

static bool start_thread(struct reload *reload, struct error *err)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    int code = pthread_create(&reload->thread, &attributes, run, reload);
    pthread_attr_destroy(&attributes);
    return code == 0 || error_set(err, ERROR_SYSTEM, "starting the reload: %s", strerror(code));
}

/* Closes what is open on the loop and frees the rest. */
static void free_reload(struct reload *reload)
{
    uv_run(&reload->loop, UV_RUN_DEFAULT);
    uv_loop_close(&reload->loop);
    notes_read(mailbox_take(&reload->box));
    mailbox_release(&reload->box);
    edition_release(reload->edition);
    free(reload->to_runners);
    free(reload);
}

static void open_handles(struct reload *reload)
{
    uv_async_init(&reload->loop, &reload->mail, take_mail);
    uv_timer_init(&reload->loop, &reload->again);
    reload->mail.data = reload->again.data = reload;
    mailbox_init(&reload->box, ring, &reload->mail);
}

bool reload_start(struct worker *worker, struct error *err)
{
    struct reload *reload = memory_new(sizeof *reload);
    const struct watch_options options = {worker->options.scripts, QUIET_MS, LOOK_MS, look, reload};
    int code = uv_loop_init(&reload->loop);
    if (code) {
        free(reload);
        return error_set(err, ERROR_SYSTEM, "opening an event loop: %s", uv_strerror(code));
    }
    open_handles(reload);
    reload->worker = worker;
    reload->again_ms = AGAIN_MS;
    reload->edition = edition_hold(worker->edition);
    reload->close.read = read_close;
    reload->to_runners = memory_new(worker->runner_count * sizeof *reload->to_runners);
    if (!watch_open(&reload->watch, &reload->loop, &options, err) || !start_thread(reload, err)) {
        read_close(&reload->close);
        free_reload(reload);
        return false;
    }
    worker->reload = reload;
    return true;
}

void reload_send(struct worker *worker, struct note *note)
{
    mailbox_send(&worker->reload->box, &note->letter);
}

void reload_stop(struct worker *worker)
{
    struct reload *reload = worker->reload;
    if (!reload)
        return;
    pthread_mutex_lock(&worker->lock);
    reload->closing = true;
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
    reload_send(worker, &reload->close);
    pthread_join(reload->thread, NULL);
}

void reload_release(struct worker *worker)
{
    if (!worker->reload)
        return;
    drop_world(&worker->reload->to_desk);
    free_reload(worker->reload);
    worker->reload = NULL;
}
