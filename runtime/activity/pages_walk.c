#include "activity/pages_walk.h"

#include "base/memory.h"

/* Objects inside a row that an inferring plan turns into columns. */
enum { INFERRED_DEPTH = 2, INFERRED_KEYS_MAX = 300 };

/* An object whose keys are ids has no end of strangers. */
enum { STRANGERS_MAX = 300 };

struct walk {
    struct pages_plan *plan;
    struct json_scan *scan;
    struct error *err;
    struct span known;
    unsigned depth; /* objects entered below the row */
    unsigned lists; /* entered and not left */
};

static bool walk_value(struct walk *w, struct path_node *node, struct json_token *token);

static bool is_scalar(const struct json_token *token)
{
    return token->kind != JSON_OBJECT && token->kind != JSON_ARRAY;
}

static struct pages_slot *slot_of(struct pages_plan *plan, const struct path_node *node)
{
    size_t wanted = (size_t)plan->tree.slot_count;
    if (wanted > plan->slot_room) {
        size_t room = wanted * 2 < 32 ? 32 : wanted * 2;
        plan->slots = memory_resize(plan->slots, room * sizeof *plan->slots);
        memset(plan->slots + plan->slot_room, 0, (room - plan->slot_room) * sizeof *plan->slots);
        plan->slot_room = room;
    }
    return &plan->slots[node->slot];
}

static bool fill_slot(struct walk *w, const struct path_node *node, const struct json_token *token)
{
    struct pages_slot *slot = slot_of(w->plan, node);
    if (slot->row == w->plan->row_stamp)
        return error_set(w->err, ERROR_MALFORMED, "'%.*s' occurs twice in one row",
                         (int)(node->name.size < 80 ? node->name.size : 80), node->name.data);
    *slot = (struct pages_slot){
        .row = w->plan->row_stamp,
        .value = {token->kind, token->escaped ? PAGES_ESCAPED : PAGES_PLAIN, token->text},
    };
    return true;
}

static struct span key_name(struct pages_plan *plan, const struct json_token *key)
{
    if (!key->escaped)
        return key->text;
    bytes_clear(&plan->putter.scratch);
    json_unescape(key->text, &plan->putter.scratch);
    return (struct span){bytes_text(&plan->putter.scratch), plan->putter.scratch.size};
}

static struct path_node *grow(struct walk *w, struct path_node *node, struct span name)
{
    struct path_tree *tree = &w->plan->tree;
    struct path_node *child = path_make_member(tree, node, name);
    if (!node->label.size) {
        child->label = child->name;
    } else {
        child->label.data = arena_printf(tree->arena, "%.*s__%.*s", (int)node->label.size,
                                         node->label.data, (int)name.size, name.data);
        child->label.size = node->label.size + 2 + name.size;
    }
    return child;
}

/* A node for a member that no path asks for; NULL where none are noted. */
static struct path_node *meet(struct walk *w, struct path_node *node, struct span name)
{
    struct pages_plan *plan = w->plan;
    if (!plan->tolerates || w->lists || plan->strangers == STRANGERS_MAX)
        return NULL;
    struct path_node *child = path_make_member(&plan->tree, node, name);
    child->stranger = true;
    child->met = JSON_NULL;
    plan->strangers++;
    return child;
}

/* The child for the key at `place` of an object; *last is the one found before it. */
static struct path_node *find_child(struct walk *w, struct path_node *node, size_t place,
                                    const struct json_token *key, struct path_node **last)
{
    struct pages_plan *plan = w->plan;
    if (node->guess_stamp != plan->text_stamp) {
        node->guess_stamp = plan->text_stamp;
        node->guess_count = 0;
    }
    if (place < node->guess_count && span_equal(node->guesses[place].key, key->text)) {
        struct path_node *child = node->guesses[place].child;
        *last = child ? child : *last;
        return child;
    }
    struct span name = key_name(plan, key);
    struct path_node *child = path_member(node, name, *last);
    if (!child)
        child = plan->infers ? grow(w, node, name) : meet(w, node, name);
    *last = child ? child : *last;
    if (!node->guesses)
        node->guesses = arena_alloc(plan->tree.arena, PATH_GUESSES * sizeof *node->guesses);
    if (place <= node->guess_count && place < PATH_GUESSES) {
        node->guesses[place] = (struct path_guess){key->text, child};
        node->guess_count += place == node->guess_count;
    }
    return child;
}

