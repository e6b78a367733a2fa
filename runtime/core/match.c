#include "core/match.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

void match_ask(struct match *match, const struct command *command)
{
    if (match->head == match->count)
        match->head = match->count = 0;
    if (match->count == match->room) {
        match->room = match->room ? match->room * 2 : 4;
        match->asked = memory_resize(match->asked, match->room * sizeof *match->asked);
    }
    match->asked[match->count++] = (struct asked){*command, false};
}

void match_end(struct match *match, const struct command *command)
{
    match->ending = memory_copy(command, sizeof *command);
}

void match_drop(struct match *match, enum command_type type, uint32_t seq)
{
    for (uint32_t i = match->count; i-- > match->head;) {
        struct asked *asked = &match->asked[i];
        if (asked->command.type != type || asked->command.seq != seq)
            continue;
        asked->dropped = true;
        return;
    }
}

const struct command *match_front(struct match *match)
{
    while (match->head < match->count && match->asked[match->head].dropped)
        match->head++;
    return match->head < match->count ? &match->asked[match->head].command : match->ending;
}

void match_pop(struct match *match, const struct event *event)
{
    const struct command *front = match_front(match);
    if (front->place.size)
        match->trail[match->matched++ % TRAIL_LENGTH] = (struct trail){event, front->place};
    if (match->head < match->count) {
        match->head++;
        return;
    }
    free(match->ending);
    match->ending = NULL;
}

const struct command *const *match_list(struct match *match, size_t *count)
{
    size_t most = match->count - match->head + 1;
    *count = 0;
    match->list = memory_resize(match->list, most * sizeof *match->list);
    for (uint32_t i = match->head; i < match->count; i++)
        if (!match->asked[i].dropped)
            match->list[(*count)++] = &match->asked[i].command;
    if (match->ending)
        match->list[(*count)++] = match->ending;
    return match->list;
}

/* --- across tasks --- */

static size_t text_size(const struct command *command)
{
    return command->key.size + command->name.size + command->place.size;
}

static void move_text(struct span *text, char **to)
{
    if (!text->size) {
        text->data = NULL;
        return;
    }
    memcpy(*to, text->data, text->size);
    text->data = *to;
    *to += text->size;
}

/* What is not needed to recognise the event and to name the command ends with the task. */
static void keep_command(struct command *command, char **text)
{
    move_text(&command->key, text);
    move_text(&command->name, text);
    move_text(&command->place, text);
    command->attrs = NULL;
}

static void keep_asked(struct match *match)
{
    uint32_t kept = 0;
    for (uint32_t i = match->head; i < match->count; i++)
        if (!match->asked[i].dropped)
            match->asked[kept++] = match->asked[i];
    match->head = 0;
    match->count = match->room = kept;
    if (kept) {
        match->asked = memory_resize(match->asked, kept * sizeof *match->asked);
        return;
    }
    free(match->asked);
    match->asked = NULL;
}

void match_close_task(struct match *match)
{
    keep_asked(match);
    size_t size = match->ending ? text_size(match->ending) : 0;
    for (uint32_t i = 0; i < match->count; i++)
        size += text_size(&match->asked[i].command);
    char *old = match->kept;
    match->kept = size ? memory_resize(NULL, size) : NULL;
    char *text = match->kept;
    for (uint32_t i = 0; i < match->count; i++)
        keep_command(&match->asked[i].command, &text);
    if (match->ending)
        keep_command(match->ending, &text);
    free(old);
    free(match->list);
    match->list = NULL;
    match->matched = 0;
}

void match_release(struct match *match)
{
    free(match->asked);
    free(match->ending);
    free(match->list);
    free(match->kept);
    *match = (struct match){0};
}

/* --- the text --- */

enum { TEXT_SIZE = 320, TRAIL_SIZE = 512, NAME_LIMIT = 80 };

/* For "%.*s": names are cut so that the text holds all its parts. */
static int shown(struct span name)
{
    size_t size = name.size < NAME_LIMIT ? name.size : NAME_LIMIT;
    while (size < name.size && size > 0 && (name.data[size] & 0xc0) == 0x80)
        size--;
    return (int)size;
}

static const char *start_of(struct span name)
{
    return name.size ? name.data : "";
}

