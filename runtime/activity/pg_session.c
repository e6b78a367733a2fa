#include "activity/pg_session.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static void close_handle(void *handle)
{
    if (handle)
        uv_close(handle, free_handle);
}

static void take_notice(void *user, const PGresult *result)
{
    struct session *session = user;
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (session->notice_count++ >= NOTICES_MAX)
        return;
    bytes_printf(&session->notices, "%s: ", severity ? severity : "NOTICE");
    for (; text && *text; text++)
        bytes_add_char(&session->notices, *text == '\n' ? ' ' : *text);
    bytes_add_char(&session->notices, '\n');
}

struct session *session_new(struct reactor *reactor, PGconn *conn)
{
    struct session *session = memory_new(sizeof *session);
    session->reactor = reactor;
    session->conn = conn;
    session->owners = 1;
    session->socket = memory_new(sizeof *session->socket);
    session->patience = memory_new(sizeof *session->patience);
    uv_poll_init(reactor_uv(reactor), session->socket, PQsocket(conn));
    uv_timer_init(reactor_uv(reactor), session->patience);
    session->socket->data = session->patience->data = session;
    PQsetnonblocking(conn, 1);
    PQsetNoticeReceiver(conn, take_notice, session);
    return session;
}

void session_drop(struct session *session)
{
    if (--session->owners)
        return;
    session_close(session);
    bytes_release(&session->notices);
    free(session);
}

/* --- turning --- */

/* A broken session does not wait for its cancel request: it takes no further operation. */
static void end_if_over(struct session *session)
{
    struct operation *operation = session->current;
    if (!operation || !operation->over || (session->cancelling && !session->broken))
        return;
    session->current = NULL;
    if (session->socket) {
        uv_poll_stop(session->socket);
        uv_timer_stop(session->patience);
    }
    fiber_wake(&operation->wait);
}

static void on_socket(uv_poll_t *socket, int status, int events);

/* Waits for the socket: to read always, to write while there is something to send. */
static void look(struct session *session)
{
    int unsent = PQflush(session->conn);
    bool writes = unsent > 0 || session->current->has_more;
    session->broken = session->broken || unsent < 0;
    if (!session->broken)
        uv_poll_start(session->socket, UV_READABLE | (writes ? UV_WRITABLE : 0), on_socket);
}

static void turn(struct session *session)
{
    struct operation *operation = session->current;
    operation->over = operation->over || operation->turn(operation);
    if (!operation->over)
        look(session);
    operation->over = operation->over || session->broken;
    end_if_over(session);
}

static void on_socket(uv_poll_t *socket, int status, int events)
{
    struct session *session = socket->data;
    if (status < 0 || ((events & UV_READABLE) && !PQconsumeInput(session->conn)))
        session->broken = true;
    if (session->current)
        turn(session);
}

void session_close(struct session *session)
{
    if (!session->conn)
        return;
    session->broken = true;
    close_handle(session->socket);
    close_handle(session->patience);
    session->socket = NULL;
    session->patience = NULL;
    PQfinish(session->conn);
    session->conn = NULL;
    if (session->current) {
        session->current->over = true;
        end_if_over(session);
    }
}

/* --- resting --- */

static void on_rest(uv_timer_t *timer)
{
    session_close(timer->data);
}

void session_rest(struct session *session, uint64_t rest_ms)
{
    if (session->conn)
        uv_timer_start(session->patience, on_rest, rest_ms, 0);
}

bool session_take_up(struct session *session)
{
    if (!session->conn || session->broken)
        return false;
    uv_timer_stop(session->patience);
    bytes_clear(&session->notices);
    session->notice_count = 0;
    return true;
}

/* --- cancelling --- */

struct request {
    uv_work_t work; /* first */
    struct session *session;
    PGcancel *cancel;
};

static void send_request(uv_work_t *work)
{
    struct request *request = (struct request *)work;
    char why[256];
    PQcancel(request->cancel, why, sizeof why);
}

static void on_request_sent(uv_work_t *work, int status)
{
    struct request *request = (struct request *)work;
    struct session *session = request->session;
    (void)status;
    session->cancelling = false;
    end_if_over(session);
    PQfreeCancel(request->cancel);
    session_drop(session);
    free(request);
}

static void request_cancel(struct session *session)
{
    struct request *request = memory_new(sizeof *request);
    request->session = session;
    request->cancel = PQgetCancel(session->conn);
    session->owners++;
    session->cancelling = true;
    uv_queue_work(reactor_uv(session->reactor), &request->work, send_request, on_request_sent);
}

/* A request that overtakes its statement is lost: the server had nothing to cancel. */
static void on_patience(uv_timer_t *timer)
{
    struct session *session = timer->data;
    if (clock_monotonic_ms() < session->give_up_at) {
        if (!session->cancelling)
            request_cancel(session);
        return;
    }
    uv_timer_stop(timer);
    session->broken = true;
    session->current->over = true;
    end_if_over(session);
}

void session_cancel(struct session *session)
{
    session->give_up_at = clock_monotonic_ms() + CANCEL_MS;
    uv_timer_start(session->patience, on_patience, CANCEL_AGAIN_MS, CANCEL_AGAIN_MS);
    request_cancel(session);
}

static void interrupt(struct fiber_wait *wait)
{
    struct operation *operation = (struct operation *)wait;
    operation->cancelled = true;
    session_cancel(operation->session);
}

int session_suspend(lua_State *L, struct session *session, struct operation *operation)
{
    operation->session = session;
    operation->over = false;
    operation->wait.fiber = fiber_current(L);
    operation->wait.interrupt = interrupt;
    session->owners++;
    session->current = operation;
    turn(session);
    return fiber_suspend(L, &operation->wait);
}
