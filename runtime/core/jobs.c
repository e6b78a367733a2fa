#include "core/jobs.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { CLASS_COUNT = 4 };

static const uint8_t class_of[] = {
    [JOB_INITIALIZE] = 0, [JOB_RANDOM_SEED] = 1,      [JOB_SIGNAL] = 2,
    [JOB_FIRE_TIMER] = 3, [JOB_RESOLVE_ACTIVITY] = 3, [JOB_CANCEL_WORKFLOW] = 3,
};

void jobs_add(struct jobs *jobs, struct job job)
{
    if (jobs->count == jobs->room) {
        jobs->room = jobs->room ? jobs->room * 2 : 4;
        jobs->jobs = memory_resize(jobs->jobs, jobs->room * sizeof *jobs->jobs);
        jobs->spare = memory_resize(jobs->spare, jobs->room * sizeof *jobs->spare);
    }
    jobs->jobs[jobs->count++] = job;
}

static bool in_order(const struct jobs *jobs)
{
    for (uint32_t i = 1; i < jobs->count; i++)
        if (class_of[jobs->jobs[i].kind] < class_of[jobs->jobs[i - 1].kind])
            return false;
    return true;
}

void jobs_sort(struct jobs *jobs)
{
    uint32_t sorted = 0;
    struct job *unsorted = jobs->jobs;
    if (in_order(jobs))
        return;
    for (unsigned class = 0; class < CLASS_COUNT; class ++)
        for (uint32_t i = 0; i < jobs->count; i++)
            if (class_of[unsorted[i].kind] == class)
                jobs->spare[sorted++] = unsorted[i];
    jobs->jobs = jobs->spare;
    jobs->spare = unsorted;
}

void jobs_release(struct jobs *jobs)
{
    free(jobs->jobs);
    free(jobs->spare);
    *jobs = (struct jobs){0};
}
