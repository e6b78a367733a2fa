#include "worker/exchange.h"

static void arrived(void *user, struct rpc_reply *reply)
{
    struct exchange *exchange = user;
    exchange->reply = *reply;
    mailbox_send(exchange->box, &exchange->note.letter);
}

static void read_reply(struct note *note)
{
    struct exchange *exchange = (struct exchange *)note;
    struct rpc_reply reply = exchange->reply;
    rpc_call_free(exchange->call);
    exchange->call = NULL;
    exchange->answered(exchange, &reply);
    rpc_reply_release(&reply);
}

void exchange_start(struct exchange *exchange, struct rpc *rpc, const struct rpc_request *request)
{
    exchange->note.read = read_reply;
    exchange->call = rpc_start(rpc, request, arrived, exchange);
}

bool exchange_busy(const struct exchange *exchange)
{
    return exchange->call != NULL;
}

void exchange_cancel(struct exchange *exchange)
{
    if (exchange->call)
        rpc_cancel(exchange->call);
}

bool exchange_transient(const struct rpc_reply *reply)
{
    switch (reply->status) {
    case RPC_UNKNOWN:
    case RPC_DEADLINE_EXCEEDED:
    case RPC_ABORTED:
    case RPC_INTERNAL:
    case RPC_UNAVAILABLE:
        return true;
    case RPC_RESOURCE_EXHAUSTED:
        return !rpc_reply_too_large(reply);
    default:
        return false;
    }
}
