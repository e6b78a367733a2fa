"""runtime/rpc against a real Temporal server: calls, polls, and coming back after the server was killed."""

import time
import uuid

import pytest
from house import Temporal, until
from rpc_parts import Driver
from temporalio.api.common.v1 import GrpcStatus, WorkflowType
from temporalio.api.errordetails.v1 import WorkflowExecutionAlreadyStartedFailure
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeNamespaceResponse,
    GetSystemInfoResponse,
    PollWorkflowTaskQueueRequest,
    PollWorkflowTaskQueueResponse,
    StartWorkflowExecutionRequest,
    StartWorkflowExecutionResponse,
)

SERVICE = b"temporal.api.workflowservice.v1.WorkflowService"
LONG = {"kind": "long_poll"}


@pytest.fixture(scope="module")
def temporal(tmp_path_factory):
    temporal = Temporal(tmp_path_factory.mktemp("temporal"))
    yield temporal
    temporal.end()


@pytest.fixture
def driver(temporal):
    with Driver(ADDRESS=temporal.address) as driver:
        yield driver


def decoded(answer, message):
    assert answer["status"] == "OK", answer
    return message.FromString(bytes.fromhex(answer["body"]))


def start_request(queue, workflow_id):
    return StartWorkflowExecutionRequest(namespace="default", workflow_id=workflow_id, workflow_type=WorkflowType(name="Any"),
                                         task_queue=TaskQueue(name=queue), request_id=str(uuid.uuid4())).SerializeToString()


def poll_request(queue):
    return PollWorkflowTaskQueueRequest(namespace="default", task_queue=TaskQueue(name=queue), identity="test").SerializeToString()


def test_the_server_tells_what_it_can(driver):
    assert decoded(driver.call("GetSystemInfo"), GetSystemInfoResponse).capabilities.internal_error_differentiation
    body = DescribeNamespaceRequest(namespace="default").SerializeToString()
    assert decoded(driver.call("DescribeNamespace", body=body), DescribeNamespaceResponse).namespace_info.name == "default"
    health = driver.call("/grpc.health.v1.Health/Check", body=b"\x0a" + bytes([len(SERVICE)]) + SERVICE)
    assert (health["status"], health["body"]) == ("OK", "0801")


def test_a_namespace_that_is_not_there_is_answered_at_once(driver):
    answer = driver.call("DescribeNamespace", namespace="nowhere", body=DescribeNamespaceRequest(namespace="nowhere").SerializeToString())
    assert (answer["status"], answer["attempts"]) == ("NOT_FOUND", 1)
    assert "nowhere" in answer["message"]


def test_a_workflow_is_started_and_its_task_polled(driver, queue):
    workflow_id = f"rpc-{queue}"
    poll = driver.start("PollWorkflowTaskQueue", **LONG, body=poll_request(queue))
    started = decoded(driver.call("StartWorkflowExecution", body=start_request(queue, workflow_id)), StartWorkflowExecutionResponse)
    task = decoded(driver.wait(poll), PollWorkflowTaskQueueResponse)
    assert task.workflow_execution.workflow_id == workflow_id
    assert task.workflow_execution.run_id == started.run_id
    assert [e.event_type for e in task.history.events] == [1, 5, 6]

    again = driver.call("StartWorkflowExecution", body=start_request(queue, workflow_id))
    assert (again["status"], again["attempts"]) == ("ALREADY_EXISTS", 1)
    status = GrpcStatus.FromString(bytes.fromhex(again["details"]))
    failure = WorkflowExecutionAlreadyStartedFailure()
    assert status.details[0].Unpack(failure)
    assert failure.run_id == started.run_id


def test_a_poll_is_cancelled_at_once(driver, queue):
    poll = driver.start("PollWorkflowTaskQueue", **LONG, body=poll_request(queue))
    driver.call("GetSystemInfo")
    driver.send("cancel", poll)
    answer = driver.wait(poll)
    assert (answer["status"], answer["cancelled"]) == ("CANCELLED", True)
    assert answer["ms"] < 8000, "the server would hold it for a minute"


def test_a_deadline_passes_where_the_server_would_wait(driver, queue):
    answer = driver.call("PollWorkflowTaskQueue", "once", 2500, body=poll_request(queue))
    assert answer["status"] in ("OK", "DEADLINE_EXCEEDED")  # the server may answer empty just before
    assert 1000 < answer["ms"] < 20_000


@pytest.mark.parametrize("down_seconds", [0.5, 4])
@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_a_killed_server_is_found_again_soon_after_its_restart(tmp_path, queue, down_seconds, name):
    """A poll and an answer of a task are under way while the server is gone; both live to be answered."""
    temporal = Temporal(tmp_path)
    try:
        with Driver(ADDRESS=f"{name}:{temporal.port}") as driver:
            assert driver.call("GetSystemInfo")["status"] == "OK"
            poll = driver.start("PollWorkflowTaskQueue", **LONG, body=poll_request(queue))
            driver.call("GetSystemInfo")
            temporal.child.kill()
            task = driver.start("GetSystemInfo", "task")
            killed = time.monotonic()
            until(lambda: time.monotonic() - killed > down_seconds)
            temporal.child.start()
            temporal.await_ready()
            ready = time.monotonic()
            assert driver.wait(task)["status"] == "OK"
            assert time.monotonic() - ready < 30  # pauses are up to six seconds
            assert driver.call("StartWorkflowExecution", body=start_request(queue, f"rpc-{queue}"))["status"] == "OK"
            answer = driver.wait(poll)
            assert answer["status"] == "OK" and answer["attempts"] > 1
    finally:
        temporal.end()
