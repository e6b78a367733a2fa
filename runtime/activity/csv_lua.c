/* The module "native.csv": a reader that is fed, and encode. activity.csv makes rows() of it. */
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>

#include "activity/csv.h"
#include "activity/failure.h"
#include "activity/options.h"
#include "activity/pages.h"
#include "activity/scratch.h"
#include "script/json.h"
#include "script/number.h"
#include "script/vm.h"

#define READER "csv.reader"

/* Slots of the reader's environment. */
enum { SLOT_CHUNK = 1, SLOT_NAMES = 2 };

enum header { HEADER_FIRST_LINE, HEADER_NONE, HEADER_KNOWN };

struct reader {
    struct csv_reader csv;
    struct span input; /* what is left of the chunk in the environment */
    enum header header;
    bool ended;
};

static struct reader *check_reader(lua_State *L)
{
    return luaL_checkudata(L, 1, READER);
}

static int reader_gc(lua_State *L)
{
    struct reader *reader = lua_touserdata(L, 1);
    csv_reader_release(&reader->csv);
    return 0;
}

static char check_separator(lua_State *L, struct span text, const char *call)
{
    if (!text.data)
        return ',';
    char c = text.size == 1 ? text.data[0] : '"';
    if (c == '"' || (c != '\t' && (c <= ' ' || (unsigned char)c >= 0x7F)))
        failure_raise(L, "ValueError", "%s: option 'separator' must be one ASCII character", call);
    return c;
}

/* Checks the names in the list on top and keeps it; they are the keys of the rows. */
static void keep_names(lua_State *L, int env)
{
    int names = lua_gettop(L);
    lua_newtable(L);
    for (int i = 1; i <= (int)lua_objlen(L, names); i++) {
        lua_rawgeti(L, names, i);
        if (lua_type(L, -1) != LUA_TSTRING || lua_objlen(L, -1) == 0)
            failure_raise(L, "VendorError", "csv: column %d has no name", i);
        lua_pushvalue(L, -1);
        lua_rawget(L, names + 1);
        if (!lua_isnil(L, -1))
            failure_raise(L, "VendorError", "csv: columns %d and %d are both named '%s'",
                          (int)lua_tointeger(L, -1), i, lua_tostring(L, -2));
        lua_pop(L, 1);
        lua_pushinteger(L, i);
        lua_rawset(L, names + 1);
    }
    lua_pop(L, 1);
    lua_rawseti(L, env, SLOT_NAMES);
}

static int new_reader(lua_State *L)
{
    struct reader_options {
        int header;
        struct span separator;
        size_t field_max;
        bool short_rows;
    } wanted = {0};
    static const struct option known[] = {
        {"header",                        OPTION_VALUE, offsetof(struct reader_options, header)},
        {"separator",                               OPTION_TEXT,                                 offsetof(struct reader_options,                      separator)},
        {"field_max",                     OPTION_SIZE,                                 offsetof(struct reader_options,                                field_max)},
        {"short_rows", OPTION_FLAG,offsetof(struct reader_options,short_rows)},
        {NULL,                    0,                                0                                                                                 },
    };
    options_read(L, 1, "csv.rows", known, &wanted);
    struct csv_options options = {.separator = check_separator(L, wanted.separator, "csv.rows"),
                                  .field_max = wanted.field_max,
                                  .short_rows = wanted.short_rows};
    struct reader *reader = lua_newuserdata(L, sizeof *reader);
    *reader = (struct reader){0};
    luaL_getmetatable(L, READER);
    lua_setmetatable(L, -2);
    lua_newtable(L);
    if (wanted.header && lua_istable(L, wanted.header)) {
        reader->header = HEADER_KNOWN;
        options.columns = lua_objlen(L, wanted.header);
        lua_pushvalue(L, wanted.header);
        keep_names(L, lua_gettop(L) - 1);
    } else if (wanted.header && !lua_toboolean(L, wanted.header)) {
        reader->header = HEADER_NONE;
    }
    lua_setfenv(L, -2);
    csv_reader_init(&reader->csv, &options);
    return 1;
}

/* The next chunk; the one before must be used up. */
static int reader_feed(lua_State *L)
{
    struct reader *reader = check_reader(L);
    if (lua_type(L, 2) != LUA_TSTRING)
        failure_raise(L, "ValueError", "csv.rows: a chunk must be text, not %s",
                      failure_show(L, 2));
    if (reader->input.size)
        failure_raise(L, "ValueError", "csv.rows: the chunk before is not used up");
    reader->input.data = lua_tolstring(L, 2, &reader->input.size);
    lua_getfenv(L, 1);
    lua_pushvalue(L, 2);
    lua_rawseti(L, -2, SLOT_CHUNK);
    return 0;
}

static int reader_finish(lua_State *L)
{
    check_reader(L)->ended = true;
    return 0;
}

