/* Label sets for base/metric.h: `activity_type="load",workflow_type="Sync"`, values escaped. */
#pragma once

#include "base/arena.h"

/* `before` with one more pair, in the arena; before may be "". */
const char *label_add(struct arena *arena, const char *before, const char *key, const char *value);
