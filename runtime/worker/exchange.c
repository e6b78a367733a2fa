#include "worker/exchange.h"

#include <strings.h>

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

void exchange_wait(struct rpc *rpc, const struct rpc_request *request, struct rpc_reply *reply)
{
    struct mailbox box;
    mailbox_init(&box, NULL, NULL);
    struct exchange exchange = {.box = &box};
    exchange.call = rpc_start(rpc, request, arrived, &exchange);
    while (!mailbox_wait(&box, -1))
        ;
    rpc_call_free(exchange.call);
    mailbox_release(&box);
    *reply = exchange.reply;
}

static bool mentions(const struct bytes *text, const char *words)
{
    size_t size = strlen(words);
    for (size_t i = 0; i + size <= text->size; i++)
        if (strncasecmp(text->data + i, words, size) == 0)
            return true;
    return false;
}

bool exchange_too_large(const struct rpc_reply *reply)
{
    return reply->status == RPC_RESOURCE_EXHAUSTED &&
           ((mentions(&reply->message, "message") &&
             mentions(&reply->message, "larger than max")) ||
            mentions(&reply->message, "message too large"));
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
        return !exchange_too_large(reply);
    default:
        return false;
    }
}
