/*
 * One call of the script: jobs become a Lua table, the commands that come back become the core's.
 * The tables' shape is described in runtime/lua/workflow/init.lua, the other side of this file.
 */
#include <lauxlib.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/log.h"
#include "script/message.h"
#include "workflow/inside.h"
#include "workflow/pin.h"
#include "workflow/wire.h"

/* --- what the library may call --- */

/* level, text, workflow type, workflow id, run id */
static int write_log(lua_State *L)
{
    bool warning = *luaL_checkstring(L, 1) == 'w';

    log_event(warning ? LOG_WARNING : LOG_INFO, "workflow_log", "text", luaL_checkstring(L, 2),
              "workflow_type", luaL_optstring(L, 3, NULL), "workflow_id",
              luaL_optstring(L, 4, NULL), "run_id", luaL_optstring(L, 5, NULL), NULL);
    return 0;
}

/* --- tables for the script --- */

static void set_text(lua_State *L, const char *key, struct span text)
{
    lua_pushlstring(L, text.data ? text.data : "", text.size);
    lua_setfield(L, -2, key);
}

static void set_number(lua_State *L, const char *key, double number)
{
    lua_pushnumber(L, number);
    lua_setfield(L, -2, key);
}

static void set_flag(lua_State *L, const char *key, bool flag)
{
    lua_pushboolean(L, flag);
    lua_setfield(L, -2, key);
}

/* The first eight bytes of SHA-256 of the run id: in histories forever. */
static void set_seed(lua_State *L, struct span run_id)
{
    unsigned char hash[EVP_MAX_MD_SIZE] = {0};

    if (EVP_Digest(run_id.data, run_id.size, hash, NULL, EVP_sha256(), NULL) != 1)
        abort(); /* a run with another seed would be another run */
    set_text(L, "seed", (struct span){(const char *)hash, 8});
}

static const char *const kind_names[] = {
    [JOB_INITIALIZE] = "initialize",
    [JOB_RANDOM_SEED] = "random_seed",
    [JOB_SIGNAL] = "signal",
    [JOB_FIRE_TIMER] = "fire_timer",
    [JOB_RESOLVE_ACTIVITY] = "resolve_activity",
    [JOB_CANCEL_WORKFLOW] = "cancel",
};

static const char *outcome_of(const struct event *event)
{
    if (!event)
        return "canceled";
    switch (event->type) {
    case EVENT_ACTIVITY_COMPLETED:
        return "completed";
    case EVENT_ACTIVITY_FAILED:
        return "failed";
    case EVENT_ACTIVITY_TIMED_OUT:
        return "timed_out";
    default:
        return "canceled";
    }
}

static void set_attributes(lua_State *L, const struct event *event)
{
    message_push(L, event->attrs);
    lua_setfield(L, -2, "attributes");
}

static void set_resolution(lua_State *L, const struct job *job)
{
    const Tpb__History__ActivityTaskCompletedEventAttributes *completed;

    lua_pushstring(L, outcome_of(job->event));
    lua_setfield(L, -2, "outcome");
    if (job->event && job->event->type == EVENT_ACTIVITY_COMPLETED) {
        completed = job->event->attrs;
        if (completed->result) {
            message_push(L, &completed->result->base);
            lua_setfield(L, -2, "result");
        }
        return;
    }
    set_number(L, "scheduled_id", (double)job->scheduled_id);
    set_number(L, "started_id", (double)job->started_id);
    if (job->event)
        set_attributes(L, job->event);
}

static void push_job(lua_State *L, const struct job *job)
{
    lua_createtable(L, 0, 4);
    lua_pushstring(L, kind_names[job->kind]);
    lua_setfield(L, -2, "kind");
    switch (job->kind) {
    case JOB_RESOLVE_ACTIVITY:
        set_number(L, "seq", job->seq);
        set_resolution(L, job);
        break;
    case JOB_FIRE_TIMER:
        set_number(L, "seq", job->seq);
        break;
    case JOB_RANDOM_SEED:
        set_seed(L, job->event->failed.new_run_id);
        break;
    default:
        set_attributes(L, job->event);
    }
}

/* Who the run is: with its first activation. */
static void set_start(lua_State *L, const struct workflow_run *run, const struct event *started)
{
    lua_createtable(L, 0, 5);
    set_text(L, "workflow_id", span_of(run->task->workflow_execution->workflow_id));
    set_text(L, "run_id", span_of(run->run_id));
    set_text(L, "namespace", span_of(host_options(run->host)->space));
    set_text(L, "task_queue", span_of(host_options(run->host)->task_queue));
    set_number(L, "started_ms", (double)started->time_ms);
    set_seed(L, started->workflow.original_run_id);
    lua_setfield(L, -2, "start");
    lua_pushcfunction(L, write_log);
    lua_setfield(L, -2, "log");
}

