"""Commands that look after runs and schedules, each against a real server."""

import json
import uuid

import pytest


def new_id(name):
    return f"{name}-{uuid.uuid4().hex[:12]}"


def answer(house, *words, code=0, **more):
    """What a command says with --json, and that it exits with this code."""
    done = house.run(*words, "--json", **more)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def waiting(house, queue):
    """A run that waits for a worker, since none polls its queue."""
    workflow_id = new_id("waiting")
    answer(house, "start", "Greeting", "--input", '"Ada"', "--id", workflow_id, "--queue", queue)
    return workflow_id


# --- terminate ---


def test_terminate_ends_a_run_and_tells_why(house, waiting):
    assert answer(house, "terminate", waiting, "--reason", "no longer wanted") == {"workflow_id": waiting, "terminated": True}
    closing = house.temporal.history(waiting)[-1]
    assert closing["eventType"] == "EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED"
    assert closing["workflowExecutionTerminatedEventAttributes"]["reason"] == "no longer wanted"


def test_terminate_of_what_does_not_run_is_not_found(house, waiting):
    assert answer(house, "terminate", new_id("nobody"), code=5)["error"]["type"] == "NotFoundError"
    answer(house, "terminate", waiting)
    assert answer(house, "terminate", waiting, code=5)["error"]["type"] == "NotFoundError"