static const char *describe_event(const struct event *e, char text[TEXT_SIZE])
{
    const char *type = event_type_name(e->type);
    const char *key = start_of(e->key);
    if (e->name.size)
        snprintf(text, TEXT_SIZE, "%s '%.*s' (id %.*s)", type, shown(e->name), start_of(e->name),
                 shown(e->key), key);
    else if (e->key.size)
        snprintf(text, TEXT_SIZE, "%s '%.*s'", type, shown(e->key), key);
    else if (e->initiating_id)
        snprintf(text, TEXT_SIZE, "%s (of event %lld)", type, (long long)e->initiating_id);
    else
        snprintf(text, TEXT_SIZE, "%s", type);
    return text;
}

static const char *describe_command(const struct command *c, char text[TEXT_SIZE])
{
    const char *key = start_of(c->key);
    int size = shown(c->key);
    switch (c->type) {
    case COMMAND_SCHEDULE_ACTIVITY:
        snprintf(text, TEXT_SIZE, "activity '%.*s' (id %.*s)", shown(c->name), start_of(c->name),
                 size, key);
        break;
    case COMMAND_CANCEL_ACTIVITY:
        snprintf(text, TEXT_SIZE, "cancelling activity %u (event %lld)", c->seq,
                 (long long)c->initiating_id);
        break;
    case COMMAND_START_TIMER:
        snprintf(text, TEXT_SIZE, "timer %.*s", size, key);
        break;
    case COMMAND_CANCEL_TIMER:
        snprintf(text, TEXT_SIZE, "cancelling timer %u (event %lld)", c->seq,
                 (long long)c->initiating_id);
        break;
    case COMMAND_RECORD_MARKER:
        snprintf(text, TEXT_SIZE, "marker '%.*s'", size, key);
        break;
    case COMMAND_COMPLETE_WORKFLOW:
        return "completing the workflow";
    case COMMAND_FAIL_WORKFLOW:
        return "failing the workflow";
    case COMMAND_CANCEL_WORKFLOW:
        return "ending the workflow as cancelled";
    case COMMAND_CONTINUE_AS_NEW:
        return "continuing as new";
    default:
        snprintf(text, TEXT_SIZE, "command %d", c->type);
    }
    return text;
}

/* The script's name and the line of "script:line". */
static struct span place_script(struct span place)
{
    const char *colon = place.size ? memrchr(place.data, ':', place.size) : NULL;
    return (struct span){place.data, colon ? (size_t)(colon - place.data) : 0};
}

/* "; before that: event 5 ActivityTaskScheduled 'reserve' matched line 12, event 7 ..." */
static void describe_trail(const struct match *match, struct span script, char text[TRAIL_SIZE])
{
    uint32_t first = match->matched > TRAIL_LENGTH ? match->matched - TRAIL_LENGTH : 0;
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = first; i < match->matched && used < TRAIL_SIZE; i++) {
        const struct trail *t = &match->trail[i % TRAIL_LENGTH];
        struct span name = t->event->name.size ? t->event->name : t->event->key;
        bool same = script.size && span_equal(place_script(t->place), script);
        struct span line = t->place;
        if (same)
            line = (struct span){line.data + script.size + 1, line.size - script.size - 1};
        used += (size_t)snprintf(
            text + used, TRAIL_SIZE - used, "%s event %lld %s%s%.*s%s matched %s%.*s",
            i == first ? "; before that:" : ",", (long long)t->event->id,
            event_type_name(t->event->type), name.size ? " '" : "", shown(name), start_of(name),
            name.size ? "'" : "", same ? "line " : "", shown(line), start_of(line));
    }
}

static bool refuse(struct match *match, int64_t id, const char *history, struct error *err)
{
    const struct command *front = match_front(match);
    struct span place = front ? front->place : (struct span){0};
    char asked[TEXT_SIZE];
    char trail[TRAIL_SIZE];
    describe_trail(match, place_script(place), trail);
    return error_set(err, ERROR_HISTORY,
                     "[TMPRL1100] nondeterminism at event %lld: history has %s, the script asked "
                     "for %s%s%.*s%s",
                     (long long)id, history,
                     front ? describe_command(front, asked) : "nothing more",
                     place.size ? " at " : "", shown(place), start_of(place), trail);
}

bool match_refuse(struct match *match, const struct event *event, struct error *err)
{
    char text[TEXT_SIZE];
    return refuse(match, event->id, describe_event(event, text), err);
}

bool match_refuse_leftover(struct match *match, int64_t id, const struct event *next,
                           struct error *err)
{
    char text[TEXT_SIZE];
    snprintf(text, sizeof text, "no further command (%s)",
             next ? event_type_name(next->type) : "its end");
    return refuse(match, id, text, err);
}
