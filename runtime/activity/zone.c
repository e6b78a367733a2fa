#include "activity/zone.h"

#include <endian.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "activity/zone_rule.h"
#include "base/map.h"
#include "base/memory.h"

enum { HEADER = 44, FILE_MAX = 1 << 20, DAY_SECONDS = 86400, OFFSET_MAX = 26 * 3600 };

struct zone {
    size_t count; /* of transitions */
    int64_t *times;
    int *offsets; /* from times[i] on */
    int first;    /* before times[0] */
    bool has_rule;
    struct zone_rule rule; /* from the last transition on */
};

/* The numbers of a TZif header, in its order. */
struct counts {
    uint32_t isut, isstd, leap, times, types, letters;
};

static uint32_t read32(const char *p)
{
    uint32_t n;
    memcpy(&n, p, sizeof n);
    return be32toh(n);
}

static int64_t read64(const char *p)
{
    uint64_t n;
    memcpy(&n, p, sizeof n);
    return (int64_t)be64toh(n);
}

static bool read_header(struct span file, struct counts *c)
{
    if (file.size < HEADER || memcmp(file.data, "TZif", 4) != 0 || file.data[4] < '2')
        return false;
    uint32_t n[6];
    for (int i = 0; i < 6; i++) {
        n[i] = read32(file.data + 20 + 4 * i);
        if (n[i] > FILE_MAX)
            return false;
    }
    *c = (struct counts){n[0], n[1], n[2], n[3], n[4], n[5]};
    return true;
}

static size_t body_size(const struct counts *c, size_t time_size)
{
    return c->times * (time_size + 1) + c->types * 6 + c->letters + c->leap * (time_size + 4) +
           c->isstd + c->isut;
}

static bool read_offset(const char *types, uint32_t index, int *offset)
{
    *offset = (int32_t)read32(types + 6 * index);
    return *offset > -OFFSET_MAX && *offset < OFFSET_MAX;
}

static bool read_table(struct zone *zone, const char *p, const struct counts *c)
{
    const char *indexes = p + 8 * c->times;
    const char *types = indexes + c->times;
    if (c->types == 0 || c->leap != 0 || !read_offset(types, 0, &zone->first))
        return false;
    zone->times = memory_new(c->times * sizeof *zone->times + 1);
    zone->offsets = memory_new(c->times * sizeof *zone->offsets + 1);
    zone->count = c->times;
    for (size_t i = 0; i < c->times; i++) {
        unsigned char type = (unsigned char)indexes[i];
        zone->times[i] = read64(p + 8 * i);
        if (type >= c->types || !read_offset(types, type, &zone->offsets[i]) ||
            (i && zone->times[i] <= zone->times[i - 1]))
            return false;
    }
    return true;
}

static bool read_footer(struct zone *zone, struct span rest)
{
    if (rest.size < 2 || rest.data[0] != '\n')
        return false;
    const char *end = memchr(rest.data + 1, '\n', rest.size - 1);
    if (!end)
        return false;
    struct span text = {rest.data + 1, (size_t)(end - rest.data - 1)};
    zone->has_rule = text.size > 0;
    return !zone->has_rule || zone_rule_parse(text, &zone->rule);
}

static struct span behind(struct span s, size_t size)
{
    size = size < s.size ? size : s.size;
    return (struct span){s.data + size, s.size - size};
}

/* A table with 32-bit times stands in front, for old readers; then all again with 64 bits. */
struct zone *zone_parse(struct span file, struct error *err)
{
    struct zone *zone = memory_new(sizeof *zone);
    struct counts c;
    bool ok = read_header(file, &c);
    if (ok) {
        file = behind(file, HEADER + body_size(&c, 4));
        ok = read_header(file, &c) && file.size >= HEADER + body_size(&c, 8);
    }
    ok = ok && read_table(zone, file.data + HEADER, &c) &&
         read_footer(zone, behind(file, HEADER + body_size(&c, 8)));
    if (ok)
        return zone;
    zone_free(zone);
    error_set(err, ERROR_MALFORMED, "not a time zone file of version 2 or later (TZif)");
    return NULL;
}

void zone_free(struct zone *zone)
{
    if (!zone)
        return;
    free(zone->times);
    free(zone->offsets);
    free(zone);
}

static bool is_name(struct span name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/";
    if (name.size == 0 || name.size > 100 || name.data[0] == '/')
        return false;
    for (size_t i = 0; i < name.size; i++) {
        if (!memchr(allowed, name.data[i], sizeof allowed - 1))
            return false;
    }
    return true;
}

static bool read_file(const char *path, struct bytes *out, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, "opening %s", path);
    ssize_t got;
    do {
        got = read(fd, bytes_reserve(out, 4096), 4096);
        if (got > 0)
            bytes_added(out, (size_t)got);
    } while (got > 0 && out->size < FILE_MAX);
    if (got < 0)
        error_errno(err, "reading %s", path);
    close(fd);
    return got >= 0;
}

static struct zone *load(struct span name, struct error *err)
{
    char path[512];
    const char *folder = getenv("TZDIR");
    snprintf(path, sizeof path, "%s/%.*s", folder ? folder : "/usr/share/zoneinfo", (int)name.size,
             name.data);
    struct bytes file = {0};
    struct zone *zone = NULL;
    if (read_file(path, &file, err)) {
        zone = zone_parse(bytes_span(&file), err);
        if (!zone)
            error_add(err, "%s", path);
    }
    bytes_release(&file);
    return zone;
}

const struct zone *zone_find(struct span name, struct error *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct map known;
    if (!is_name(name)) {
        error_set(err, ERROR_CONFIG, "'%.*s' is not the name of a time zone",
                  (int)(name.size < 100 ? name.size : 100), name.data);
        return NULL;
    }
    pthread_mutex_lock(&lock);
    struct zone *zone = map_get_text(&known, name);
    if (!zone) {
        zone = load(name, err);
        if (zone)
            map_put_text(&known, name, zone);
    }
    pthread_mutex_unlock(&lock);
    if (!zone) {
        error_add(err, "no time zone '%.*s'", (int)name.size, name.data);
        err->kind = ERROR_CONFIG;
    }
    return zone;
}

int zone_offset(const struct zone *zone, int64_t epoch)
{
    size_t low = 0;
    size_t high = zone->count;
    if (zone->has_rule && (high == 0 || epoch >= zone->times[high - 1]))
        return zone_rule_offset(&zone->rule, epoch);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (zone->times[middle] <= epoch)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? zone->offsets[low - 1] : zone->first;
}

int64_t zone_epoch(const struct zone *zone, int64_t local)
{
    int before = zone_offset(zone, local - DAY_SECONDS);
    int after = zone_offset(zone, local + DAY_SECONDS);
    if (zone_offset(zone, local - before) != before && zone_offset(zone, local - after) == after)
        return local - after;
    return local - before;
}

int64_t zone_day(const struct zone *zone, int64_t epoch)
{
    int64_t local = epoch + zone_offset(zone, epoch);
    return local / DAY_SECONDS - (local % DAY_SECONDS < 0);
}

int64_t zone_day_start(const struct zone *zone, int64_t day)
{
    return zone_epoch(zone, day * DAY_SECONDS);
}