static void push_list(lua_State *L, const struct csv_reader *csv)
{
    size_t count = csv_field_count(csv);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        struct span field = csv_field(csv, i);
        lua_pushlstring(L, field.data, field.size);
        lua_rawseti(L, -2, (int)i + 1);
    }
}

static void push_named(lua_State *L, const struct csv_reader *csv)
{
    size_t count = csv_field_count(csv);
    lua_getfenv(L, 1);
    lua_rawgeti(L, -1, SLOT_NAMES);
    lua_createtable(L, 0, (int)count);
    for (size_t i = 0; i < count; i++) {
        struct span field = csv_field(csv, i);
        lua_rawgeti(L, -2, (int)i + 1);
        lua_pushlstring(L, field.data, field.size);
        lua_rawset(L, -3);
    }
}

/* A row and its line; nil, false when it wants a chunk; nil, true at the end. */
static int reader_next(lua_State *L)
{
    struct reader *reader = check_reader(L);
    struct csv_reader *csv = &reader->csv;
    struct error err;
    for (;;) {
        enum csv_state state = csv_read(csv, &reader->input, &err);
        if (state == CSV_MORE && reader->ended)
            state = csv_finish(csv, &err);
        if (state == CSV_BAD)
            failure_raise(L, "VendorError", "csv: %s", err.text);
        if (state != CSV_ROW) {
            lua_pushnil(L);
            lua_pushboolean(L, state == CSV_END);
            return 2;
        }
        if (reader->header != HEADER_FIRST_LINE)
            break;
        reader->header = HEADER_KNOWN;
        lua_getfenv(L, 1);
        push_list(L, csv);
        keep_names(L, lua_gettop(L) - 1);
    }
    if (reader->header == HEADER_NONE)
        push_list(L, csv);
    else
        push_named(L, csv);
    lua_pushnumber(L, (lua_Number)csv->row_line);
    return 2;
}

/* --- into a plan --- */

/* What every row gets behind its fields: the texts of the list at 3 (null: none), the row's number.
 */
static void constants(lua_State *L, size_t fields, struct pages_value *values, size_t count)
{
    for (size_t i = fields; i + 1 < count; i++) {
        struct pages_value *value = &values[i];
        *value = (struct pages_value){.kind = JSON_NULL};
        lua_rawgeti(L, 3, (int)(i - fields) + 1);
        if (lua_type(L, -1) == LUA_TSTRING) {
            value->kind = JSON_TEXT;
            value->form = PAGES_RAW;
            value->text.data = lua_tolstring(L, -1, &value->text.size);
        }
        lua_pop(L, 1);
    }
}

/* Adds the row just read; `values` ends with the constants and the place of the number. */
static void fill_row(lua_State *L, struct reader *reader, struct pages_plan *plan,
                     struct pages_value *values)
{
    struct error err;
    char number[24];
    size_t fields = csv_field_count(&reader->csv);
    for (size_t i = 0; i < fields; i++)
        values[i] = (struct pages_value){JSON_TEXT, PAGES_RAW, csv_field(&reader->csv, i)};
    int size = snprintf(number, sizeof number, "%llu", (unsigned long long)plan->row_count);
    values[plan->count - 1] = (struct pages_value){
        JSON_NUMBER, PAGES_PLAIN, {number, (size_t)size}
    };
    if (!pages_plan_values(plan, values, &err))
        failure_raise(L, "VendorError", "csv: line %llu: %s",
                      (unsigned long long)reader->csv.row_line, err.text);
}

/* fill(plan, texts): all rows of the chunk into the plan, whose columns are the fields, one for
 * each of the texts and the row's number from 0. Returns true at the end, false when it wants a
 * chunk. */
static int reader_fill(lua_State *L)
{
    struct reader *reader = check_reader(L);
    struct pages_plan *plan = pages_plan_at(L, 2);
    luaL_checktype(L, 3, LUA_TTABLE);
    size_t count = plan->count;
    struct bytes *room = scratch_push(L);
    struct pages_value *values = (void *)bytes_reserve(room, count * sizeof *values);
    bool checked = false;
    struct error err;
    for (;;) {
        enum csv_state state = csv_read(&reader->csv, &reader->input, &err);
        if (state == CSV_MORE && reader->ended)
            state = csv_finish(&reader->csv, &err);
        if (state == CSV_BAD)
            failure_raise(L, "VendorError", "csv: %s", err.text);
        if (state != CSV_ROW) {
            lua_pushboolean(L, state == CSV_END);
            return 1;
        }
        if (!checked) {
            size_t fields = csv_field_count(&reader->csv);
            if (reader->csv.options.short_rows || fields + lua_objlen(L, 3) + 1 != count)
                failure_raise(L, "ValueError", "csv: the plan has %d columns for %d fields",
                              (int)count, (int)fields);
            constants(L, fields, values, count);
            checked = true;
        }
        fill_row(L, reader, plan, values);
    }
}

/* --- writing --- */

