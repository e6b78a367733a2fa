#include "worker/health.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/metric.h"
#include "worker/desk.h"
#include "worker/label.h"

enum { CONNECTIONS = 32, CONNECTION_TIMEOUT_S = 10 };

/* The desk turns every second, an activation is cut off after one: ten times that is stuck. */
enum { STUCK_MS = 10000 };

struct health {
    struct worker *worker;
    struct MHD_Daemon *daemon;
    char *labels; /* of every metric */
};

struct page {
    unsigned status;
    const char *type;
    struct bytes body;
};

static void add_json(struct bytes *out, const char *key, const char *value)
{
    bytes_printf(out, "\"%s\":\"", key);
    for (; *value; value++) {
        unsigned char c = (unsigned char)*value;
        if (c == '"' || c == '\\')
            bytes_printf(out, "\\%c", c);
        else if (c < 0x20)
            bytes_printf(out, "\\u%04x", c);
        else
            bytes_add_char(out, (char)c);
    }
    bytes_add_char(out, '"');
}

static void add_figures(struct bytes *out, const char *key, const struct worker_figures *f)
{
    bytes_printf(out, ",\"%s\":{\"used\":%d,\"max\":%d,\"polls\":%d", key, f->used, f->max,
                 f->polls);
    if (f->last_poll_ms)
        bytes_printf(out, ",\"last_poll_seconds_ago\":%.1f",
                     (double)(clock_monotonic_ms() - f->last_poll_ms) / 1000);
    bytes_add_char(out, '}');
}

static void write_ready(struct health *health, struct page *page)
{
    static const char *const phases[] = {"starting", "running", "draining", "stopped"};
    struct worker_state s;
    worker_state(health->worker, &s);
    page->status = s.ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
    page->type = "application/json";
    bytes_printf(&page->body, "{\"ready\":%s,", s.ready ? "true" : "false");
    add_json(&page->body, "phase", phases[s.phase]);
    bytes_add_char(&page->body, ',');
    add_json(&page->body, "missing", s.missing);
    bytes_add_char(&page->body, ',');
    add_json(&page->body, "server", s.server);
    add_figures(&page->body, "workflow_tasks", &s.workflows);
    add_figures(&page->body, "cached_runs", &s.sticky);
    add_figures(&page->body, "activities", &s.activities);
    bytes_add_text(&page->body, "}\n");
}

static void write_live(struct health *health, struct page *page)
{
    struct worker_state s;
    worker_state(health->worker, &s);
    bool turns = s.phase == WORKER_RUNNING || s.phase == WORKER_DRAINING;
    const char *stuck = NULL;
    if (turns && clock_monotonic_ms() - s.turned_ms > STUCK_MS)
        stuck = "the desk does not turn\n";
    else if (turns && s.busy_ms > STUCK_MS)
        stuck = "a workflow runner does not come back\n";
    page->status = stuck ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK;
    bytes_add_text(&page->body, stuck ? stuck : "ok\n");
}

static void write_metrics(struct health *health, struct page *page)
{
    page->type = "text/plain; version=0.0.4; charset=utf-8";
    metric_write(&page->body, health->labels);
}

static const struct {
    const char *path;
    void (*write)(struct health *health, struct page *page);
} pages[] = {
    {"/livez",   write_live   },
    {"/readyz",  write_ready  },
    {"/metrics", write_metrics},
};

static void write_page(struct health *health, const char *path, struct page *page)
{
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (strcmp(path, pages[i].path) == 0) {
            pages[i].write(health, page);
            return;
        }
    }
    page->status = MHD_HTTP_NOT_FOUND;
    bytes_add_text(&page->body, "there are /livez, /readyz and /metrics\n");
}

static enum MHD_Result reply(void *user, struct MHD_Connection *connection, const char *path,
                             const char *method, const char *version, const char *upload,
                             size_t *upload_size, void **state)
{
    (void)version, (void)upload, (void)upload_size, (void)state;
    struct page page = {MHD_HTTP_OK, "text/plain; charset=utf-8", {0}};
    if (strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0)
        write_page(user, path, &page);
    else
        page.status = MHD_HTTP_METHOD_NOT_ALLOWED;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(page.body.size, page.body.data, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, page.type);
    enum MHD_Result result = MHD_queue_response(connection, page.status, response);
    MHD_destroy_response(response);
    bytes_release(&page.body);
    return result;
}

/* --- the socket --- */

static bool resolve(const char *address, struct addrinfo **out, struct error *err)
{
    const char *colon = strrchr(address, ':');
    if (!colon || colon == address)
        return error_set(err, ERROR_USAGE, "health address %s: write it as 127.0.0.1:9464",
                         address);
    size_t size = (size_t)(colon - address);
    bool bracketed = address[0] == '[' && colon[-1] == ']';
    char *host = memory_copy(address + bracketed, size - 2 * bracketed);
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    int code = getaddrinfo(host, colon + 1, &hints, out);
    free(host);
    if (code)
        return error_set(err, ERROR_USAGE, "health address %s: %s", address, gai_strerror(code));
    return true;
}

static void name_labels(struct health *health)
{
    struct arena arena = {0};
    const char *labels = label_add(&arena, "", "namespace", health->worker->options.space);
    labels = label_add(&arena, labels, "task_queue", health->worker->options.task_queue);
    health->labels = memory_copy_text(label_add(&arena, labels, "service_name", "signalroom"));
    arena_release(&arena);
}

bool health_start(struct health **out, struct worker *worker, const char *address,
                  struct error *err)
{
    struct addrinfo *where;
    if (!resolve(address, &where, err))
        return false;
    struct health *health = memory_new(sizeof *health);
    health->worker = worker;
    name_labels(health);
    unsigned family = where->ai_family == AF_INET6 ? MHD_USE_IPv6 : 0;
    health->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | family, 0, NULL, NULL, reply, health,
        MHD_OPTION_SOCK_ADDR, where->ai_addr, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_TIMEOUT_S, MHD_OPTION_END);
    freeaddrinfo(where);
    if (!health->daemon) {
        error_errno(err, "serving health on %s", address);
        health_stop(health);
        return false;
    }
    *out = health;
    return true;
}

int health_port(const struct health *health)
{
    const union MHD_DaemonInfo *known =
        MHD_get_daemon_info(health->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return known ? known->port : 0;
}

void health_stop(struct health *health)
{
    if (health->daemon)
        MHD_stop_daemon(health->daemon);
    free(health->labels);
    free(health);
}
