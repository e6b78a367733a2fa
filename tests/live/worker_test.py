"""The worker on a real Temporal server, seen by an unmodified Python client."""

import asyncio
import collections
import json
import re
import signal
import time
import urllib.error
import urllib.request
import uuid

import pytest
import temporalio.api.enums.v1 as enums
import temporalio.api.workflowservice.v1 as service
from house import PATIENCE, ROOT, Worker, awaited, until
from slow_endpoint import SlowEndpoint
from temporalio.client import WorkflowFailureError
from temporalio.service import RPCError

SCRIPTS = ROOT / "tests/live/worker_scripts"
EVENT = enums.EventType
EACH = 40  # activities of one workflow


@pytest.fixture
def start_worker(house, queue):
    """Starts workers of the test's queue; what is left of them is ended."""
    workers = []

    def start(*options):
        workers.append(Worker(house, SCRIPTS, queue, *options))
        return workers[-1]

    yield start
    for worker in workers:
        worker.child.end()


def new_id(name):
    return f"{name}-{uuid.uuid4().hex[:12]}"


def readiness(worker):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{worker.health}/readyz", timeout=PATIENCE) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as refusal:
        return json.load(refusal)


def metric(worker, name, *labels):
    """The sum of a metric over all series that carry these labels."""
    total = 0.0
    for line in worker.metrics().splitlines():
        if line.startswith(name + "{") and all(label in line for label in labels):
            total += float(line.rsplit(" ", 1)[1])
    return total


def idle(worker):
    state = readiness(worker)
    return state["workflow_tasks"]["used"] == 0 and state["activities"]["used"] == 0


async def events(handle, kind):
    return [e async for e in handle.fetch_history_events() if e.event_type == kind]


def stop_gently(worker, seconds=120):
    """SIGTERM; the exit code and what the worker logged as its last word."""
    code = worker.child.end(signal.SIGTERM, seconds)
    return code, worker.log.read_text()


# --- the plain things ---


def test_three_lines_and_one_activity_complete(start_worker, connect, queue, run_async):
    worker = start_worker()

    async def story():
        client = await connect()
        assert await client.execute_workflow("Greet", "Ada", id=new_id("greet"), task_queue=queue) == "Hello, Ada!"

    run_async(story())
    until(lambda: idle(worker), what="an idle worker")
    assert metric(worker, "temporal_workflow_completed", 'workflow_type="Greet"') == 1
    assert metric(worker, "temporal_sticky_cache_hit") == 1
    assert metric(worker, "temporal_sticky_cache_miss") == 0


def test_signals_and_queries_reach_a_resting_a_busy_and_a_closed_run(start_worker, connect, queue, run_async):
    start_worker()

    async def story():
        client = await connect()
        resting = await client.start_workflow("Till", {"pauses": 0}, id=new_id("till"), task_queue=queue)
        await resting.signal("add", 3)
        await resting.signal("add", 4)
        assert await resting.query("total") == 7
        busy = await client.start_workflow("Till", {"pauses": 30}, id=new_id("till"), task_queue=queue)
        for amount in range(10):
            await busy.signal("add", 1)
            answers = await asyncio.gather(*(busy.query("total") for _ in range(5)))
            assert min(answers) >= amount + 1
        await busy.signal("close")
        assert await busy.result() == 10
        assert await busy.query("total") == 10
        await resting.signal("close")
        assert await resting.result() == 7
        assert await asyncio.gather(*(resting.query("total") for _ in range(5))) == [7] * 5

    run_async(story())


@pytest.mark.parametrize("cache", [0, 1, 1000])
def test_the_size_of_the_cache_changes_nothing_but_speed(cache, start_worker, connect, queue, run_async):
    worker = start_worker("--cache", cache)

    async def story():
        client = await connect()
        runs = [client.execute_workflow("Mixed", n, id=new_id("mixed"), task_queue=queue) for n in range(20)]
        assert await asyncio.gather(*runs) == [n + 18 for n in range(20)]
        till = await client.start_workflow("Till", {"pauses": 0}, id=new_id("till"), task_queue=queue)
        await till.signal("add", 5)
        assert await till.query("total") == 5
        await till.signal("close")
        assert await till.result() == 5

    run_async(story())
    until(lambda: idle(worker), what="an idle worker")
    assert readiness(worker)["cached_runs"]["used"] <= cache
    assert (metric(worker, "temporal_sticky_cache_hit") > 0) == (cache > 0)
    assert (metric(worker, "temporal_sticky_cache_total_forced_eviction") > 0) == (cache == 1)
    assert metric(worker, "temporal_workflow_task_execution_failed") == 0


