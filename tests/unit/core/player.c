#include "player.h"

#include "story.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"

/* Commands must live until run_end; a test lives longer than that. */
static struct arena scratch;

__attribute__((destructor)) static void forget_scratch(void)
{
    arena_release(&scratch);
}

void player_begin(struct player *p, struct builder *history)
{
    struct run_task task = {.sdk_name = SPAN("signalroom"), .sdk_version = SPAN("1")};
    const struct event *last = &history->events[history->count - 1];
    if (!p->run)
        p->run = run_new();
    if (last->type == EVENT_TASK_STARTED)
        task.started_id = last->id;
    for (size_t i = 0; i + 1 < history->count; i++)
        if (history->events[i].type == EVENT_TASK_STARTED &&
            history->events[i + 1].type == EVENT_TASK_COMPLETED)
            task.previous_started_id = history->events[i].id;
    p->history = history;
    p->fed = (size_t)run_last_event(p->run);
    run_begin(p->run, task);
}

static bool feed(struct player *p)
{
    size_t left = p->history->count - p->fed;
    size_t size = p->page && p->page < left ? p->page : left;
    p->gave_empty = p->empty_pages && !p->gave_empty;
    if (p->gave_empty)
        size = 0;
    struct event *page = p->history->events + p->fed;
    p->fed += size;
    return run_feed(p->run, page, size, p->fed < p->history->count || p->gave_empty, &p->err);
}

static const char *job_word(const struct job *job, char word[160])
{
    static const char *const words[] = {
        [JOB_INITIALIZE] = "initialize",
        [JOB_RANDOM_SEED] = "seed",
        [JOB_SIGNAL] = "signal",
        [JOB_FIRE_TIMER] = "fire",
        [JOB_RESOLVE_ACTIVITY] = "activity",
        [JOB_CANCEL_WORKFLOW] = "cancel",
    };
    static const char *const outcomes[] = {[EVENT_ACTIVITY_COMPLETED] = "done",
                                           [EVENT_ACTIVITY_FAILED] = "broke",
                                           [EVENT_ACTIVITY_TIMED_OUT] = "lapsed",
                                           [EVENT_ACTIVITY_CANCELED] = "revoked"};
    const char *name = words[job->kind];
    if (job->kind == JOB_RESOLVE_ACTIVITY)
        snprintf(word, 160, "%s(%u %s)", name, job->seq,
                 job->event ? outcomes[job->event->type] : "released");
    else if (job->kind == JOB_FIRE_TIMER)
        snprintf(word, 160, "%s(%u)", name, job->seq);
    else if (job->kind == JOB_SIGNAL)
        snprintf(word, 160, "%s(%.*s)", name, (int)job->event->key.size, job->event->key.data);
    else
        snprintf(word, 160, "%s", name);
    return word;
}

const char *player_next(struct player *p)
{
    enum run_need need;
    char word[160];
    while ((need = run_next(p->run, &p->jobs, &p->err)) == RUN_NEED_HISTORY)
        if (!feed(p))
            return "fail";
    if (need == RUN_NEED_NOTHING)
        return "nothing";
    if (need == RUN_NEED_FAIL)
        return "fail";
    int used =
        snprintf(p->text, sizeof p->text, "%lld%s:", (long long)p->jobs.moment.history_length,
                 p->jobs.moment.replaying ? "*" : "");
    for (size_t i = 0; i < p->jobs.count && used < (int)sizeof p->text; i++)
        used += snprintf(p->text + used, sizeof p->text - (size_t)used, " %s",
                         job_word(&p->jobs.jobs[i], word));
    return p->text;
}

static const struct {
    const char *word;
    enum command_type type;
    enum cancel_mode mode;
} vocabulary[] = {
    {"activity",  COMMAND_SCHEDULE_ACTIVITY, CANCEL_TRY           },
    {"revoke",    COMMAND_CANCEL_ACTIVITY,   CANCEL_TRY           },
    {"wait",      COMMAND_CANCEL_ACTIVITY,   CANCEL_WAIT_COMPLETED},
    {"abandon",   COMMAND_CANCEL_ACTIVITY,   CANCEL_ABANDON       },
    {"timer",     COMMAND_START_TIMER,       CANCEL_TRY           },
    {"untimer",   COMMAND_CANCEL_TIMER,      CANCEL_TRY           },
    {"marker",    COMMAND_RECORD_MARKER,     CANCEL_TRY           },
    {"complete",  COMMAND_COMPLETE_WORKFLOW, CANCEL_TRY           },
    {"fail",      COMMAND_FAIL_WORKFLOW,     CANCEL_TRY           },
    {"cancelled", COMMAND_CANCEL_WORKFLOW,   CANCEL_TRY           },
    {"renew",     COMMAND_CONTINUE_AS_NEW,   CANCEL_TRY           },
    {"child",     COMMAND_START_CHILD,       CANCEL_TRY           },
};

