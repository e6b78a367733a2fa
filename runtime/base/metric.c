#include "base/metric.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"

enum { MAX_BUCKETS = 16 };
enum metric_kind { COUNTER, GAUGE, HISTOGRAM };

struct series {
    enum metric_kind kind;
    char *name;
    char *labels;
    double value; /* the sum of a histogram */
    double count;
    const double *bounds;
    double buckets[MAX_BUCKETS];
};

/* Bounds in seconds, as sdk-core's defaults; longest prefix of the name wins, "" is the rest. */
static const struct {
    const char *prefix;
    double bounds[MAX_BUCKETS + 1]; /* ended by 0 */
} buckets[] = {
    {"temporal_workflow_endtoend_latency",
     {.1, .5, 1, 1.5, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 30600, 86400}     },
    {"temporal_workflow_task_schedule_to_start", {.1, .5, 1, 5, 10, 100, 1000}       },
    {"temporal_activity_schedule_to_start",      {.1, .5, 1, 5, 10, 100, 1000}       },
    {"temporal_workflow_task_",                  {.001, .01, .02, .05, .1, .2, .5, 1}},
    {"temporal_activity_",                       {.05, .1, .5, 1, 5, 10, 60}         },
    {"",                                         {.05, .1, .5, 1, 2.5, 10}           },
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct map all;

static const double *bounds_of(const char *name)
{
    size_t i = 0;
    while (strncmp(name, buckets[i].prefix, strlen(buckets[i].prefix)) != 0)
        i++;
    return buckets[i].bounds;
}

static struct series *series_of(enum metric_kind kind, const char *name, const char *labels)
{
    struct bytes key = {0};
    bytes_printf(&key, "%s{%s}", name, labels);
    struct series *s = map_get_text(&all, bytes_span(&key));
    if (!s) {
        s = memory_new(sizeof *s);
        s->kind = kind;
        s->name = memory_copy_text(name);
        s->labels = memory_copy_text(labels);
        s->bounds = kind == HISTOGRAM ? bounds_of(name) : NULL;
        map_put_text(&all, bytes_span(&key), s);
    }
    bytes_release(&key);
    return s;
}

void metric_count(const char *name, const char *labels, double amount)
{
    pthread_mutex_lock(&lock);
    series_of(COUNTER, name, labels)->value += amount;
    pthread_mutex_unlock(&lock);
}

void metric_set(const char *name, const char *labels, double value)
{
    pthread_mutex_lock(&lock);
    series_of(GAUGE, name, labels)->value = value;
    pthread_mutex_unlock(&lock);
}

void metric_move(const char *name, const char *labels, double delta)
{
    pthread_mutex_lock(&lock);
    series_of(GAUGE, name, labels)->value += delta;
    pthread_mutex_unlock(&lock);
}

void metric_observe(const char *name, const char *labels, double seconds)
{
    pthread_mutex_lock(&lock);
    struct series *s = series_of(HISTOGRAM, name, labels);
    s->value += seconds;
    s->count++;
    for (size_t i = 0; i < MAX_BUCKETS && s->bounds[i] > 0; i++)
        if (seconds <= s->bounds[i])
            s->buckets[i]++;
    pthread_mutex_unlock(&lock);
}

double metric_value(const char *name, const char *labels)
{
    struct bytes key = {0};
    bytes_printf(&key, "%s{%s}", name, labels);
    pthread_mutex_lock(&lock);
    struct series *s = map_get_text(&all, bytes_span(&key));
    double value = s ? s->value : 0;
    pthread_mutex_unlock(&lock);
    bytes_release(&key);
    return value;
}

static int by_name(const void *a, const void *b)
{
    const struct series *x = *(struct series *const *)a;
    const struct series *y = *(struct series *const *)b;
    int order = strcmp(x->name, y->name);
    return order ? order : strcmp(x->labels, y->labels);
}

static void write_line(struct bytes *out, const struct series *s, const char *suffix,
                       const char *shared, const char *bound, double value)
{
    const char *first = *s->labels && *shared ? "," : "";
    bytes_printf(out, "%s%s{%s%s%s", s->name, suffix, shared, first, s->labels);
    if (bound)
        bytes_printf(out, "%sle=\"%s\"", *s->labels || *shared ? "," : "", bound);
    bytes_printf(out, "} %.17g\n", value);
}

static void write_series(struct bytes *out, const struct series *s, const char *shared)
{
    if (s->kind != HISTOGRAM) {
        write_line(out, s, "", shared, NULL, s->value);
        return;
    }
    for (size_t i = 0; i < MAX_BUCKETS && s->bounds[i] > 0; i++) {
        struct bytes bound = {0};
        bytes_printf(&bound, "%g", s->bounds[i]);
        write_line(out, s, "_bucket", shared, bytes_text(&bound), s->buckets[i]);
        bytes_release(&bound);
    }
    write_line(out, s, "_bucket", shared, "+Inf", s->count);
    write_line(out, s, "_sum", shared, NULL, s->value);
    write_line(out, s, "_count", shared, NULL, s->count);
}

void metric_write(struct bytes *out, const char *shared)
{
    static const char *const words[] = {"counter", "gauge", "histogram"};
    pthread_mutex_lock(&lock);
    struct series **sorted = memory_new((all.count + 1) * sizeof(struct series *));
    size_t n = 0;
    for (struct map_entry *e = NULL; (e = map_next(&all, e));)
        sorted[n++] = e->value;
    qsort(sorted, n, sizeof *sorted, by_name);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(sorted[i]->name, sorted[i - 1]->name) != 0)
            bytes_printf(out, "# TYPE %s %s\n", sorted[i]->name, words[sorted[i]->kind]);
        write_series(out, sorted[i], shared);
    }
    free(sorted);
    pthread_mutex_unlock(&lock);
}
