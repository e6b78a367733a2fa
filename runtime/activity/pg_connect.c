/*
 * Connecting to PostgreSQL without blocking. libpq's asynchronous connect still looks names up by a
 * blocking call, so names are resolved first, on a thread of the pool, and handed over as hostaddr.
 * Several hosts, and several addresses of a host, are tried in order.
 */
#include <lauxlib.h>
#include <stdlib.h>

#include "activity/failure.h"
#include "activity/pg.h"
#include "base/memory.h"
#include "base/redact.h"

enum { WORDS_MAX = 64 };

/* libpq's settings: "host", "password", ... */
struct settings {
    char *words[WORDS_MAX + 1];
    char *values[WORDS_MAX + 1];
    size_t count;
};

struct opening {
    struct fiber_wait wait; /* first */
    struct reactor *reactor;
    struct settings settings;
    char *host_list, *port_list; /* NULL: nothing to resolve */
    char *hosts, *ports;         /* what is left of them */
    const char *host, *port;     /* the one in hand */
    int targets;
    struct bytes names, addresses, numbers; /* the new host, hostaddr and port, comma by comma */
    uv_getaddrinfo_t lookup;
    uv_timer_t *timer;
    uv_poll_t *socket;
    PGconn *conn;
    int owners; /* the wait and a lookup */
    bool over;
    const char *failure; /* its type, NULL: connected */
    char why[1024];
};

/* --- settings --- */

static char **find(struct settings *settings, const char *word)
{
    for (size_t i = 0; i < settings->count; i++)
        if (strcmp(settings->words[i], word) == 0)
            return &settings->values[i];
    return NULL;
}

static void set(struct settings *settings, const char *word, const char *value)
{
    char **known = find(settings, word);
    if (known) {
        free(*known);
        *known = memory_copy_text(value);
    } else if (settings->count < WORDS_MAX) {
        settings->words[settings->count] = memory_copy_text(word);
        settings->values[settings->count++] = memory_copy_text(value);
    }
}

static const char *get(struct settings *settings, const char *word)
{
    char **known = find(settings, word);
    return known && **known ? *known : NULL;
}

static void settings_release(struct settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        free(settings->words[i]);
        free(settings->values[i]);
    }
}

static void add_all(struct settings *settings, PQconninfoOption *options)
{
    for (PQconninfoOption *o = options; o && o->keyword; o++)
        if (o->val && *o->val && !find(settings, o->keyword))
            set(settings, o->keyword, o->val);
    PQconninfoFree(options);
}

/* libpq may quote the address in its complaint, and with it the password: the words before the
 * quote are enough. */
static bool read_url(struct settings *settings, const char *url, char why[128])
{
    char *complaint = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &complaint);
    if (options) {
        add_all(settings, options);
        return true;
    }
    size_t size = complaint ? strcspn(complaint, ":\"\n") : 0;
    snprintf(why, 128, "%.*s", (int)size, complaint ? complaint : "");
    PQfreemem(complaint);
    return false;
}

static void set_defaults(struct settings *settings)
{
    static const char *const ours[][2] = {
        {"client_encoding",     "UTF8"      },
        {"gssencmode",          "disable"   },
        {"keepalives_idle",     "30"        },
        {"keepalives_interval", "10"        },
        {"keepalives_count",    "3"         },
        {"tcp_user_timeout",    "60000"     },
        {"application_name",    "signalroom"},
    };
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (!find(settings, ours[i][0]))
            set(settings, ours[i][0], ours[i][1]);
    add_all(settings, PQconndefaults());
    const char *password = get(settings, "password");
    if (password)
        redact_register(span_of(password));
}

/* --- the end --- */

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static void close_handle(void *handle)
{
    if (handle)
        uv_close(handle, free_handle);
}

static void drop(struct opening *opening)
{
    if (--opening->owners)
        return;
    if (opening->conn)
        PQfinish(opening->conn);
    settings_release(&opening->settings);
    free(opening->host_list);
    free(opening->port_list);
    bytes_release(&opening->names);
    bytes_release(&opening->addresses);
    bytes_release(&opening->numbers);
    free(opening);
}

static void end(struct opening *opening, const char *failure, const char *why)
{
    if (opening->over)
        return;
    opening->over = true;
    opening->failure = failure;
    if (why != opening->why)
        snprintf(opening->why, sizeof opening->why, "%s", why);
    close_handle(opening->socket);
    close_handle(opening->timer);
    fiber_wake(&opening->wait);
}

static int deliver(struct fiber_wait *wait, lua_State *L)
{
    struct opening *opening = (struct opening *)wait;
    lua_pushboolean(L, !opening->failure);
    if (opening->failure) {
        pg_push_complaint(L, opening->failure, opening->why);
        return 2;
    }
    struct session **handle = lua_newuserdata(L, sizeof(struct session *));
    *handle = session_new(opening->reactor, opening->conn);
    opening->conn = NULL;
    luaL_getmetatable(L, PG_CONNECTION);
    lua_setmetatable(L, -2);
    return 2;
}

static void interrupt(struct fiber_wait *wait)
{
    end((struct opening *)wait, "CancelledError", "");
}

static void release(struct fiber_wait *wait)
{
    drop((struct opening *)wait);
}

static void on_timer(uv_timer_t *timer)
{
    end(timer->data, "TimeoutError", "no connection to PostgreSQL in time");
}

/* --- connecting --- */

static void turn(struct opening *opening);

