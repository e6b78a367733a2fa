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
    STACK_SIZE = 8 << 20, /* scripts compile on it */
};

struct desk_order {
    struct note note;
    struct reload *reload;
    struct activity_world *world; /* NULL: it stays as it is */
    bool workflows;
    bool activities;
    bool refused;
};

struct reload {
    struct worker *worker;
    pthread_t thread;
    uv_loop_t loop;
    uv_async_t mail;
    struct mailbox box;
    struct note close;
    struct watch *watch;
    struct edition *edition; /* the newest; it serves */
    struct desk_order to_desk;
    struct runner_order *to_runners;
    size_t unanswered; /* orders; under the worker's lock */
    bool closing;      /* under the worker's lock */
};

/* --- orders --- */

static void answered(struct reload *reload)
{
    struct worker *worker = reload->worker;
    pthread_mutex_lock(&worker->lock);
    reload->unanswered--;
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
}

static void expect(struct reload *reload, size_t orders)
{
    pthread_mutex_lock(&reload->worker->lock);
    reload->unanswered = orders;
    pthread_mutex_unlock(&reload->worker->lock);
}

/* False when the worker stops meanwhile. */
static bool await_answers(struct reload *reload)
{
    struct worker *worker = reload->worker;
    pthread_mutex_lock(&worker->lock);
    while (reload->unanswered && !reload->closing)
        pthread_cond_wait(&worker->changed, &worker->lock);
    bool all = reload->unanswered == 0;
    pthread_mutex_unlock(&worker->lock);
    return all;
}

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
    answered(order->reload);
}

static bool order_desk(struct reload *reload, const struct edition *edition,
                       struct activity_world *world)
{
    reload->to_desk = (struct desk_order){.note.read = read_order,
                                          .reload = reload,
                                          .world = world,
                                          .workflows = edition->any_workflows,
                                          .activities = edition->any_activities};
    expect(reload, 1);
    desk_send(reload->worker, &reload->to_desk.note);
    return await_answers(reload) && !reload->to_desk.refused;
}

static void runner_done(struct runner_order *order)
{
    answered(order->user);
}

static bool order_runners(struct reload *reload, const struct edition *edition, struct error *err)
{
    struct worker *worker = reload->worker;
    expect(reload, worker->runner_count);
    for (size_t i = 0; i < worker->runner_count; i++) {
        struct runner_order *order = &reload->to_runners[i];
        *order = (struct runner_order){.runner = &worker->runners[i],
                                       .store = edition->store,
                                       .done = runner_done,
                                       .user = reload};
        runner_reload(order);
    }
    if (!await_answers(reload))
        return error_set(err, ERROR_SYSTEM, "the worker stops");
    for (size_t i = 0; i < worker->runner_count; i++) {
        *err = reload->to_runners[i].err;
        if (err->kind != ERROR_NONE)
            return false;
    }
    return true;
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

/* Activities first: a new run may ask for a new activity at once. */
static bool hand_over(struct reload *reload, const struct edition *from, const struct edition *to,
                      struct error *err)
{
    struct activity_world *world = NULL;
    if (!edition_same_activities(from, to) &&
        !activity_world_start(&world, reload->worker, to, err))
        return false;
    if (!order_desk(reload, to, world)) {
        drop_world(&reload->to_desk);
        return error_set(err, ERROR_SYSTEM, "the worker stops");
    }
    return order_runners(reload, to, err);
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

/* True when `next` serves everywhere; else what was served serves on. */
static bool replace(struct reload *reload, const struct edition *next)
{
    struct error err = {0};
    struct error again = {0};
    if (edition_equals(next, reload->edition) || hand_over(reload, reload->edition, next, &err))
        return true;
    if (is_leaving(reload))
        return false;
    log_event(LOG_ERROR, "scripts_not_reloaded", "reason", err.text, NULL);
    hand_over(reload, next, reload->edition, &again);
    return false;
}

static void look(void *user, int64_t since_us)
{
    struct reload *reload = user;
    struct edition *next;
    struct error err = {0};
    if (is_leaving(reload))
        return;
    if (!edition_make(&next, reload->edition, reload->worker->options.scripts, &err)) {
        log_event(LOG_WARNING, "scripts_not_read", "reason", err.text, NULL);
        return;
    }
    struct edition *last = reload->edition;
    if (replace(reload, next)) {
        reload->edition = next;
        count_refused(next);
        if (has_news(next))
            say(reload, next, last, since_us);
        edition_release(last);
    } else {
        edition_release(next);
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

bool reload_start(struct worker *worker, struct error *err)
{
    struct reload *reload = memory_new(sizeof *reload);
    const struct watch_options options = {worker->options.scripts, QUIET_MS, LOOK_MS, look, reload};
    reload->worker = worker;
    reload->edition = edition_hold(worker->edition);
    reload->close.read = read_close;
    reload->to_runners = memory_new(worker->runner_count * sizeof *reload->to_runners);
    uv_loop_init(&reload->loop);
    uv_async_init(&reload->loop, &reload->mail, take_mail);
    reload->mail.data = reload;
    mailbox_init(&reload->box, ring, &reload->mail);
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
