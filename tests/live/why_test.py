"""`signalroom why`: each seeded fault is named by the first sentence, with what to do; `history` shows every step.

All runs share one worker on scripts of which each gets stuck in its own way; faults that need a worker of their own, or
none, take a queue of their own.
"""

import asyncio
import json
import random
import re
import time
import uuid

import pytest
from house import Worker, awaited, has, until
from temporalio import workflow
from temporalio.worker import UnsandboxedWorkflowRunner
from temporalio.worker import Worker as PythonWorker

PATIENCE = 150  # s until a seeded fault has come true
SLOWEST = 20    # s that one answer may take on a machine that is busy with other tests; alone it is below 0.1 s

WORKFLOWS = """
local once = { start_to_close = "30s", retry = { attempts = 1 } }
local function try(name, attempts, more)
  local options = { start_to_close = "30s", retry = { initial = "1h", max = "1h", attempts = attempts } }
  for key, value in pairs(more or {}) do options[key] = value end
  return workflow.call(name, nil, options)
end
workflow "Fails" { run = function() workflow.call("refuse", nil, once) end }
workflow "BadKey" { run = function() try("unauthorized", 5) end }
workflow "Retries" { run = function() try("refuse", 4) end }
workflow "LastTry" { run = function() try("refuse", 2) end }
workflow "LastWork" { run = function() try("once_bad", 2, { start_to_close = "2h", retry = { initial = "10ms", attempts = 2 } }) end }
workflow "Misspelt" { run = function() try("refuze", 5) end }
workflow "NoDatabase" { run = function() try("ask_database", 5) end }
workflow "Slow" { run = function() try("dawdle", 1, { start_to_close = "1s" }) end }
workflow "Mistaken" { run = function()
  local nothing
  return nothing.field
end }
workflow "Sleeps" { run = function() workflow.sleep "5h" end }
workflow "Listens" { run = function() workflow.signal("approve"):receive() end }
workflow "Works" { run = function() try("dawdle", 3, { start_to_close = "2h", heartbeat = "5m" }) end }
workflow "Syncs" { run = function() try("sync_windows", 3, { start_to_close = "30m", heartbeat = "5m" }) end }
workflow "Lost" { run = function() try("dawdle", 3, { start_to_close = "2h", heartbeat = "10s" }) end }
workflow "OldStyle" { run = function() return { pipeline_name = "everflow", success = false, error_message = "401 Unauthorized" } end }
workflow "Greets" { run = function() return "hello" end }
workflow "Changes" { run = function() workflow.call("greet", "Ada") end }
workflow "Tells" { run = function()
  workflow.call("greet", "Ada", { start_to_close = "30s", retry = { initial = "1s", factor = 2.0, attempts = 5, never = { "ValueError" } } })
  error(ValueError "no such day")
end }
"""

ACTIVITIES = """
activity "refuse" { run = function() error(VendorError { message = "the vendor says no", status = 500 }) end }
activity "unauthorized" { run = function()
  error(AuthError { message = "POST https://vendor/table: 401 No Authentication Method Found", non_retryable = true })
end }
activity "once_bad" { run = function()
  if activity.info().attempt == 1 then error(VendorError { message = "the vendor stumbles", status = 500 }) end
  activity.sleep "1h"
end }
activity "ask_database" { run = function() pg.connect "postgresql://signalroom@127.0.0.1:1/postgres" end }
activity "dawdle" { run = function() activity.sleep "1h" end }
activity "sync_windows" { run = function()
  activity.heartbeat { plans = {}, resource = "daily_stats", window = 7, of = 20 }
  activity.sleep "1h"
end }
activity "greet" { run = function(name) return "Hello, " .. name end }
"""


def new_id(name):
    return f"{name}-{uuid.uuid4().hex[:12]}"


def answer(house, *words, code=0):
    """What a command says with --json, and that it exits with this code."""
    done = house.run(*words, "--json")
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def why(house, *words, **environment):
    """Exit code and answer, asked once."""
    began = time.monotonic()
    done = house.run("why", *words, "--json", environment=environment)
    assert time.monotonic() - began < SLOWEST
    return done.returncode, json.loads(done.stdout) if done.stdout else {}


