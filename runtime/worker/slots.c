#include "worker/slots.h"

#include <assert.h>

bool slots_reserve(struct slots *s)
{
    int taken = atomic_load(&s->taken);
    while (taken < s->max)
        if (atomic_compare_exchange_weak(&s->taken, &taken, taken + 1))
            return true;
    return false;
}

void slots_give_back(struct slots *s)
{
    int taken = atomic_fetch_sub(&s->taken, 1);
    assert(taken > 0);
    (void)taken;
}

void slots_use(struct slots *s)
{
    assert(atomic_load(&s->taken) > s->used);
    s->used++;
}

void slots_release(struct slots *s)
{
    assert(s->used > 0);
    s->used--;
    s->released++;
    slots_give_back(s);
}
