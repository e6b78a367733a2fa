#include <stdlib.h>

#include "activity/pages.h"
#include "activity/pages_walk.h"
#include "base/memory.h"

enum { MISSING_SHOWN = 5 };

struct pages_plan *pages_plan_new(void)
{
    struct pages_plan *plan = memory_new(sizeof *plan);
    path_tree_init(&plan->tree, &plan->arena);
    plan->putter.out = &plan->rows;
    return plan;
}

void pages_plan_free(struct pages_plan *plan)
{
    if (!plan)
        return;
    arena_release(&plan->arena);
    free(plan->columns);
    free(plan->slots);
    bytes_release(&plan->rows);
    bytes_release(&plan->steps);
    bytes_release(&plan->putter.scratch);
    free(plan);
}

void pages_plan_infer(struct pages_plan *plan)
{
    plan->infers = true;
}

static struct pages_step *steps_of(struct pages_plan *plan, size_t *count)
{
    *count = plan->steps.size / sizeof(struct pages_step);
    return (struct pages_step *)(void *)plan->steps.data;
}

void pages_plan_tolerate(struct pages_plan *plan)
{
    plan->tolerates = true;
}

static void note_step(struct pages_plan *plan)
{
    size_t count;
    const struct pages_step *steps = steps_of(plan, &count);
    if (count && steps[count - 1].columns == plan->count)
        return;
    struct pages_step step = {plan->rows.size, plan->count};
    bytes_add(&plan->steps, &step, sizeof step);
}

/* Takes back all rows from `size` on. */
static void cut_rows(struct pages_plan *plan, size_t size)
{
    size_t count;
    const struct pages_step *steps = steps_of(plan, &count);
    while (count && steps[count - 1].at >= size)
        count--;
    plan->steps.size = count * sizeof *steps;
    plan->rows.size = size;
}

static bool name_column(const struct pages_column *column, struct error *err)
{
    bool same = span_equal(column->at, column->name);
    return error_add(err, "%.*s%s%.*s%s", (int)column->name.size, column->name.data,
                     same ? "" : " (at ", same ? 0 : (int)column->at.size, column->at.data,
                     same ? "" : ")");
}

/* The column's value in the row just walked, NULL when there is none. */
static const struct pages_value *choose(const struct pages_plan *plan,
                                        const struct pages_column *column)
{
    for (int i = 0; i < column->choice_count; i++) {
        size_t slot = (size_t)column->choices[i];
        if (slot < plan->slot_room && plan->slots[slot].row == plan->row_stamp &&
            !pages_is_null(&column->shape, &plan->slots[slot].value))
            return &plan->slots[slot].value;
    }
    return NULL;
}

static void put_null(struct pages_plan *plan)
{
    bytes_add(&plan->rows, "\\N", 2);
}

/* Whether something, be it null, stands at one of the column's paths in the row just walked. */
static bool is_there(const struct pages_plan *plan, const struct pages_column *column)
{
    for (int i = 0; i < column->choice_count; i++) {
        size_t slot = (size_t)column->choices[i];
        if (slot < plan->slot_room && plan->slots[slot].row == plan->row_stamp)
            return true;
    }
    return false;
}

static void put_missing(struct pages_plan *plan, struct pages_column *column)
{
    if (column->missing++ == 0)
        column->first_missing = plan->row_count + 1;
    column->absent += !is_there(plan, column);
    put_null(plan);
}

/* A null in the place of what does not fit, taken back to where the field began. */
static void put_misfit(struct pages_plan *plan, struct pages_column *column, size_t begin,
                       const struct error *err)
{
    plan->rows.size = begin;
    put_null(plan);
    if (column->misfits++ > 0)
        return;
    column->first_misfit = plan->row_count + 1;
    column->misfit = span_of(arena_copy_text(&plan->arena, err->text));
}

static bool put_field(struct pages_plan *plan, struct pages_column *column,
                      const struct pages_value *value, struct error *err)
{
    size_t begin = plan->rows.size;
    if (!value) {
        put_missing(plan, column);
        return true;
    }
    if (plan->infers) {
        enum pages_type type = pages_infer(value);
        column->shape.type = column->found ? pages_widen(column->shape.type, type) : type;
        pages_put_any(&plan->putter, value);
    } else if (!pages_put(&plan->putter, &column->shape, value, err)) {
        if (!plan->tolerates)
            return name_column(column, err);
        put_misfit(plan, column, begin, err);
    }
    column->found++;
    return true;
}

/* One row from the slots, or from `values` when there are some. */
static bool put_row(struct pages_plan *plan, const struct pages_value *values, struct error *err)
{
    if (plan->infers)
        note_step(plan);
    for (size_t i = 0; i < plan->count; i++) {
        struct pages_column *column = &plan->columns[i];
        if (i)
            bytes_add_char(&plan->rows, '\t');
        const struct pages_value *value = values ? &values[i] : choose(plan, column);
        if (values && pages_is_null(&column->shape, value))
            value = NULL;
        if (!put_field(plan, column, value, err))
            return false;
    }
    bytes_add_char(&plan->rows, '\n');
    plan->row_count++;
    return true;
}

