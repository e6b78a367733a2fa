"""The worker when calls fail: a proxy that refuses, loses, changes and holds stands before the real server."""

import asyncio
import random
import threading
import time

import grpc
import pytest
import temporalio.api.enums.v1 as enums
import temporalio.api.workflowservice.v1 as service
from faulty_proxy import Change, FaultyProxy, Hold, Lose, Refuse, times
from house import PATIENCE, Worker, awaited, has, until
from temporalio.client import WorkflowFailureError
from worker_test import EVENT, SCRIPTS, events, idle, metric, new_id, readiness

CODE = grpc.StatusCode


@pytest.fixture
def proxy(house):
    proxy = FaultyProxy(house.temporal.address)
    yield proxy
    proxy.end()


@pytest.fixture
def start_worker(house, queue, proxy):
    """Starts workers of the test's queue behind the proxy; what is left of them is ended."""
    workers = []

    def start(*options):
        workers.append(Worker(house, SCRIPTS, queue, "--address", proxy.address, *options))
        return workers[-1]

    yield start
    for worker in workers:
        worker.child.end()


def brings_tasks(name, request):
    """Whose reply is lost costs its tasks their timeouts: a poll, and an answer that asks for eager activities."""
    if name != "RespondWorkflowTaskCompleted":
        return "Poll" in name
    commands = service.RespondWorkflowTaskCompletedRequest.FromString(request).commands
    return any(c.schedule_activity_task_command_attributes.request_eager_execution for c in commands)


def test_chance_failures_lose_nothing_and_leave_no_slot_taken(proxy, start_worker, connect, queue, run_async):
    chance = random.Random(7)

    def fail_some(name, request):
        if name in ("GetSystemInfo", "DescribeNamespace"):
            return None
        roll = chance.random()
        if roll < 0.05:
            return Refuse(CODE.UNAVAILABLE)
        return Lose(CODE.UNAVAILABLE) if roll < 0.10 and not brings_tasks(name, request) else None

    proxy.rules.append(fail_some)
    worker = start_worker("--cache", 20)

    async def story():
        client = await connect()
        mixed = [client.execute_workflow("Mixed", n, id=new_id("mixed"), task_queue=queue) for n in range(40)]
        tills = [await client.start_workflow("Till", {"pauses": 5}, id=new_id("till"), task_queue=queue) for _ in range(10)]
        for till in tills:
            await till.signal("add", 3)
        assert await asyncio.gather(*mixed) == [n + 18 for n in range(40)]
        for till in tills:
            assert await till.query("total") == 3
            await till.signal("close")
            assert await till.result() == 3

    run_async(story())
    until(lambda: idle(worker), what="an idle worker")
    assert metric(worker, "temporal_request_failure", "UNAVAILABLE") > 10
    assert metric(worker, "temporal_workflow_task_execution_failed") == 0


def test_an_answer_that_is_lost_with_its_activity_costs_a_timeout_and_no_slot(proxy, start_worker, connect, queue, run_async):
    proxy.rules.append(times(1, "RespondWorkflowTaskCompleted", Lose(CODE.UNAVAILABLE)))
    worker = start_worker("--activities", 5 + 1)  # five of them are the polls'

    async def story():
        client = await connect()
        till = await client.start_workflow("Till", {"pauses": 1}, id=new_id("till"), task_queue=queue)
        await till.signal("close")
        assert await till.result() == 0
        assert metric(worker, "signalroom_activity_task_eager") == 0
        await asyncio.to_thread(until, lambda: idle(worker), 20, "an idle worker")
        assert await client.execute_workflow("Greet", "Ada", id=new_id("greet"), task_queue=queue) == "Hello, Ada!"
        assert metric(worker, "signalroom_activity_task_eager") == 1

    run_async(story())


def test_a_history_that_cannot_be_fetched_lets_its_run_start_over(proxy, start_worker, connect, queue, run_async):
    proxy.rules.append(times(1, "GetWorkflowExecutionHistory", Refuse(CODE.FAILED_PRECONDITION)))
    worker = start_worker("--cache", 1)

    async def story():
        client = await connect()
        tills = [await client.start_workflow("Till", {"pauses": 0}, id=new_id("till"), task_queue=queue) for _ in range(5)]
        for till in tills:  # four of them then go on without what the worker knew of them
            await awaited(lambda: has(till, "workflow_task_completed_event_attributes"), what="the first task")
        for till in tills:
            await till.signal("add", 2)
            await till.signal("close")
            assert await till.result() == 2

    run_async(story())
    assert proxy.calls["GetWorkflowExecutionHistory"] and "history_not_fetched" in worker.log.read_text()
    until(lambda: idle(worker), what="an idle worker")


