#include "worker/peek.h"

enum { VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5 };

/* Field numbers of PollWorkflowTaskQueueResponse and common.v1.WorkflowExecution. */
enum { TASK_TOKEN = 1, WORKFLOW_EXECUTION = 2, ATTEMPT = 6, BACKLOG_COUNT_HINT = 7, QUERY = 10 };
enum { RUN_ID = 2 };

/* Of RespondWorkflowTaskCompletedResponse. */
enum { ACTIVITY_TASKS = 2 };

struct field {
    uint64_t number;
    uint64_t value;    /* VARINT */
    struct span bytes; /* LENGTH */
};

static bool take_varint(struct span *rest, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; rest->size && shift < 64; shift += 7) {
        unsigned char c = (unsigned char)*rest->data;
        rest->data++;
        rest->size--;
        *value |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80)
            return true;
    }
    return false;
}

static bool take_bytes(struct span *rest, uint64_t size, struct span *out)
{
    if (size > rest->size)
        return false;
    *out = (struct span){rest->data, (size_t)size};
    rest->data += size;
    rest->size -= (size_t)size;
    return true;
}

static bool take_field(struct span *rest, struct field *field)
{
    uint64_t tag;
    uint64_t size;
    *field = (struct field){0};
    if (!take_varint(rest, &tag))
        return false;
    field->number = tag >> 3;
    switch (tag & 7) {
    case VARINT:
        return take_varint(rest, &field->value);
    case FIXED64:
        return take_bytes(rest, 8, &field->bytes);
    case FIXED32:
        return take_bytes(rest, 4, &field->bytes);
    case LENGTH:
        return take_varint(rest, &size) && take_bytes(rest, size, &field->bytes);
    default:
        return false;
    }
}

static struct span run_id_of(struct span execution)
{
    struct span found = {0};
    for (struct field f; take_field(&execution, &f);)
        if (f.number == RUN_ID)
            found = f.bytes;
    return found;
}

struct peek peek_workflow_task(struct span packed)
{
    struct peek peek = {0};
    for (struct field f; take_field(&packed, &f);) {
        if (f.number == TASK_TOKEN)
            peek.token = f.bytes;
        else if (f.number == WORKFLOW_EXECUTION)
            peek.run_id = run_id_of(f.bytes);
        else if (f.number == BACKLOG_COUNT_HINT)
            peek.backlog = (int64_t)f.value;
        else if (f.number == ATTEMPT)
            peek.attempt = (int64_t)f.value;
        else if (f.number == QUERY)
            peek.query = true;
    }
    return peek;
}

bool peek_activity_task(struct span *rest, struct span *task)
{
    for (struct field f; take_field(rest, &f);) {
        *task = f.bytes;
        if (f.number == ACTIVITY_TASKS && f.bytes.size)
            return true;
    }
    return false;
}