static void begin_rows(struct pages_plan *plan)
{
    if (plan->tolerates)
        return;
    for (size_t i = 0; i < plan->count; i++)
        plan->columns[i].missing = 0;
}

/* Whether a required column lacks values in the rows since `before`. */
static bool check_required(struct pages_plan *plan, uint64_t before, struct error *err)
{
    if (plan->tolerates)
        return true;
    int shown = 0;
    uint64_t rows = plan->row_count - before;
    struct bytes text = {0};
    for (size_t i = 0; i < plan->count && shown < MISSING_SHOWN; i++) {
        const struct pages_column *column = &plan->columns[i];
        if (!column->required || !column->missing)
            continue;
        bytes_printf(&text,
                     "%srequired %.*s (at %.*s) is missing in %llu of %llu rows, first in "
                     "row %llu",
                     shown++ ? "; " : "", (int)column->name.size, column->name.data,
                     (int)column->at.size, column->at.data, (unsigned long long)column->missing,
                     (unsigned long long)rows,
                     (unsigned long long)(column->first_missing - before));
    }
    if (shown)
        error_set(err, ERROR_MALFORMED, "%s", bytes_text(&text));
    bytes_release(&text);
    return shown == 0;
}

static bool add_one(struct pages_plan *plan, struct json_scan *scan, struct json_token *token,
                    struct error *err)
{
    if (plan->infers && token->kind != JSON_OBJECT)
        return error_set(err, ERROR_MALFORMED, "expected an object");
    plan->row_stamp++;
    return pages_walk(plan, scan, token, err) && put_row(plan, NULL, err);
}

/* The elements of a list, or the members of an object; the scan stands behind its bracket. */
static bool add_rows(struct pages_plan *plan, struct json_scan *scan, bool members,
                     struct error *err)
{
    struct json_token token;
    for (uint64_t number = 1;; number++) {
        if (!json_scan_next(scan, &token, err))
            return false;
        if (token.kind == (members ? JSON_OBJECT_END : JSON_ARRAY_END))
            return true;
        if (members && !json_scan_next(scan, &token, err))
            return false;
        if (!add_one(plan, scan, &token, err))
            return error_add(err, "row %llu", (unsigned long long)number);
    }
}

/* Behind the rows: the rest must be JSON too, and not name the list a second time. */
static bool finish(struct json_scan *scan, const struct path_node *last, struct error *err)
{
    struct json_token token;
    unsigned level = scan->depth;
    do {
        if (!json_scan_next(scan, &token, err))
            return false;
        level = scan->depth < level ? 0 : level;
        if (token.kind == JSON_KEY && scan->depth == level && last->step == PATH_MEMBER &&
            span_equal(token.text, last->name))
            return json_scan_error(scan, token.text.data - 1, err, "the key \"%.*s\" occurs twice",
                                   (int)(last->name.size < 80 ? last->name.size : 80),
                                   last->name.data);
    } while (token.kind != JSON_END);
    return true;
}

static bool no_list(const struct pages_target *target, struct span row_path, struct span seen,
                    struct error *err)
{
    if (target->found)
        return error_set(err, ERROR_MALFORMED, "expected a list of rows at '%.*s', found %s",
                         (int)row_path.size, row_path.data,
                         target->token.kind == JSON_OBJECT ? "an object" : "a single value");
    return error_set(err, ERROR_MALFORMED, "there is no '%.*s'%s%.*s", (int)row_path.size,
                     row_path.data, seen.size ? "; there is " : "", (int)seen.size, seen.data);
}

static const struct path_node *last_step(const struct path_node *root)
{
    while (root->children)
        root = root->children;
    return root;
}

/* Where the rows of a page are. */
struct row_place {
    struct span text; /* without the star */
    bool members;     /* "contacts.*": an object's members, whatever their keys are */
    struct path_tree tree;
};

static bool find_place(struct row_place *place, struct span text, struct arena *arena,
                       struct error *err)
{
    int slot;
    *place = (struct row_place){.text = text};
    path_tree_init(&place->tree, arena);
    if (text.size && text.data[text.size - 1] == '*') {
        place->members = true;
        place->text.size -= text.size > 1 && text.data[text.size - 2] == '.' ? 2 : 1;
    }
    return place->text.size == 0 || path_add(&place->tree, place->text, &slot, err);
}

static bool has_rows(const struct row_place *place, const struct pages_target *target)
{
    return target->found && (target->token.kind == JSON_ARRAY ||
                             (place->members && target->token.kind == JSON_OBJECT));
}

static bool add_page(struct pages_plan *plan, struct span page, const struct row_place *place,
                     struct error *err)
{
    struct json_scan scan;
    struct bytes seen = {0};
    struct pages_target target = {.path = &place->tree.root};
    json_scan_start(&scan, page);
    plan->text_stamp++;
    plan->list = (struct span){0};
    bool ok = pages_walk_to(plan, &scan, &target, &seen, err);
    if (ok && has_rows(place, &target)) {
        const char *begin = target.token.text.data;
        ok = add_rows(plan, &scan, target.token.kind == JSON_OBJECT, err);
        plan->list = (struct span){begin, (size_t)(scan.at - begin)};
        ok = ok && finish(&scan, last_step(&place->tree.root), err);
    } else if (ok && target.found && target.token.kind == JSON_NULL)
        ok = finish(&scan, last_step(&place->tree.root), err);
    else if (ok)
        ok = no_list(&target, place->text, bytes_span(&seen), err);
    bytes_release(&seen);
    return ok;
}

