#include "worker/edition.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/memory.h"
#include "worker/probe.h"
#include "workflow/workflow.h"

static const char *const loaded_by_activities[] = {"activities", "reports"};
static const char *const known_to_activities[] = {"activities/", "reports/"};

/* A file of the folder, of the last edition, or of both. */
struct candidate {
    struct span name;
    struct span now;
    struct span before;
    bool there;  /* it lies in the folder */
    bool had;    /* the last edition has it */
    bool unread; /* it lies there, and could not be read */
    enum { TAKEN, REFUSED, HELD } verdict;
    const char *why;
};

/* What loading a bundle of workflows said. */
struct verdict {
    struct edition_types types;
    struct error fault; /* kind ERROR_NONE: it is good */
};

struct making {
    struct edition *edition;
    const struct edition *last;
    struct candidate *candidates; /* sorted by name */
    size_t count;
    struct map verdicts; /* by a bundle's hash */
    size_t set_back;     /* candidates that are not taken */
    struct error broken; /* kind ERROR_NONE: every check could be made */
};

static bool lies_in(struct span name, const char *folder)
{
    size_t size = strlen(folder);
    return name.size > size && memcmp(name.data, folder, size) == 0;
}

/* --- candidates --- */

static bool is_changed(const struct candidate *c)
{
    return c->there != c->had || !span_equal(c->now, c->before);
}

static bool may_yield(const struct candidate *c)
{
    return c->verdict == TAKEN && is_changed(c);
}

static struct candidate *candidate_of(const struct making *m, struct span name)
{
    for (size_t i = 0; i < m->count; i++)
        if (span_equal(m->candidates[i].name, name))
            return &m->candidates[i];
    return NULL;
}

static struct span keep(struct making *m, struct span text)
{
    return (struct span){arena_copy(&m->edition->arena, text.data, text.size), text.size};
}

static struct candidate *add_candidate(struct making *m, struct span name)
{
    struct candidate *c = candidate_of(m, name);
    if (!c) {
        c = &m->candidates[m->count++];
        c->name = keep(m, name);
    }
    return c;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct candidate *)a)->name.data,
                  ((const struct candidate *)b)->name.data);
}

static void find_candidates(struct making *m, const struct folder *folder)
{
    size_t known = m->last ? m->last->count : 0;
    m->candidates =
        memory_new((folder->count + folder->faults.count + known + 1) * sizeof *m->candidates);
    for (size_t i = 0; i < folder->count; i++) {
        struct candidate *c = add_candidate(m, folder->files[i].name);
        c->there = true;
        c->now = keep(m, folder->files[i].text);
    }
    for (size_t i = 0; i < folder->faults.count; i++) {
        struct candidate *c = add_candidate(m, folder->faults.list[i].file);
        c->there = c->unread = true;
        c->verdict = REFUSED;
        c->why = arena_copy_text(&m->edition->arena, folder->faults.list[i].why.text);
        m->set_back++;
        if (folder->faults.list[i].why.kind == ERROR_SYSTEM)
            m->edition->unread = true;
    }
    for (size_t i = 0; i < known; i++) {
        struct candidate *c = add_candidate(m, m->last->files[i].name);
        c->had = true;
        c->before = keep(m, m->last->files[i].text);
    }
    if (m->count)
        qsort(m->candidates, m->count, sizeof *m->candidates, by_name);
}

/* --- setting back --- */

static bool contains(const struct store *store, struct span entry, struct span file)
{
    const struct store_bundle *bundle = store ? store_find(store, entry) : NULL;
    for (size_t i = 0; bundle && i < bundle->count; i++)
        if (span_equal(bundle->files[i].name, file))
            return true;
    return false;
}

/* Whether the bundle of `entry` has the file, as it was or as it is to be. */
static bool needs(const struct making *m, struct span entry, struct span file)
{
    return contains(m->edition->store, entry, file) ||
           (m->last && contains(m->last->store, entry, file));
}

