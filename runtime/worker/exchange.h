/*
 * One call to the server whose reply comes back as a note to the thread that asked.
 *
 * The exchange is embedded in what it is for and must live until `answered` has run. One exchange
 * carries one call at a time; `answered` may start the next.
 */
#pragma once

#include "rpc/rpc.h"
#include "worker/note.h"

struct exchange {
    struct note note;
    struct mailbox *box; /* the owner's */
    struct rpc_call *call;
    struct rpc_reply reply;
    /* The reply is released afterwards; to keep its body, move it away. */
    void (*answered)(struct exchange *exchange, struct rpc_reply *reply);
};

void exchange_start(struct exchange *exchange, struct rpc *rpc, const struct rpc_request *request);
bool exchange_busy(const struct exchange *exchange);

/* The reply still comes, soon. */
void exchange_cancel(struct exchange *exchange);

/* Another attempt may succeed: the server was away, busy or stumbling. */
bool exchange_transient(const struct rpc_reply *reply);
