/* The module "pages": plans, buffers and row iterators for scripts. */
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>

#include "activity/failure.h"
#include "activity/options.h"
#include "activity/pages.h"
#include "activity/pages_about.h"
#include "activity/pages_read.h"
#include "base/utf8.h"
#include "script/json.h"
#include "script/number.h"
#include "script/vm.h"

#define PLAN "pages.plan"
#define BUFFER "pages.buffer"

struct plan {
    struct pages_plan *pages;
    struct bytes values; /* of struct pages_value, one a column: the row that is being mapped */
    struct arena texts;  /* what those values need besides the row's own strings */
};

struct buffer {
    struct bytes rows; /* first: pages_buffer() */
    size_t columns;
};

int pages_raise(lua_State *L, const char *call, const struct error *err)
{
    bool usage = err->kind == ERROR_USAGE || err->kind == ERROR_CONFIG;
    failure_raise(L, usage ? "ValueError" : "VendorError", "%s: %s", call, err->text);
}

struct span pages_text(lua_State *L, int index, const char *call, const char *what)
{
    if (lua_type(L, index) != LUA_TSTRING)
        failure_raise(L, "ValueError", "%s: %s must be text, not %s", call, what,
                      failure_show(L, index));
    struct span text;
    text.data = lua_tolstring(L, index, &text.size);
    return text;
}

static void *userdata_of(lua_State *L, int index, const char *type)
{
    if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index))
        return NULL;
    luaL_getmetatable(L, type);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same ? lua_touserdata(L, index) : NULL;
}

static void *check_userdata(lua_State *L, const char *type, const char *call)
{
    void *ours = userdata_of(L, 1, type);
    if (!ours)
        failure_raise(L, "ValueError", "%s: call it with a colon on a %s", call, type);
    return ours;
}

static struct plan *check_plan(lua_State *L, const char *call)
{
    return check_userdata(L, PLAN, call);
}

static int plan_gc(lua_State *L)
{
    struct plan *plan = lua_touserdata(L, 1);
    pages_plan_free(plan->pages);
    bytes_release(&plan->values);
    arena_release(&plan->texts);
    *plan = (struct plan){0};
    return 0;
}

static int buffer_gc(lua_State *L)
{
    struct buffer *buffer = lua_touserdata(L, 1);
    bytes_release(&buffer->rows);
    return 0;
}

/* --- making a plan --- */

static int compare_names(const void *a, const void *b)
{
    const struct span *x = a;
    const struct span *y = b;
    int order = memcmp(x->data, y->data, x->size < y->size ? x->size : y->size);
    return order ? order : (x->size > y->size) - (x->size < y->size);
}

static void add_column(lua_State *L, struct plan *plan, struct span name, const struct zone *zone)
{
    struct error err;
    struct span spec = pages_text(L, -1, "pages.plan", "a column");
    if (!pages_plan_column(plan->pages, name, spec, zone, &err))
        pages_raise(L, "pages.plan", &err);
}

/* { {"date", "date!"}, ... }: in this order. */
static void add_list(lua_State *L, struct plan *plan, const struct zone *zone)
{
    for (int i = 1; i <= (int)lua_objlen(L, 1); i++) {
        lua_rawgeti(L, 1, i);
        if (!lua_istable(L, -1))
            failure_raise(L, "ValueError", "pages.plan: column %d must be { name, text }", i);
        lua_rawgeti(L, -1, 1);
        lua_rawgeti(L, -2, 2);
        struct span name = pages_text(L, -2, "pages.plan", "a column's name");
        add_column(L, plan, name, zone);
        lua_pop(L, 3);
    }
}

/* { date = "date!", ... }: in the order of the names' bytes. */
static void add_map(lua_State *L, struct plan *plan, const struct zone *zone)
{
    bytes_clear(&plan->values);
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        lua_pop(L, 1);
        struct span name = pages_text(L, -1, "pages.plan", "a column's name");
        bytes_add(&plan->values, &name, sizeof name);
    }
    size_t count = plan->values.size / sizeof(struct span);
    if (count == 0)
        failure_raise(L, "ValueError", "pages.plan: there are no columns");
    struct span *names = (struct span *)(void *)plan->values.data;
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 0; i < count; i++) {
        lua_pushlstring(L, names[i].data, names[i].size);
        lua_rawget(L, 1);
        add_column(L, plan, names[i], zone);
        lua_pop(L, 1);
    }
}