static void on_socket(uv_poll_t *socket, int status, int events)
{
    (void)status;
    (void)events;
    turn(socket->data);
}

/* libpq may go on with another socket of the same number, so each step watches anew. */
static void watch(struct opening *opening, int events)
{
    opening->socket = memory_new(sizeof *opening->socket);
    opening->socket->data = opening;
    uv_poll_init(reactor_uv(opening->reactor), opening->socket, PQsocket(opening->conn));
    uv_poll_start(opening->socket, events, on_socket);
}

static void turn(struct opening *opening)
{
    close_handle(opening->socket);
    opening->socket = NULL;
    switch (PQconnectPoll(opening->conn)) {
    case PGRES_POLLING_OK:
        end(opening, NULL, "");
        break;
    case PGRES_POLLING_READING:
        watch(opening, UV_READABLE);
        break;
    case PGRES_POLLING_WRITING:
        watch(opening, UV_WRITABLE);
        break;
    default:
        end(opening, "DbError", PQerrorMessage(opening->conn));
    }
}

static void start(struct opening *opening)
{
    struct settings *settings = &opening->settings;
    if (opening->targets) {
        set(settings, "host", bytes_text(&opening->names));
        set(settings, "hostaddr", bytes_text(&opening->addresses));
        set(settings, "port", bytes_text(&opening->numbers));
    }
    opening->conn = PQconnectStartParams((const char *const *)settings->words,
                                         (const char *const *)settings->values, 0);
    if (PQstatus(opening->conn) == CONNECTION_BAD)
        end(opening, "DbError", PQerrorMessage(opening->conn));
    else
        watch(opening, UV_WRITABLE);
}

/* --- names --- */

static void add_target(struct opening *opening, const char *address)
{
    const char *comma = opening->targets++ ? "," : "";
    bytes_printf(&opening->names, "%s%s", comma, opening->host);
    bytes_printf(&opening->addresses, "%s%s", comma, address);
    bytes_printf(&opening->numbers, "%s%s", comma, opening->port);
}

/* Cuts the first of a list off it. */
static char *cut(char **list)
{
    char *first = *list;
    char *comma = first ? strchr(first, ',') : NULL;
    *list = comma ? comma + 1 : NULL;
    if (comma)
        *comma = '\0';
    return first;
}

static void on_resolved(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found);

static bool begin_lookup(struct opening *opening)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    opening->lookup.data = opening;
    if (uv_getaddrinfo(reactor_uv(opening->reactor), &opening->lookup, on_resolved, opening->host,
                       NULL, &hints) != 0)
        return false;
    opening->owners++;
    return true;
}

/* Goes through the hosts until one has to be looked up, or all are known. */
static void resolve(struct opening *opening)
{
    while ((opening->host = cut(&opening->hosts))) {
        const char *port = cut(&opening->ports);
        opening->port = port ? port : opening->port;
        bool is_path = *opening->host == '/' || *opening->host == '@' || !*opening->host;
        if (is_path)
            add_target(opening, "");
        else if (begin_lookup(opening))
            return;
    }
    if (opening->targets || !opening->host_list)
        start(opening);
    else
        end(opening, "NetworkError", opening->why);
}

static void on_resolved(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
    struct opening *opening = lookup->data;
    for (const struct addrinfo *a = found; a; a = a->ai_next) {
        char address[64];
        if (getnameinfo(a->ai_addr, a->ai_addrlen, address, sizeof address, NULL, 0,
                        NI_NUMERICHOST) == 0)
            add_target(opening, address);
    }
    if (status != 0)
        snprintf(opening->why, sizeof opening->why, "the host %s has no address: %s", opening->host,
                 uv_strerror(status));
    uv_freeaddrinfo(found);
    if (!opening->over)
        resolve(opening);
    drop(opening);
}

/* --- Lua's side --- */

static void read_settings(lua_State *L, struct settings *settings)
{
    char why[128] = "";
    lua_getfield(L, 1, "url");
    if (!lua_isnil(L, -1) && !read_url(settings, luaL_checkstring(L, -1), why)) {
        settings_release(settings);
        failure_raise(L, "ValueError", "the address of the database is not one: %s", why);
    }
    lua_pop(L, 1);
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        const char *word = lua_tostring(L, -2);
        if (strcmp(word, "url") != 0)
            set(settings, word, lua_tostring(L, -1));
        lua_pop(L, 1);
    }
    set_defaults(settings);
}

int pg_connect(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    double timeout_ms = luaL_checknumber(L, 2);
    struct fiber *fiber = fiber_current(L);
    struct settings settings = {0};
    read_settings(L, &settings);
    struct opening *opening = memory_new(sizeof *opening);
    opening->reactor = reactor_of(L);
    opening->settings = settings;
    opening->wait = (struct fiber_wait){fiber, deliver, interrupt, release};
    opening->owners = 1;
    opening->timer = memory_new(sizeof *opening->timer);
    opening->timer->data = opening;
    uv_timer_init(reactor_uv(opening->reactor), opening->timer);
    uv_update_time(reactor_uv(opening->reactor));
    uv_timer_start(opening->timer, on_timer, (uint64_t)timeout_ms, 0);
    if (!get(&opening->settings, "hostaddr") && get(&opening->settings, "host")) {
        opening->hosts = opening->host_list = memory_copy_text(get(&opening->settings, "host"));
        opening->ports = opening->port_list = memory_copy_text(get(&opening->settings, "port"));
    }
    resolve(opening);
    return fiber_suspend(L, &opening->wait);
}
