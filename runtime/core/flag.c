#include "core/flag.h"

static const uint32_t known[] = {FLAG_STEPWISE};

enum { KNOWN_COUNT = sizeof known / sizeof *known };

static bool is_known(uint32_t flag)
{
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        if (known[i] == flag)
            return true;
    return false;
}

bool flag_recorded(const struct event *completed, enum flag flag)
{
    for (size_t i = 0; i < completed->completed.flag_count; i++)
        if (completed->completed.flags[i] == flag)
            return true;
    return false;
}

bool flags_learn(struct flags *flags, const struct event *completed, struct error *err)
{
    for (size_t i = 0; i < completed->completed.flag_count; i++) {
        uint32_t flag = completed->completed.flags[i];
        if (!is_known(flag))
            return error_set(err, ERROR_HISTORY,
                             "[TMPRL1100] event %lld was recorded by a newer SignalRoom or by "
                             "another SDK: this build does not know lang flag %u",
                             (long long)completed->id, flag);
        flags->recorded |= UINT64_C(1) << flag;
    }
    return true;
}

/* With one flag there is nothing to choose from; a second one makes this a list in the run. */
const uint32_t *flags_missing(const struct flags *flags, size_t *count)
{
    *count = flags_have(flags, FLAG_STEPWISE) ? 0 : KNOWN_COUNT;
    return known;
}
