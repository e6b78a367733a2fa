/* Answers lines "ZONE SECONDS" with "OFFSET INSTANT": the offset at that instant, and the instant
 * at which the zone's wall clock shows that time. For zone_compare.py. */
#include <stdio.h>

#include "activity/zone.h"

int main(void)
{
    char name[101];
    long long seconds;
    struct error err = {0};
    while (scanf("%100s %lld", name, &seconds) == 2) {
        const struct zone *zone = zone_find(span_of(name), &err);
        if (!zone) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        printf("%d %lld\n", zone_offset(zone, seconds), (long long)zone_epoch(zone, seconds));
    }
    return 0;
}
