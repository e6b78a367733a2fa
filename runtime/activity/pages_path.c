#include "activity/pages_path.h"

#include <stdlib.h>

struct reader {
    struct span text; /* for messages */
    const char *p;
    const char *end;
    struct error *err;
};

static bool refuse(const struct reader *r, const char *why)
{
    return error_set(r->err, ERROR_USAGE, "path '%.*s': %s", (int)r->text.size, r->text.data, why);
}

static struct span trim(const char *begin, const char *end)
{
    while (begin < end && *begin == ' ')
        begin++;
    while (end > begin && end[-1] == ' ')
        end--;
    return (struct span){begin, (size_t)(end - begin)};
}

static void skip_blanks(struct reader *r)
{
    while (r->p < r->end && *r->p == ' ')
        r->p++;
}

/* A name, quoted or up to one of the stops. */
static bool read_name(struct reader *r, const char *stops, struct span *name)
{
    skip_blanks(r);
    const char *begin = r->p;
    if (r->p < r->end && *r->p == '"') {
        begin++;
        const char *quote = memchr(begin, '"', (size_t)(r->end - begin));
        if (!quote)
            return refuse(r, "a quote is not closed");
        *name = (struct span){begin, (size_t)(quote - begin)};
        r->p = quote + 1;
        skip_blanks(r);
        return true;
    }
    while (r->p < r->end && !strchr(stops, *r->p))
        r->p++;
    *name = trim(begin, r->p);
    return name->size > 0 || refuse(r, "a name is missing");
}

static bool is_same_step(const struct path_node *a, const struct path_node *b)
{
    return a->step == b->step && a->place == b->place && span_equal(a->name, b->name) &&
           span_equal(a->equals, b->equals);
}

static struct span copy(struct arena *arena, struct span s)
{
    return (struct span){arena_copy(arena, s.data, s.size), s.size};
}

/* The child that this step leads to; made when it is new. */
static struct path_node *descend(struct path_tree *tree, struct path_node *node,
                                 const struct path_node *step)
{
    struct path_node **place = &node->children;
    for (; *place; place = &(*place)->next) {
        if (is_same_step(*place, step))
            return *place;
    }
    struct path_node *made = arena_alloc(tree->arena, sizeof *made);
    *made = (struct path_node){.step = step->step, .place = step->place, .slot = -1};
    made->name = copy(tree->arena, step->name);
    made->equals = copy(tree->arena, step->equals);
    *place = made;
    return made;
}

/* Behind the opening bracket. */
static bool read_bracket(struct reader *r, struct path_node *step)
{
    struct span word;
    if (!read_name(r, "=]", &word))
        return false;
    if (r->p < r->end && *r->p == '=') {
        r->p++;
        step->step = PATH_WHERE;
        step->name = word;
        if (!read_name(r, "]", &step->equals))
            return false;
    } else {
        char digits[8] = {0};
        step->step = PATH_PLACE;
        if (word.size < sizeof digits)
            memcpy(digits, word.data, word.size);
        char *stop;
        step->place = strtoul(digits, &stop, 10);
        if (*stop || digits[0] < '1' || digits[0] > '9')
            return refuse(r, "brackets hold a place from 1 or key=text");
    }
    if (r->p == r->end || *r->p != ']')
        return refuse(r, "a bracket is not closed");
    r->p++;
    skip_blanks(r);
    return true;
}

static bool read_step(struct reader *r, bool first, struct path_node *step)
{
    *step = (struct path_node){.step = PATH_MEMBER};
    if (*r->p == '[') {
        r->p++;
        return read_bracket(r, step);
    }
    if (!first) {
        if (*r->p != '.')
            return refuse(r, "a dot is missing between two names");
        r->p++;
    }
    return read_name(r, ".[]|\"", &step->name);
}

void path_tree_init(struct path_tree *tree, struct arena *arena)
{
    *tree = (struct path_tree){.arena = arena, .root = {.slot = -1}};
}

static int take_slot(struct path_tree *tree, struct path_node *node)
{
    if (node->slot < 0)
        node->slot = tree->slot_count++;
    return node->slot;
}

bool path_add(struct path_tree *tree, struct span text, int *slot, struct error *err)
{
    struct span path = trim(text.data, text.data + text.size);
    struct reader r = {path, path.data, path.data + path.size, err};
    struct path_node *node = &tree->root;
    if (path.size > PATH_TEXT_MAX)
        return error_set(err, ERROR_LIMIT, "a path of %zu bytes is too long", path.size);
    if (path.size == 0)
        return refuse(&r, "it is empty");
    if (path.size == 1 && path.data[0] == '.')
        r.p++;
    for (int steps = 0; r.p < r.end; steps++) {
        struct path_node step;
        if (steps == PATH_STEPS_MAX)
            return refuse(&r, "more than 16 steps");
        if (!read_step(&r, steps == 0, &step))
            return false;
        node = descend(tree, node, &step);
    }
    *slot = take_slot(tree, node);
    return true;
}

int path_add_member(struct path_tree *tree, struct span name)
{
    return take_slot(tree, path_make_member(tree, &tree->root, name));
}

struct path_node *path_member(const struct path_node *node, struct span name,
                              const struct path_node *after)
{
    struct path_node *begin = after && after->next ? after->next : node->children;
    struct path_node *child = begin;
    while (child) {
        if (child->step == PATH_MEMBER && span_equal(child->name, name))
            return child;
        child = child->next ? child->next : node->children;
        if (child == begin)
            return NULL;
    }
    return NULL;
}

struct path_node *path_make_member(struct path_tree *tree, struct path_node *node, struct span name)
{
    return descend(tree, node, &(struct path_node){.step = PATH_MEMBER, .name = name});
}

bool path_next_choice(struct span *rest, struct span *choice)
{
    if (!rest->data)
        return false;
    const char *end = rest->data + rest->size;
    bool quoted = false;
    const char *p = rest->data;
    for (; p < end && (quoted || *p != '|'); p++)
        quoted ^= *p == '"';
    *choice = trim(rest->data, p);
    *rest = p < end ? (struct span){p + 1, (size_t)(end - p - 1)} : (struct span){0};
    return true;
}
