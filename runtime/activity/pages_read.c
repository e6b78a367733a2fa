#include "activity/pages_read.h"

#include <lauxlib.h>

#include "activity/failure.h"
#include "activity/pages_walk.h"
#include "script/json.h"

struct rows {
    struct json_scan scan;
    unsigned long long number;
    bool done;
};

/* Upvalues: the struct rows, the page. */
static int next_row(lua_State *L)
{
    struct rows *rows = lua_touserdata(L, lua_upvalueindex(1));
    struct json_token token;
    struct error err;
    if (rows->done)
        return 0;
    bool ok = json_scan_next(&rows->scan, &token, &err);
    rows->number++;
    if (ok && token.kind == JSON_ARRAY_END) {
        rows->done = true;
        while (ok && token.kind != JSON_END)
            ok = json_scan_next(&rows->scan, &token, &err);
        if (ok)
            return 0;
    }
    ok = ok && json_scan_skip(&rows->scan, &token, &err);
    if (ok && token.kind == JSON_TEXT) /* its quotes belong to it */
        token.text = (struct span){token.text.data - 1, token.text.size + 2};
    if (!ok || !json_push(L, token.text, &err)) {
        error_add(&err, "row %llu", rows->number);
        pages_raise(L, "pages.rows", &err);
    }
    return 1;
}

static bool find_rows(struct json_scan *scan, struct span path, struct pages_target *target,
                      struct error *err)
{
    struct pages_plan *plan = pages_plan_new();
    struct bytes seen = {0};
    int slot;
    target->path = &plan->tree.root;
    bool ok = (path.size == 0 || path_add(&plan->tree, path, &slot, err)) &&
              pages_walk_to(plan, scan, target, &seen, err);
    bool list = ok && target->found &&
                (target->token.kind == JSON_ARRAY || target->token.kind == JSON_NULL);
    if (ok && !list)
        ok = error_set(err, ERROR_MALFORMED, "there is no list '%.*s'%s%s", (int)path.size,
                       path.data, seen.size ? "; there is " : "", bytes_text(&seen));
    bytes_release(&seen);
    pages_plan_free(plan);
    return ok;
}

int pages_read_rows(lua_State *L)
{
    struct span page = pages_text(L, 1, "pages.rows", "the page");
    struct span path =
        lua_isnoneornil(L, 2) ? SPAN("") : pages_text(L, 2, "pages.rows", "the path");
    struct rows *rows = lua_newuserdata(L, sizeof *rows);
    struct pages_target target = {0};
    struct error err;
    *rows = (struct rows){0};
    json_scan_start(&rows->scan, page);
    if (!find_rows(&rows->scan, path, &target, &err))
        pages_raise(L, "pages.rows", &err);
    rows->done = target.token.kind == JSON_NULL;
    lua_pushvalue(L, 1);
    lua_pushcclosure(L, next_row, 2);
    return 1;
}

/* The part of the page at argument 3 (from 1) whose size is argument 4; a list or an object. */
static struct span known_part(lua_State *L, struct span page)
{
    if (lua_isnoneornil(L, 3))
        return (struct span){0};
    double at = lua_isnumber(L, 3) ? lua_tonumber(L, 3) : 0;
    double size = lua_isnumber(L, 4) ? lua_tonumber(L, 4) : 0;
    if (!(at >= 1 && size >= 2 && at - 1 + size <= (double)page.size))
        failure_raise(L, "ValueError", "pages.scalar: there is no such part of the page");
    struct span part = {page.data + (size_t)at - 1, (size_t)size};
    char end = part.data[part.size - 1];
    if (!(part.data[0] == '[' && end == ']') && !(part.data[0] == '{' && end == '}'))
        failure_raise(L, "ValueError", "pages.scalar: that part of the page is not what was added");
    return part;
}

int pages_read_scalar(lua_State *L)
{
    struct span page = pages_text(L, 1, "pages.scalar", "the page");
    struct span path = pages_text(L, 2, "pages.scalar", "the path");
    struct pages_value value;
    struct error err;
    if (!pages_scalar(page, path, known_part(L, page), &value, &err))
        pages_raise(L, "pages.scalar", &err);
    if (value.kind == JSON_END || value.kind == JSON_NULL) {
        lua_pushnil(L);
        return 1;
    }
    if (value.kind == JSON_TEXT)
        value.text = (struct span){value.text.data - 1, value.text.size + 2};
    if (!json_push(L, value.text, &err))
        pages_raise(L, "pages.scalar", &err);
    return 1;
}