static void hold_companions(struct making *m, const struct candidate *c);

static void set_back(struct making *m, struct candidate *c, int verdict, const char *why)
{
    c->verdict = verdict;
    c->why = why;
    m->set_back++;
    hold_companions(m, c);
}

static void hold_companions(struct making *m, const struct candidate *c)
{
    for (size_t i = 0; i < m->count; i++) {
        struct candidate *other = &m->candidates[i];
        if (may_yield(other) && (needs(m, c->name, other->name) || needs(m, other->name, c->name)))
            set_back(m, other, HELD,
                     arena_printf(&m->edition->arena, "it goes with %s", c->name.data));
    }
}

/* An edit elsewhere broke this file: what it needs is set back, or all when that is not known. */
static void blame_others(struct making *m, const struct candidate *broken, const char *why)
{
    size_t before = m->set_back;
    for (size_t i = 0; broken && i < m->count; i++)
        if (may_yield(&m->candidates[i]) && needs(m, broken->name, m->candidates[i].name))
            set_back(m, &m->candidates[i], REFUSED, why);
    for (size_t i = 0; before == m->set_back && i < m->count; i++)
        if (may_yield(&m->candidates[i]))
            set_back(m, &m->candidates[i], REFUSED, why);
}

/* The edited file that the text names, at best in front: "workflows/a.lua:3: ..." */
static struct candidate *named_in(const struct making *m, const char *text)
{
    struct candidate *named = NULL;
    for (size_t i = 0; i < m->count; i++) {
        struct candidate *c = &m->candidates[i];
        const char *place = strstr(text, c->name.data);
        if (place == text)
            return c;
        if (place && (!named || may_yield(c)))
            named = c;
    }
    return named;
}

static void blame(struct making *m, struct candidate *fallback, const struct error *fault)
{
    struct candidate *c = named_in(m, fault->text);
    const char *why = arena_copy_text(&m->edition->arena, fault->text);
    if (!c)
        c = fallback;
    if (c && may_yield(c))
        set_back(m, c, REFUSED, why);
    else if (c != fallback && fallback && may_yield(fallback))
        set_back(m, fallback, REFUSED, why);
    else if (!c || c->verdict == TAKEN)
        blame_others(m, c ? c : fallback, why);
}

/* --- checks --- */

static void add_type(struct making *m, struct edition_types *types, struct span name)
{
    const char **names = arena_alloc(&m->edition->arena, (types->count + 1) * sizeof *names);
    if (types->count)
        memcpy(names, types->names, types->count * sizeof *names);
    names[types->count++] = arena_copy(&m->edition->arena, name.data, name.size);
    types->names = names;
}

struct hearing {
    struct making *making;
    struct edition_types *types;
};

static bool hear_type(void *user, const struct store_bundle *bundle, struct span type,
                      struct error *err)
{
    struct hearing *hearing = user;
    (void)bundle;
    (void)err;
    add_type(hearing->making, hearing->types, type);
    return true;
}

static bool ignore_type(void *user, const struct store_bundle *bundle, struct span type,
                        struct error *err)
{
    (void)user, (void)bundle, (void)type, (void)err;
    return true;
}

/* Scripts that lie elsewhere may be for activities as well, and know their words. */
static bool probe_workflows(const struct store_bundle *bundle, struct error *err)
{
    struct bytes script = {0};
    for (size_t i = 0; i < bundle->count; i++)
        if (lies_in(bundle->files[i].name, "workflows/"))
            probe_add(&script, &bundle->files[i]);
    const struct store_file file = {SPAN("probe.lua"), bytes_span(&script)};
    const struct store_bundle *probe = store_bundle_new(&file, 1);
    bool ok = workflow_describe(probe, &(struct workflow_type_reader){ignore_type, NULL}, err);
    store_bundle_release(probe);
    bytes_release(&script);
    return ok;
}