def test_activities_come_with_the_answer_that_asked_for_them(start_worker, connect, queue, run_async):
    worker = start_worker("--activities", 5 + 3)  # five of them are the polls'

    async def story():
        client = await connect()
        for round in (1, 2, 3):
            fan = {"activity": "pause", "argument": 0, "count": 5}
            assert await client.execute_workflow("FanOut", fan, id=new_id("fan"), task_queue=queue) == 0
            await asyncio.to_thread(until, lambda: idle(worker), 20, "an idle worker")
            assert metric(worker, "signalroom_activity_task_eager") == 3 * round
        assert metric(worker, "temporal_activity_task_received") == 15
        stranger = {"activity": "of_nobody", "count": 1}
        with pytest.raises(WorkflowFailureError):
            await client.execute_workflow("FanOut", stranger, id=new_id("fan"), task_queue=queue)
        assert metric(worker, "signalroom_activity_task_eager") == 9

    run_async(story())


def test_without_a_free_slot_activities_come_by_poll(start_worker, connect, queue, run_async):
    worker = start_worker("--activities", 5)

    async def story():
        client = await connect()
        fan = {"activity": "pause", "argument": 0, "count": 8}
        assert await client.execute_workflow("FanOut", fan, id=new_id("fan"), task_queue=queue) == 0

    run_async(story())
    assert metric(worker, "temporal_activity_task_received") == 8
    assert metric(worker, "signalroom_activity_task_eager") == 0


def test_no_signal_is_lost_when_a_run_closes_while_signals_come(start_worker, connect, queue, run_async):
    start_worker()

    async def story():
        client = await connect()
        till = await client.start_workflow("Till", {"pauses": 3}, id=new_id("till"), task_queue=queue)
        sent = 0

        async def send():
            nonlocal sent
            while True:
                try:
                    await till.signal("add", 1)
                except RPCError:
                    return
                sent += 1
                await asyncio.sleep(0.1)

        senders = [asyncio.create_task(send()) for _ in range(4)]
        await asyncio.sleep(0.5)
        await till.signal("close")
        total = await till.result()
        await asyncio.gather(*senders)
        assert total == sent

    run_async(story())


# --- failures of parts ---


def test_a_killed_worker_is_followed_by_one_that_goes_on(start_worker, connect, queue, run_async):
    first = start_worker()

    async def story():
        client = await connect()
        till = await client.start_workflow("Till", {"pauses": 20}, id=new_id("till"), task_queue=queue)
        await till.signal("add", 2)
        await asyncio.to_thread(until, lambda: metric(first, "temporal_activity_task_received") > 3, what="some activities")
        first.child.kill()
        start_worker()
        await till.signal("add", 3)
        assert await till.query("total") == 5
        await till.signal("close")
        assert await till.result() == 5

    run_async(story())


def test_a_restarted_server_finds_the_worker_at_work(house, start_worker, connect, queue, run_async):
    worker = start_worker()

    async def begin():
        client = await connect()
        till = await client.start_workflow("Till", {"pauses": 0}, id=new_id("till"), task_queue=queue)
        await till.signal("add", 2)
        assert await till.query("total") == 2
        return till.id

    async def go_on(workflow_id):
        client = await connect()
        till = client.get_workflow_handle(workflow_id)
        await till.signal("add", 3)
        await till.signal("close")
        assert await till.result() == 5
        assert await client.execute_workflow("Greet", "Bob", id=new_id("greet"), task_queue=queue) == "Hello, Bob!"

    workflow_id = run_async(begin())
    house.temporal.restart()
    run_async(go_on(workflow_id))
    assert worker.child.process.poll() is None


def test_a_namespace_that_does_not_exist_is_said_at_once(house, queue):
    done = house.run("worker", "--namespace", "nowhere", "--queue", queue, "--scripts", SCRIPTS)
    assert done.returncode not in (0, None)
    assert "nowhere" in done.stderr


# --- activities ---