struct writer {
    struct bytes *out;
    struct bytes *fields; /* of struct span */
    struct bytes *texts;  /* of numbers */
    size_t count;
    int columns; /* stack index of the list of names, 0: rows are lists */
    char separator;
};

static struct span cell_text(lua_State *L, struct writer *w, size_t row, size_t column)
{
    struct span text = {"", 0};
    switch (lua_type(L, -1)) {
    case LUA_TNIL:
        return text;
    case LUA_TSTRING:
        text.data = lua_tolstring(L, -1, &text.size);
        return text;
    case LUA_TBOOLEAN:
        return lua_toboolean(L, -1) ? SPAN("true") : SPAN("false");
    case LUA_TNUMBER:
        if (!isfinite(lua_tonumber(L, -1)))
            break;
        text.data = w->texts->data + w->texts->size;
        text.size = number_write(lua_tonumber(L, -1), w->texts->data + w->texts->size);
        w->texts->size += NUMBER_TEXT_MAX;
        return text;
    default:
        if (lua_islightuserdata(L, -1) && !lua_touserdata(L, -1))
            return text;
        text = json_number_literal(L, -1);
        if (text.size)
            return text;
    }
    failure_raise(L, "ValueError", "csv.encode: row %d, column %d: %s is no field", (int)row,
                  (int)column, failure_show(L, -1));
}

/* The row on top of the stack; its cells stay alive in it. */
static void write_row(lua_State *L, struct writer *w, size_t number)
{
    bytes_clear(w->fields);
    bytes_clear(w->texts);
    bytes_reserve(w->texts, w->count * NUMBER_TEXT_MAX);
    for (size_t i = 1; i <= w->count; i++) {
        if (w->columns) {
            lua_rawgeti(L, w->columns, (int)i);
            lua_rawget(L, -2);
        } else {
            lua_rawgeti(L, -1, (int)i);
        }
        struct span text = cell_text(L, w, number, i);
        bytes_add(w->fields, &text, sizeof text);
        lua_pop(L, 1);
    }
    csv_write(w->out, (const struct span *)(const void *)w->fields->data, w->count, w->separator);
}

static void write_rows(lua_State *L, struct writer *w)
{
    for (size_t number = 1;; number++) {
        lua_rawgeti(L, 1, (int)number);
        if (lua_isnil(L, -1))
            return;
        if (!lua_istable(L, -1))
            failure_raise(L, "ValueError", "csv.encode: row %d must be a table, not %s",
                          (int)number, failure_show(L, -1));
        if (!w->columns && number == 1)
            w->count = lua_objlen(L, -1);
        if (!w->columns && lua_objlen(L, -1) > w->count)
            failure_raise(L, "ValueError", "csv.encode: row %d has more fields than the first",
                          (int)number);
        write_row(L, w, number);
        lua_pop(L, 1);
    }
}

static int encode(lua_State *L)
{
    struct encode_options {
        int columns;
        struct span separator;
        bool header;
        bool mark;
    } wanted = {.header = true};
    static const struct option known[] = {
        {"columns",                       OPTION_VALUE, offsetof(struct encode_options, columns)},
        {"separator",                               OPTION_TEXT,                                 offsetof(struct encode_options,                      separator)},
        {"header",                     OPTION_FLAG,                                 offsetof(struct encode_options,                                   header)},
        {"bom", OPTION_FLAG,offsetof(struct encode_options,mark)},
        {NULL,                    0,                             0                                                                                    },
    };
    if (!lua_istable(L, 1))
        failure_raise(L, "ValueError", "csv.encode: rows must be a list, not %s",
                      failure_show(L, 1));
    options_read(L, 2, "csv.encode", known, &wanted);
    if (wanted.columns && !lua_istable(L, wanted.columns))
        failure_raise(L, "ValueError", "csv.encode: option 'columns' must be a list of names");
    struct writer w = {.columns = wanted.columns,
                       .separator = check_separator(L, wanted.separator, "csv.encode")};
    w.out = scratch_push(L);
    w.fields = scratch_push(L);
    w.texts = scratch_push(L);
    if (wanted.mark)
        bytes_add_span(w.out, csv_mark);
    if (w.columns) {
        w.count = lua_objlen(L, w.columns);
        int columns = w.columns;
        w.columns = 0;
        lua_pushvalue(L, columns);
        if (wanted.header)
            write_row(L, &w, 0);
        lua_pop(L, 1);
        w.columns = columns;
    }
    write_rows(L, &w);
    lua_pushlstring(L, bytes_text(w.out), w.out->size);
    return 1;
}

static const luaL_Reg methods[] = {
    {"feed",   reader_feed  },
    {"finish", reader_finish},
    {"next",   reader_next  },
    {"fill",   reader_fill  },
    {NULL,     NULL         },
};

static const luaL_Reg functions[] = {
    {"reader", new_reader},
    {"encode", encode    },
    {NULL,     NULL      },
};

int csv_open(lua_State *L)
{
    vm_type(L, READER, methods, reader_gc);
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}
