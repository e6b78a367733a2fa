#include "rpc/grpc_log.h"

#include <grpc/support/log.h>
#include <stddef.h>
#include <stdio.h>

#include "base/log.h"

static void write_line(gpr_log_func_args *line)
{
    char where[256];
    snprintf(where, sizeof where, "%s:%d", line->file, line->line);
    log_event(line->severity == GPR_LOG_SEVERITY_ERROR ? LOG_WARNING : LOG_DEBUG, "grpc", "message",
              line->message, "where", where, NULL);
}

void grpc_log_capture(void)
{
    gpr_set_log_function(write_line);
}