def test_heartbeat_details_survive_a_retry(start_worker, connect, queue, run_async):
    start_worker()

    async def story():
        client = await connect()
        climb = await client.start_workflow("Climb", 1000, id=new_id("climb"), task_queue=queue)
        assert await climb.result() == 1000
        started = await events(climb, EVENT.EVENT_TYPE_ACTIVITY_TASK_STARTED)
        assert started[0].activity_task_started_event_attributes.attempt == 2
        assert started[0].activity_task_started_event_attributes.last_failure.application_failure_info.type == "Fell"

    run_async(story())


def test_a_cancel_reaches_an_activity_by_its_heartbeat(start_worker, connect, queue, run_async):
    start_worker()

    async def story():
        client = await connect()
        patient = await client.start_workflow("Patient", id=new_id("patient"), task_queue=queue)

        async def is_heard_of():
            described = await patient.describe()
            return any(a.last_heartbeat_time.seconds for a in described.raw_description.pending_activities)

        await awaited(is_heard_of, what="a heartbeat")
        await patient.cancel()
        with pytest.raises(WorkflowFailureError):
            await patient.result()
        canceled = await events(patient, EVENT.EVENT_TYPE_ACTIVITY_TASK_CANCELED)
        closed = await events(patient, EVENT.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED)
        assert len(canceled) == 1 and len(closed) == 1

    run_async(story())


def test_a_result_beyond_the_limit_fails_its_activity(start_worker, connect, queue, run_async):
    start_worker()

    async def story():
        client = await connect()
        large = lambda size: client.execute_workflow("Large", size, id=new_id("large"), task_queue=queue)
        assert await large(1024 * 1024) == "fine"
        assert await large(3 * 1024 * 1024) == "PayloadsTooLarge"

    run_async(story())


def test_commands_beyond_a_request_fail_the_task_and_spare_the_run(start_worker, connect, queue, run_async):
    start_worker()

    async def story():
        client = await connect()
        bulk = await client.start_workflow("Bulk", 5, id=new_id("bulk"), task_queue=queue)
        failed = await awaited(lambda: events(bulk, EVENT.EVENT_TYPE_WORKFLOW_TASK_FAILED), what="a failed task")
        cause = failed[0].workflow_task_failed_event_attributes.cause
        assert cause == enums.WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_PAYLOADS_TOO_LARGE
        assert not await events(bulk, EVENT.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED)
        await bulk.terminate()

    run_async(story())


# --- many at once, and leaving ---


