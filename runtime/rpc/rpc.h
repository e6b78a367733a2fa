/*
 * Calls to a Temporal server: a gRPC channel, its calls, and the pump thread that completes them.
 *
 * Only this room knows gRPC. A call is started from any thread and finishes exactly once, by its
 * `done` on the pump thread, which must only hand the letter on. Bodies are packed messages.
 * Retries, deadlines and metadata: docs/protocol.md.
 */
#pragma once

#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "rpc/config.h"

struct rpc;
struct rpc_call;

/* gRPC's status codes, numbers as on the wire. */
enum rpc_status {
    RPC_OK,
    RPC_CANCELLED,
    RPC_UNKNOWN,
    RPC_INVALID_ARGUMENT,
    RPC_DEADLINE_EXCEEDED,
    RPC_NOT_FOUND,
    RPC_ALREADY_EXISTS,
    RPC_PERMISSION_DENIED,
    RPC_RESOURCE_EXHAUSTED,
    RPC_FAILED_PRECONDITION,
    RPC_ABORTED,
    RPC_OUT_OF_RANGE,
    RPC_UNIMPLEMENTED,
    RPC_INTERNAL,
    RPC_UNAVAILABLE,
    RPC_DATA_LOSS,
    RPC_UNAUTHENTICATED,
};

/* What a call is, hence how long it may take and when it is tried again (rpc/retry.h). */
enum rpc_retry {
    RPC_CLIENT,    /* 10 s in all, or its deadline_ms if that is longer */
    RPC_TASK,      /* answers of tasks: 60 s in all, 30 s an attempt */
    RPC_LONG_POLL, /* a worker's poll: 70 s an attempt, forever: only success, cancel, a message
                      that is too large or 60 s of fatal statuses end it */
    RPC_ONCE,      /* one attempt of 10 s */
    RPC_WAIT,      /* a client's long poll (history, update): 65 s an attempt, forever, but a fatal
                      status ends it at once */
};

struct rpc_request {
    const char *method; /* "PollWorkflowTaskQueue" of WorkflowService, or a full
                           "/package.Service/Method" */
    struct span body;   /* copied */
    struct span space;  /* the request's namespace, for the temporal-namespace header */
    int deadline_ms;    /* of one attempt; 0: by kind of retry */
    enum rpc_retry retry;
};

struct rpc_reply {
    int status;     /* enum rpc_status */
    bool cancelled; /* status is CANCELLED because of rpc_cancel or rpc_close, not the server */
    int attempts;   /* how often the request was sent */
    struct bytes message; /* the server's words when status is not 0 */
    struct bytes details; /* grpc-status-details-bin: a packed google.rpc.Status */
    struct bytes body;    /* the packed response */
};

/* Called once on the pump thread. The callee copies the struct and releases the copy. */
typedef void rpc_done(void *user, struct rpc_reply *reply);

/* Connects lazily; the config is copied. Fails on bad settings, unreadable keys or certificates.
 * Certificates and API keys that are of files are replaced when these change; calls in flight go
 * on. */
bool rpc_open(struct rpc **out, const struct rpc_config *config, struct error *err);

/* Cancels what is outstanding (each `done` still runs, and what a `done` starts is cancelled too),
 * joins the pump, frees. Not from a `done`. */
void rpc_close(struct rpc *rpc);

/* Never fails: a request that cannot be sent ends with INVALID_ARGUMENT. `done` may run before this
 * returns. */
struct rpc_call *rpc_start(struct rpc *rpc, const struct rpc_request *request, rpc_done *done,
                           void *user);

/* The call ends soon with status 1 (CANCELLED). Harmless after its end until rpc_call_free. */
void rpc_cancel(struct rpc_call *call);

/* Lets go of the handle; once for each rpc_start, before rpc_close returns or after. A call that
 * has not ended goes on. NULL is fine. */
void rpc_call_free(struct rpc_call *call);

/* Starts and waits: for set-up. Not from a `done`. The reply is the caller's. */
void rpc_wait(struct rpc *rpc, const struct rpc_request *request, struct rpc_reply *reply);

/* True when status is 0. The error names the method, the status and the server's words. */
bool rpc_reply_check(const struct rpc_reply *reply, const char *method, struct error *err);

/* The request, or its answer, was refused for its size (docs/protocol.md, Retries). */
bool rpc_reply_too_large(const struct rpc_reply *reply);
void rpc_reply_release(struct rpc_reply *reply);

/* After GetSystemInfo said internal_error_differentiation: INTERNAL is not tried again. */
void rpc_internal_is_final(struct rpc *rpc);

/* Whether the connection stood when it was last heard of; false before the first call. Any thread.
 */
bool rpc_connected(const struct rpc *rpc);

/* "UNAVAILABLE" for 14, and so on; "UNKNOWN" for what is none. */
const char *rpc_status_name(int status);
