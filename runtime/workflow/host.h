/*
 * A runner thread's workflow types, each with the code that new runs of it take, and the codes of
 * the runs that are here.
 */
#pragma once

#include "base/map.h"
#include "workflow/code.h"

struct workflow_host {
    struct codes codes;
    struct map types;   /* name -> struct code * */
    struct map next;    /* the same of the reading that is prepared */
    struct bytes known; /* the names, for error texts */
};

static inline const struct workflow_options *host_options(const struct workflow_host *host)
{
    return &host->codes.options;
}

/* The code that new runs of the type take. NULL, and err names the known types, when there is
 * none. */
struct code *host_find(const struct workflow_host *host, struct span type, struct error *err);
