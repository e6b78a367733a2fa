#include "rpc/pump.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "rpc/call.h"
#include "rpc/channel.h"
#include "rpc/reload.h"

/* A batch of nothing completes at once: the only way into a queue that gRPC's C surface has. */
static void ring(void *user)
{
    struct rpc *rpc = user;
    grpc_call_start_batch(rpc->bell, NULL, 0, &rpc->rung, NULL);
}

static void rung(struct rpc *rpc, struct completion *completion)
{
    (void)rpc, (void)completion;
}

void pump_wait(struct rpc *rpc, struct rpc_call *call)
{
    struct rpc_call **place = &rpc->waiting;
    while (*place && (*place)->due_ms <= call->due_ms)
        place = &(*place)->next_waiting;
    call->next_waiting = *place;
    *place = call;
}

void pump_unwait(struct rpc *rpc, struct rpc_call *call)
{
    struct rpc_call **place = &rpc->waiting;
    while (*place != call)
        place = &(*place)->next_waiting;
    *place = call->next_waiting;
    call->next_waiting = NULL;
}

static void attempt_due(struct rpc *rpc)
{
    int64_t now_ms = clock_monotonic_ms();
    while (rpc->waiting && rpc->waiting->due_ms <= now_ms) {
        struct rpc_call *call = rpc->waiting;
        pump_unwait(rpc, call);
        call_attempt(call);
    }
}

/* The server is back: who waits because it was gone need not wait any longer. */
static void hurry(struct rpc *rpc)
{
    struct rpc_call *all = rpc->waiting;
    int64_t now_ms = clock_monotonic_ms();
    rpc->waiting = NULL;
    while (all) {
        struct rpc_call *call = all;
        all = call->next_waiting;
        if (call->last_status == RPC_UNAVAILABLE)
            call->due_ms = now_ms;
        pump_wait(rpc, call);
    }
}

/* Who was warned that the server is gone is told that it is back. */
static void log_change(struct rpc *rpc, const struct channel *channel,
                       grpc_connectivity_state before)
{
    if (channel->state == GRPC_CHANNEL_READY) {
        log_event(rpc->missed ? LOG_INFO : LOG_DEBUG, "rpc_connected", "address",
                  channel->config.address, NULL);
        rpc->missed = false;
    } else if (before == GRPC_CHANNEL_READY) {
        log_event(LOG_DEBUG, "rpc_disconnected", "address", channel->config.address, NULL);
    }
}

static void watched(struct rpc *rpc, struct completion *completion)
{
    struct channel *channel = (struct channel *)completion;
    grpc_connectivity_state before = channel->state;
    if (!channel_watched(channel))
        return;
    if (channel == rpc->channel)
        atomic_store(&rpc->connected, channel->state == GRPC_CHANNEL_READY);
    if (channel == rpc->channel && channel->state == GRPC_CHANNEL_READY)
        hurry(rpc);
    else if (rpc->waiting && channel->state == GRPC_CHANNEL_IDLE)
        grpc_channel_check_connectivity_state(channel->core, 1);
    log_change(rpc, channel, before);
    channel_watch(channel, rpc->queue);
}

void pump_adopt(struct rpc *rpc, struct channel *channel)
{
    if (rpc->channel)
        channel_drop(rpc->channel);
    rpc->channel = channel;
    rpc->look_ms = reload_first_look(&channel->config);
    channel->watch.run = watched;
    channel_watch(channel, rpc->queue);
}

static void cancel_all(struct rpc *rpc)
{
    rpc->closing = true;
    struct rpc_call *next;
    for (struct rpc_call *call = rpc->calls; call; call = next) {
        next = call->next;
        call_cancel(call);
    }
}

static void open_mail(struct rpc *rpc, struct mail *mail)
{
    switch (mail->kind) {
    case MAIL_START:
        call_begin(mail->call);
        break;
    case MAIL_CANCEL:
        call_cancel(mail->call);
        call_drop(mail->call);
        break;
    case MAIL_CLOSE:
        cancel_all(rpc);
        break;
    }
}

static bool open_all_mail(struct rpc *rpc)
{
    struct letter *letter = mailbox_take(&rpc->mail);
    bool any = letter != NULL;
    while (letter) {
        struct mail *mail = (struct mail *)letter;
        letter = letter->next;
        open_mail(rpc, mail);
    }
    return any;
}

static gpr_timespec next_time(const struct rpc *rpc)
{
    int64_t at_ms = rpc->look_ms;
    if (rpc->waiting && rpc->waiting->due_ms < at_ms)
        at_ms = rpc->waiting->due_ms;
    if (at_ms == RELOAD_NEVER)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    int64_t wait_ms = at_ms - clock_monotonic_ms();
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_millis(wait_ms > 0 ? wait_ms : 0, GPR_TIMESPAN));
}

static void turn(struct rpc *rpc)
{
    grpc_event event = grpc_completion_queue_next(rpc->queue, next_time(rpc), NULL);
    if (event.type == GRPC_OP_COMPLETE) {
        struct completion *completion = event.tag;
        completion->run(rpc, completion);
    }
    open_all_mail(rpc);
    attempt_due(rpc);
    reload_when_due(rpc);
}

/* The watch of the closed channel is the last thing on the queue. */
static void drain(struct rpc *rpc)
{
    while (open_all_mail(rpc))
        ;
    mailbox_close(&rpc->mail);
    channel_drop(rpc->channel);
    grpc_call_unref(rpc->bell);
    grpc_completion_queue_shutdown(rpc->queue);
    for (;;) {
        grpc_event event =
            grpc_completion_queue_next(rpc->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return;
        struct completion *completion = event.tag;
        completion->run(rpc, completion);
    }
}

static void *run(void *user)
{
    struct rpc *rpc = user;
    pthread_setname_np(pthread_self(), "pump");
    while (!rpc->closing || rpc->calls)
        turn(rpc);
    drain(rpc);
    return NULL;
}

static void release(struct rpc *rpc)
{
    grpc_channel_destroy(rpc->bell_channel);
    grpc_completion_queue_destroy(rpc->queue);
    mailbox_release(&rpc->mail);
    bytes_release(&rpc->reload_trouble);
}

bool pump_start(struct rpc *rpc, struct channel *channel, struct error *err)
{
    mailbox_init(&rpc->mail, ring, rpc);
    rpc->rung.run = rung;
    rpc->queue = grpc_completion_queue_create_for_next(NULL);
    rpc->bell_channel = grpc_lame_client_channel_create("bell", GRPC_STATUS_UNAVAILABLE, "bell");
    rpc->bell = grpc_channel_create_call(rpc->bell_channel, NULL, GRPC_PROPAGATE_DEFAULTS,
                                         rpc->queue, grpc_slice_from_static_string("/bell"), NULL,
                                         gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    pump_adopt(rpc, channel);
    errno = pthread_create(&rpc->thread, NULL, run, rpc);
    if (!errno)
        return true;
    error_errno(err, "starting the thread of calls");
    drain(rpc);
    release(rpc);
    return false;
}

void pump_stop(struct rpc *rpc)
{
    rpc->last_mail = (struct mail){.kind = MAIL_CLOSE};
    pump_send(rpc, &rpc->last_mail);
    pthread_join(rpc->thread, NULL);
    release(rpc);
}

bool pump_send(struct rpc *rpc, struct mail *mail)
{
    return mailbox_send(&rpc->mail, &mail->letter);
}