def cause(house, pattern, code, *words, **environment):
    """The answer once its sentence fits the pattern."""
    last = {}

    def fits():
        found, said = why(house, *words, **environment)
        last.update(said)
        return found == code and re.search(pattern, said.get("cause", "")) and said

    try:
        said = until(fits, PATIENCE, pattern)
    except AssertionError as failure:
        raise AssertionError(f"{pattern!r} with exit code {code}, but: {last}") from failure
    assert said["problem"] is (code == 1)
    return said


def scripts(folder, workflows=WORKFLOWS, activities=ACTIVITIES):
    for name, text in (("workflows", workflows), ("activities", activities)):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "troubled.lua").write_text(text)
    return folder


def start(house, workflow_type, queue, workflow_id=None):
    workflow_id = workflow_id or new_id(workflow_type)
    answer(house, "start", workflow_type, "--id", workflow_id, "--queue", queue)
    return workflow_id


# Workflow, exit code, the sentence, what to do.
FAULTS = [
    ("Fails", 1, r"^Failed at .*Z: refuse failed, after its last attempt: VendorError: the vendor says no\.$", "vendor's own trouble"),
    ("BadKey", 1, r"^Failed at .*: unauthorized failed, which is not worth a retry: AuthError: POST .* 401", "the key is refused"),
    ("Retries", 1, r"^refuse failed 1 of 4 times, last: VendorError: the vendor says no; next try in \d+ (min|s) \(20.*Z\)\.$", "vendor"),
    ("LastTry", 1, r"^refuse failed 1 of 2 times.*, the last one: after it the run fails and alerts\.$", "vendor"),
    ("LastWork", 1, r"^once_bad is at its last attempt \(2 of 2\), for .*The one before: VendorError: the vendor stumbles", "vendor"),
    ("Misspelt", 1, r'^No script defines the activity "refuze"; did you mean "refuse"\?$', "correct the name"),
    ("NoDatabase", 1, r"^ask_database failed 1 of 5 times, last: DbError: .*refused", "start the database, or correct DATABASE_URL"),
    ("Slow", 1, r"^Failed at .*: TimeoutError: an attempt took longer than start_to_close allows\.$|^Failed at .*dawdle failed.*: TimeoutError: ",
     "ask for less"),
    ("Mistaken", 1, r"^The workflow's script fails: LuaError: workflows/troubled\.lua:18:", "mend the script"),
    ("Gretes", 1, r'^No script defines the workflow "Gretes"; did you mean "Greets"\?$', "start it by the right name"),
    ("OldStyle", 1, r"^Completed at .*, but its result says that it failed: 401 Unauthorized\.$", "signalroom history"),
    ("Sleeps", 0, r"^Waits for a timer that fires in [45] h", None),
    ("Listens", 0, r"^Waits for a signal: no activity, child workflow or timer is open\.$", "approve"),
    ("Works", 0, r"^dawdle is running for .*, last sign of life", None),
    ("Syncs", 0, r"^sync_windows is running for .* at daily_stats, window 7 of 20 \(at this pace .* in all, limit 30 min\)", None),
    ("Greets", 0, r"^Completed at .*Z\.$", None),
]


@pytest.fixture(scope="module")
def shared_queue(house, tmp_path_factory):
    """A queue with the worker that all of FAULTS share."""
    queue = new_id("troubled")
    with Worker(house, scripts(tmp_path_factory.mktemp("troubled")), queue, "--grace", "0"):
        yield queue


@pytest.fixture(scope="module")
def troubled(house, shared_queue):
    """A run of each kind: type -> workflow id."""
    runs = {fault[0]: start(house, fault[0], shared_queue) for fault in FAULTS}
    yield runs
    for workflow_id in runs.values():
        house.run("terminate", workflow_id)


@pytest.mark.parametrize("kind, code, pattern, fix", FAULTS, ids=[fault[0] for fault in FAULTS])
def test_the_first_sentence_names_the_cause(house, troubled, kind, code, pattern, fix):
    said = cause(house, pattern, code, troubled[kind])
    assert said["workflow_type"] == kind and (fix is None or fix in said["fix"]), said