/* The plan's environment: a table from column names to their places from 1. */
static void remember_places(lua_State *L, int index, const struct pages_plan *pages)
{
    lua_createtable(L, 0, (int)pages->count);
    for (size_t i = 0; i < pages->count; i++) {
        lua_pushlstring(L, pages->columns[i].name.data, pages->columns[i].name.size);
        lua_pushinteger(L, (lua_Integer)i + 1);
        lua_rawset(L, -3);
    }
    lua_setfenv(L, index);
}

static int new_plan(lua_State *L)
{
    struct plan_options {
        struct span tz;
        bool tolerant;
    } wanted = {0};
    static const struct option known[] = {
        {"tz",       OPTION_TEXT, offsetof(struct plan_options, tz)},
        {"tolerant",          OPTION_FLAG,            offsetof(struct plan_options,                    tolerant)},
        {NULL, 0,            0                 },
    };
    struct error err;
    const struct zone *zone = NULL;
    options_read(L, 2, "pages.plan", known, &wanted);
    if (wanted.tz.data && !(zone = zone_find(wanted.tz, &err)))
        pages_raise(L, "pages.plan", &err);
    lua_settop(L, 2);
    struct plan *plan = lua_newuserdata(L, sizeof *plan);
    *plan = (struct plan){0};
    luaL_getmetatable(L, PLAN);
    lua_setmetatable(L, -2);
    plan->pages = pages_plan_new();
    if (lua_type(L, 1) == LUA_TSTRING && strcmp(lua_tostring(L, 1), "infer") == 0)
        pages_plan_infer(plan->pages);
    else if (!lua_istable(L, 1))
        failure_raise(L, "ValueError", "pages.plan: columns must be a table or \"infer\", not %s",
                      failure_show(L, 1));
    else if (lua_objlen(L, 1) > 0)
        add_list(L, plan, zone);
    else
        add_map(L, plan, zone);
    if (wanted.tolerant && plan->pages->infers)
        failure_raise(L, "ValueError",
                      "pages.plan: what infers its columns has nothing to tolerate");
    if (wanted.tolerant)
        pages_plan_tolerate(plan->pages);
    remember_places(L, 3, plan->pages);
    return 1;
}

/* --- rows into it --- */

static int plan_add(lua_State *L)
{
    struct plan *plan = check_plan(L, "plan:add");
    struct span page = pages_text(L, 2, "plan:add", "the page");
    struct span path = lua_isnoneornil(L, 3) ? SPAN("") : pages_text(L, 3, "plan:add", "the path");
    struct error err;
    size_t rows;
    if (!pages_plan_add(plan->pages, page, path, &rows, &err))
        pages_raise(L, "plan:add", &err);
    lua_pushinteger(L, (lua_Integer)rows);
    if (!plan->pages->list.size)
        return 1;
    lua_pushnumber(L, (lua_Number)(plan->pages->list.data - page.data + 1));
    lua_pushnumber(L, (lua_Number)plan->pages->list.size);
    return 3;
}

static struct span keep(struct plan *plan, struct span text)
{
    return (struct span){arena_copy(&plan->texts, text.data, text.size), text.size};
}

static bool number_value(struct plan *plan, double number, struct pages_value *value,
                         struct error *err)
{
    char text[NUMBER_TEXT_MAX];
    if (!isfinite(number))
        return error_set(err, ERROR_USAGE, "%s is no number", isnan(number) ? "0/0" : "infinity");
    *value = (struct pages_value){JSON_NUMBER, PAGES_PLAIN,
                                  keep(plan, (struct span){text, number_write(number, text)})};
    return true;
}

static bool table_value(lua_State *L, struct plan *plan, struct pages_value *value,
                        struct error *err)
{
    struct bytes *json = &plan->pages->putter.scratch;
    bytes_clear(json);
    if (!json_write(L, -1, json, err))
        return false;
    *value = (struct pages_value){json->data[0] == '[' ? JSON_ARRAY : JSON_OBJECT, PAGES_PLAIN,
                                  keep(plan, bytes_span(json))};
    return true;
}