static void note_kind(struct path_node *child, const struct json_token *token)
{
    if (child && child->stranger && child->met == JSON_NULL)
        child->met = token->kind;
}

static bool walk_object(struct walk *w, struct path_node *node)
{
    struct json_token token;
    struct path_node *last = NULL;
    for (size_t place = 0;; place++) {
        if (!json_scan_next(w->scan, &token, w->err))
            return false;
        if (token.kind == JSON_OBJECT_END)
            return true;
        if (w->plan->infers && place == INFERRED_KEYS_MAX)
            return error_set(w->err, ERROR_LIMIT,
                             "an object with more than %d keys: declare it as one jsonb column",
                             INFERRED_KEYS_MAX);
        struct path_node *child = find_child(w, node, place, &token, &last);
        if (!json_scan_next(w->scan, &token, w->err))
            return false;
        note_kind(child, &token);
        if (!(child ? walk_value(w, child, &token) : json_scan_skip(w->scan, &token, w->err)))
            return false;
    }
}

/* The value of a member of the object that the scan stands in; token->kind JSON_END: none. */
static bool look_up(struct walk *w, const struct json_scan *begin, struct span name,
                    struct json_token *token)
{
    struct json_scan scan = *begin;
    for (;;) {
        if (!json_scan_next(&scan, token, w->err))
            return false;
        if (token->kind == JSON_OBJECT_END) {
            token->kind = JSON_END;
            return true;
        }
        bool hit = span_equal(key_name(w->plan, token), name);
        if (!json_scan_next(&scan, token, w->err))
            return false;
        if (hit)
            return true;
        if (!json_scan_skip(&scan, token, w->err))
            return false;
    }
}

/* An element of a list: where it begins, and the member of it that was looked up last, since the
 * steps into one list mostly ask for the same. */
struct element {
    const struct json_scan *begin; /* right behind `token` */
    const struct json_token *token;
    size_t place;
    struct span asked;
    struct json_token found;
};

/* Whether the element is the child's. */
static bool is_childs(struct walk *w, const struct path_node *child, struct element *element,
                      bool *is)
{
    *is = child->step == PATH_PLACE && child->place == element->place;
    if (child->step != PATH_WHERE || element->token->kind != JSON_OBJECT)
        return true;
    if (!element->asked.data || !span_equal(element->asked, child->name)) {
        if (!look_up(w, element->begin, child->name, &element->found))
            return false;
        element->asked = child->name;
    }
    *is = element->found.kind != JSON_END && is_scalar(&element->found) &&
          span_equal(key_name(w->plan, &element->found), child->equals);
    return true;
}

static bool walk_element(struct walk *w, const struct path_node *node, size_t place,
                         const struct json_token *token)
{
    const struct json_scan begin = *w->scan;
    struct element element = {.begin = &begin, .token = token, .place = place};
    struct json_token again = *token;
    bool walked = false;
    for (struct path_node *child = node->children; child; child = child->next) {
        bool is;
        if (!is_childs(w, child, &element, &is))
            return false;
        if (!is)
            continue;
        *w->scan = begin;
        again = *token;
        walked = true;
        if (!walk_value(w, child, &again))
            return false;
    }
    return walked || json_scan_skip(w->scan, &again, w->err);
}

static bool walk_array(struct walk *w, const struct path_node *node)
{
    struct json_token token;
    w->lists++;
    for (size_t place = 1;; place++) {
        if (!json_scan_next(w->scan, &token, w->err))
            return false;
        if (token.kind == JSON_ARRAY_END)
            break;
        if (!walk_element(w, node, place, &token))
            return false;
    }
    w->lists--;
    return true;
}

static bool add_inferred(struct walk *w, struct path_node *node)
{
    struct pages_plan *plan = w->plan;
    struct span label = node->label;
    if (label.size == 0 || label.size > PAGES_NAME_MAX || memchr(label.data, '\0', label.size))
        return error_set(w->err, ERROR_LIMIT, "'%.*s' cannot be a column's name of 1 to %d bytes",
                         (int)(label.size < 100 ? label.size : 100), label.data, PAGES_NAME_MAX);
    for (size_t i = 0; i < plan->count; i++) {
        if (span_equal(plan->columns[i].name, label))
            return error_set(w->err, ERROR_MALFORMED, "two paths make the column '%.*s'",
                             (int)label.size, label.data);
    }
    if (plan->count == PAGES_COLUMNS_MAX)
        return error_set(w->err, ERROR_LIMIT, "more than %d columns", PAGES_COLUMNS_MAX);
    node->slot = plan->tree.slot_count++;
    plan->columns = memory_resize(plan->columns, (plan->count + 1) * sizeof *plan->columns);
    plan->columns[plan->count++] = (struct pages_column){
        .name = label, .at = label, .choices = {node->slot}, .choice_count = 1};
    return true;
}

