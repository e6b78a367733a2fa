/* What must be true of a run between any two calls. */
#pragma once

#include "core/run.h"

/* What is broken, NULL when nothing is. */
const char *invariant_broken(const struct run *run);
