"""The scripts of docs/patterns.md, each as it stands there, on a real server."""

import re
import uuid

import pytest
from house import ROOT, Worker, until
from temporalio.client import WorkflowFailureError

BLOCK = re.compile(r"^```lua file=scripts/(\S+)\n(.*?)^```$", re.M | re.S)


@pytest.fixture(scope="module")
def patterns(house, tmp_path_factory):
    """A worker on the scripts of the page, and its queue."""
    folder = tmp_path_factory.mktemp("patterns")
    for name, text in BLOCK.findall((ROOT / "docs/patterns.md").read_text()):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    queue = f"patterns-{uuid.uuid4().hex[:8]}"
    with Worker(house, folder, queue):
        yield queue


@pytest.fixture
def execute(connect, run_async, patterns):
    async def result(name, value, run_id):
        return await (await connect()).execute_workflow(name, value, id=run_id, task_queue=patterns)

    def execute(name, value, run_id=None):
        return run_async(result(name, value, run_id or f"{name}-{uuid.uuid4().hex[:8]}"))

    return execute


def activities(house, run_id):
    events = house.temporal.history(run_id)
    return [e["activityTaskScheduledEventAttributes"]["activityType"]["name"] for e in events if "activityTaskScheduledEventAttributes" in e]


def test_steps_one_after_the_other(execute):
    assert execute("Sequential", {"item": "book"}) == {"item": "book", "checked": True, "paid": True, "shipped": True}
    with pytest.raises(WorkflowFailureError) as failed:
        execute("Sequential", {})
    assert failed.value.cause.cause.type == "ValueError"


def test_steps_all_at_once(house, execute):
    run_id = f"Parallel-{uuid.uuid4().hex[:8]}"
    assert execute("Parallel", {"amounts": [1, 2, 3, 4]}, run_id) == {"total": 20}
    names = [e["eventType"] for e in house.temporal.history(run_id)]
    assert names.index("EVENT_TYPE_ACTIVITY_TASK_STARTED") > len(names) - 1 - names[::-1].index("EVENT_TYPE_ACTIVITY_TASK_SCHEDULED")


def test_a_saga_undoes_what_was_done(house, execute):
    assert execute("Saga", {"hotel": "hotel"}) == {"flight": "booking of flight", "hotel": "booking of hotel"}
    run_id = f"Saga-{uuid.uuid4().hex[:8]}"
    with pytest.raises(WorkflowFailureError) as failed:
        execute("Saga", {"hotel": "full hotel"}, run_id)
    assert "no room" in failed.value.cause.cause.message
    assert activities(house, run_id) == ["book", "book", "cancel_booking"]


def test_polling_ends_when_it_is_ready(execute):
    assert execute("Poll", {"ready_after": 3, "every": "10ms"}) == {"asked": 3}


def test_a_backfill_goes_piece_by_piece(execute):
    assert execute("Backfill", {"days": ["2026-01-0%d" % d for d in range(1, 10)], "batch": 4}) == {"days": 9, "rows": 90}


def test_a_person_decides_or_does_not(house, execute, patterns):
    run_id = f"Approval-{uuid.uuid4().hex[:8]}"
    assert house.run("start", "HumanApproval", "--id", run_id, "--queue", patterns, "--input", '{"item": "book"}').returncode == 0
    assert until(lambda: "waiting" in house.run("query", run_id, "state").stdout, what="the state")
    assert house.run("signal", run_id, "decide", "--input", '"approve"').returncode == 0
    assert "approve" in house.run("result", run_id).stdout
    assert execute("HumanApproval", {"patience": "50ms"}) == {"state": "expired"}
