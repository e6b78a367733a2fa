#include "cli/serve.h"

#include <lauxlib.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "activity/reactor.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/child.h"
#include "cli/scripts.h"
#include "client/client.h"
#include "script/fiber.h"
#include "script/vm.h"
#include "worker/worker.h"

enum { WATCHED = 2 };

static const char TYPE[] = "signalroom.serving";
static const int numbers[WATCHED] = {SIGINT, SIGTERM};
static const char *const names[WATCHED] = {"SIGINT", "SIGTERM"};

/* A reload that Lua has not heard of. */
struct news {
    struct news *next;
    struct edition *now;
    struct edition *before;
};

struct serving {
    struct worker *worker;
    uv_signal_t watchers[WATCHED];
    int signals; /* received so far */
    int handles; /* open; freed with the last one once Lua has let go */
    bool released;
    pthread_mutex_t mutex; /* guards what follows: threads of the worker end the wait */
    struct fiber_wait *waiting;
    struct news *news; /* oldest first */
    struct news **news_end;
};

struct serving_wait {
    struct fiber_wait wait; /* first */
    struct serving *serving;
    struct child *child; /* whose end ends the wait too; NULL: none */
};

static struct news *take_news(struct serving *serving)
{
    pthread_mutex_lock(&serving->mutex);
    struct news *news = serving->news;
    if (news && !(serving->news = news->next))
        serving->news_end = &serving->news;
    pthread_mutex_unlock(&serving->mutex);
    return news;
}

static void free_news(struct news *news)
{
    edition_release(news->now);
    edition_release(news->before);
    free(news);
}

static void let_go(struct serving *serving)
{
    if (serving->handles > 0 || !serving->released || serving->worker)
        return;
    while (serving->news)
        free_news(take_news(serving));
    pthread_mutex_destroy(&serving->mutex);
    free(serving);
}

static void closed(uv_handle_t *handle)
{
    struct serving *serving = handle->data;
    serving->handles--;
    let_go(serving);
}

/* The first signal drains, the second hurries. */
static void signalled(uv_signal_t *watcher, int number)
{
    struct serving *serving = watcher->data;
    log_event(LOG_INFO, "shutdown_signal_received", "signal", names[number == SIGTERM], NULL);
    if (!serving->worker)
        return;
    if (serving->signals++ == 0)
        worker_drain(serving->worker);
    else
        worker_hurry(serving->worker);
}

static void watch(struct serving *serving, struct reactor *reactor)
{
    for (int i = 0; i < WATCHED; i++) {
        serving->watchers[i].data = serving;
        uv_signal_init(reactor_uv(reactor), &serving->watchers[i]);
        uv_signal_start(&serving->watchers[i], signalled, numbers[i]);
        uv_unref((uv_handle_t *)&serving->watchers[i]);
        serving->handles++;
    }
}

/* Any thread. */
static void end_wait(struct serving *serving, struct news *news)
{
    pthread_mutex_lock(&serving->mutex);
    struct fiber_wait *waiting = serving->waiting;
    serving->waiting = NULL;
    if (news) {
        *serving->news_end = news;
        serving->news_end = &news->next;
    }
    pthread_mutex_unlock(&serving->mutex);
    if (waiting)
        fiber_wake(waiting);
}

static void over(void *user)
{
    end_wait(user, NULL);
}

static void reloaded(void *user, struct edition *now, struct edition *before)
{
    struct news *news = memory_new(sizeof *news);
    news->now = edition_hold(now);
    news->before = edition_hold(before);
    end_wait(user, news);
}

static const char *text_field(lua_State *L, const char *name)
{
    lua_getfield(L, 1, name);
    const char *text = lua_tostring(L, -1); /* the table keeps it alive */
    lua_pop(L, 1);
    return text;
}

static double number_field(lua_State *L, const char *name, double missing)
{
    lua_getfield(L, 1, name);
    double number = lua_isnumber(L, -1) ? lua_tonumber(L, -1) : missing;
    lua_pop(L, 1);
    return number;
}

static bool flag_field(lua_State *L, const char *name)
{
    lua_getfield(L, 1, name);
    bool flag = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return flag;
}

