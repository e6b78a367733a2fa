"""The main job: a vendor's numbers through a durable workflow into Postgres, also when things go wrong."""

import datetime
import json
import signal
import uuid

import pytest
from house import EVERFLOW_KEY, Worker, until
from temporalio.client import WorkflowFailureError

INPUT = {"source_name": "everflow", "source_kwargs": {"from": "2026-01-14", "to": "2026-01-14"}, "resources": None,
         "notify_on_failure": True, "notify_on_success": False}
D1 = [["2026-01-14", 11, "G2 - Meta", 1, "CCW", 5000, 200, 20000, 9000], ["2026-01-14", 12, "SB - Meta", 1, "CCW", 1000, 50, 5000, 2000],
      ["2026-01-14", 13, "Harbor Leads", 1, "CCW", 900, 100, 9000, 1800], ["2026-01-14", 14, "Zero Partner", 1, "CCW", 10, 0, 0, 0],
      ["2026-01-14", 11, "G2 - Meta", 2, "EXP", 100, 5, 300, 100]]


def truth(rows):
    keys = ("clicks", "conversions", "revenue", "payout")
    return {"rows": [{"date": r[0], "affiliate": r[1:3], "advertiser": r[3:5], **dict(zip(keys, r[5:]))} for r in rows]}


def days(first, count):
    start = datetime.date.fromisoformat(first)
    return [(start + datetime.timedelta(n)).isoformat() for n in range(count)]


@pytest.fixture
def vendor(house):
    """The fake with data set D1, and an empty database."""
    house.everflow.control("reset", {})
    house.everflow.control("data", truth(D1))
    house.empty_database()
    return house.everflow


@pytest.fixture(scope="module")
def worker(house):
    with Worker(house, queue="sync-tests") as running:
        yield running


def start(house, **changes):
    """A fresh SyncSourceWorkflow by our own command line; its id."""
    workflow_id = f"sync-{uuid.uuid4().hex[:12]}"
    begun = house.run("start", "SyncSourceWorkflow", "--queue", changes.pop("queue", "sync-tests"), "--id", workflow_id, "--input",
                      json.dumps({**INPUT, **changes}))
    assert begun.returncode == 0, begun.stderr
    return workflow_id


def result(house, workflow_id):
    done = house.run("result", workflow_id, "--json")
    return done.returncode, json.loads(done.stdout)


def loaded(house):
    return house.postgres.rows("SELECT date, affiliate_id, affiliate_label, advertiser_id, advertiser_label, clicks, conversions, "
                               "revenue::float8, payout::float8, profit::float8 FROM everflow.daily_stats ORDER BY 1, 4, 2")


def expected(rows):
    return [[str(v) for v in r[:7]] + [f"{v:g}" for v in (r[7], r[8], r[7] - r[8])] for r in sorted(rows, key=lambda r: (r[0], r[3], r[1]))]


def test_an_unmodified_python_client_gets_the_old_result_shape(house, vendor, worker, connect, run_async):
    async def story():
        client = await connect()
        return await client.execute_workflow("SyncSourceWorkflow", INPUT, id=f"sync-{uuid.uuid4()}", task_queue="sync-tests")

    got = run_async(story())
    assert (got["pipeline_name"], got["success"], got["error_message"]) == ("everflow", True, None)
    assert got["row_counts"] == {"daily_stats": 5}
    assert got["load_id"]
    assert loaded(house) == expected(D1)


def test_counts_are_honest_and_unchanged_rows_are_not_touched(house, vendor, worker):
    _, first = result(house, start(house))
    assert first["result"]["counts"]["daily_stats"] == {"rows": 5, "new": 5, "changed": 0, "same": 0, "deleted": 0}
    versions = house.postgres.rows("SELECT affiliate_id, advertiser_id, xmin FROM everflow.daily_stats ORDER BY 1, 2")
    changed = [list(r) for r in D1[:-1]]
    changed[1][6] = 55
    vendor.control("data", truth(changed))
    _, second = result(house, start(house))
    assert second["result"]["counts"]["daily_stats"] == {"rows": 4, "new": 0, "changed": 1, "same": 3, "deleted": 1}
    assert loaded(house) == expected(changed)
    after = house.postgres.rows("SELECT affiliate_id, advertiser_id, xmin FROM everflow.daily_stats ORDER BY 1, 2")
    assert len([row for row in after if row in versions]) == 3


