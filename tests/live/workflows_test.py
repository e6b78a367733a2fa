"""Workflows in Lua on a real server, driven by an unmodified Python SDK client."""

import asyncio
import json
import signal
import uuid

import pytest
from house import PATIENCE, ROOT, Worker, until
from temporalio.client import WorkflowFailureError

SCRIPTS = ROOT / "tests/live/scripts"


@pytest.fixture(scope="module")
def worker(house):
    with Worker(house, SCRIPTS, "features") as running:
        yield running


def new_id(name):
    return f"{name}-{uuid.uuid4().hex[:12]}"


def test_three_lines_with_one_activity(house, worker, connect, run_async):
    async def story():
        return await (await connect()).execute_workflow("Greeting", "Ada", id=new_id("greeting"), task_queue="features")

    assert run_async(story()) == "Hello, Ada!"


def test_signals_and_queries_while_it_runs_and_after(house, worker, connect, run_async):
    async def story():
        client = await connect()
        handle = await client.start_workflow("Approval", 7, id=new_id("approval"), task_queue="features")
        before = await handle.query("state")
        await handle.signal("approve", "Ada")
        result = await handle.result()
        return before, result, await handle.query("state"), handle.id

    before, result, after, workflow_id = run_async(story())
    assert before == {"order": 7, "state": "waiting"}
    assert result == {"order": 7, "state": "approved", "by": "Ada"}
    assert after == {"order": 7, "state": "approved"}
    names = [e["eventType"].removeprefix("EVENT_TYPE_") for e in house.temporal.history(workflow_id)]
    assert names[:4] == ["WORKFLOW_EXECUTION_STARTED", "WORKFLOW_TASK_SCHEDULED", "WORKFLOW_TASK_STARTED", "WORKFLOW_TASK_COMPLETED"]
    assert names[-1] == "WORKFLOW_EXECUTION_COMPLETED" and "WORKFLOW_EXECUTION_SIGNALED" in names


def test_an_unknown_query_lists_what_there_is(house, worker, connect, run_async):
    async def story():
        handle = await (await connect()).start_workflow("Approval", 7, id=new_id("approval"), task_queue="features")
        with pytest.raises(Exception) as caught:
            await handle.query("colour")
        await handle.terminate()
        return str(caught.value)

    message = run_async(story())
    assert "colour" in message and "state" in message


def test_cancellation_lets_the_workflow_clean_up(house, worker, connect, run_async):
    async def story():
        handle = await (await connect()).start_workflow("Cancellable", id=new_id("cancellable"), task_queue="features")
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
        return type(caught.value.cause).__name__, handle.id

    cause, workflow_id = run_async(story())
    assert cause == "CancelledError"
    names = [e["eventType"] for e in house.temporal.history(workflow_id)]
    assert "EVENT_TYPE_ACTIVITY_TASK_COMPLETED" in names and names[-1] == "EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED"


def test_continue_as_new_is_followed_to_its_end(house, worker, connect, run_async):
    async def story():
        return await (await connect()).execute_workflow("Countdown", args=[3, 0], id=new_id("countdown"), task_queue="features")

    assert run_async(story()) == 4


def commands(events):
    """The attributes of every event that a command made, without what differs between two runs by nature: ids of the
    server's, and the result, which holds a number drawn by chance."""
    kept = []
    for event in events:
        for key, attributes in event.items():
            if key.endswith("EventAttributes") and "workflowTaskCompletedEventId" in attributes and "COMPLETED" not in event["eventType"]:
                drop = {"workflowTaskCompletedEventId", "identity", "taskQueue"}
                kept.append((event["eventType"], json.dumps({k: v for k, v in attributes.items() if k not in drop}, sort_keys=True)))
    return kept


def mixed(house, cache, connect, run_async):
    queue = f"cache-{cache}"

    async def story():
        handle = await (await connect()).start_workflow("Mixed", 5, id=f"mixed-{cache}-{uuid.uuid4().hex[:6]}", task_queue=queue,
                                                        start_signal="go", start_signal_args=["now"])  # later, a timer may wait for it
        return await handle.result(), handle.id

    with Worker(house, SCRIPTS, queue, "--cache", cache):
        result, workflow_id = run_async(story())
    events = house.temporal.history(workflow_id)
    return {k: v for k, v in result.items() if k != "die"}, commands(events), events


def test_cache_sizes_0_1_and_1000_issue_the_same_commands_and_every_history_replays(house, connect, run_async):
    results = {cache: mixed(house, cache, connect, run_async) for cache in (0, 1, 1000)}
    answers = [answer for answer, _, _ in results.values()]
    assert answers[0] == {"total": 30, "last": 60, "order": "1 alpha mid omega zeta", "go": "now", "at": True}
    assert answers[1:] == answers[:-1]
    issued = [made for _, made, _ in results.values()]
    assert len(issued[0]) == 9 and issued[1:] == issued[:-1]
    for cache, (_, _, events) in results.items():
        path = house.folder / f"mixed-{cache}.json"
        path.write_text(json.dumps({"events": events}))
        done = house.run("replay", path, "--scripts", SCRIPTS, "--mode", "all")
        assert done.returncode == 0, done.stdout + done.stderr


