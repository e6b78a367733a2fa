#include "echo_server.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct echo_server {
    grpc_server *core;
    grpc_completion_queue *queue;
    pthread_t thread;
    atomic_int hanging;
};

enum stage { ARRIVED, READ, ANSWERED };

struct exchange {
    enum stage stage;
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array headers;
    grpc_byte_buffer *body;
    int was_cancelled;
};

static void await_request(struct echo_server *server)
{
    struct exchange *x = memory_new(sizeof *x);
    grpc_call_details_init(&x->details);
    grpc_metadata_array_init(&x->headers);
    grpc_server_request_call(server->core, &x->call, &x->details, &x->headers, server->queue,
                             server->queue, x);
}

static bool asks_for(const struct exchange *x, const char *method)
{
    return grpc_slice_str_cmp(x->details.method, method) == 0;
}

static void read_body(struct exchange *x)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &x->body};
    x->stage = READ;
    grpc_call_start_batch(x->call, &op, 1, x, NULL);
}

static void answer(struct echo_server *server, struct exchange *x)
{
    grpc_slice none = grpc_empty_slice();
    bool fails = asks_for(x, ECHO_SERVICE "Fail");
    grpc_op ops[4] = {
        {.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
         .data.recv_close_on_server.cancelled = &x->was_cancelled   },
        {.op = GRPC_OP_SEND_INITIAL_METADATA                      },
        {.op = GRPC_OP_SEND_STATUS_FROM_SERVER,
         .data.send_status_from_server = {.status =
                                              fails ? GRPC_STATUS_UNAVAILABLE : GRPC_STATUS_OK,
                                          .status_details = &none}},
        {.op = GRPC_OP_SEND_MESSAGE,                .data.send_message.send_message = x->body},
    };
    size_t count = asks_for(x, ECHO_SERVICE "Hang") ? 1 : fails ? 3 : 4;
    if (count == 1)
        atomic_fetch_add(&server->hanging, 1);
    x->stage = ANSWERED;
    grpc_call_start_batch(x->call, ops, count, x, NULL);
}

static void forget(struct echo_server *server, struct exchange *x)
{
    if (x->stage == ANSWERED && asks_for(x, ECHO_SERVICE "Hang"))
        atomic_fetch_sub(&server->hanging, 1);
    grpc_call_details_destroy(&x->details);
    grpc_metadata_array_destroy(&x->headers);
    if (x->body)
        grpc_byte_buffer_destroy(x->body);
    if (x->call)
        grpc_call_unref(x->call);
    free(x);
}

static void *serve(void *user)
{
    struct echo_server *server = user;
    for (;;) {
        grpc_event event =
            grpc_completion_queue_next(server->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        struct exchange *x = event.tag;
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        if (!x)
            grpc_completion_queue_shutdown(server->queue);
        else if (!event.success || x->stage == ANSWERED)
            forget(server, x);
        else if (x->stage == READ)
            answer(server, x);
        else {
            await_request(server);
            read_body(x);
        }
    }
}

struct echo_server *echo_server_start(char address[32])
{
    struct echo_server *server = memory_new(sizeof *server);
    grpc_init();
    grpc_server_credentials *plain = grpc_insecure_server_credentials_create();
    server->core = grpc_server_create(NULL, NULL);
    server->queue = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(server->core, server->queue, NULL);
    int port = grpc_server_add_http2_port(server->core, "127.0.0.1:0", plain);
    grpc_server_credentials_release(plain);
    grpc_server_start(server->core);
    await_request(server);
    pthread_create(&server->thread, NULL, serve, server);
    snprintf(address, 32, "127.0.0.1:%d", port);
    return server;
}

int echo_server_hanging(struct echo_server *server)
{
    return atomic_load(&server->hanging);
}

void echo_server_stop(struct echo_server *server)
{
    grpc_server_shutdown_and_notify(server->core, server->queue, NULL);
    grpc_server_cancel_all_calls(server->core);
    pthread_join(server->thread, NULL);
    grpc_server_destroy(server->core);
    grpc_completion_queue_destroy(server->queue);
    free(server);
    grpc_shutdown();
}