/* A bundle is loaded once; the same text is as good or bad as it was. */
static const struct verdict *judge(struct making *m, const struct store_bundle *bundle)
{
    struct span hash = span_of(bundle->hash);
    struct verdict *verdict = map_get_text(&m->verdicts, hash);
    if (verdict)
        return verdict;
    verdict = arena_alloc(&m->edition->arena, sizeof *verdict);
    struct hearing hearing = {m, &verdict->types};
    if (workflow_describe(bundle, &(struct workflow_type_reader){hear_type, &hearing},
                          &verdict->fault))
        probe_workflows(bundle, &verdict->fault);
    map_put_text(&m->verdicts, hash, verdict);
    return verdict;
}

static void remember_verdicts(struct making *m)
{
    for (size_t i = 0; m->last && i < m->last->script_count; i++) {
        const struct edition_script *script = &m->last->scripts[i];
        struct verdict *verdict = arena_alloc(&m->edition->arena, sizeof *verdict);
        for (size_t j = 0; j < script->types.count; j++)
            add_type(m, &verdict->types, span_of(script->types.names[j]));
        map_put_text(&m->verdicts, span_of(script->bundle->hash), verdict);
    }
}

static void add_script(struct edition *edition, const struct store_bundle *bundle,
                       struct edition_types types)
{
    edition->scripts[edition->script_count++] = (struct edition_script){bundle, types};
}

/* The type is this bundle's, unless another has it. */
static void claim(struct making *m, struct map *owners, const char *type,
                  const struct store_bundle *bundle)
{
    struct error err = {0};
    const struct store_bundle *other = map_get_text(owners, span_of(type));
    if (!other) {
        map_put_text(owners, span_of(type), (void *)bundle);
        return;
    }
    error_set(&err, ERROR_SCRIPT, "workflow \"%s\" is defined in %s and in %s", type,
              store_entry(other).data, store_entry(bundle).data);
    blame(m, NULL, &err);
}

static void check_workflows(struct making *m)
{
    struct map owners = {0};
    const struct store_bundle *const *bundles;
    size_t count = store_bundles(m->edition->store, "workflows", &bundles);
    for (size_t i = 0; i < count; i++) {
        const struct verdict *verdict = judge(m, bundles[i]);
        if (verdict->fault.kind != ERROR_NONE) {
            blame(m, candidate_of(m, store_entry(bundles[i])), &verdict->fault);
            continue;
        }
        for (size_t j = 0; j < verdict->types.count; j++)
            claim(m, &owners, verdict->types.names[j], bundles[i]);
        m->edition->any_workflows = m->edition->any_workflows || verdict->types.count > 0;
        add_script(m->edition, bundles[i], verdict->types);
    }
    map_release(&owners);
}

static void hear_activity(void *user, const char *name, const char *script)
{
    struct making *m = user;
    for (size_t i = 0; i < m->edition->script_count; i++)
        if (span_equal(store_entry(m->edition->scripts[i].bundle), span_of(script)))
            add_type(m, &m->edition->scripts[i].types, span_of(name));
    m->edition->any_activities = true;
}

/* Each file once, in an order in which what is required comes first. */
static void add_sources(struct edition *edition, const struct store_bundle *bundle,
                        struct map *seen)
{
    for (size_t i = 0; i < bundle->count; i++) {
        const struct store_file *file = &bundle->files[i];
        if (!map_put_text(seen, file->name, (void *)file))
            edition->sources[edition->source_count++] =
                (struct script_source){file->name, file->text};
    }
}

static void gather_sources(struct edition *edition)
{
    struct map seen = {0};
    edition->sources =
        arena_alloc(&edition->arena, (edition->count + 1) * sizeof *edition->sources);
    for (size_t f = 0; f < sizeof loaded_by_activities / sizeof *loaded_by_activities; f++) {
        const struct store_bundle *const *bundles;
        size_t count = store_bundles(edition->store, loaded_by_activities[f], &bundles);
        for (size_t i = 0; i < count; i++) {
            add_sources(edition, bundles[i], &seen);
            add_script(edition, bundles[i], (struct edition_types){0});
        }
    }
    map_release(&seen);
}