static void push_activation(lua_State *L, const struct workflow_run *run, struct run_moment moment)
{
    lua_createtable(L, 0, 8);
    set_number(L, "now_ms", (double)moment.now_ms);
    set_flag(L, "replaying", moment.replaying || run->rehearsal);
    set_number(L, "history_length", (double)moment.history_length);
    set_number(L, "history_bytes", (double)moment.history_bytes);
    set_flag(L, "suggest_continue_as_new", moment.suggest_continue_as_new);
}

static void push_jobs(lua_State *L, const struct workflow_run *run, const struct run_jobs *jobs)
{
    push_activation(L, run, jobs->moment);
    lua_createtable(L, (int)jobs->count, 0);
    for (size_t i = 0; i < jobs->count; i++) {
        push_job(L, &jobs->jobs[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
    lua_setfield(L, -2, "jobs");
    if (jobs->jobs[0].kind == JOB_INITIALIZE)
        set_start(L, run, jobs->jobs[0].event);
}

/* --- what comes back --- */

/* The one result of an activation, or a table in it, on top of the stack. */
struct reading {
    lua_State *L;
    struct arena *arena;
    bool with_messages; /* the messages of commands are of use only to the server */
    struct error *err;
};

static struct span read_text(const struct reading *r, const char *key)
{
    struct span text = {0};

    lua_getfield(r->L, -1, key);
    text.data = lua_tolstring(r->L, -1, &text.size);
    if (text.data)
        text.data = arena_copy(r->arena, text.data, text.size);
    lua_pop(r->L, 1);
    return text;
}

static double read_number(const struct reading *r, const char *key)
{
    lua_getfield(r->L, -1, key);
    double number = lua_tonumber(r->L, -1);
    lua_pop(r->L, 1);
    return number;
}

/* False on failure; a message that is not there is NULL and no failure. */
static bool read_message(const struct reading *r, const char *key,
                         const ProtobufCMessageDescriptor *type, void *out)
{
    ProtobufCMessage *message = NULL;

    lua_getfield(r->L, -1, key);
    bool there = lua_istable(r->L, -1);
    if (there)
        message = message_read(r->L, lua_gettop(r->L), type, r->arena, r->err);
    lua_pop(r->L, 1);
    *(void **)out = message;
    return message || !there;
}

static bool read_attrs(const struct reading *r, struct command *command)
{
    struct wire_command *attrs = arena_alloc(r->arena, sizeof *attrs);
    const ProtobufCMessageDescriptor *type = wire_attributes(command->type);

    if (!type)
        return error_set(r->err, ERROR_BUG, "the workflow library asked for command %d",
                         command->type);
    command->attrs = attrs;
    if (!read_message(r, "attributes", type, &attrs->attributes) ||
        !read_message(r, "metadata", &tpb__sdk__user_metadata__descriptor, &attrs->metadata))
        return error_add(r->err, "%s", command->place.size ? command->place.data : "a command");
    return true;
}

static bool read_command(const struct reading *r, struct command *command)
{
    *command = (struct command){
        .type = (enum command_type)read_number(r, "type"),
        .seq = (uint32_t)read_number(r, "seq"),
        .key = read_text(r, "key"),
        .name = read_text(r, "name"),
        .cancel_mode = (enum cancel_mode)read_number(r, "mode"),
        .place = read_text(r, "place"),
    };
    return !r->with_messages || read_attrs(r, command);
}

static bool read_commands(const struct reading *r, struct command *commands, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(r->L, -1, (int)i + 1);
        bool ok = read_command(r, &commands[i]);
        lua_pop(r->L, 1);
        if (!ok)
            return false;
    }
    return true;
}

/* --- calling it --- */

/* The failure that the library reports instead of commands. */
static bool refused_by_script(struct workflow_run *run, lua_State *L, struct error *err)
{
    struct reading r = {L, run->arena, true, err};
    Tpb__Failure__Failure *failure;

    if (!read_message(&r, "failure", &tpb__failure__failure__descriptor, &failure))
        return refuse(run, err);
    if (!failure)
        return true;
    return refuse_with(
        run,
        TPB__ENUMS__WORKFLOW_TASK_FAILED_CAUSE__WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE,
        failure, "WorkflowError");
}

static bool resume(struct workflow_run *run, struct error *err)
{
    enum instance_outcome outcome = instance_resume(run->instance, err);

    if (outcome == INSTANCE_OUT_OF_TIME)
        error_add(err, "[TMPRL1101] potential deadlock");
    return outcome == INSTANCE_DONE || refuse(run, err);
}

/* Never other code: a task that lacks its own fails, and another worker may take it. */
static struct code *pinned_code(struct workflow_run *run, const struct event *marker,
                                struct error *err)
{
    struct code *code = pin_code(&run->host->codes, marker, err);

    if (!code)
        refuse_with(
            run,
            TPB__ENUMS__WORKFLOW_TASK_FAILED_CAUSE__WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE,
            refusal_failure(run->arena, "BundleUnavailable", err->text), "BundleUnavailable");
    return code;
}

/* The newest code, but for a run that began on another one. */
static struct code *choose_code(struct workflow_run *run, const struct run_jobs *jobs,
                                struct error *err)
{
    struct beginning known = {jobs->committed, jobs->marker};
    struct beginning beginning = run->beginning ? *run->beginning : known;
    bool pinned = beginning.marker && pin_is(beginning.marker);

    run->pins = pinned || !beginning.committed;
    if (pinned && !host_options(run->host)->newest)
        return pinned_code(run, beginning.marker, err);
    return host_find(run->host, jobs->jobs[0].event->name, err);
}

static bool begin_instance(struct workflow_run *run, const struct run_jobs *jobs, struct error *err)
{
    struct codes *codes = &run->host->codes;
    struct code *code = NULL;

    if (jobs->jobs[0].kind == JOB_INITIALIZE)
        code = choose_code(run, jobs, err);
    else
        error_set(err, ERROR_MALFORMED, "history does not begin with the start of a workflow");
    if (code)
        run->instance = code_instance(codes, code, &run->cell, err);
    if (run->instance)
        return true;
    codes_sweep(codes);
    return !run->refusal && refuse(run, err);
}

/* Requests that have nothing but commands, one behind the other, are one request with them all. */
static void record(struct workflow_run *run, const struct command *commands, size_t count)
{
    struct recorder *recorder = run->recorder;
    Tpb__Workflowservice__RespondWorkflowTaskCompletedRequest *request = proto_new(
        &tpb__workflowservice__respond_workflow_task_completed_request__descriptor, run->arena);

    if (++recorder->activations <= recorder->recorded)
        return;
    recorder->recorded = recorder->activations;
    request->n_commands = count;
    request->commands = arena_alloc(run->arena, (count + 1) * sizeof *request->commands);
    for (size_t i = 0; i < count; i++)
        request->commands[i] = wire_command(&commands[i], run->arena);
    proto_pack(request, recorder->commands);
}

static bool take_commands(struct workflow_run *run, lua_State *L, bool replaying, struct error *err)
{
    struct reading r = {L, run->arena, run->recorder || !(replaying || run->rehearsal), err};
    size_t pins = run->pins ? 1 : 0;

    lua_getfield(L, -1, "commands");
    size_t count = pins + lua_objlen(L, -1);
    struct command *commands = arena_alloc(run->arena, (count + 1) * sizeof *commands);
    if (pins)
        commands[0] = pin_command(&run->host->codes, run->cell->code);
    if (!read_commands(&r, commands + pins, count - pins))
        return refuse(run, err);
    lua_pop(L, 1);
    run->pins = false;
    if (run->recorder)
        record(run, commands, count);
    return run_apply(run->core, commands, count, err) || refuse(run, err);
}

bool activation_run(struct workflow_run *run, const struct run_jobs *jobs)
{
    struct error err = {0};

    if (!run->instance && !begin_instance(run, jobs, &err))
        return false;
    lua_State *L = instance_lua(run->instance);
    push_jobs(L, run, jobs);
    if (!resume(run, &err))
        return false;
    bool ok =
        refused_by_script(run, L, &err) && take_commands(run, L, jobs->moment.replaying, &err);
    lua_pop(L, 1);
    return ok;
}

bool activation_query(struct workflow_run *run, const Tpb__Query__WorkflowQuery *const *queries,
                      size_t count, Tpb__Query__WorkflowQueryResult **results)
{
    lua_State *L = instance_lua(run->instance);
    struct run_moment moment = run_moment(run->core);
    struct error err = {0};
    bool ok = true;

    moment.replaying = true;
    push_activation(L, run, moment);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        message_push(L, &queries[i]->base);
        lua_rawseti(L, -2, (int)i + 1);
    }
    lua_setfield(L, -2, "queries");
    if (!resume(run, &err))
        return false;
    lua_getfield(L, -1, "answers");
    for (size_t i = 0; ok && i < count; i++) {
        lua_rawgeti(L, -1, (int)i + 1);
        results[i] = (Tpb__Query__WorkflowQueryResult *)message_read(
            L, lua_gettop(L), &tpb__query__workflow_query_result__descriptor, run->arena, &err);
        ok = results[i] || refuse(run, &err);
        lua_pop(L, 1);
    }
    lua_pop(L, 2);
    return ok;
}
