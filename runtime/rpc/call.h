/*
 * One call: its request, the attempt under way or the time of the next, and its end. All on the
 * pump thread; other threads hold it only to cancel it.
 */
#pragma once

#include "rpc/pump.h"
#include "rpc/retry.h"

/* What gRPC fills while an attempt is under way. */
struct attempt {
    grpc_call *core; /* NULL between attempts */
    struct channel *channel;
    grpc_metadata *sent;
    size_t sent_count;
    grpc_byte_buffer *request;
    grpc_metadata_array initial;
    grpc_metadata_array trailing;
    grpc_byte_buffer *response;
    grpc_status_code status;
    grpc_slice words;
    int64_t started_us;
};

struct rpc_call {
    struct completion completion; /* of the attempt */
    struct mail start;
    struct mail cancel;
    atomic_bool cancel_asked;
    atomic_bool ended;
    atomic_int holders; /* the caller, the pump, a cancel under way */
    struct rpc *rpc;
    rpc_done *done;
    void *user;

    char *path;
    char *labels; /* operation="..." */
    grpc_slice body;
    grpc_slice space;
    int deadline_ms;
    struct retry retry;

    struct attempt attempt;
    int attempts;
    bool cancelled;
    int last_status;
    int64_t due_ms; /* of the next attempt, while waiting */
    struct rpc_call *next_waiting;
    struct rpc_call *next;
    struct rpc_call **link;
};

struct rpc_call *call_new(struct rpc *rpc, const struct rpc_request *request);
void call_drop(struct rpc_call *call);

/* On the pump thread: */
void call_begin(struct rpc_call *call);   /* arrived by mail: the first attempt */
void call_attempt(struct rpc_call *call); /* the next one */
void call_cancel(struct rpc_call *call);  /* ends at once, or as soon as gRPC lets go */