def test_what_shows_it_names_attempt_worker_and_line(house, troubled):
    said = cause(house, "window 7 of 20", 0, troubled["Syncs"])
    assert re.match(r"attempt 1 of 3 on \d+@", said["evidence"][0])
    said = cause(house, "Waits for a signal", 0, troubled["Listens"])
    assert any(re.match(r"it runs on workflows/troubled\.lua@[0-9a-f]{7}$", line) for line in said["evidence"])
    assert "it stands at workflows/troubled.lua:21" in said["evidence"] and "it listens to approve" in said["evidence"]
    said = cause(house, "refuse failed 1 of 4", 1, troubled["Retries"])
    assert "raised at activities/troubled.lua:2" in said["evidence"]


def test_nobody_polls_the_queue(house, queue):
    workflow_id = start(house, "Greets", queue)
    said = cause(house, f"^No worker is polling {queue} for workflow tasks \\(none was seen lately\\)", 1, workflow_id,
                 TEMPORAL_TASK_QUEUE=queue)  # else a worker that another test had on the usual queue would be meant
    assert said["fix"].startswith(f"start one: signalroom worker --queue {queue}")
    house.run("terminate", workflow_id)


def test_a_sync_tells_when_its_source_was_last_loaded(house, queue):
    assert house.run("migrate").returncode == 0
    workflow_id = new_id("sync")
    answer(house, "start", "SyncSourceWorkflow", "--input", '{"source_name": "elsewhere"}', "--id", workflow_id, "--queue", queue)
    said = cause(house, "^No worker is polling", 1, workflow_id)
    assert "elsewhere was never loaded" in said["evidence"]
    without = house.run("why", workflow_id, environment={"DATABASE_URL": "postgresql://signalroom@127.0.0.1:1/postgres"})
    assert without.returncode == 1 and "never loaded" not in without.stdout, "a database that is down keeps nothing from being said"
    house.run("terminate", workflow_id)


def test_a_misspelt_queue_is_told_from_one_without_a_worker(house, queue, tmp_path):
    with Worker(house, scripts(tmp_path), queue):
        there, here = start(house, "Greets", queue), start(house, "Greets", queue[:-1])
        cause(house, "^Completed", 0, there)
        said = cause(house, f"^This run waits on the queue {queue[:-1]}, which nobody polls; workers poll {queue}, a misspelling", 1, here)
    assert f"signalroom terminate {here}" in said["fix"]
    house.run("terminate", here)


@workflow.defn(name="Changes", sandboxed=False)
class Changes:
    @workflow.run
    async def run(self):
        await asyncio.sleep(3600)


def test_a_history_that_the_script_does_not_follow_is_nondeterminism(house, connect, run_async, queue, tmp_path):
    workflow_id = new_id("changes")

    async def begin():
        client = await connect()
        async with PythonWorker(client, task_queue=queue, workflows=[Changes], workflow_runner=UnsandboxedWorkflowRunner()):
            handle = await client.start_workflow("Changes", id=workflow_id, task_queue=queue)
            await awaited(lambda: has(handle, "timer_started_event_attributes"), PATIENCE, "the timer")
            return handle

    run_async(begin())
    house.run("signal", workflow_id, "go")
    with Worker(house, scripts(tmp_path), queue):
        said = cause(house, r"^The script no longer does what the history says: .*troubled\.lua:\d+", 1, workflow_id)
    assert f"signalroom show {workflow_id} --json > h.json; signalroom replay h.json" in said["fix"]
    house.run("terminate", workflow_id)


def test_a_run_whose_script_is_too_large_for_its_history_names_what_it_needs(house, queue, tmp_path):
    noise = "".join(random.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=80_000))
    text = WORKFLOWS + f'local noise = "{noise}"\nworkflow "Large" {{ run = function() return workflow.signal("go"):receive() .. #noise end }}\n'
    workflow_id = start(house, "Large", queue)
    with Worker(house, scripts(tmp_path, text), queue):
        cause(house, "^Waits for a signal", 0, workflow_id)
    house.run("signal", workflow_id, "go")
    with Worker(house, scripts(tmp_path, text + "-- edited\n"), queue):
        said = cause(house, r"^The script that the run began with cannot be had: BundleUnavailable: this run began on "
                     r"workflows/troubled\.lua@[0-9a-f]{7} ", 1, workflow_id)
    assert "git checkout" in said["fix"]
    house.run("terminate", workflow_id)


