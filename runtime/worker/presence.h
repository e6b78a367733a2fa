/*
 * Telling the server that this worker is there and how it fares: RecordWorkerHeartbeat, once a
 * minute (docs/protocol.md, Start). The server's UI and `temporal worker list` show it. Given up
 * for good when the server does not know the call.
 */
#pragma once

#include "base/uuid.h"
#include "proto/proto.h"
#include "worker/alarm.h"
#include "worker/exchange.h"

struct worker;

struct presence {
    struct exchange exchange;
    struct alarm alarm;
    struct worker *worker;
    char grouping_key[UUID_SIZE];
    int64_t told_ms; /* wall time of the last message, 0: none */
    bool stopped;
};

/* Desk's thread. Sends the first at once, unless the namespace does not want any. */
void presence_begin(struct worker *worker);
void presence_stop(struct worker *worker);
bool presence_quiet(const struct worker *worker);

/* What there is to tell, in the arena: it rides with ShutdownWorker too. */
Tpb__Worker__WorkerHeartbeat *presence_message(struct worker *worker, struct arena *arena);