static bool text_value(lua_State *L, struct pages_value *value, struct error *err)
{
    value->kind = JSON_TEXT;
    value->form = PAGES_RAW;
    value->text.data = lua_tolstring(L, -1, &value->text.size);
    return utf8_valid(value->text) || error_set(err, ERROR_USAGE, "a text that is not UTF-8");
}

/* The Lua value on top of the stack. */
static bool lua_value(lua_State *L, struct plan *plan, struct pages_value *value, struct error *err)
{
    *value = (struct pages_value){.kind = JSON_NULL};
    switch (lua_type(L, -1)) {
    case LUA_TSTRING:
        return text_value(L, value, err);
    case LUA_TNUMBER:
        return number_value(plan, lua_tonumber(L, -1), value, err);
    case LUA_TBOOLEAN:
        value->kind = lua_toboolean(L, -1) ? JSON_TRUE : JSON_FALSE;
        value->text = lua_toboolean(L, -1) ? SPAN("true") : SPAN("false");
        return true;
    case LUA_TTABLE:
        return table_value(L, plan, value, err);
    case LUA_TLIGHTUSERDATA:
        return !lua_touserdata(L, -1) || error_set(err, ERROR_USAGE, "a pointer is no value");
    default:
        value->kind = JSON_NUMBER;
        value->text = json_number_literal(L, -1);
        return value->text.size ||
               error_set(err, ERROR_USAGE, "a %s is no value", luaL_typename(L, -1));
    }
}

/* Reads the row at index 2 into plan->values; raises. */
static struct pages_value *read_row(lua_State *L, struct plan *plan)
{
    struct pages_plan *pages = plan->pages;
    bytes_clear(&plan->values);
    size_t size = pages->count * sizeof(struct pages_value);
    struct pages_value *values = (void *)bytes_reserve(&plan->values, size);
    for (size_t i = 0; i < pages->count; i++)
        values[i] = (struct pages_value){.kind = JSON_END};
    arena_reset(&plan->texts);
    lua_getfenv(L, 1);
    lua_pushnil(L);
    while (lua_next(L, 2)) {
        lua_pushvalue(L, -2);
        lua_rawget(L, -4);
        size_t place = (size_t)lua_tointeger(L, -1);
        lua_pop(L, 1);
        if (place == 0)
            failure_raise(L, "ValueError", "plan:row: there is no column %s", failure_show(L, -2));
        struct error err;
        if (!lua_value(L, plan, &values[place - 1], &err)) {
            lua_pushvalue(L, -2);
            error_add(&err, "column %s", lua_tostring(L, -1));
            pages_raise(L, "plan:row", &err);
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return values;
}

static int plan_row(lua_State *L)
{
    struct plan *plan = check_plan(L, "plan:row");
    struct pages_plan *pages = plan->pages;
    struct error err;
    lua_settop(L, 2);
    if (!lua_istable(L, 2))
        failure_raise(L, "ValueError", "plan:row: the row must be a table, not %s",
                      failure_show(L, 2));
    bool ok;
    if (pages->infers) {
        bytes_clear(&plan->values);
        ok = json_write(L, 2, &plan->values, &err) &&
             pages_plan_add_row(pages, bytes_span(&plan->values), &err);
    } else {
        ok = pages_plan_values(pages, read_row(L, plan), &err);
    }
    if (!ok) {
        error_add(&err, "row %llu", (unsigned long long)pages->row_count + 1);
        pages_raise(L, "plan:row", &err);
    }
    return 0;
}

/* --- what came of it --- */

static struct buffer *new_buffer(lua_State *L)
{
    struct buffer *buffer = lua_newuserdata(L, sizeof *buffer);
    *buffer = (struct buffer){0};
    luaL_getmetatable(L, BUFFER);
    lua_setmetatable(L, -2);
    return buffer;
}

/* That at index 2, emptied, on top of the stack. */
static struct buffer *old_buffer(lua_State *L)
{
    struct buffer *buffer = userdata_of(L, 2, BUFFER);
    if (!buffer)
        failure_raise(L, "ValueError", "plan:take: a pages.buffer is needed, not %s",
                      failure_show(L, 2));
    bytes_clear(&buffer->rows);
    lua_settop(L, 2);
    return buffer;
}

static int plan_take(lua_State *L)
{
    struct plan *plan = check_plan(L, "plan:take");
    bool is_new = lua_isnoneornil(L, 2);
    struct buffer *buffer = is_new ? new_buffer(L) : old_buffer(L);
    pages_plan_take(plan->pages, &buffer->rows);
    buffer->columns = plan->pages->count;
    /* The collector does not see these bytes: as much work as if they were Lua's. */
    if (is_new)
        lua_gc(L, LUA_GCSTEP, (int)(buffer->rows.room >> 10));
    return 1;
}

static int plan_rows(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)check_plan(L, "plan:rows")->pages->row_count);
    return 1;
}

