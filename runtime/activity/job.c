#include "activity/job.h"

#include <stdlib.h>

static void run(uv_work_t *work)
{
    struct job *job = work->data;
    job->run(job);
}

static void on_done(uv_work_t *work, int status)
{
    struct job *job = work->data;
    (void)status;
    fiber_wake(&job->wait);
}

static int deliver(struct fiber_wait *wait, lua_State *L)
{
    struct job *job = (struct job *)wait;
    return job->deliver(job, L);
}

static void interrupt(struct fiber_wait *wait)
{
    struct job *job = (struct job *)wait;
    uv_cancel((uv_req_t *)&job->work);
}

static void release(struct fiber_wait *wait)
{
    struct job *job = (struct job *)wait;
    if (job->release)
        job->release(job);
    free(job);
}

int job_suspend(lua_State *L, struct job *job)
{
    job->wait = (struct fiber_wait){fiber_current(L), deliver, interrupt, release};
    job->work.data = job;
    uv_queue_work(reactor_uv(reactor_of(L)), &job->work, run, on_done);
    return fiber_suspend(L, &job->wait);
}
