#include "worker/eager.h"

#include "base/metric.h"
#include "worker/desk.h"
#include "worker/edition.h"
#include "worker/peek.h"

bool eager_offer(struct worker *worker, const char *activity_type)
{
    pthread_mutex_lock(&worker->lock);
    const struct activity_world *world = worker->activities.world;
    bool serves = worker->state.phase == WORKER_RUNNING && world &&
                  edition_has_activity(world->edition, activity_type);
    pthread_mutex_unlock(&worker->lock);
    return serves && slots_reserve(&worker->polls.activity_slots);
}

void eager_accept(struct worker *worker, struct span answer, int reserved)
{
    struct span packed;
    bool wanted = !worker->activities.abandoned;
    for (; wanted && reserved > 0 && peek_activity_task(&answer, &packed); reserved--) {
        metric_count("signalroom_activity_task_eager", "", 1);
        polls_task_came(worker, POLL_ACTIVITY);
        activities_accept(worker, packed);
    }
    for (; reserved > 0; reserved--)
        slots_give_back(&worker->polls.activity_slots);
    if (worker->shutdown.step >= SHUTDOWN_END)
        activities_cancel(worker, ACTIVITY_WORKER_SHUTDOWN);
}