static void copy_activities(struct making *m)
{
    for (size_t i = 0; i < m->last->script_count; i++) {
        const struct edition_script *script = &m->last->scripts[i];
        const char *entry = store_entry(script->bundle).data;
        if (!lies_in(span_of(entry), "workflows/"))
            for (size_t j = 0; j < script->types.count; j++)
                hear_activity(m, script->types.names[j], entry);
    }
}

/* The sources and a script that reads the globals of those that are for activities alone. */
static bool load_activities(struct making *m, struct error *err)
{
    struct edition *edition = m->edition;
    struct bytes script = {0};
    for (size_t i = 0; i < edition->source_count; i++) {
        const struct script_source *source = &edition->sources[i];
        for (size_t f = 0; f < sizeof known_to_activities / sizeof *known_to_activities; f++)
            if (is_lua(source->name) && lies_in(source->name, known_to_activities[f]))
                probe_add(&script, &(struct store_file){source->name, source->text});
    }
    edition->sources[edition->source_count] =
        (struct script_source){SPAN("probe.lua"), bytes_span(&script)};
    const struct activity_options options = {.sources = edition->sources,
                                             .source_count = edition->source_count + 1};
    bool ok = activity_check(&options, &(struct activity_reader){hear_activity, m}, err);
    bytes_release(&script);
    return ok;
}

static void check_activities(struct making *m)
{
    struct error err = {0};
    gather_sources(m->edition);
    if (m->last && edition_same_activities(m->edition, m->last))
        copy_activities(m);
    else if (!load_activities(m, &err) && err.kind == ERROR_SYSTEM)
        m->broken = err;
    else if (err.kind != ERROR_NONE)
        blame(m, NULL, &err);
}

/* --- making --- */

/* The files that serve as the verdicts are now, and their bundles. */
static void choose(struct making *m, struct store_faults *faults)
{
    struct edition *edition = m->edition;
    edition->count = edition->script_count = edition->source_count = 0;
    edition->any_workflows = edition->any_activities = false;
    for (size_t i = 0; i < m->count; i++) {
        const struct candidate *c = &m->candidates[i];
        if (c->verdict == TAKEN ? c->there : c->had)
            edition->files[edition->count++] =
                (struct store_file){c->name, c->verdict == TAKEN ? c->now : c->before};
    }
    store_close(edition->store);
    edition->store = store_make(edition->files, edition->count, faults);
}

/* One round: true when all that was chosen is good. */
static bool stands(struct making *m)
{
    struct store_faults faults = {0};
    size_t before = m->set_back;
    choose(m, &faults);
    for (size_t i = 0; i < faults.count; i++)
        blame(m, candidate_of(m, faults.list[i].file), &faults.list[i].why);
    bool ok = faults.count == 0;
    faults_release(&faults);
    for (size_t i = 0; i < m->count; i++)
        if (m->candidates[i].unread)
            hold_companions(m, &m->candidates[i]);
    if (ok && m->set_back == before)
        check_workflows(m);
    if (ok && m->set_back == before)
        check_activities(m);
    return ok && m->set_back == before;
}

static enum edition_change_kind kind_of(const struct candidate *c)
{
    if (c->verdict != TAKEN)
        return c->verdict == HELD ? CHANGE_HELD : CHANGE_REFUSED;
    if (!c->there)
        return CHANGE_REMOVED;
    return c->had ? CHANGE_EDITED : CHANGE_ADDED;
}

static bool was_said(const struct edition *last, const struct edition_change *change)
{
    for (size_t i = 0; last && change->why && i < last->change_count; i++) {
        const struct edition_change *before = &last->changes[i];
        if (before->kind == change->kind && span_equal(before->file, change->file) &&
            span_equal(before->text, change->text) && strcmp(before->why, change->why) == 0)
            return true;
    }
    return false;
}

