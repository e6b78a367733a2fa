"""Workers of two languages on one server: each runs what the other calls, and sees how it failed."""

import asyncio
import contextlib
import datetime

import pytest
from house import ROOT, Worker, awaited
from temporalio import activity, workflow
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner
from temporalio.worker import Worker as PythonWorker
from worker_test import EVENT, events, new_id

SCRIPTS = ROOT / "tests/live/peer_scripts"
BEGUN = []


@activity.defn
async def add(a, b):
    return a + b


@activity.defn
async def nothing() -> None:
    return None


@activity.defn
async def raw() -> bytes:
    return b"\xff\x00"


@activity.defn
async def fail() -> None:
    try:
        raise ValueError("middle") from KeyError("inner")
    except ValueError as middle:
        raise ApplicationError("outer", {"code": 7}, "two", type="Outer", non_retryable=True) from middle


@activity.defn
async def rest() -> None:
    BEGUN.append(activity.info().workflow_id)
    while True:
        activity.heartbeat()
        await asyncio.sleep(0.1)


def chain(error):
    told = []
    while error is not None:
        told.append((type(error).__name__, getattr(error, "type", None), getattr(error, "message", None), list(getattr(error, "details", ()))))
        error = error.__cause__
    return told


@workflow.defn
class Caller:
    @workflow.run
    async def run(self, name: str, args: list, queue: str) -> list:
        try:
            return [await workflow.execute_activity(name, args=args, task_queue=queue, retry_policy=RetryPolicy(maximum_attempts=1),
                                                    start_to_close_timeout=datetime.timedelta(minutes=1))]
        except ActivityError as error:
            return chain(error)


@pytest.fixture
def peers(house, connect, queue):
    """A Lua worker on the queue, a Python one beside it, and a client."""

    @contextlib.asynccontextmanager
    async def open_all():
        client = await connect()
        python = PythonWorker(client, task_queue=f"{queue}-python", activities=[add, nothing, raw, fail, rest], workflows=[Caller],
                              workflow_runner=UnsandboxedWorkflowRunner())
        async with python:
            yield client, f"{queue}-python"

    with Worker(house, SCRIPTS, queue):
        yield open_all


def test_a_lua_workflow_calls_activities_of_a_python_worker(peers, queue, run_async):
    async def story():
        async with peers() as (client, python):
            async def ask(name, *args, workflow="Ask"):
                argument = {"activity": name, "args": list(args), "queue": python}
                return await client.execute_workflow(workflow, argument, id=new_id("ask"), task_queue=queue)

            assert await ask("add", 2, 3) == {"value": 5, "kind": "number"}
            assert await ask("add", "caf\u00e9", "!") == {"value": "caf\u00e9!", "kind": "string"}
            assert await ask("nothing") == {"kind": "nil"}
            assert await ask("raw", workflow="Pass") == b"\xff\x00"
            assert await ask("fail") == [
                {"type": "ActivityError", "message": "Activity task failed", "state": "non_retryable_failure"},
                {"type": "Outer", "message": "outer", "details": [{"code": 7}, "two"], "final": True},
                {"type": "ValueError", "message": "middle", "final": False},
                {"type": "KeyError", "message": "'inner'", "final": False},
            ]
            with pytest.raises(WorkflowFailureError) as failure:
                await ask("fail", workflow="Pass")
            assert chain(failure.value.cause) == [
                ("ActivityError", None, "Activity task failed", []),
                ("ApplicationError", "Outer", "outer", [{"code": 7}, "two"]),
                ("ApplicationError", "ValueError", "middle", []),
                ("ApplicationError", "KeyError", "'inner'", []),
            ]

    run_async(story())


def test_a_lua_workflow_cancels_an_activity_of_a_python_worker(peers, queue, run_async):
    async def begun(handle):
        return handle.id in BEGUN

    async def story():
        async with peers() as (client, python):
            stop = await client.start_workflow("Stop", {"activity": "rest", "queue": python}, id=new_id("stop"), task_queue=queue)
            await awaited(lambda: begun(stop), what="the beginning of the activity")
            await stop.signal("stop")
            assert [error["type"] for error in await stop.result()] == ["ActivityError", "CancelledError"]

    run_async(story())


def test_a_python_workflow_calls_lua_activities(peers, queue, run_async):
    async def story():
        async with peers() as (client, python):
            async def call(name, *args):
                return await client.execute_workflow(Caller.run, args=[name, list(args), queue], id=new_id("call"), task_queue=python)

            assert await call("give", {"a": [1, 2.5, {}], "b": "caf\u00e9"}) == [{"a": [1, 2.5, {}], "b": "caf\u00e9"}]
            assert await call("give") == [None]
            assert await call("fail") == [
                ["ActivityError", None, "Activity task failed", []],
                ["ApplicationError", "Outer", "caf?", [{"code": 7}]],
                ["ApplicationError", "KeyError", "inner", []],
            ]
            refused = await call("refuse")
            assert refused[1][:3] == ["ApplicationError", "AuthError", "key rejected"]
            assert refused[1][3][0].startswith("details that cannot be sent: ")
            assert (await call("missing"))[1][1] == "NotFoundError"

    run_async(story())


def test_an_update_is_refused_at_once_and_the_run_goes_on(peers, queue, run_async):
    async def story():
        async with peers() as (client, _):
            run = await client.start_workflow("Rest", id=new_id("rest"), task_queue=queue)
            for _ in range(2):
                with pytest.raises(WorkflowUpdateFailedError):
                    await run.execute_update("change", 1)
            await run.signal("go", 5)
            assert await run.result() == 5
            assert not await events(run, EVENT.EVENT_TYPE_WORKFLOW_TASK_FAILED)

    run_async(story())