async def fan_out(client, queue, endpoint, count, heartbeat):
    """Workflows that wait for `count` activities in all, each of which waits for the endpoint."""
    argument = {"activity": "fetch", "argument": endpoint.url, "count": EACH, "heartbeat": heartbeat}
    return [await client.start_workflow("FanOut", argument, id=new_id("fan"), task_queue=queue) for _ in range(count // EACH)]


async def results(handles):
    return sum(await asyncio.gather(*(handle.result() for handle in handles)))


async def attempts(*handles):
    """Why the attempt before failed, "first" when there was none -> how many activities."""
    count = collections.Counter()
    for handle in handles:
        for event in await events(handle, EVENT.EVENT_TYPE_ACTIVITY_TASK_STARTED):
            started = event.activity_task_started_event_attributes
            count[started.last_failure.application_failure_info.type if started.attempt > 1 else "first"] += 1
    return count


@pytest.fixture
def endpoint():
    endpoint = SlowEndpoint()
    yield endpoint
    endpoint.end()


async def holds(endpoint, count):
    await asyncio.to_thread(until, lambda: endpoint.waiting >= count, 150, f"{count} waiting requests")


async def slowest_greeting(client, queue, going_on):
    slowest = 0.0
    while going_on():
        began = time.monotonic()
        assert await client.execute_workflow("Greet", "Eve", id=new_id("greet"), task_queue=queue) == "Hello, Eve!"
        slowest = max(slowest, time.monotonic() - began)
    return slowest


async def leave(worker):
    """Tells a worker to go, and checks its last words: nothing was in hand and no answer lost."""
    code, log = await asyncio.to_thread(stop_gently, worker, 100)
    assert code == 0
    last = [line for line in log.splitlines() if "worker_stopped" in line][-1]
    assert re.search(r'workflow_tasks"?[=:]"?0\b', last) and re.search(r'activities"?[=:]"?0\b', last), last
    assert "activity_answer_lost" not in log


@pytest.mark.alone
def test_a_thousand_slow_activities_beat_delay_nobody_and_outlive_their_worker(start_worker, endpoint, connect, queue):
    count = 1000
    first = start_worker("--activities", count + 20, "--grace", 1)

    async def story():
        client = await connect()
        fans = await fan_out(client, queue, endpoint, count, "30s")
        await holds(endpoint, count)
        beats = lambda: metric(first, "temporal_request", "RecordActivityTaskHeartbeat")
        slowest = await slowest_greeting(client, queue, lambda: beats() < 2 * count)
        turns = metric(first, "signalroom_desk_turn_latency_count")
        quick = metric(first, "signalroom_desk_turn_latency_bucket", 'le="0.5"')
        print(f"beside {count} activities: slowest greeting {slowest:.2f} s; of {turns:.0f} turns of the desk {turns - quick:.0f} took 0.5 s")
        assert slowest < 30 and turns - quick <= 0.01 * turns
        assert "heartbeat_not_delivered" not in first.log.read_text()
        start_worker("--activities", count + 20)
        await leave(first)
        await holds(endpoint, count)
        endpoint.release()
        assert await results(fans) == count
        assert set(await attempts(*fans)) <= {"first", "WorkerShutdown"}

    asyncio.run(asyncio.wait_for(story(), 280))


@pytest.mark.alone  # a task that a busy server brings a second late comes when the polls have ended
def test_a_worker_that_is_told_to_leave_loses_no_task(start_worker, endpoint, connect, queue, run_async):
    count = 120
    first = start_worker("--activities", count + 20, "--grace", 1)

    async def story():
        client = await connect()
        fans = await fan_out(client, queue, endpoint, count, "60s")
        tills = [await client.start_workflow("Till", {"pauses": 20}, id=new_id("till"), task_queue=queue) for _ in range(10)]
        await holds(endpoint, count)
        start_worker("--activities", count + 20)
        await leave(first)
        await holds(endpoint, count)
        endpoint.release()
        assert await results(fans) == count
        assert set(await attempts(*fans)) <= {"first", "WorkerShutdown"}
        for till in tills:
            await till.signal("close")
            assert await till.result() == 0
            assert not await events(till, EVENT.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT)

    run_async(story())


def test_a_leaving_worker_says_that_it_is_not_ready(start_worker, endpoint, connect, queue, run_async):
    worker = start_worker("--grace", 300)

    async def story():
        client = await connect()
        fan = await client.start_workflow("FanOut", {"activity": "fetch", "argument": endpoint.url, "count": 3}, id=new_id("fan"), task_queue=queue)
        await holds(endpoint, 3)
        worker.child.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(until, lambda: not readiness(worker)["ready"], what="the worker's leave")
        assert readiness(worker)["missing"] == "shutting down"
        endpoint.release()
        assert await asyncio.to_thread(worker.child.process.wait, PATIENCE) == 0
        start_worker()
        assert await fan.result() == 3
        assert await attempts(fan) == {"first": 3}

    run_async(story())


def test_a_second_signal_ends_the_worker_at_once(start_worker, connect, queue, run_async):
    worker = start_worker("--grace", 600)

    async def story():
        client = await connect()
        await client.start_workflow("Patient", id=new_id("patient"), task_queue=queue)
        await asyncio.to_thread(until, lambda: readiness(worker)["activities"]["used"] == 1, what="the activity")

    run_async(story())
    worker.child.process.send_signal(signal.SIGTERM)
    until(lambda: not readiness(worker)["ready"], what="the worker's leave")
    worker.child.process.send_signal(signal.SIGTERM)
    assert worker.child.process.wait(PATIENCE) == 0


def test_the_server_lists_the_worker(start_worker, connect, queue, run_async):
    start_worker()

    async def story():
        client = await connect()
        request = service.ListWorkersRequest(namespace="default", query=f"TaskQueue='{queue}'")

        async def workers():
            return (await client.workflow_service.list_workers(request)).workers_info

        listed = await awaited(workers, what="the worker in the list")
        assert [w.worker_heartbeat.sdk_name for w in listed] == ["temporal-lua"]

    run_async(story())
