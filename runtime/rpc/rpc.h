/*
 * Calls to a Temporal server: a gRPC channel, its calls, and the pump thread that completes them.
 *
 * Only this room knows gRPC. A call is started from any thread and finishes exactly once, by its
 * `done` on the pump thread, which must only hand the letter on. Bodies are packed messages.
 * Retries, deadlines and metadata follow the shared spec temporal-worker.md 1.1 to 1.5.
 */
#pragma once

#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "rpc/config.h"

struct rpc;
struct rpc_call;

enum rpc_retry {
    RPC_CLIENT,    /* 10 s in all */
    RPC_TASK,      /* answers of tasks: 60 s in all */
    RPC_LONG_POLL, /* forever: only success, cancel or a fatal status end it */
    RPC_ONCE,
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
    int status;           /* gRPC status code, 0 is OK */
    struct bytes message; /* the server's words when status is not 0 */
    struct bytes details; /* grpc-status-details-bin: a packed google.rpc.Status */
    struct bytes body;    /* the packed response */
};

/* Called once on the pump thread. The reply is the callee's to release. */
typedef void rpc_done(void *user, struct rpc_reply *reply);

/* Connects lazily; the config is copied. Fails on bad settings, unreadable keys or certificates. */
bool rpc_open(struct rpc **out, const struct rpc_config *config, struct error *err);

/* Cancels what is outstanding (each `done` still runs), joins the pump, frees. */
void rpc_close(struct rpc *rpc);

struct rpc_call *rpc_start(struct rpc *rpc, const struct rpc_request *request, rpc_done *done,
                           void *user);

/* The call ends soon with status 1 (CANCELLED). Harmless after its end until rpc_call_free. */
void rpc_cancel(struct rpc_call *call);
void rpc_call_free(struct rpc_call *call); /* only after done has run */

/* Starts, waits, and turns a status other than 0 into err. For set-up and for tests. */
bool rpc_wait(struct rpc *rpc, const struct rpc_request *request, struct bytes *body,
              struct error *err);

/* Replaces API key and certificates without a restart; calls in flight go on. */
bool rpc_replace_credentials(struct rpc *rpc, const struct rpc_config *config, struct error *err);

void rpc_reply_release(struct rpc_reply *reply);

/* "UNAVAILABLE" for 14, and so on. */
const char *rpc_status_name(int status);