def test_runs_that_wait_for_their_history_hold_up_nobody(proxy, start_worker, connect, queue, run_async):
    gate = threading.Event()
    worker = start_worker("--cache", 1)

    async def story():
        client = await connect()
        tills = [await client.start_workflow("Till", {"pauses": 0}, id=new_id("till"), task_queue=queue) for _ in range(8)]
        for till in tills:
            assert await till.query("total") == 0
        await asyncio.to_thread(until, lambda: readiness(worker)["workflow_tasks"]["used"] == 0, what="resting runs")
        proxy.rules.append(lambda name, _: Hold(gate) if name == "GetWorkflowExecutionHistory" else None)
        queries = [asyncio.create_task(till.query("total")) for till in tills]
        await asyncio.to_thread(until, lambda: readiness(worker)["workflow_tasks"]["used"] >= 7, what="parked runs")
        greet = client.execute_workflow("Greet", "Ada", id=new_id("greet"), task_queue=queue)
        assert await asyncio.wait_for(greet, PATIENCE) == "Hello, Ada!"
        gate.set()
        assert await asyncio.gather(*queries) == [0] * 8
        for till in tills:
            await till.terminate()

    run_async(story())


def test_queries_that_wait_behind_a_task_are_all_answered(proxy, start_worker, connect, queue, run_async):
    gate, asked = threading.Event(), []

    def note_queries(reply):
        task = service.PollWorkflowTaskQueueResponse.FromString(reply)
        asked.extend(list(task.queries) + ["alone"] * task.HasField("query"))
        return reply

    proxy.rules.append(lambda name, _: Change(note_queries) if name == "PollWorkflowTaskQueue" else None)
    start_worker()

    async def story():
        client = await connect()
        till = await client.start_workflow("Till", {"pauses": 0}, id=new_id("till"), task_queue=queue)
        assert await till.query("total") == 0
        proxy.rules.append(lambda name, _: Hold(gate) if name == "RespondQueryTaskCompleted" else None)
        before = len(proxy.calls["RespondQueryTaskCompleted"])
        queries = [asyncio.create_task(till.query("total")) for _ in range(4)]
        await asyncio.to_thread(until, lambda: len(proxy.calls["RespondQueryTaskCompleted"]) > before, what="an answer")
        await till.signal("add", 1)
        gate.set()
        assert set(await asyncio.gather(*queries)) <= {0, 1}
        assert len(asked) == 1 + len(queries), "what is not answered is asked again after ten seconds"
        assert await till.query("total") == 1
        await till.terminate()

    run_async(story())


def test_a_completion_that_is_refused_for_its_size_fails_the_task_once(proxy, start_worker, connect, queue, run_async):
    too_large = Refuse(CODE.RESOURCE_EXHAUSTED, "grpc: received message larger than max (5000000 vs. 4194304)")
    proxy.rules.append(times(1, "RespondWorkflowTaskCompleted", too_large))
    start_worker()

    async def story():
        client = await connect()
        greet = await client.start_workflow("Greet", "Ada", id=new_id("greet"), task_queue=queue)
        assert await greet.result() == "Hello, Ada!"
        failed = await events(greet, EVENT.EVENT_TYPE_WORKFLOW_TASK_FAILED)
        causes = [f.workflow_task_failed_event_attributes.cause for f in failed]
        assert causes == [enums.WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_PAYLOADS_TOO_LARGE]
        assert len(proxy.calls["RespondWorkflowTaskFailed"]) == 1

    run_async(story())


def test_an_activity_that_the_server_gave_up_is_told_and_not_answered(proxy, start_worker, connect, queue, run_async):
    worker = start_worker()

    async def story():
        client = await connect()
        patient = await client.start_workflow("Patient", id=new_id("patient"), task_queue=queue)
        await asyncio.to_thread(until, lambda: proxy.calls["RecordActivityTaskHeartbeat"], what="a heartbeat")
        await patient.terminate()

    run_async(story())
    until(lambda: idle(worker), what="the end of the activity")
    answers = [name for name in list(proxy.calls) if name.startswith("RespondActivityTask")]
    assert answers == []


def without_the_capability(reply):
    system = service.GetSystemInfoResponse.FromString(reply)
    system.capabilities.activity_failure_include_heartbeat = False
    return system.SerializeToString()


