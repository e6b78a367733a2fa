/* gRPC's own log lines become ours: redacted, as warnings or for debugging. */
#pragma once

void grpc_log_capture(void);
