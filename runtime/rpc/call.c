#include "rpc/call.h"

#include <grpc/byte_buffer_reader.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metric.h"
#include "rpc/channel.h"

#define SERVICE "/temporal.api.workflowservice.v1.WorkflowService/"

enum { WARNING_EVERY_MS = 1000 };

static char *path_of(const char *method)
{
    struct bytes path = {0};
    if (method[0] != '/')
        bytes_add_text(&path, SERVICE);
    bytes_add_text(&path, method);
    return path.data;
}

static char *labels_of(const char *path)
{
    struct bytes labels = {0};
    bytes_printf(&labels, "operation=\"%s\"", strrchr(path, '/') + 1);
    return labels.data;
}

static const char *operation_of(const struct rpc_call *call)
{
    return strrchr(call->path, '/') + 1;
}

/* "/package.Service/Method": what may stand in a path, a metric's label and a log line. */
static bool path_is_legal(const char *path)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";
    size_t service = strspn(path + 1, letters);
    const char *slash = path + 1 + service;
    if (service == 0 || *slash != '/')
        return false;
    size_t method = strspn(slash + 1, letters);
    return method > 0 && slash[1 + method] == '\0';
}

struct rpc_call *call_new(struct rpc *rpc, const struct rpc_request *request)
{
    struct rpc_call *call = memory_new(sizeof *call);
    call->start = (struct mail){.kind = MAIL_START, .call = call};
    call->cancel = (struct mail){.kind = MAIL_CANCEL, .call = call};
    atomic_init(&call->holders, 2);
    call->rpc = rpc;
    call->path = path_of(request->method);
    call->labels = labels_of(call->path);
    call->body = grpc_slice_from_copied_buffer(request->body.data, request->body.size);
    call->space = grpc_slice_from_copied_buffer(request->space.data, request->space.size);
    call->deadline_ms = request->deadline_ms;
    retry_init(&call->retry, request->retry, request->deadline_ms, clock_monotonic_ms());
    call->retry.internal_is_final = atomic_load(&rpc->internal_is_final);
    return call;
}

void call_drop(struct rpc_call *call)
{
    if (atomic_fetch_sub(&call->holders, 1) > 1)
        return;
    grpc_slice_unref(call->body);
    grpc_slice_unref(call->space);
    free(call->path);
    free(call->labels);
    free(call);
}

static bool is_long(const struct rpc_call *call)
{
    return call->retry.kind == RPC_LONG_POLL || call->retry.kind == RPC_WAIT;
}

static void count_attempt(const struct rpc_call *call)
{
    double seconds = (double)(clock_monotonic_us() - call->attempt.started_us) / 1e6;
    bool is_poll = is_long(call);
    int status = (int)call->attempt.status;
    metric_count(is_poll ? "temporal_long_request" : "temporal_request", call->labels, 1);
    metric_observe(is_poll ? "temporal_long_request_latency" : "temporal_request_latency",
                   call->labels, seconds);
    if (status == RPC_OK || call->cancelled)
        return;
    struct bytes labels = {0};
    bytes_printf(&labels, "%s,status_code=\"%s\"", call->labels, rpc_status_name(status));
    metric_count(is_poll ? "temporal_long_request_failure" : "temporal_request_failure",
                 bytes_text(&labels), 1);
    bytes_release(&labels);
}

/* The end: nothing of the call is on the queue or in a list any more. */
static void finish(struct rpc_call *call, struct rpc_reply *reply)
{
    *call->link = call->next;
    if (call->next)
        call->next->link = call->link;
    atomic_store(&call->ended, true);
    reply->attempts = call->attempts;
    call->done(call->user, reply);
    call_drop(call);
}

static void finish_here(struct rpc_call *call, int status, const char *words)
{
    struct rpc_reply reply = {.status = status, .cancelled = call->cancelled};
    bytes_add_text(&reply.message, words);
    finish(call, &reply);
}