static int plan_size(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)check_plan(L, "plan:size")->pages->rows.size);
    return 1;
}

static int plan_nuls(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)check_plan(L, "plan:nuls")->pages->putter.nuls);
    return 1;
}

static int plan_columns(lua_State *L)
{
    pages_push_columns(L, check_plan(L, "plan:columns")->pages);
    return 1;
}

static int plan_strangers(lua_State *L)
{
    pages_push_strangers(L, check_plan(L, "plan:strangers")->pages);
    return 1;
}

static int plan_column_names(lua_State *L)
{
    const struct pages_plan *pages = check_plan(L, "plan:column_names")->pages;
    lua_createtable(L, (int)pages->count, 0);
    for (size_t i = 0; i < pages->count; i++) {
        lua_pushlstring(L, pages->columns[i].name.data, pages->columns[i].name.size);
        lua_rawseti(L, -2, (int)i + 1);
    }
    return 1;
}

static struct buffer *check_buffer(lua_State *L, const char *call)
{
    return check_userdata(L, BUFFER, call);
}

static int buffer_size(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)check_buffer(L, "buffer:size")->rows.size);
    return 1;
}

static int buffer_text(lua_State *L)
{
    struct buffer *buffer = check_buffer(L, "buffer:text");
    lua_pushlstring(L, bytes_text(&buffer->rows), buffer->rows.size);
    return 1;
}

static int buffer_columns(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)check_buffer(L, "buffer:columns")->columns);
    return 1;
}

static int buffer_pad(lua_State *L)
{
    struct buffer *buffer = check_buffer(L, "buffer:pad");
    size_t wanted = lua_isnumber(L, 2) ? (size_t)lua_tointeger(L, 2) : 0;
    if (wanted < buffer->columns || wanted > PAGES_COLUMNS_MAX)
        failure_raise(L, "ValueError", "buffer:pad: from %d columns to %s", (int)buffer->columns,
                      failure_show(L, 2));
    if (wanted > buffer->columns) {
        struct bytes padded = {0};
        pages_pad(bytes_span(&buffer->rows), buffer->columns, wanted, &padded);
        bytes_release(&buffer->rows);
        *buffer = (struct buffer){padded, wanted};
    }
    lua_settop(L, 1);
    return 1;
}

struct bytes *pages_buffer(lua_State *L, int index)
{
    return userdata_of(L, index, BUFFER);
}

struct pages_plan *pages_plan_at(lua_State *L, int index)
{
    const struct plan *plan = userdata_of(L, index, PLAN);
    if (!plan)
        failure_raise(L, "ValueError", "a pages.plan is needed, not %s", failure_show(L, index));
    return plan->pages;
}

static void make_type(lua_State *L, const char *name, lua_CFunction gc, const luaL_Reg *methods)
{
    vm_type(L, name, methods, gc);
    luaL_getmetatable(L, name);
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}

static const luaL_Reg plan_methods[] = {
    {"add",          plan_add         },
    {"row",          plan_row         },
    {"take",         plan_take        },
    {"rows",         plan_rows        },
    {"size",         plan_size        },
    {"nuls",         plan_nuls        },
    {"columns",      plan_columns     },
    {"strangers",    plan_strangers   },
    {"column_names", plan_column_names},
    {NULL,           NULL             },
};

static const luaL_Reg buffer_methods[] = {
    {"size",    buffer_size   },
    {"text",    buffer_text   },
    {"columns", buffer_columns},
    {"pad",     buffer_pad    },
    {NULL,      NULL          },
};

static const luaL_Reg functions[] = {
    {"plan",   new_plan         },
    {"rows",   pages_read_rows  },
    {"scalar", pages_read_scalar},
    {NULL,     NULL             },
};

int pages_open(lua_State *L)
{
    make_type(L, PLAN, plan_gc, plan_methods);
    make_type(L, BUFFER, buffer_gc, buffer_methods);
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}