def test_every_run_leaves_a_load_record_also_an_empty_one(house, vendor, worker):
    vendor.control("data", {"rows": []})
    code, answer = result(house, start(house))
    assert (code, answer["result"]["row_counts"]) == (0, {"daily_stats": 0})
    assert house.postgres.rows("SELECT source, resource, window_from, window_to, rows_new, requests FROM signalroom.loads") == \
        [["everflow", "daily_stats", "2026-01-14", "2026-01-14", "0", "1"]]


def attempts(house, workflow_id):
    """How often the pipeline was tried; what comes after it is the alert."""
    events = house.temporal.history(workflow_id)
    started = [e for e in events if e["eventType"] == "EVENT_TYPE_ACTIVITY_TASK_STARTED"]
    return int(started[0]["activityTaskStartedEventAttributes"].get("attempt", 1)), events


def test_503_503_200_takes_three_attempts(house, vendor, worker):
    vendor.control("script", [{"match": "/table", "status": 503, "body": {"error": "try later"}, "times": 2}])
    workflow_id = start(house)
    code, _ = result(house, workflow_id)
    assert code == 0
    assert attempts(house, workflow_id)[0] == 3
    assert loaded(house) == expected(D1)


def test_401_is_one_attempt_and_an_auth_error(house, vendor, worker):
    vendor.control("script", [{"match": "/table", "status": 401, "body": {"error": "No Authentication Method Found"}, "times": 9}])
    workflow_id = start(house)
    code, answer = result(house, workflow_id)
    assert code == 1
    assert answer["error"]["cause"]["type"] == "AuthError"
    assert attempts(house, workflow_id)[0] == 1
    assert EVERFLOW_KEY not in json.dumps(answer)


def test_429_with_retry_after_waits_that_long(house, vendor, worker):
    vendor.control("script", [{"match": "/table", "status": 429, "headers": {"Retry-After": "3"}, "body": {"error": "slow down"}}])
    workflow_id = start(house)
    code, _ = result(house, workflow_id)
    assert code == 0
    assert attempts(house, workflow_id)[0] == 2
    first, second = [r["at"] for r in vendor.requests()]
    assert 3.0 <= second - first < 30


def test_always_503_is_five_attempts_and_a_failed_workflow(house, vendor, worker):
    vendor.control("script", [{"match": "/table", "status": 503, "body": {"error": "down"}, "times": 99}])
    workflow_id = start(house)
    code, answer = result(house, workflow_id)
    assert (code, answer["status"]) == (1, "failed")
    assert answer["error"]["cause"]["type"] == "VendorError"
    assert len(vendor.requests()) == 5
    assert house.temporal.history(workflow_id)[-1]["eventType"] == "EVENT_TYPE_WORKFLOW_EXECUTION_FAILED"


def test_a_value_error_is_not_retried(house, vendor, worker):
    workflow_id = start(house, source_name="no_such_vendor")
    code, answer = result(house, workflow_id)
    assert code == 1
    assert answer["error"]["cause"]["type"] == "ValueError"
    assert "Available: everflow" in answer["error"]["cause"]["message"]
    assert attempts(house, workflow_id)[0] == 1


def test_the_vendor_taking_most_rows_away_is_refused(house, vendor, worker):
    many = [["2026-01-14", n, f"A{n}", 1, "CCW", n, 1, 2, 1] for n in range(1, 101)]
    vendor.control("data", truth(many))
    result(house, start(house))
    vendor.control("data", truth(many[:50]))
    code, answer = result(house, start(house))
    assert code == 1
    assert answer["error"]["cause"]["type"] == "ShrinkRefused"
    assert house.postgres.one("SELECT count(*) FROM everflow.daily_stats") == "100"
    kwargs = {**INPUT["source_kwargs"], "allow_shrink": True}
    assert result(house, start(house, source_kwargs=kwargs))[1]["result"]["counts"]["daily_stats"]["deleted"] == 50