def history_of_greeting(house, connect, run_async):
    async def story():
        handle = await (await connect()).start_workflow("Greeting", "Ada", id=new_id("greeting"), task_queue="features")
        await handle.result()
        return handle.id

    return {"events": house.temporal.history(run_async(story()))}


@pytest.mark.parametrize("change, body", [
    ("renamed", 'local hello = workflow.call("welcome", name, { start_to_close = "30s" }) return hello'),
    ("removed", 'return "Hello, Ada!"'),
    ("reordered", 'workflow.sleep "1s" workflow.call("greet", name, { start_to_close = "30s" })'),
])
def test_a_changed_workflow_is_refused_with_event_command_and_line(house, worker, connect, run_async, tmp_path, change, body):
    (tmp_path / "history.json").write_text(json.dumps(history_of_greeting(house, connect, run_async)))
    scripts = tmp_path / "scripts/workflows"
    scripts.mkdir(parents=True)
    (tmp_path / "scripts/activities").mkdir()
    (scripts / "greeting.lua").write_text(f'workflow "Greeting" {{\n  run = function(name)\n    {body}\n  end,\n}}\n')
    done = house.run("replay", tmp_path / "history.json", "--scripts", tmp_path / "scripts", "--json")
    assert done.returncode == 1
    message = json.loads(done.stdout)["histories"][0]["error"]
    assert "TMPRL1100" in message and "event 6" in message and "greet" in message
    if change != "removed":
        assert "greeting.lua:3" in message


HOSTILE = {"ReadsAFile": "io", "CallsAnApi": "http", "RunsAProgram": "os.execute", "LoadsFfi": "ffi", "LoadsBytecode": "bytecode"}


@pytest.mark.parametrize("sin, word", HOSTILE.items())
def test_what_a_workflow_must_not_do_is_refused_with_the_line(house, worker, connect, run_async, sin, word):
    workflow_id = new_id(sin)

    async def begin():
        await (await connect()).start_workflow(sin, id=workflow_id, task_queue="features")

    run_async(begin())
    failure = until(lambda: task_failure(house, workflow_id), what="the failed task")
    house.temporal.cli("workflow", "terminate", "-w", workflow_id)
    text = json.dumps(failure)
    assert "RestrictedWorkflowAccessError" in text and word in text and "hostile.lua:" in text


def task_failure(house, workflow_id):
    for event in house.temporal.history(workflow_id):
        if event["eventType"] == "EVENT_TYPE_WORKFLOW_TASK_FAILED":
            return event["workflowTaskFailedEventAttributes"]
    return None


@pytest.mark.alone
@pytest.mark.parametrize("sin", ["LoopsForEver", "EatsMemory", "LovesPatterns"])
def test_a_hostile_workflow_fails_its_task_in_time_and_hurts_nobody(house, worker, connect, run_async, sin):
    workflow_id = new_id(sin)

    async def story():
        client = await connect()
        await client.start_workflow(sin, id=workflow_id, task_queue="features")
        return await client.execute_workflow("Greeting", "Bea", id=new_id("greeting"), task_queue="features")

    assert run_async(story()) == "Hello, Bea!"
    until(lambda: task_failure(house, workflow_id), what="the failed task")
    names = [e["eventType"] for e in house.temporal.history(workflow_id)]
    house.temporal.cli("workflow", "terminate", "-w", workflow_id)
    # One second of CPU time is the worker's limit; after ten on the clock the server gives the task up.
    assert "EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT" not in names


@pytest.mark.alone
def test_a_thousand_activities_wait_at_once_and_a_sigterm_loses_none(house, connect, run_async):
    vendor = house.everflow
    vendor.control("reset", {})
    vendor.control("script", [{"match": "/slow", "delay_ms": 4000, "times": 5000, "body": {"ok": True}}])

    async def story():
        client = await connect()
        handles = [await client.start_workflow("Many", {"n": 100, "url": f"{vendor.url}/slow"}, id=new_id("many"), task_queue="thousand")
                   for _ in range(10)]
        await asyncio.to_thread(until, lambda: len(vendor.requests()) >= 1000, 150, "a thousand requests at once")
        first.child.process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(first.child.process.wait, PATIENCE)
        with Worker(house, SCRIPTS, "thousand", "--activities", "1000"):
            results = await asyncio.gather(*[handle.result() for handle in handles])
        return code, results, [handle.id for handle in handles]

    with Worker(house, SCRIPTS, "thousand", "--activities", "1000") as first:
        code, results, ids = run_async(story())
    assert code == 0
    assert results == [5050] * 10
    for workflow_id in ids:
        for event in house.temporal.history(workflow_id):
            assert event["eventType"] != "EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT"
            if event["eventType"] == "EVENT_TYPE_ACTIVITY_TASK_STARTED":
                assert int(event["activityTaskStartedEventAttributes"].get("attempt", 1)) == 1