static void finish_cancelled(struct rpc_call *call)
{
    finish_here(call, RPC_CANCELLED, "cancelled by this process");
}

static void copy_buffer(struct bytes *out, grpc_byte_buffer *buffer)
{
    grpc_byte_buffer_reader reader;
    grpc_slice slice;
    bytes_reserve(out, grpc_byte_buffer_length(buffer));
    grpc_byte_buffer_reader_init(&reader, buffer);
    while (grpc_byte_buffer_reader_next(&reader, &slice)) {
        bytes_add(out, GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice));
        grpc_slice_unref(slice);
    }
    grpc_byte_buffer_reader_destroy(&reader);
}

static void end_attempt(struct rpc_call *call)
{
    struct attempt *a = &call->attempt;
    metadata_attempt_release(a->sent, a->sent_count);
    grpc_byte_buffer_destroy(a->request);
    grpc_metadata_array_destroy(&a->initial);
    grpc_metadata_array_destroy(&a->trailing);
    if (a->response)
        grpc_byte_buffer_destroy(a->response);
    grpc_slice_unref(a->words);
    grpc_call_unref(a->core);
    channel_drop(a->channel);
    *a = (struct attempt){0};
}

static struct span span_of_slice(const grpc_slice *slice)
{
    return (struct span){(const char *)GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice)};
}

static void read_reply(const struct rpc_call *call, struct rpc_reply *reply)
{
    const struct attempt *a = &call->attempt;
    reply->status = (int)a->status;
    if (reply->status == RPC_OK && a->response) {
        copy_buffer(&reply->body, a->response);
        return;
    }
    if (reply->status == RPC_OK) {
        reply->status = RPC_INTERNAL;
        bytes_add_text(&reply->message, "the server answered OK without a message");
        return;
    }
    bytes_add_span(&reply->message, span_of_slice(&a->words));
    bytes_add_span(&reply->details, metadata_find(&a->trailing, "grpc-status-details-bin"));
}

/* One line a second tells of trouble; the rest is for debugging. */
static void log_retry(struct rpc_call *call, int64_t wait_ms)
{
    int64_t now_ms = clock_monotonic_ms();
    enum log_level level = LOG_DEBUG;
    if (now_ms - call->rpc->warned_ms >= WARNING_EVERY_MS) {
        call->rpc->warned_ms = now_ms;
        call->rpc->missed |= call->attempt.status == GRPC_STATUS_UNAVAILABLE;
        level = LOG_WARNING;
    }
    if (!log_enabled(level))
        return;
    struct bytes words = {0};
    char attempt[16];
    char wait[24];
    bytes_add_span(&words, span_of_slice(&call->attempt.words));
    snprintf(attempt, sizeof attempt, "%d", call->attempts);
    snprintf(wait, sizeof wait, "%lld", (long long)wait_ms);
    log_event(level, "rpc_retry", "operation", operation_of(call), "status",
              rpc_status_name((int)call->attempt.status), "message", bytes_text(&words), "attempt",
              attempt, "retry_in_ms", wait, NULL);
    bytes_release(&words);
}

static int64_t wait_for_next(struct rpc_call *call)
{
    const struct attempt *a = &call->attempt;
    struct retry_failure failure = {
        .status = (int)a->status,
        .message = span_of_slice(&a->words),
        .pushback = metadata_find(&a->trailing, "grpc-retry-pushback-ms"),
    };
    if (a->status == GRPC_STATUS_OK || call->cancelled)
        return RETRY_NEVER;
    return retry_after_ms(&call->retry, &failure, clock_monotonic_ms(), erand48(call->rpc->dice));
}