bool pages_plan_add(struct pages_plan *plan, struct span page, struct span row_path, size_t *rows,
                    struct error *err)
{
    struct arena arena = {0};
    struct row_place place;
    size_t size = plan->rows.size;
    uint64_t before = plan->row_count;
    begin_rows(plan);
    bool ok = find_place(&place, row_path, &arena, err) && add_page(plan, page, &place, err) &&
              check_required(plan, before, err);
    *rows = plan->row_count - before;
    if (!ok) {
        cut_rows(plan, size);
        plan->row_count = before;
    }
    arena_release(&arena);
    return ok;
}

/* After one row: takes it back unless all went well. */
static bool end_row(struct pages_plan *plan, size_t size, bool ok, struct error *err)
{
    uint64_t before = plan->row_count - ok;
    if (ok)
        ok = check_required(plan, before, err);
    if (!ok) {
        cut_rows(plan, size);
        plan->row_count = before;
    }
    return ok;
}

bool pages_plan_add_row(struct pages_plan *plan, struct span row, struct error *err)
{
    struct json_scan scan;
    struct json_token token;
    size_t size = plan->rows.size;
    json_scan_start(&scan, row);
    plan->text_stamp++;
    begin_rows(plan);
    uint64_t before = plan->row_count;
    bool ok = json_scan_next(&scan, &token, err) && add_one(plan, &scan, &token, err);
    bool added = plan->row_count > before;
    ok = ok && json_scan_next(&scan, &token, err);
    if (added && !ok)
        plan->row_count = before;
    return end_row(plan, size, ok, err);
}

bool pages_plan_values(struct pages_plan *plan, const struct pages_value *values, struct error *err)
{
    size_t size = plan->rows.size;
    begin_rows(plan);
    return end_row(plan, size, put_row(plan, values, err), err);
}

void pages_pad(struct span rows, size_t from, size_t to, struct bytes *out)
{
    const char *end = rows.data + rows.size;
    for (const char *p = rows.data; p < end;) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));
        line_end = line_end ? line_end : end;
        bytes_add(out, p, (size_t)(line_end - p));
        for (size_t i = from; i < to; i++)
            bytes_add_text(out, i ? "\t\\N" : "\\N");
        bytes_add_char(out, '\n');
        p = line_end + 1;
    }
}

void pages_plan_pad(struct pages_plan *plan)
{
    size_t count;
    const struct pages_step *steps = steps_of(plan, &count);
    if (count == 0 || (count == 1 && steps[0].columns == plan->count))
        return;
    struct bytes padded = {0};
    bytes_reserve(&padded, plan->rows.size);
    for (size_t i = 0; i < count; i++) {
        size_t end = i + 1 < count ? steps[i + 1].at : plan->rows.size;
        struct span part = {plan->rows.data + steps[i].at, end - steps[i].at};
        if (steps[i].columns == plan->count)
            bytes_add_span(&padded, part);
        else
            pages_pad(part, steps[i].columns, plan->count, &padded);
    }
    bytes_release(&plan->rows);
    plan->rows = padded;
    bytes_clear(&plan->steps);
    struct pages_step all = {0, plan->count};
    bytes_add(&plan->steps, &all, sizeof all);
}

void pages_plan_take(struct pages_plan *plan, struct bytes *out)
{
    pages_plan_pad(plan);
    if (out->size == 0) {
        struct bytes old = *out;
        *out = plan->rows;
        plan->rows = old;
    } else {
        bytes_add_span(out, bytes_span(&plan->rows));
    }
    bytes_clear(&plan->rows);
    bytes_clear(&plan->steps);
}

bool pages_scalar(struct span page, struct span path, struct span known, struct pages_value *value,
                  struct error *err)
{
    struct pages_plan *plan = pages_plan_new();
    struct json_scan scan;
    struct pages_target target = {.path = &plan->tree.root, .known = known};
    int slot;
    json_scan_start(&scan, page);
    bool ok =
        path_add(&plan->tree, path, &slot, err) && pages_walk_to(plan, &scan, &target, NULL, err);
    const struct json_token *token = &target.token;
    if (ok && target.found && (token->kind == JSON_OBJECT || token->kind == JSON_ARRAY))
        ok = error_set(err, ERROR_USAGE, "at '%.*s' is %s, not a single value", (int)path.size,
                       path.data, token->kind == JSON_OBJECT ? "an object" : "a list");
    if (ok && target.found)
        *value = (struct pages_value){token->kind, token->escaped ? PAGES_ESCAPED : PAGES_PLAIN,
                                      token->text};
    else
        *value = (struct pages_value){.kind = JSON_END};
    pages_plan_free(plan);
    return ok;
}