/* In a plan that infers, any node may turn out to be a column or an object of columns. */
static bool walk_inferred(struct walk *w, struct path_node *node, struct json_token *token)
{
    if (token->kind == JSON_OBJECT && w->depth <= INFERRED_DEPTH) {
        w->depth++;
        bool ok = walk_object(w, node);
        w->depth--;
        return ok;
    }
    if (!json_scan_skip(w->scan, token, w->err))
        return false;
    if (node->slot < 0 && (token->kind == JSON_NULL || !node->label.size))
        return true;
    return (node->slot >= 0 || add_inferred(w, node)) && fill_slot(w, node, token);
}

static bool walk_value(struct walk *w, struct path_node *node, struct json_token *token)
{
    bool ok = true;
    if (w->plan->infers)
        return walk_inferred(w, node, token);
    if (!node->children || is_scalar(token)) {
        ok = json_scan_skip(w->scan, token, w->err);
    } else {
        ok = token->kind == JSON_OBJECT ? walk_object(w, node) : walk_array(w, node);
        token->text.size = (size_t)(w->scan->at - token->text.data);
    }
    return ok && (node->slot < 0 || fill_slot(w, node, token));
}

bool pages_walk(struct pages_plan *plan, struct json_scan *scan, struct json_token *token,
                struct error *err)
{
    struct walk w = {.plan = plan, .scan = scan, .err = err};
    return walk_value(&w, &plan->tree.root, token);
}

static void note_key(struct walk *w, struct bytes *seen, const struct json_token *key)
{
    if (!seen || seen->size > 200)
        return;
    struct span name = key_name(w->plan, key);
    bytes_printf(seen, "%s%.*s", seen->size ? ", " : "", (int)(name.size < 60 ? name.size : 60),
                 name.data);
}

static bool pass(struct walk *w, struct json_token *token)
{
    if (is_scalar(token) || token->text.data != w->known.data)
        return json_scan_skip(w->scan, token, w->err);
    json_scan_jump(w->scan, token, w->known.size);
    return true;
}

/* From the object or list that `token` begins to the child that the path goes on with. */
static bool step_into(struct walk *w, const struct path_node *child, struct json_token *token,
                      bool *found, struct bytes *seen)
{
    bool object = token->kind == JSON_OBJECT;
    *found = false;
    for (size_t place = 1;; place++) {
        struct element element = {.begin = w->scan, .token = token, .place = place};
        bool is = false;
        if (!json_scan_next(w->scan, token, w->err))
            return false;
        if (token->kind == JSON_OBJECT_END || token->kind == JSON_ARRAY_END)
            return true;
        if (object) {
            note_key(w, seen, token);
            is = child->step == PATH_MEMBER && span_equal(key_name(w->plan, token), child->name);
            if (!json_scan_next(w->scan, token, w->err))
                return false;
        } else if (!is_childs(w, child, &element, &is)) {
            return false;
        }
        *found = is;
        if (is)
            return true;
        if (!pass(w, token))
            return false;
    }
}

static bool to_the_end(struct json_scan *scan, struct json_token *token, struct error *err)
{
    do {
        if (!json_scan_next(scan, token, err))
            return false;
    } while (token->kind != JSON_END);
    return true;
}

bool pages_walk_to(struct pages_plan *plan, struct json_scan *scan, struct pages_target *target,
                   struct bytes *seen, struct error *err)
{
    struct walk w = {.plan = plan, .scan = scan, .err = err, .known = target->known};
    struct json_token *token = &target->token;
    if (!json_scan_next(scan, token, err))
        return false;
    target->found = true;
    for (struct path_node *child = target->path->children; child; child = child->children) {
        if (is_scalar(token)) {
            target->found = false;
        } else {
            if (seen)
                bytes_clear(seen);
            if (!step_into(&w, child, token, &target->found, seen))
                return false;
        }
        if (!target->found)
            return to_the_end(scan, token, err);
    }
    return true;
}
