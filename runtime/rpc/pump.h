/*
 * The pump: one thread and one completion queue, through which all that gRPC does for us comes
 * back. It owns the calls, the channel and the times of the next attempts; other threads reach it
 * by mail, and ring its bell (an empty gRPC batch) so that it looks.
 */
#pragma once

#include <grpc/grpc.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/mailbox.h"
#include "rpc/rpc.h"

struct channel;

/* What the queue's tags point at; the first member of its owner. */
struct completion {
    void (*run)(struct rpc *rpc, struct completion *completion);
};

enum mail_kind { MAIL_START, MAIL_CANCEL, MAIL_CLOSE };

/* What the mailbox holds. */
struct mail {
    struct letter letter;
    enum mail_kind kind;
    struct rpc_call *call;
};

struct rpc {
    struct mailbox mail;
    struct mail last_mail; /* MAIL_CLOSE */
    grpc_completion_queue *queue;
    grpc_channel *bell_channel;
    grpc_call *bell;
    struct completion rung;
    pthread_t thread;
    atomic_bool internal_is_final;
    atomic_bool connected;

    /* The pump thread's own. */
    struct channel *channel;
    struct rpc_call *calls;   /* that have not ended */
    struct rpc_call *waiting; /* for the next attempt, the soonest first */
    bool closing;
    int64_t warned_ms;
    bool missed;                 /* somebody was warned since the server was last there */
    int64_t look_ms;             /* when watched files are looked at next */
    struct bytes reload_trouble; /* what was last wrong with them */
    unsigned short dice[3];
};

/* Starts the thread. The channel is the pump's, also when the system gives no thread: then all is
 * released again. */
bool pump_start(struct rpc *rpc, struct channel *channel, struct error *err);

/* Cancels all calls, waits until the last `done` has run, joins the thread. */
void pump_stop(struct rpc *rpc);

/* False, and the mail is still the caller's, once the pump has stopped. */
bool pump_send(struct rpc *rpc, struct mail *mail);

/* On the pump thread: the call's next attempt is at its due_ms; or not any more. */
void pump_wait(struct rpc *rpc, struct rpc_call *call);
void pump_unwait(struct rpc *rpc, struct rpc_call *call);

/* On the pump thread: calls go by this channel from now on; those under way stay where they are. */
void pump_adopt(struct rpc *rpc, struct channel *channel);
