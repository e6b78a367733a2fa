#include "rpc/retry.h"
#include "rpc/rpc.h"

const char *rpc_status_name(int status)
{
    static const char *const names[] = {
        [RPC_OK] = "OK",
        [RPC_CANCELLED] = "CANCELLED",
        [RPC_UNKNOWN] = "UNKNOWN",
        [RPC_INVALID_ARGUMENT] = "INVALID_ARGUMENT",
        [RPC_DEADLINE_EXCEEDED] = "DEADLINE_EXCEEDED",
        [RPC_NOT_FOUND] = "NOT_FOUND",
        [RPC_ALREADY_EXISTS] = "ALREADY_EXISTS",
        [RPC_PERMISSION_DENIED] = "PERMISSION_DENIED",
        [RPC_RESOURCE_EXHAUSTED] = "RESOURCE_EXHAUSTED",
        [RPC_FAILED_PRECONDITION] = "FAILED_PRECONDITION",
        [RPC_ABORTED] = "ABORTED",
        [RPC_OUT_OF_RANGE] = "OUT_OF_RANGE",
        [RPC_UNIMPLEMENTED] = "UNIMPLEMENTED",
        [RPC_INTERNAL] = "INTERNAL",
        [RPC_UNAVAILABLE] = "UNAVAILABLE",
        [RPC_DATA_LOSS] = "DATA_LOSS",
        [RPC_UNAUTHENTICATED] = "UNAUTHENTICATED",
    };
    bool known = status >= 0 && (size_t)status < sizeof names / sizeof *names;
    return known ? names[status] : names[RPC_UNKNOWN];
}

static enum error_kind kind_of(const struct rpc_reply *reply)
{
    switch (reply->status) {
    case RPC_UNAVAILABLE:
    case RPC_DEADLINE_EXCEEDED:
    case RPC_CANCELLED:
    case RPC_ABORTED:
    case RPC_UNKNOWN:
    case RPC_INTERNAL:
    case RPC_DATA_LOSS:
        return ERROR_NETWORK;
    case RPC_RESOURCE_EXHAUSTED:
        return ERROR_LIMIT;
    default:
        return ERROR_REFUSED;
    }
}

bool rpc_reply_check(const struct rpc_reply *reply, const char *method, struct error *err)
{
    if (reply->status == RPC_OK)
        return true;
    return error_set(err, kind_of(reply), "%s: %s: %s", method, rpc_status_name(reply->status),
                     bytes_text(&reply->message));
}

bool rpc_reply_too_large(const struct rpc_reply *reply)
{
    return retry_too_large(reply->status, bytes_span(&reply->message));
}

void rpc_reply_release(struct rpc_reply *reply)
{
    bytes_release(&reply->message);
    bytes_release(&reply->details);
    bytes_release(&reply->body);
}