def test_a_worker_killed_in_the_middle_of_a_sync_is_resumed_from_the_heartbeat(house, vendor, connect):
    window = {"from": "2026-01-01", "to": "2026-01-20", "window_days": 1}
    vendor.control("data", {"generate": {"days": days("2026-01-01", 20), "affiliates": 10}})
    vendor.control("script", [{"match": "/table", "delay_ms": 150, "times": 40}])
    with Worker(house, queue="killed") as first:
        workflow_id = start(house, queue="killed", source_kwargs=window)
        until(lambda: len(vendor.requests()) >= 8, what="the eighth window")
        first.child.kill(signal.SIGKILL)
    asked_before = len(vendor.requests())
    with Worker(house, queue="killed"):
        code, answer = result(house, workflow_id)
    assert code == 0, answer
    asked = [json.loads(r["body"])["from"] for r in vendor.requests()[asked_before:]]
    assert "2026-01-01" not in asked and len(asked) <= 14, "it began again from the start"
    assert house.postgres.rows("SELECT window_from, count(*) FROM signalroom.loads GROUP BY 1 ORDER BY 1") == \
        [[day, "1"] for day in days("2026-01-01", 20)]
    assert house.postgres.one("SELECT count(*) FROM everflow.daily_stats") == "200"


def test_postgres_restarting_in_the_middle_of_a_sync_costs_a_retry_and_nothing_else(house, vendor, worker):
    window = {"from": "2026-01-01", "to": "2026-01-10", "window_days": 1}
    vendor.control("data", {"generate": {"days": days("2026-01-01", 10), "affiliates": 10}})
    vendor.control("script", [{"match": "/table", "delay_ms": 100, "times": 20}])
    workflow_id = start(house, source_kwargs=window)
    until(lambda: len(vendor.requests()) >= 4, what="the fourth window")
    house.postgres.restart()
    code, answer = result(house, workflow_id)
    assert code == 0, answer
    assert house.postgres.one("SELECT count(*) FROM everflow.daily_stats") == "100"
    assert house.postgres.one("SELECT count(*) FROM signalroom.loads") == "10"


def test_the_server_restarting_in_the_middle_of_a_sync_costs_nothing(house, vendor, worker):
    window = {"from": "2026-01-01", "to": "2026-01-10", "window_days": 1}
    vendor.control("data", {"generate": {"days": days("2026-01-01", 10), "affiliates": 10}})
    vendor.control("script", [{"match": "/table", "delay_ms": 100, "times": 20}])
    workflow_id = start(house, source_kwargs=window)
    until(lambda: len(vendor.requests()) >= 4, what="the fourth window")
    house.temporal.restart(signal.SIGKILL)
    code, answer = result(house, workflow_id)
    assert code == 0, answer
    assert house.postgres.one("SELECT count(*) FROM everflow.daily_stats") == "100"
    assert house.postgres.one("SELECT count(*) FROM signalroom.loads") == "10"


def test_on_failure_complete_gives_the_old_failed_result(house, vendor, worker, connect, run_async):
    async def story():
        client = await connect()
        return await client.execute_workflow("SyncSourceWorkflow", {**INPUT, "source_name": "nope", "on_failure": "complete"},
                                             id=f"sync-{uuid.uuid4()}", task_queue="sync-tests")

    got = run_async(story())
    assert (got["success"], got["load_id"], got["row_counts"]) == (False, "", {})
    assert got["error_message"].startswith("Unknown source: nope")


def test_a_failed_sync_is_a_failed_workflow_for_any_client(house, vendor, worker, connect, run_async):
    async def story():
        client = await connect()
        with pytest.raises(WorkflowFailureError):
            await client.execute_workflow("SyncSourceWorkflow", {**INPUT, "source_name": "nope"}, id=f"sync-{uuid.uuid4()}",
                                          task_queue="sync-tests")

    run_async(story())
