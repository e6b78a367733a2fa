#include "worker/connect.h"

#include <stdio.h>

#include "proto/proto.h"

enum { ASK_DEADLINE_MS = 5000, PAYLOAD_LIMIT = 2 << 20 };

struct question {
    const char *method;
    const ProtobufCMessage *body;
    const ProtobufCMessageDescriptor *type; /* of the answer */
    const char *space;
};

/* The answer, in the arena. NULL when there is none; `status` then says how the server refused. */
static void *ask(struct rpc *rpc, const struct question *q, struct arena *arena, int *status,
                 struct error *err)
{
    struct bytes body = {0};
    struct rpc_reply reply;
    proto_pack(q->body, &body);
    rpc_wait(rpc,
             &(struct rpc_request){.method = q->method,
                                   .body = bytes_span(&body),
                                   .space = span_of(q->space),
                                   .deadline_ms = ASK_DEADLINE_MS,
                                   .retry = RPC_CLIENT},
             &reply);
    bytes_release(&body);
    *status = reply.status;
    void *answer = NULL;
    if (rpc_reply_check(&reply, q->method, err))
        answer = proto_unpack(q->type, bytes_span(&reply.body), arena, err);
    rpc_reply_release(&reply);
    return answer;
}

static bool forgive(bool forgiven, const struct error *refusal, struct error *err)
{
    if (!forgiven)
        *err = *refusal;
    return forgiven;
}

static bool ask_system(struct rpc *rpc, struct arena *arena, struct server_facts *facts,
                       struct error *err)
{
    Tpb__Workflowservice__GetSystemInfoRequest *request =
        proto_new(&tpb__workflowservice__get_system_info_request__descriptor, arena);
    struct question q = {"GetSystemInfo", &request->base,
                         &tpb__workflowservice__get_system_info_response__descriptor, ""};
    int status;
    struct error refusal;
    Tpb__Workflowservice__GetSystemInfoResponse *answer = ask(rpc, &q, arena, &status, &refusal);
    if (!answer)
        return forgive(status == RPC_UNIMPLEMENTED, &refusal, err);
    snprintf(facts->version, sizeof facts->version, "%s", answer->server_version);
    if (answer->capabilities) {
        facts->heartbeat_in_failure = answer->capabilities->activity_failure_include_heartbeat;
        if (answer->capabilities->internal_error_differentiation)
            rpc_internal_is_final(rpc);
    }
    return true;
}

static bool ask_space(struct rpc *rpc, const char *space, struct arena *arena,
                      struct server_facts *facts, struct error *err)
{
    Tpb__Workflowservice__DescribeNamespaceRequest *request =
        proto_new(&tpb__workflowservice__describe_namespace_request__descriptor, arena);
    request->namespace_ = space;
    request->weak_consistency = true;
    struct question q = {"DescribeNamespace", &request->base,
                         &tpb__workflowservice__describe_namespace_response__descriptor, space};
    int status;
    struct error refusal;
    Tpb__Workflowservice__DescribeNamespaceResponse *answer =
        ask(rpc, &q, arena, &status, &refusal);
    if (!answer && status == RPC_NOT_FOUND)
        return error_set(err, ERROR_CONFIG,
                         "the server has no namespace %s: create it with `temporal operator "
                         "namespace create --namespace %s`",
                         space, space);
    if (!answer)
        return forgive(status == RPC_UNIMPLEMENTED || status == RPC_PERMISSION_DENIED, &refusal,
                       err);
    const Tpb__Namespace__NamespaceInfo *known = answer->namespace_info;
    if (known && known->capabilities) {
        facts->polls_complete_on_shutdown = known->capabilities->worker_poll_complete_on_shutdown;
        facts->worker_heartbeats = known->capabilities->worker_heartbeats;
    }
    if (known && known->limits && known->limits->blob_size_limit_error > 0)
        facts->payload_limit = (size_t)known->limits->blob_size_limit_error;
    return true;
}

bool connect_ask(struct rpc *rpc, const char *space, struct server_facts *facts, struct error *err)
{
    struct arena arena = {0};
    *facts = (struct server_facts){.payload_limit = PAYLOAD_LIMIT};
    bool known = ask_system(rpc, &arena, facts, err) && ask_space(rpc, space, &arena, facts, err);
    arena_release(&arena);
    return known;
}
