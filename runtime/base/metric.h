/*
 * Counters, gauges and histograms, printed in Prometheus text form.
 *
 * A series is a name and its labels, `metric_add(METRIC_COUNTER, "temporal_request", labels, 1)`,
 * where labels are written as Prometheus does: `operation="PollWorkflowTaskQueue"`. Seconds for
 * latencies, no _total suffix (docs/operations.md). Safe from any thread.
 */
#pragma once

#include "base/bytes.h"

/* Adds to a counter; creates the series at first use. */
void metric_count(const char *name, const char *labels, double amount);

/* Sets, or moves by delta, a gauge. */
void metric_set(const char *name, const char *labels, double value);
void metric_move(const char *name, const char *labels, double delta);

/* Records a duration into a histogram with the buckets of that name's table entry. */
void metric_observe(const char *name, const char *labels, double seconds);

/* The value of a counter or gauge, 0 when there is no such series. For tests. */
double metric_value(const char *name, const char *labels);

/* Writes every series, sorted by name and labels. `shared` is put into each label set, "" for none.
 */
void metric_write(struct bytes *out, const char *shared);
