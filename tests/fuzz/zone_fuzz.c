/* room: activity */
/* Any bytes as a zone file: refused, or a zone that answers for any time. */
#include <stdlib.h>

#include "activity/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    struct zone *zone = zone_parse((struct span){(const char *)data, size}, &err);
    if (!zone)
        return 0;
    for (int64_t t = -62135596800; t < 253402300800; t += 3000000000) {
        int64_t local = t + zone_offset(zone, t);
        zone_day_start(zone, zone_day(zone, t));
        if (llabs((long long)(zone_epoch(zone, local) - t)) > 4 * 86400)
            abort();
    }
    zone_free(zone);
    return 0;
}
