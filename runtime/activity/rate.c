#include "activity/rate.h"

#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"

enum { FIRST_ROOM = 16 };

struct limit {
    int64_t *begins; /* of turns, the newest last */
    size_t count;
    size_t room;
    struct rate longest; /* as many, and as far back, as any rate has looked */
    int64_t moved_ms;
    int64_t held_ms;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct map limits;

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static struct limit *limit_of(struct span key)
{
    struct limit *limit = map_get_text(&limits, key);
    if (!limit) {
        limit = memory_new(sizeof *limit);
        map_put_text(&limits, key, limit);
    }
    return limit;
}

/* --- turns --- */

/* Turns that no rate looks back to any more go. */
static void make_room(struct limit *limit, int64_t now_ms)
{
    size_t most = (size_t)limit->longest.count;
    size_t first = limit->count > most ? limit->count - most : 0;
    while (first < limit->count && limit->begins[first] + limit->longest.period_ms <= now_ms)
        first++;
    if (first)
        memmove(limit->begins, limit->begins + first,
                (limit->count - first) * sizeof *limit->begins);
    limit->count -= first;
    if (limit->count * 2 < limit->room)
        return;
    limit->room = limit->room ? limit->room * 2 : FIRST_ROOM;
    limit->begins = memory_resize(limit->begins, limit->room * sizeof *limit->begins);
}

static void note(struct limit *limit, struct rate rate, int64_t begins_ms, int64_t now_ms)
{
    limit->longest.count = later(limit->longest.count, rate.count);
    limit->longest.period_ms = later(limit->longest.period_ms, rate.period_ms);
    if (limit->count == limit->room)
        make_room(limit, now_ms);
    limit->begins[limit->count++] = begins_ms;
}

/* Never before an earlier turn, also when editions disagree about the rate. */
static int64_t next_turn(const struct limit *limit, struct rate rate, int64_t now_ms)
{
    int64_t begins_ms = later(now_ms, limit->held_ms);
    if (limit->count)
        begins_ms = later(begins_ms, limit->begins[limit->count - 1]);
    if ((int64_t)limit->count >= rate.count)
        begins_ms =
            later(begins_ms, limit->begins[limit->count - (size_t)rate.count] + rate.period_ms);
    return begins_ms;
}

struct rate_turn rate_take(struct span key, struct rate rate, int64_t now_ms)
{
    pthread_mutex_lock(&mutex);
    struct limit *limit = limit_of(key);
    struct rate_turn turn = {later(now_ms, limit->held_ms), limit->moved_ms};
    if (rate.count) {
        turn.begins_ms = next_turn(limit, rate, now_ms);
        note(limit, rate, turn.begins_ms, now_ms);
    }
    pthread_mutex_unlock(&mutex);
    return turn;
}

int64_t rate_begins(struct span key, struct rate_turn turn)
{
    pthread_mutex_lock(&mutex);
    const struct limit *limit = limit_of(key);
    int64_t begins_ms = later(turn.begins_ms + limit->moved_ms - turn.moved_ms, limit->held_ms);
    pthread_mutex_unlock(&mutex);
    return begins_ms;
}

/* --- patience --- */

static void move_turns(struct limit *limit, int64_t now_ms)
{
    size_t first = limit->count;
    while (first > 0 && limit->begins[first - 1] > now_ms)
        first--;
    if (first == limit->count || limit->begins[first] >= limit->held_ms)
        return;
    int64_t by_ms = limit->held_ms - limit->begins[first];
    for (size_t i = first; i < limit->count; i++)
        limit->begins[i] += by_ms;
    limit->moved_ms += by_ms;
}

void rate_hold(struct span key, int64_t until_ms, int64_t now_ms)
{
    pthread_mutex_lock(&mutex);
    struct limit *limit = limit_of(key);
    limit->held_ms = later(limit->held_ms, until_ms);
    move_turns(limit, now_ms);
    pthread_mutex_unlock(&mutex);
}

int64_t rate_held(struct span key)
{
    pthread_mutex_lock(&mutex);
    int64_t held_ms = limit_of(key)->held_ms;
    pthread_mutex_unlock(&mutex);
    return held_ms;
}