static struct edition_change change_of(const struct making *m, const struct candidate *c)
{
    struct edition_change change = {kind_of(c), c->name, c->now, c->why, false};
    change.said = was_said(m->last, &change);
    return change;
}

static void list_changes(struct making *m)
{
    struct edition *edition = m->edition;
    edition->changes = arena_alloc(&edition->arena, (m->count + 1) * sizeof *edition->changes);
    for (size_t i = 0; i < m->count; i++) {
        const struct candidate *c = &m->candidates[i];
        if (is_changed(c) || c->verdict != TAKEN)
            edition->changes[edition->change_count++] = change_of(m, c);
    }
}

static bool make(struct making *m, struct error *err)
{
    struct edition *edition = m->edition;
    edition->files = arena_alloc(&edition->arena, (m->count + 1) * sizeof *edition->files);
    edition->scripts = arena_alloc(&edition->arena, (m->count + 1) * sizeof *edition->scripts);
    remember_verdicts(m);
    for (size_t before = SIZE_MAX; !stands(m); before = m->set_back)
        if (m->set_back == before)
            return error_set(err, ERROR_SCRIPT, "the scripts that serve do not load any more");
    if (m->broken.kind != ERROR_NONE) {
        *err = m->broken;
        return error_add(err, "checking the scripts");
    }
    list_changes(m);
    return true;
}

bool edition_make(struct edition **out, const struct edition *last, const char *dir,
                  struct error *err)
{
    struct folder folder;
    bool ok = folder_read(&folder, dir, err);
    if (ok) {
        struct making m = {.edition = memory_new(sizeof *m.edition), .last = last};
        atomic_init(&m.edition->holders, 1);
        find_candidates(&m, &folder);
        ok = make(&m, err);
        map_release(&m.verdicts);
        free(m.candidates);
        if (ok)
            *out = m.edition;
        else
            edition_release(m.edition);
    }
    folder_release(&folder);
    return ok;
}

struct edition *edition_hold(struct edition *edition)
{
    atomic_fetch_add(&edition->holders, 1);
    return edition;
}

void edition_release(struct edition *edition)
{
    if (!edition || atomic_fetch_sub(&edition->holders, 1) > 1)
        return;
    store_close(edition->store);
    arena_release(&edition->arena);
    free(edition);
}

/* --- looking at it --- */

bool edition_equals(const struct edition *a, const struct edition *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = span_equal(a->files[i].name, b->files[i].name) &&
               span_equal(a->files[i].text, b->files[i].text);
    return same;
}

bool edition_same_activities(const struct edition *a, const struct edition *b)
{
    bool same = a->source_count == b->source_count;
    for (size_t i = 0; same && i < a->source_count; i++)
        same = span_equal(a->sources[i].name, b->sources[i].name) &&
               span_equal(a->sources[i].text, b->sources[i].text);
    return same;
}

const struct edition_script *edition_script(const struct edition *edition, struct span entry)
{
    for (size_t i = 0; i < edition->script_count; i++)
        if (span_equal(store_entry(edition->scripts[i].bundle), entry))
            return &edition->scripts[i];
    return NULL;
}

bool edition_has_activity(const struct edition *edition, const char *type)
{
    for (size_t i = 0; i < edition->script_count; i++) {
        const struct edition_script *script = &edition->scripts[i];
        if (lies_in(store_entry(script->bundle), "workflows/"))
            continue;
        for (size_t n = 0; n < script->types.count; n++)
            if (strcmp(script->types.names[n], type) == 0)
                return true;
    }
    return false;
}

const char *edition_change_name(enum edition_change_kind kind)
{
    static const char *const names[] = {
        [CHANGE_ADDED] = "added",     [CHANGE_EDITED] = "reloaded", [CHANGE_REMOVED] = "removed",
        [CHANGE_REFUSED] = "refused", [CHANGE_HELD] = "held back",
    };
    return names[kind];
}
