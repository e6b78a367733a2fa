#include "activity/pages_about.h"

struct tour {
    struct bytes path;
    void (*visit)(void *user, struct span path, const char *type);
    void *user;
};

static const char *type_of_kind(int kind)
{
    switch (kind) {
    case JSON_NULL:
        return NULL;
    case JSON_TEXT:
        return pages_type_sql(PAGES_TEXT);
    case JSON_NUMBER:
        return pages_type_sql(PAGES_NUMERIC);
    case JSON_TRUE:
    case JSON_FALSE:
        return pages_type_sql(PAGES_BOOL);
    default:
        return pages_type_sql(PAGES_JSON);
    }
}

static bool wants_quotes(struct span name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (strchr(".[]| ", name.data[i]))
            return true;
    }
    return name.size == 0;
}

static void tour_members(struct tour *tour, const struct path_node *node)
{
    size_t begin = tour->path.size;
    for (const struct path_node *child = node->children; child; child = child->next) {
        if (child->step != PATH_MEMBER || memchr(child->name.data, '"', child->name.size))
            continue;
        const char *quote = wants_quotes(child->name) ? "\"" : "";
        bytes_printf(&tour->path, "%s%s%.*s%s", begin ? "." : "", quote, (int)child->name.size,
                     child->name.data, quote);
        if (child->stranger)
            tour->visit(tour->user, bytes_span(&tour->path), type_of_kind(child->met));
        else
            tour_members(tour, child);
        tour->path.size = begin;
    }
}

void pages_plan_strangers(struct pages_plan *plan,
                          void (*visit)(void *user, struct span path, const char *type), void *user)
{
    struct tour tour = {.visit = visit, .user = user};
    tour_members(&tour, &plan->tree.root);
    bytes_release(&tour.path);
}

/* --- as Lua tables --- */

static void set_text(lua_State *L, const char *key, struct span text)
{
    lua_pushlstring(L, text.data, text.size);
    lua_setfield(L, -2, key);
}

static void set_count(lua_State *L, const char *key, uint64_t count)
{
    lua_pushnumber(L, (lua_Number)count);
    lua_setfield(L, -2, key);
}

static void set_faults(lua_State *L, const struct pages_column *column)
{
    set_count(L, "missing", column->missing);
    set_count(L, "first_missing", column->first_missing);
    set_count(L, "absent", column->absent);
    set_count(L, "misfits", column->misfits);
    set_count(L, "first_misfit", column->first_misfit);
    set_text(L, "misfit", column->misfit);
}

static void push_stranger(void *user, struct span path, const char *type)
{
    lua_State *L = user;
    lua_createtable(L, 0, 2);
    set_text(L, "at", path);
    if (type)
        set_text(L, "type", span_of(type));
    lua_rawseti(L, -2, (int)lua_objlen(L, -2) + 1);
}

void pages_push_strangers(lua_State *L, struct pages_plan *pages)
{
    lua_newtable(L);
    pages_plan_strangers(pages, push_stranger, L);
}

void pages_push_columns(lua_State *L, const struct pages_plan *pages)
{
    lua_createtable(L, (int)pages->count, 0);
    for (size_t i = 0; i < pages->count; i++) {
        const struct pages_column *column = &pages->columns[i];
        lua_createtable(L, 0, 11);
        set_text(L, "name", column->name);
        set_text(L, "type", span_of(pages_type_sql(column->shape.type)));
        set_text(L, "at", column->at);
        lua_pushboolean(L, column->required);
        lua_setfield(L, -2, "required");
        set_count(L, "found", column->found);
        if (pages->tolerates)
            set_faults(L, column);
        lua_rawseti(L, -2, (int)i + 1);
    }
}
