/*
 * A gRPC server in this process: Echo answers with the request, Hang never, Fail with UNAVAILABLE.
 * For stories of threads and memory; what servers may say is told in tests/live.
 */
#pragma once

/* Longer than what gRPC keeps without the heap, so that leaks show. */
#define ECHO_SERVICE "/signalroom.stories.EchoServiceOfThisProcess/"

struct echo_server;

/* On a port of the system's choice, "127.0.0.1:port" into address. */
struct echo_server *echo_server_start(char address[32]);

/* How many requests of Hang are there now. */
int echo_server_hanging(struct echo_server *server);
void echo_server_stop(struct echo_server *server);
