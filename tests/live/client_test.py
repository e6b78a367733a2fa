"""rpc.call on a real server, through the commands that stand on it: every refusal has its own type."""

import grpc
import pytest
from faulty_proxy import FaultyProxy, Refuse
from temporalio.api.workflowservice.v1 import StartWorkflowExecutionRequest
from worker_test import new_id

CODE = grpc.StatusCode


@pytest.fixture
def proxy(house):
    proxy = FaultyProxy(house.temporal.address)
    yield proxy
    proxy.end()


@pytest.mark.parametrize("code, kind", [
    (CODE.NOT_FOUND, "NotFoundError"), (CODE.ALREADY_EXISTS, "AlreadyExistsError"), (CODE.INVALID_ARGUMENT, "InvalidArgumentError"),
    (CODE.PERMISSION_DENIED, "PermissionDeniedError"), (CODE.UNAUTHENTICATED, "UnauthenticatedError"),
    (CODE.FAILED_PRECONDITION, "FailedPreconditionError"), (CODE.UNIMPLEMENTED, "UnimplementedError"),
])
def test_a_refusal_has_the_type_of_its_status(code, kind, house, proxy):
    proxy.rules.append(lambda name, _: Refuse(code, "because of the test"))
    done = house.run("list", "--address", proxy.address)
    assert done.returncode != 0
    assert f"{kind}: ListWorkflowExecutions: because of the test" in done.stderr


def test_what_passes_is_tried_again(house, proxy):
    left = [2]

    def stumble(_, __):
        left[0] -= 1
        return Refuse(CODE.UNAVAILABLE) if left[0] >= 0 else None

    proxy.rules.append(stumble)
    done = house.run("list", "--address", proxy.address)
    assert done.returncode == 0, done.stderr
    assert len(proxy.calls["ListWorkflowExecutions"]) == 3


def test_namespace_identity_and_request_id_are_filled_in(house, proxy, queue):
    workflow_id = new_id("nobody")
    done = house.run("start", "Nobody", "--id", workflow_id, "--queue", queue, "--address", proxy.address)
    assert done.returncode == 0, done.stderr
    request = StartWorkflowExecutionRequest.FromString(proxy.calls["StartWorkflowExecution"][0])
    assert request.namespace == "default"
    assert "@" in request.identity
    assert len(request.request_id) == 36
    house.temporal.cli("workflow", "terminate", "-w", workflow_id)
