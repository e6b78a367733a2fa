/* What the worker asks the server before it polls: docs/protocol.md, Start. */
#pragma once

#include <stdbool.h>

#include "rpc/rpc.h"

struct server_facts {
    char version[64];
    bool heartbeat_in_failure;       /* a failed activity carries its last heartbeat details */
    bool polls_complete_on_shutdown; /* ShutdownWorker ends our polls: they need no cancel */
    bool worker_heartbeats;          /* RecordWorkerHeartbeat is welcome */
    size_t payload_limit;            /* bytes of one payload set; default 2 MiB */
};

/* Fails with ERROR_CONFIG when the namespace does not exist. */
bool connect_ask(struct rpc *rpc, const char *space, struct server_facts *facts, struct error *err);