@pytest.mark.parametrize("capable", [True, False])
def test_details_reach_the_server_with_or_ahead_of_the_failure(capable, proxy, start_worker, connect, queue, run_async):
    if capable:  # what no heartbeat brought is then for the failure to bring
        proxy.rules.append(lambda name, _: Refuse(CODE.FAILED_PRECONDITION) if name == "RecordActivityTaskHeartbeat" else None)
    else:
        proxy.rules.append(lambda name, _: Change(without_the_capability) if name == "GetSystemInfo" else None)
    start_worker()

    async def story():
        client = await connect()
        assert await client.execute_workflow("Climb", 50, id=new_id("climb"), task_queue=queue) == 50

    run_async(story())
    failed = service.RespondActivityTaskFailedRequest.FromString(proxy.calls["RespondActivityTaskFailed"][0])
    beats = [service.RecordActivityTaskHeartbeatRequest.FromString(b) for b in proxy.calls["RecordActivityTaskHeartbeat"]]
    last = failed.last_heartbeat_details if capable else beats[-1].details
    assert last.payloads[0].data == b"50"
    assert failed.HasField("last_heartbeat_details") == capable


def test_a_server_that_does_not_know_getsysteminfo_is_served(proxy, start_worker, connect, queue, run_async):
    proxy.rules.append(lambda name, _: Refuse(CODE.UNIMPLEMENTED) if name == "GetSystemInfo" else None)
    start_worker()

    async def story():
        client = await connect()
        assert await client.execute_workflow("Greet", "Ada", id=new_id("greet"), task_queue=queue) == "Hello, Ada!"

    run_async(story())


def test_an_answer_waits_for_a_server_that_is_away(proxy, start_worker, connect, queue, run_async):
    away_for, first = 70, []  # more than one call's own patience

    def away(name, _):
        if name != "RespondActivityTaskCompleted":
            return None
        first.append(time.monotonic())
        return Refuse(CODE.UNAVAILABLE) if time.monotonic() < first[0] + away_for else None

    proxy.rules.append(away)
    start_worker()

    async def story():
        client = await connect()
        argument = {"activity": "pause", "argument": 0, "count": 1, "heartbeat": "5m"}  # or it counts as lost after one
        fan = await client.start_workflow("FanOut", argument, id=new_id("fan"), task_queue=queue)
        assert await fan.result() == 0
        started = await events(fan, EVENT.EVENT_TYPE_ACTIVITY_TASK_STARTED)
        assert started[0].activity_task_started_event_attributes.attempt == 1

    run_async(story())


def test_an_answer_that_the_server_refuses_is_a_failure_and_not_a_silence(proxy, start_worker, connect, queue, run_async):
    proxy.rules.append(times(1, "RespondActivityTaskCompleted", Refuse(CODE.INVALID_ARGUMENT, "not like this")))
    worker = start_worker()

    async def story():
        client = await connect()
        assert await client.execute_workflow("Greet", "Ada", id=new_id("greet"), task_queue=queue) == "Hello, Ada!"

    run_async(story())
    failed = service.RespondActivityTaskFailedRequest.FromString(proxy.calls["RespondActivityTaskFailed"][0])
    assert failed.failure.application_failure_info.type == "AnswerRefused"
    assert failed.failure.message == "the server refused what this activity gave back: not like this"
    until(lambda: idle(worker), what="an idle worker")


@pytest.mark.parametrize("word, failure", [("pause", "ActivityPause"), ("reset", "ActivityReset")])
def test_an_operator_reaches_an_activity_by_its_heartbeat(word, failure, house, proxy, start_worker, connect, queue, run_async):
    start_worker()

    async def story():
        client = await connect()
        patient = await client.start_workflow("Patient", id=new_id("patient"), task_queue=queue)
        await asyncio.to_thread(until, lambda: proxy.calls["RecordActivityTaskHeartbeat"], what="a heartbeat")
        done = await asyncio.to_thread(house.temporal.cli, "activity", word, "-w", patient.id, "--activity-id", "1")
        assert done.returncode == 0, done.stderr
        await asyncio.to_thread(until, lambda: proxy.calls["RespondActivityTaskFailed"], what="the activity's answer")
        request = service.RespondActivityTaskFailedRequest.FromString(proxy.calls["RespondActivityTaskFailed"][0])
        assert request.failure.application_failure_info.type == failure
        assert not request.failure.application_failure_info.non_retryable
        await patient.terminate()

    run_async(story())


def test_a_cancel_wins_over_a_heartbeat_that_is_under_way(proxy, start_worker, connect, queue, run_async):
    start_worker()

    async def story():
        client = await connect()
        patient = await client.start_workflow("Patient", id=new_id("patient"), task_queue=queue)
        await asyncio.to_thread(until, lambda: proxy.calls["RecordActivityTaskHeartbeat"], what="a heartbeat")
        await patient.cancel()
        with pytest.raises(WorkflowFailureError):
            await patient.result()

    run_async(story())
    assert len(proxy.calls["RespondActivityTaskCanceled"]) == 1
