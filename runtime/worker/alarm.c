#include "worker/alarm.h"

#include <stdlib.h>

#include "base/memory.h"

static void put(struct alarms *all, size_t place, struct alarm *alarm)
{
    all->heap[place] = alarm;
    alarm->place = place;
}

static void rise(struct alarms *all, size_t place)
{
    struct alarm *alarm = all->heap[place];
    for (; place > 1 && all->heap[place / 2]->due_ms > alarm->due_ms; place /= 2)
        put(all, place, all->heap[place / 2]);
    put(all, place, alarm);
}

static void sink(struct alarms *all, size_t place)
{
    struct alarm *alarm = all->heap[place];
    for (size_t child; (child = place * 2) <= all->count; place = child) {
        if (child < all->count && all->heap[child + 1]->due_ms < all->heap[child]->due_ms)
            child++;
        if (all->heap[child]->due_ms >= alarm->due_ms)
            break;
        put(all, place, all->heap[child]);
    }
    put(all, place, alarm);
}

static void settle(struct alarms *all, size_t place)
{
    struct alarm *alarm = all->heap[place];
    rise(all, place);
    sink(all, alarm->place);
}

void alarm_set(struct alarms *all, struct alarm *alarm, int64_t due_ms)
{
    alarm->due_ms = due_ms;
    if (!alarm->place) {
        if (all->count + 1 >= all->room) {
            all->room = all->room ? all->room * 2 : 16;
            all->heap = memory_resize(all->heap, all->room * sizeof(struct alarm *));
        }
        put(all, ++all->count, alarm);
    }
    settle(all, alarm->place);
}

void alarm_clear(struct alarms *all, struct alarm *alarm)
{
    size_t place = alarm->place;
    if (!place)
        return;
    alarm->place = 0;
    struct alarm *last = all->heap[all->count--];
    if (last != alarm) {
        put(all, place, last);
        settle(all, place);
    }
}

int64_t alarms_next(const struct alarms *all)
{
    return all->count ? all->heap[1]->due_ms : -1;
}

void alarms_ring(struct alarms *all, int64_t now_ms)
{
    while (all->count && all->heap[1]->due_ms <= now_ms) {
        struct alarm *alarm = all->heap[1];
        alarm_clear(all, alarm);
        alarm->ring(alarm);
    }
}

void alarms_release(struct alarms *all)
{
    free(all->heap);
    *all = (struct alarms){0};
}