static void attempt_done(struct rpc *rpc, struct completion *completion)
{
    struct rpc_call *call = (struct rpc_call *)completion;
    count_attempt(call);
    int64_t wait_ms = wait_for_next(call);
    call->last_status = (int)call->attempt.status;
    if (wait_ms != RETRY_NEVER) {
        log_retry(call, wait_ms);
        end_attempt(call);
        call->due_ms = clock_monotonic_ms() + wait_ms;
        pump_wait(rpc, call);
        return;
    }
    bool cut_off = call->cancelled && call->attempt.status != GRPC_STATUS_OK;
    struct rpc_reply reply = {0};
    if (!cut_off)
        read_reply(call, &reply);
    end_attempt(call);
    if (cut_off)
        finish_cancelled(call);
    else
        finish(call, &reply);
}

static grpc_call *open_call(struct rpc_call *call)
{
    int64_t now_ms = clock_monotonic_ms();
    int64_t left_ms = retry_deadline_ms(&call->retry, call->deadline_ms, now_ms) - now_ms;
    gpr_timespec deadline =
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(left_ms, GPR_TIMESPAN));
    grpc_slice path = grpc_slice_from_copied_string(call->path);
    grpc_call *core =
        grpc_channel_create_call(call->attempt.channel->core, NULL, GRPC_PROPAGATE_DEFAULTS,
                                 call->rpc->queue, path, NULL, deadline, NULL);
    grpc_slice_unref(path);
    return core;
}

static grpc_call_error send_batch(struct rpc_call *call)
{
    struct attempt *a = &call->attempt;
    grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA,
         .data.send_initial_metadata = {.count = a->sent_count, .metadata = a->sent}                                  },
        {.op = GRPC_OP_SEND_MESSAGE,                                      .data.send_message.send_message = a->request},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT                           },
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata.recv_initial_metadata = &a->initial                                            },
        {.op = GRPC_OP_RECV_MESSAGE,                 .data.recv_message.recv_message = &a->response},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
         .data.recv_status_on_client = {.trailing_metadata = &a->trailing,
                                        .status = &a->status,
                                        .status_details = &a->words}                                            },
    };
    call->completion.run = attempt_done;
    return grpc_call_start_batch(a->core, ops, sizeof ops / sizeof *ops, &call->completion, NULL);
}

void call_attempt(struct rpc_call *call)
{
    struct attempt *a = &call->attempt;
    a->channel = call->rpc->channel;
    channel_take(a->channel);
    a->sent = metadata_attempt(&a->channel->metadata, call->space, &a->sent_count);
    a->request = grpc_raw_byte_buffer_create(&call->body, 1);
    a->words = grpc_empty_slice();
    a->started_us = clock_monotonic_us();
    grpc_metadata_array_init(&a->initial);
    grpc_metadata_array_init(&a->trailing);
    a->core = open_call(call);
    call->attempts++;
    grpc_call_error refused = send_batch(call);
    if (refused == GRPC_CALL_OK)
        return;
    end_attempt(call);
    finish_here(call, RPC_INTERNAL, grpc_call_error_to_string(refused));
}

void call_begin(struct rpc_call *call)
{
    struct rpc *rpc = call->rpc;
    call->next = rpc->calls;
    call->link = &rpc->calls;
    if (call->next)
        call->next->link = &call->next;
    rpc->calls = call;
    if (rpc->closing) {
        call->cancelled = true;
        finish_cancelled(call);
    } else if (!path_is_legal(call->path)) {
        finish_here(call, RPC_INVALID_ARGUMENT,
                    "no such form of method: use Name or "
                    "/package.Service/Name");
    } else if (!metadata_space_is_legal(span_of_slice(&call->space))) {
        finish_here(call, RPC_INVALID_ARGUMENT,
                    "the namespace holds a byte that is not printable ASCII");
    } else {
        call_attempt(call);
    }
}

void call_cancel(struct rpc_call *call)
{
    if (call->cancelled || atomic_load(&call->ended))
        return;
    call->cancelled = true;
    if (call->attempt.core) {
        grpc_call_cancel(call->attempt.core, NULL);
        return;
    }
    pump_unwait(call->rpc, call);
    finish_cancelled(call);
}
