#include "builder.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *word;
    int types[3];
} vocabulary[] = {
    {"start",     {EVENT_WORKFLOW_STARTED}                                        },
    {"signal",    {EVENT_WORKFLOW_SIGNALED}                                       },
    {"cancel",    {EVENT_WORKFLOW_CANCEL_REQUESTED}                               },
    {"stop",      {EVENT_WORKFLOW_TERMINATED}                                     },
    {"expire",    {EVENT_WORKFLOW_TIMED_OUT}                                      },
    {"scheduled", {EVENT_TASK_SCHEDULED}                                          },
    {"begin",     {EVENT_TASK_STARTED}                                            },
    {"completed", {EVENT_TASK_COMPLETED}                                          },
    {"failed",    {EVENT_TASK_FAILED}                                             },
    {"reset",     {EVENT_TASK_FAILED}                                             },
    {"late",      {EVENT_TASK_TIMED_OUT}                                          },
    {"open",      {EVENT_TASK_SCHEDULED, EVENT_TASK_STARTED}                      },
    {"task",      {EVENT_TASK_SCHEDULED, EVENT_TASK_STARTED, EVENT_TASK_COMPLETED}},
    {"activity",  {EVENT_ACTIVITY_SCHEDULED}                                      },
    {"begun",     {EVENT_ACTIVITY_STARTED}                                        },
    {"done",      {EVENT_ACTIVITY_COMPLETED}                                      },
    {"broke",     {EVENT_ACTIVITY_FAILED}                                         },
    {"lapsed",    {EVENT_ACTIVITY_TIMED_OUT}                                      },
    {"revoke",    {EVENT_ACTIVITY_CANCEL_REQUESTED}                               },
    {"revoked",   {EVENT_ACTIVITY_CANCELED}                                       },
    {"timer",     {EVENT_TIMER_STARTED}                                           },
    {"fired",     {EVENT_TIMER_FIRED}                                             },
    {"untimer",   {EVENT_TIMER_CANCELED}                                          },
    {"marker",    {EVENT_MARKER_RECORDED}                                         },
    {"complete",  {EVENT_WORKFLOW_COMPLETED}                                      },
    {"fail",      {EVENT_WORKFLOW_FAILED}                                         },
    {"cancelled", {EVENT_WORKFLOW_CANCELED}                                       },
    {"renew",     {EVENT_WORKFLOW_CONTINUED_AS_NEW}                               },
    {"accepted",  {EVENT_UPDATE_ACCEPTED}                                         },
    {"updated",   {EVENT_UPDATE_COMPLETED}                                        },
    {"any",       {0}                                                             },
    {"maybe",     {0}                                                             },
};

enum { VOCABULARY_SIZE = sizeof vocabulary / sizeof *vocabulary };

struct event *builder_add(struct builder *b, int type)
{
    static const uint32_t stepwise[] = {1};
    assert(b->count < BUILDER_ROOM);
    struct event *e = &b->events[b->count++];
    *e = (struct event){.id = (int64_t)b->count, .type = type, .time_ms = (int64_t)b->count * 1000};
    if (type == EVENT_TASK_STARTED)
        e->started.history_bytes = e->id * 100;
    if (type == EVENT_TASK_COMPLETED && b->stepwise) {
        e->completed.flags = stepwise;
        e->completed.flag_count = 1;
    }
    return e;
}

/* "name:key/more@5" into the event: everything behind the name. */
static void write_rest(struct event *e, const char *word, size_t size)
{
    const char *at = memchr(word, '@', size);
    size_t names = at ? (size_t)(at - word) : size;
    const char *key = memchr(word, ':', names);
    const char *name = key ? memchr(key, '/', names - (size_t)(key - word)) : NULL;
    const char *end = word + names;
    if (key)
        e->key = (struct span){key + 1, (size_t)((name ? name : end) - key - 1)};
    if (name)
        e->name = (struct span){name + 1, (size_t)(end - name - 1)};
    if (at && e->type == EVENT_UPDATE_ACCEPTED)
        e->sequencing_id = atoll(at + 1);
    else if (at)
        e->initiating_id = atoll(at + 1);
}

static void write_word(struct builder *b, const char *word, size_t size)
{
    size_t letters = strspn(word, "abcdefghijklmnopqrstuvwxyz");
    for (size_t i = 0; i < VOCABULARY_SIZE; i++) {
        const char *known = vocabulary[i].word;
        if (strlen(known) != letters || memcmp(known, word, letters) != 0)
            continue;
        struct event *e = builder_add(b, vocabulary[i].types[0]);
        write_rest(e, word, size);
        for (size_t j = 1; j < 3 && vocabulary[i].types[j]; j++)
            builder_add(b, vocabulary[i].types[j]);
        if (!e->type)
            e->type = atoi(e->key.data);
        e->may_ignore = strcmp(known, "maybe") == 0;
        if (strcmp(known, "reset") == 0)
            e->failed.new_run_id = SPAN("11111111-2222-3333-4444-555555555555");
        return;
    }
    fprintf(stderr, "builder: no such word: %.*s\n", (int)size, word);
    abort();
}

void builder_write(struct builder *b, const char *words)
{
    for (const char *word = words + strspn(words, " "); *word; word += strspn(word, " ")) {
        size_t size = strcspn(word, " ");
        write_word(b, word, size);
        word += size;
    }
}