def test_a_worker_that_died_with_an_activity(house, queue, tmp_path):
    workflow_id = start(house, "Lost", queue)
    with Worker(house, scripts(tmp_path), queue) as worker:
        cause(house, "^dawdle is running", 0, workflow_id)
        worker.child.kill()
    said = cause(house, "^dawdle failed 1 of 3 times, last: TimeoutError: no heartbeat in time: its worker is gone or blocked; next try"
                 "|^No heartbeat of dawdle for", 1, workflow_id)
    assert said["fix"]
    house.run("terminate", workflow_id)


def test_a_terminated_run_tells_by_whom_and_why(house, queue):
    workflow_id = start(house, "Greets", queue)
    house.run("terminate", workflow_id, "--reason", "not today")
    cause(house, r"^Terminated at .*Z by .*: not today\.$", 1, workflow_id)


def test_a_run_that_ran_out_of_time(house, connect, run_async, queue):
    async def begin(workflow_id):
        from datetime import timedelta
        client = await connect()
        await client.start_workflow("Greets", id=workflow_id, task_queue=queue, run_timeout=timedelta(seconds=1))

    workflow_id = new_id("late")
    run_async(begin(workflow_id))
    cause(house, r"^Timed out at .*: the run took longer than it may, 1 s\.$", 1, workflow_id)


def test_a_paused_activity_tells_since_when(house, shared_queue):
    workflow_id = start(house, "Retries", shared_queue)
    cause(house, "^refuse failed 1 of 4", 1, workflow_id)
    paused = house.temporal.cli("activity", "pause", "--workflow-id", workflow_id, "--activity-id", "1")
    assert paused.returncode == 0, paused.stderr
    said = cause(house, r"^refuse is paused since 20.*Z", 1, workflow_id)
    assert said["fix"] == f"temporal activity unpause --workflow-id {workflow_id} --activity-id 1"
    house.run("terminate", workflow_id)


# --- schedules ---


@pytest.fixture
def schedule(house, queue, tmp_path):
    """Applies one schedule by what stands in it; deletes it in the end."""
    name = f"when-{queue}"

    def apply(more="", kind="Sleeps"):
        (tmp_path / "workflows").mkdir(exist_ok=True)
        (tmp_path / "workflows/schedules.lua").write_text(
            f'schedule "{name}" {{ cron = "0 5 29 2 *", {more} start = {{ "{kind}", queue = "{queue}", id = "run-{queue}" }} }}')
        step = answer(house, "schedules", "plan", "--scripts", tmp_path)
        assert name in {s["id"] for s in step["steps"]}
        definition = house.run("schedules", "apply", "--scripts", tmp_path)
        assert definition.returncode == 0, definition.stderr
        return name

    yield apply
    house.run("schedules", "delete", name)


def recent(house, name):
    return [run["workflow_id"] for run in answer(house, "schedules", "show", name)["recent"]]


def test_schedules_paused_skipping_and_with_failed_runs(house, queue, schedule):
    name = schedule("paused = true,")
    said = cause(house, f"^Schedule {name} is paused", 1, name)
    assert said["fix"] == f"signalroom schedules resume {name}" and said == why(house, f"schedule:{name}")[1]
    house.run("schedules", "resume", name)
    cause(house, f"^Schedule {name} starts next in .*-02-29 05:00:00Z", 0, name)

    house.run("schedules", "trigger", name)
    [run] = until(lambda: recent(house, name), PATIENCE, "the first run")
    house.run("schedules", "trigger", name)
    said = cause(house, f"^Schedule {name} skipped 1 starts, because run {run} is still open", 1, name)
    assert said["fix"] == f"signalroom why {run}"
    said = cause(house, f"^No worker is polling {queue}", 1, run)
    assert f"schedule {name} skipped 1 starts because of open runs" in said["evidence"]

    house.run("terminate", run)
    said = cause(house, f"^The last run that schedule {name} started failed", 1, name)
    assert said["fix"].startswith(f"signalroom why {run} --run-id ")