int serve_start(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    struct serving **place = lua_newuserdata(L, sizeof(struct serving *));
    struct serving *serving = memory_new(sizeof *serving);
    pthread_mutex_init(&serving->mutex, NULL);
    serving->news_end = &serving->news;
    *place = serving;
    luaL_getmetatable(L, TYPE);
    lua_setmetatable(L, -2);

    struct worker_options options = worker_defaults();
    options.rpc = client_rpc(L);
    options.space = client_space(L);
    options.scripts = text_field(L, "scripts");
    options.task_queue = text_field(L, "task_queue");
    options.health_address = text_field(L, "health");
    options.cache_size = (size_t)number_field(L, "cache", (double)options.cache_size);
    options.max_activities = (int)number_field(L, "activities", options.max_activities);
    options.graceful_timeout_ms =
        (int)(1000 * number_field(L, "grace", options.graceful_timeout_ms / 1000.0));
    options.fixed_scripts = flag_field(L, "fixed_scripts");
    options.reloaded = flag_field(L, "hears_reloads") ? reloaded : NULL;
    options.stopped = over;
    options.user = serving;
    struct error err = {0};
    if (!worker_start(&serving->worker, &options, &err)) {
        lua_pushboolean(L, 0);
        lua_pushstring(L, error_kind_name(err.kind));
        lua_pushstring(L, err.text);
        return 3;
    }
    watch(serving, reactor_of(L));
    lua_pushboolean(L, 1);
    lua_insert(L, -2);
    return 2;
}

static struct serving *check(lua_State *L)
{
    struct serving *serving = *(struct serving **)luaL_checkudata(L, 1, TYPE);
    if (!serving->worker)
        luaL_error(L, "this worker has been stopped");
    return serving;
}

static int drain(lua_State *L)
{
    worker_drain(check(L)->worker);
    return 0;
}

static int health_port(lua_State *L)
{
    lua_pushinteger(L, worker_health_port(check(L)->worker));
    return 1;
}

/* true and the changes of a reload; true alone when the worker has stopped, or the process ended */
static int deliver(struct fiber_wait *wait, lua_State *L)
{
    struct news *news = take_news(((struct serving_wait *)wait)->serving);
    lua_pushboolean(L, 1);
    if (!news)
        return 1;
    scripts_push_changes(L, news->now, news->before);
    free_news(news);
    return 2;
}

static void interrupt(struct fiber_wait *wait)
{
    (void)wait; /* ends with the worker, which the same signal drains */
}

static void release(struct fiber_wait *wait)
{
    struct child *child = ((struct serving_wait *)wait)->child;
    if (child)
        child_tell(child, NULL, NULL);
    free(wait);
}

/* Suspends until there was a reload, or the worker has stopped, whoever asked it to; or until the
 * process has ended, when there is one. */
static int wait_for(lua_State *L)
{
    struct serving *serving = check(L);
    struct child *child = lua_isnoneornil(L, 2) ? NULL : child_at(L, 2);
    struct serving_wait *wait = memory_new(sizeof *wait);
    wait->wait = (struct fiber_wait){fiber_current(L), deliver, interrupt, release};
    wait->serving = serving;
    wait->child = child;
    if (child)
        child_tell(child, over, serving);
    pthread_mutex_lock(&serving->mutex);
    bool now = serving->news || worker_wait(serving->worker, 0) || (child && child_ended(child));
    serving->waiting = now ? NULL : &wait->wait;
    pthread_mutex_unlock(&serving->mutex);
    if (now)
        fiber_wake(&wait->wait);
    return fiber_suspend(L, &wait->wait);
}

/* Joins the worker's threads. Returns nothing, or kind and text of why it gave up by itself. */
static int stop(lua_State *L)
{
    struct serving *serving = check(L);
    struct error err = {0};
    bool ok = worker_stop(serving->worker, &err);
    serving->worker = NULL;
    for (int i = 0; i < WATCHED; i++)
        uv_close((uv_handle_t *)&serving->watchers[i], closed);
    if (ok)
        return 0;
    lua_pushstring(L, error_kind_name(err.kind));
    lua_pushstring(L, err.text);
    return 2;
}

static int forget(lua_State *L)
{
    struct serving *serving = *(struct serving **)luaL_checkudata(L, 1, TYPE);
    serving->released = true;
    let_go(serving);
    return 0;
}

void serve_open(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"drain",       drain      },
        {"wait_raw",    wait_for   },
        {"stop_raw",    stop       },
        {"health_port", health_port},
        {NULL,          NULL       },
    };
    vm_type(L, TYPE, methods, forget);
}
