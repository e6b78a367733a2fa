#include "worker/slots.h"

#include <assert.h>

bool slots_reserve(struct slots *s)
{
    if (s->reserved + s->used >= s->max)
        return false;
    s->reserved++;
    return true;
}

void slots_give_back(struct slots *s)
{
    assert(s->reserved > 0);
    s->reserved--;
}

void slots_use(struct slots *s)
{
    assert(s->reserved > 0);
    s->reserved--;
    s->used++;
}

void slots_release(struct slots *s)
{
    assert(s->used > 0);
    s->used--;
    s->released++;
}