enum { VOCABULARY_SIZE = sizeof vocabulary / sizeof *vocabulary, COMMANDS = 64 };

static struct command command_of(const char *text, int line)
{
    char *word = arena_copy_text(&scratch, text);
    char *key = strchr(word, ':');
    char *name = key ? strchr(key, '/') : NULL;
    struct command c = {.type = 0};
    if (key)
        *key++ = '\0';
    if (name)
        *name++ = '\0';
    for (size_t i = 0; i < VOCABULARY_SIZE; i++)
        if (strcmp(vocabulary[i].word, word) == 0)
            c = (struct command){.type = vocabulary[i].type, .cancel_mode = vocabulary[i].mode};
    assert(c.type);
    c.key = span_of(key);
    c.name = span_of(name);
    c.seq = key ? (uint32_t)atoi(key) : 0;
    c.place = span_of(arena_printf(&scratch, "w.lua:%d", line));
    return c;
}

bool player_act(struct player *p, const char *words)
{
    struct command *commands = arena_alloc(&scratch, COMMANDS * sizeof *commands);
    char *copy = arena_copy_text(&scratch, words);
    char *rest = NULL;
    size_t count = 0;
    for (char *w = strtok_r(copy, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
        assert(count < COMMANDS);
        commands[count] = command_of(w, (int)count + 1);
        count++;
    }
    return run_apply(p->run, commands, count, &p->err);
}

static const char *word_of(const struct command *c)
{
    for (size_t i = 0; i < VOCABULARY_SIZE; i++)
        if (vocabulary[i].type == c->type && vocabulary[i].mode == c->cancel_mode)
            return vocabulary[i].word;
    return "?";
}

const char *player_answer(struct player *p)
{
    run_reply(p->run, &p->answer);
    int used = snprintf(p->text, sizeof p->text, "%s", p->answer.respond ? "" : "-");
    for (size_t i = 0; i < p->answer.count && used < (int)sizeof p->text; i++) {
        const struct command *c = p->answer.commands[i];
        used += snprintf(p->text + used, sizeof p->text - (size_t)used, "%s%s%s%.*s", i ? " " : "",
                         word_of(c), c->key.size ? ":" : "", (int)c->key.size,
                         c->key.size ? c->key.data : "");
        if (c->initiating_id)
            used += snprintf(p->text + used, sizeof p->text - (size_t)used, "@%lld",
                             (long long)c->initiating_id);
    }
    run_end(p->run);
    return p->text;
}

void player_evict(struct player *p)
{
    run_free(p->run);
    p->run = NULL;
}

/* The next round of "a | b | c", NULL when there is none. */
static char *next_round(char **rounds)
{
    char *round = *rounds + strspn(*rounds, " ");
    char *bar = strstr(round, " |");
    if (!*round)
        return NULL;
    *rounds = bar ? bar + 2 : round + strlen(round);
    if (bar)
        *bar = '\0';
    return round;
}

/* "3*: signal(k)" as "3: signal(k)". */
static void drop_star(char *text)
{
    char *star = strstr(text, "*:");
    if (star)
        memmove(star, star + 1, strlen(star));
}

static void play_turn(struct player *p, const struct turn *turn, bool replaying)
{
    char *jobs = arena_copy_text(&scratch, turn->jobs);
    char *acts = arena_copy_text(&scratch, turn->act);
    for (char *job; (job = next_round(&jobs));) {
        char *act = next_round(&acts);
        player_next(p);
        drop_star(p->text);
        assert_string_equal(p->text, job);
        assert_int_equal(p->jobs.moment.replaying, replaying);
        assert_true(player_act(p, act ? act : ""));
    }
}

static void tell(const struct turn *turns, bool evict, size_t page)
{
    struct builder b = {.stepwise = true};
    struct player p = {.page = page};
    for (const struct turn *turn = turns; turn->history; turn++) {
        if (evict && p.run)
            player_evict(&p);
        builder_write(&b, turn->history);
        player_begin(&p, &b);
        for (const struct turn *past = evict ? turns : turn; past < turn; past++)
            play_turn(&p, past, true);
        play_turn(&p, turn, false);
        assert_string_equal(player_next(&p), "nothing");
        assert_string_equal(player_answer(&p), turn->answer);
        assert_int_equal(run_last_event(p.run), b.count);
    }
    player_evict(&p);
}

void player_tell(const struct turn *turns)
{
    for (size_t page = 0; page < 5; page++) {
        tell(turns, false, page);
        tell(turns, true, page);
    }
}

const char *player_refusal(struct player *p, struct builder *history, const struct turn *turns)
{
    player_begin(p, history);
    for (const struct turn *turn = turns;; turn++) {
        const char *need = player_next(p);
        if (strcmp(need, "nothing") == 0)
            return "";
        if (strcmp(need, "fail") == 0 || !player_act(p, turn->act ? turn->act : ""))
            return p->err.text;
    }
}