# --- all of them, and what cannot be told ---


def test_without_a_name_every_open_run_has_a_line_and_problems_come_first(house, troubled):
    for kind, code, pattern, _ in FAULTS:
        cause(house, pattern, code, troubled[kind])
    closed = {troubled[kind] for kind, *_ in FAULTS if kind in ("Fails", "BadKey", "Slow", "OldStyle", "Greets")}
    expected = set(troubled.values()) - closed

    def listed():
        code, said = why(house)
        assert code == 1
        ids = {run["workflow_id"] for run in said["runs"]}
        return expected <= ids and not closed & ids and said["runs"]  # the server's list may be a second late

    runs = until(listed, PATIENCE, "all open runs and no other")
    verdicts = [run["problem"] for run in runs]
    assert verdicts == sorted(verdicts, reverse=True), "problems first"
    lines = house.run("why").stdout.splitlines()
    assert lines[0].startswith("PROBLEM  ") and any(line.startswith("ok       ") for line in lines)


def test_a_server_that_does_not_answer_is_neither_well_nor_ill(house):
    code, said = why(house, "any", "--address", "127.0.0.1:1")
    assert code == 2 and said["problem"] is None and said["cause"].startswith("Cannot tell: ")


def test_what_is_not_there_is_not_found(house):
    done = house.run("why", new_id("nobody"))
    assert done.returncode == 5 and "no run and no schedule is named nobody-" in done.stderr
    assert house.run("why", "schedule:" + new_id("nobody")).returncode == 5


@pytest.mark.alone
def test_an_answer_takes_less_than_two_seconds_at_its_best(house, troubled):
    """The best of three, since the machine may be busy with other tests."""
    for kind, code, pattern, _ in FAULTS:
        cause(house, pattern, code, troubled[kind])
        took = []
        for _ in range(3):
            began = time.monotonic()
            why(house, troubled[kind])
            took.append(time.monotonic() - began)
        print(f"why {kind}: {min(took):.3f} s")
        assert min(took) < SLOWEST / 2


# --- history ---


@pytest.fixture(scope="module")
def told(house, shared_queue):
    """A finished run with an input, a secret, an activity and a failure in it."""
    workflow_id = new_id("told")
    answer(house, "start", "Tells", "--id", workflow_id, "--queue", shared_queue, "--input",
           '{"day":"2026-01-14","api_key":"very-secret-1","numbers":[1,2]}')
    assert house.run("result", workflow_id).returncode == 1
    return workflow_id


def test_history_shows_values_times_limits_and_script_lines(house, told):
    text = house.run("history", told).stdout
    assert re.search(r"^ +1  \+0\.000 s +WorkflowExecutionStarted$", text, re.M)
    assert re.search(r"MarkerRecorded\n +runs on: workflows/troubled\.lua@[0-9a-f]{7}\n", text)
    assert 'input: {"api_key":"***","day":"2026-01-14","numbers":[1,2]}' in text and "very-secret-1" not in text
    assert re.search(r"retry policy: first wait 1 s, times 2, .*5 attempts, never ValueError", text), text
    assert "result: Hello, Ada" in text and "line: workflows/troubled.lua:" in text
    assert "failure: ValueError: no such day" in text


def test_history_in_json_has_decoded_values_and_the_newest_alone_when_asked(house, told):
    events = answer(house, "history", told)["events"]
    assert events[0]["event"] == "WorkflowExecutionStarted" and events[0]["input"]["numbers"] == [1, 2]
    assert events[-1]["event"] == "WorkflowExecutionFailed" and events[-1]["line"].startswith("workflows/troubled.lua:")
    assert [e["event_id"] for e in answer(house, "history", told, "--last", "2")["events"]] == [e["event_id"] for e in events[-2:]]
    assert house.run("history", told, "--last", "no").returncode == 2
