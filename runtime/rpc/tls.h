/*
 * The credentials of a channel: plain, TLS or mTLS. Certificates and keys are checked here before
 * gRPC sees them, because it would only answer every call with UNAVAILABLE.
 */
#pragma once

#include <grpc/grpc_security.h>

#include "base/error.h"
#include "rpc/config.h"

/* NULL and err when a certificate or key does not parse, or they are not a pair. */
grpc_channel_credentials *tls_credentials(const struct rpc_config *config, struct error *err);

/* How long the first certificate is still good; false when there is none in the text. */
bool tls_seconds_left(const char *pem, double *seconds);

/* Points gRPC at the system's certificate authorities; once, before grpc_init. */
void tls_use_system_roots(void);
