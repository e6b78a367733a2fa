/* What a column's words mean: "date(epoch, America/New_York)! at columns[column_type=date].id". */
#include <string.h>

#include "activity/pages.h"
#include "base/memory.h"

static const struct word {
    struct span name;
    enum pages_type type;
} types[] = {
    {SPAN("text"),        PAGES_TEXT     },
    {SPAN("int"),         PAGES_INT      },
    {SPAN("money"),       PAGES_NUMERIC  },
    {SPAN("numeric"),     PAGES_NUMERIC  },
    {SPAN("bool"),        PAGES_BOOL     },
    {SPAN("date"),        PAGES_DATE     },
    {SPAN("timestamptz"), PAGES_TIMESTAMP},
    {SPAN("jsonb"),       PAGES_JSON     },
};

static const char type_list[] = "text, int, money, numeric, bool, date, timestamptz, jsonb";

struct words {
    struct span spec;
    const char *p;
    const char *end;
    struct error *err;
};

static bool refuse(const struct words *w, const char *why)
{
    return error_set(w->err, ERROR_USAGE, "'%.*s': %s",
                     (int)(w->spec.size < 200 ? w->spec.size : 200), w->spec.data, why);
}

static void skip_blanks(struct words *w)
{
    while (w->p < w->end && *w->p == ' ')
        w->p++;
}

static bool read_type(struct words *w, struct pages_shape *shape)
{
    const char *begin = w->p;
    while (w->p < w->end && ((*w->p >= 'a' && *w->p <= 'z') || *w->p == '_'))
        w->p++;
    struct span name = {begin, (size_t)(w->p - begin)};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (span_equal(types[i].name, name)) {
            shape->type = types[i].type;
            return true;
        }
    }
    refuse(w, "it must begin with a type: ");
    size_t used = strlen(w->err->text);
    if (used + sizeof type_list <= sizeof w->err->text)
        memcpy(w->err->text + used, type_list, sizeof type_list);
    return false;
}

static bool read_argument(struct words *w, struct span word, struct pages_shape *shape)
{
    if (span_equal(word, SPAN("epoch")))
        shape->epoch = PAGES_SECONDS;
    else if (span_equal(word, SPAN("epoch_ms")))
        shape->epoch = PAGES_MILLISECONDS;
    else if (!(shape->zone = zone_find(word, w->err)))
        return error_add(w->err, "'%.*s'", (int)(w->spec.size < 200 ? w->spec.size : 200),
                         w->spec.data);
    return true;
}

/* Behind the opening bracket. */
static bool read_arguments(struct words *w, struct pages_shape *shape)
{
    if (shape->type != PAGES_DATE && shape->type != PAGES_TIMESTAMP)
        return refuse(w, "only date and timestamptz take words in brackets");
    for (;;) {
        skip_blanks(w);
        const char *begin = w->p;
        while (w->p < w->end && !strchr(",) ", *w->p))
            w->p++;
        if (!read_argument(w, (struct span){begin, (size_t)(w->p - begin)}, shape))
            return false;
        skip_blanks(w);
        if (w->p == w->end || (*w->p != ',' && *w->p != ')'))
            return refuse(w, "a bracket is not closed");
        if (*w->p++ == ')')
            return true;
    }
}

static bool add_choices(struct pages_plan *plan, struct pages_column *column, struct span paths,
                        struct error *err)
{
    struct span choice;
    while (path_next_choice(&paths, &choice)) {
        if (column->choice_count == PAGES_CHOICES_MAX)
            return error_set(err, ERROR_USAGE, "more than %d paths", PAGES_CHOICES_MAX);
        if (!path_add(&plan->tree, choice, &column->choices[column->choice_count++], err))
            return false;
    }
    return true;
}

static bool read_spec(struct pages_plan *plan, struct words *w, struct pages_column *column)
{
    skip_blanks(w);
    if (!read_type(w, &column->shape))
        return false;
    if (w->p < w->end && *w->p == '(') {
        w->p++;
        if (!read_arguments(w, &column->shape))
            return false;
    }
    if (w->p < w->end && *w->p == '!') {
        column->required = true;
        w->p++;
    }
    skip_blanks(w);
    if (w->p == w->end) {
        column->at = column->name;
        column->choices[column->choice_count++] = path_add_member(&plan->tree, column->name);
        return true;
    }
    if (w->end - w->p < 3 || memcmp(w->p, "at ", 3) != 0)
        return refuse(w, "behind the type may stand '!' and then 'at PATH'");
    w->p += 3;
    skip_blanks(w);
    struct span paths = {w->p, (size_t)(w->end - w->p)};
    column->at = (struct span){arena_copy(&plan->arena, paths.data, paths.size), paths.size};
    return add_choices(plan, column, paths, w->err);
}

static bool check_name(struct pages_plan *plan, struct span name, struct error *err)
{
    if (name.size == 0 || name.size > PAGES_NAME_MAX || memchr(name.data, '\0', name.size))
        return error_set(err, ERROR_USAGE, "a column's name has 1 to %d bytes", PAGES_NAME_MAX);
    for (size_t i = 0; i < plan->count; i++) {
        if (span_equal(plan->columns[i].name, name))
            return error_set(err, ERROR_USAGE, "it is declared twice");
    }
    if (plan->count == PAGES_COLUMNS_MAX)
        return error_set(err, ERROR_LIMIT, "more than %d columns", PAGES_COLUMNS_MAX);
    return true;
}

bool pages_plan_column(struct pages_plan *plan, struct span name, struct span spec,
                       const struct zone *fallback, struct error *err)
{
    struct words w = {spec, spec.data, spec.data + spec.size, err};
    struct pages_column column = {
        .name = {arena_copy(&plan->arena, name.data, name.size), name.size}
    };
    bool ok = check_name(plan, name, err) && read_spec(plan, &w, &column);
    if (ok && !column.shape.zone)
        column.shape.zone = fallback;
    if (ok && column.shape.type == PAGES_DATE && column.shape.epoch && !column.shape.zone)
        ok = refuse(&w, "a day of an instant takes a zone: date(epoch, America/New_York)");
    if (!ok)
        return error_add(err, "column %.*s", (int)(name.size < 100 ? name.size : 100), name.data);
    plan->columns = memory_resize(plan->columns, (plan->count + 1) * sizeof column);
    plan->columns[plan->count++] = column;
    return true;
}
