"""What the old system's guide promises to somebody who types its commands (docs/checklist.md)."""

import datetime
import json

import pytest
from house import BINARY, PATIENCE, ROOT, Child, Worker, until

WINDOW = json.dumps({"from": "2026-01-14", "to": "2026-01-14"})
TRUTH = {"rows": [{"date": "2026-01-14", "affiliate": [11, "G2 - Meta"], "advertiser": [1, "CCW"], "clicks": 5000, "conversions": 200,
                   "revenue": 20000, "payout": 9000}]}


@pytest.fixture(scope="module")
def worker(house):
    house.everflow.control("reset", {})
    house.everflow.control("data", TRUTH)
    house.empty_database()
    with Worker(house) as running:
        yield running


def trigger(house, *words):
    return house.run("trigger", "everflow", "--kwargs", WINDOW, *words)


def test_a_trigger_prints_the_id_and_a_link_and_waits_for_the_result(house, worker):
    said = trigger(house, "-w")
    assert said.returncode == 0, said.stderr
    first, link, *rest = said.stdout.splitlines()
    assert first == "Workflow started: sync-everflow-manual"
    assert "/namespaces/default/workflows/sync-everflow-manual/" in link
    assert rest[0] == "Waiting for completion..." and rest[-1].startswith("Result: {")
    assert house.run("trigger", "nobody", "-w").returncode == 1


def test_vendors_are_asked_inside_activities_and_histories_hold_no_call(house, worker):
    house.everflow.control("reset", {})
    house.everflow.control("data", TRUTH)
    assert trigger(house, "-w").returncode == 0
    events = house.temporal.history("sync-everflow-manual")
    assert not [e for e in events if "WORKFLOW" not in e["eventType"] and "ACTIVITY" not in e["eventType"] and "MARKER" not in e["eventType"]]
    at = {e["eventType"]: datetime.datetime.fromisoformat(e["eventTime"]).timestamp() for e in events}
    asked = [r["at"] for r in house.everflow.requests()]
    assert asked and all(at["EVENT_TYPE_ACTIVITY_TASK_STARTED"] - 0.01 <= t <= at["EVENT_TYPE_ACTIVITY_TASK_COMPLETED"] + 0.01 for t in asked)


def test_a_second_trigger_is_refused_while_the_first_runs_and_welcome_afterwards(house, worker, tmp_path):
    house.everflow.control("script", [{"hold": True}])
    first = json.loads(trigger(house, "--json").stdout)
    again = trigger(house)
    assert again.returncode == 6 and "sync-everflow-manual" in again.stderr
    said = tmp_path / "said"
    joined = Child([BINARY, "trigger", "everflow", "--kwargs", WINDOW, "-w"], said, cwd=ROOT, env=house.environment())
    until(lambda: "is running already; waiting for it" in said.read_text(), what="somebody who waits for the first")
    house.everflow.control("release")
    assert joined.process.wait(PATIENCE) == 0 and "Result: " in said.read_text()
    assert json.loads(trigger(house, "-w", "--json").stdout)["run_id"] != first["run_id"]


def test_the_queue_is_api_tasks_unless_named(house, worker, queue):
    assert house.temporal.history("sync-everflow-manual")[0]["workflowExecutionStartedEventAttributes"]["taskQueue"]["name"] == "api-tasks"
    started = house.run("start", "SyncSourceWorkflow", "--id", f"queued-{queue}", "--timeout", "1s", environment={"TEMPORAL_TASK_QUEUE": queue})
    assert started.returncode == 0
    assert house.temporal.history(f"queued-{queue}")[0]["workflowExecutionStartedEventAttributes"]["taskQueue"]["name"] == queue
