/*
 * One PostgreSQL connection on a reactor. Everything is asynchronous: an operation is begun, the
 * socket's events turn it, and when it has ended its fiber is woken. One operation at a time.
 *
 * Cancelling sends PostgreSQL's cancel request from a thread of the pool (it needs a connection of
 * its own, and libpq blocks for it). The operation ends when the server has said so and the request
 * is over, so that it cannot hit the next one; a server that does not answer within CANCEL_MS costs
 * the connection.
 */
#pragma once

#include <libpq-fe.h>

#include "activity/reactor.h"
#include "base/bytes.h"

enum { CANCEL_MS = 2000, CANCEL_AGAIN_MS = 25, NOTICES_MAX = 100 };

struct session;

struct operation {
    struct fiber_wait wait; /* first */
    struct session *session;
    /* On every event: true once it has ended. */
    bool (*turn)(struct operation *operation);
    bool over;      /* it has ended, but for the cancel request */
    bool has_more;  /* to send: turn it when the socket takes more */
    bool cancelled; /* its result is not wanted any more */
};

struct session {
    struct reactor *reactor;
    PGconn *conn;
    int owners; /* Lua's handle and operations */
    struct operation *current;
    uv_poll_t *socket;    /* NULL: closed */
    uv_timer_t *patience; /* with a cancel request; or, at rest, until it is closed */
    bool cancelling;      /* a request is under way */
    int64_t give_up_at;   /* monotonic ms: the server has had its time to obey */
    bool broken;
    enum { COPY_NONE, COPY_IN, COPY_OUT } copying;
    struct bytes notices; /* lines */
    size_t notice_count;
};

/* Takes a connected PGconn over. One owner. */
struct session *session_new(struct reactor *reactor, PGconn *conn);
void session_drop(struct session *session);

/* Closes the connection; an operation under way ends as broken. */
void session_close(struct session *session);

/* Asks the server to give up the operation under way. */
void session_cancel(struct session *session);

/* Closes it after some time, unless it is taken up again before: then true. */
void session_rest(struct session *session, uint64_t rest_ms);
bool session_take_up(struct session *session);

/* Suspends the running coroutine until the operation, which has been sent, has ended. `deliver` and
 * `release` of its wait are the caller's to set; release must drop the session. */
int session_suspend(lua_State *L, struct session *session, struct operation *operation);
