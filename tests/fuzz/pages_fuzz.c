/* room: activity */
/* "SPEC;SPEC\nPAGE": a page is taken whole, every row with all its fields, or refused and nothing
 * is left. */
#include <stdlib.h>

#include "activity/pages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_rows(const struct pages_plan *plan, size_t rows)
{
    size_t lines = 0;
    size_t tabs = 0;
    for (size_t i = 0; i < plan->rows.size; i++) {
        lines += plan->rows.data[i] == '\n';
        tabs += plan->rows.data[i] == '\t';
        if (plan->rows.data[i] == '\0')
            abort();
    }
    if (lines != rows || tabs != rows * (plan->count ? plan->count - 1 : 0))
        abort();
}

static void take_page(struct pages_plan *plan, struct span page, struct span path)
{
    struct error err = {0};
    size_t rows = 0;
    bool ok = pages_plan_add(plan, page, path, &rows, &err);
    if (!ok && (plan->rows.size || plan->row_count || err.kind == ERROR_NONE))
        abort();
    pages_plan_pad(plan);
    check_rows(plan, ok ? rows : 0);
}

static void add_columns(struct pages_plan *plan, struct span specs)
{
    struct error err;
    const struct zone *zone = zone_find(SPAN("America/New_York"), &err);
    char name[2] = "a";
    while (specs.size && name[0] < 'z') {
        const char *stop = memchr(specs.data, ';', specs.size);
        size_t length = stop ? (size_t)(stop - specs.data) : specs.size;
        pages_plan_column(plan, span_of(name), (struct span){specs.data, length}, zone, &err);
        name[0]++;
        length += stop != NULL;
        specs = (struct span){specs.data + length, specs.size - length};
    }
}

static void look_at(void *user, struct span path, const char *type)
{
    (void)user;
    if (!path.size || (type && !*type))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span all = {(const char *)data, size};
    const char *line = size ? memchr(data, '\n', size) : NULL;
    if (!line)
        return 0;
    struct span specs = {all.data, (size_t)(line - all.data)};
    struct span page = {line + 1, all.size - specs.size - 1};
    struct error err;
    struct pages_value value;
    struct pages_plan *plan = pages_plan_new();
    add_columns(plan, specs);
    take_page(plan, page, SPAN(""));
    pages_plan_free(plan);
    plan = pages_plan_new();
    add_columns(plan, specs);
    pages_plan_tolerate(plan);
    take_page(plan, page, SPAN(""));
    pages_plan_strangers(plan, look_at, NULL);
    pages_plan_free(plan);
    plan = pages_plan_new();
    pages_plan_infer(plan);
    take_page(plan, page, SPAN(""));
    pages_plan_free(plan);
    pages_scalar(page, specs, (struct span){0}, &value, &err);
    return 0;
}
