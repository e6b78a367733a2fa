"""kill -9 at every step of a load: the next worker goes on, rows equal the vendor's truth, the load is recorded once."""

import concurrent.futures
import json
import shutil
import signal
import uuid

from house import ROOT, Worker, until
from sync_test import D1, truth

STEPS = ["fetched", "settings", "lock", "load_id", "order", "table", "stage", "drift", "schema", "merge", "vanished", "views", "record",
         "findings", "cursor", "dlt", "committed"]


def scripts_of(house):
    """The product's scripts and the ones that break off."""
    folder = house.folder / "crash-scripts"
    if not folder.exists():
        shutil.copytree(ROOT / "scripts", folder)
        shutil.copytree(ROOT / "tests/live/scripts", folder, dirs_exist_ok=True)
    return folder


def crash_and_resume(house, step, scripts):
    queue, database = f"crash-{step}", f"crash_{step}"
    house.postgres.rows(f"DROP DATABASE IF EXISTS {database}")
    house.postgres.rows(f"CREATE DATABASE {database}")
    url = house.postgres.url.rsplit("/", 1)[0] + "/" + database
    marker = house.folder / f"{step}-{uuid.uuid4().hex}"
    migrated = house.run("migrate", environment={"DATABASE_URL": url})
    assert migrated.returncode == 0, migrated.stderr
    environment = {"DATABASE_URL": url, "CRASH_AT": step, "CRASH_MARKER": str(marker)}
    with Worker(house, scripts, queue, environment=environment) as first:
        workflow_id = f"crash-{step}-{uuid.uuid4().hex[:8]}"
        begun = house.run("start", "ImpatientSync", "--queue", queue, "--id", workflow_id, "--input", json.dumps(
            {"source_name": "everflow", "source_kwargs": {"window_days": 367}}))
        assert begun.returncode == 0, begun.stderr
        until(marker.exists, what=f"the step {step}")
        first.child.kill(signal.SIGKILL)
    with Worker(house, scripts, queue, environment={"DATABASE_URL": url}):
        done = house.run("result", workflow_id, "--json")
    assert done.returncode == 0, f"{step}: {done.stdout}{done.stderr}"
    return database, house.temporal.history(workflow_id)


def test_a_load_survives_kill_9_at_each_of_its_steps(house):
    house.everflow.control("reset", {})
    house.everflow.control("data", truth(D1))
    scripts = scripts_of(house)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        outcomes = dict(zip(STEPS, pool.map(lambda step: crash_and_resume(house, step, scripts), STEPS)))
    for step, (database, events) in outcomes.items():
        started = [e for e in events if e["eventType"] == "EVENT_TYPE_ACTIVITY_TASK_STARTED"][0]
        assert int(started["activityTaskStartedEventAttributes"]["attempt"]) >= 2, step
        url = house.postgres.url
        house.postgres.url = url.rsplit("/", 1)[0] + "/" + database
        try:
            assert house.postgres.one("SELECT count(*) FROM everflow.daily_stats") == "5", step
            assert house.postgres.rows("SELECT window_from, count(*) FROM signalroom.loads GROUP BY 1 HAVING count(*) > 1") == [], step
            assert house.postgres.one("SELECT cursor = (SELECT max(window_to)::text FROM signalroom.loads) FROM signalroom.state") == "t", step
            assert house.postgres.one("SELECT sum(rows_new) FROM signalroom.loads") == "5", step
            assert house.postgres.one("SELECT count(*) = (SELECT count(*) FROM signalroom.loads) FROM everflow._dlt_loads") == "t", step
        finally:
            house.postgres.url = url


def overtaken(house, step):
    """A load that is held at a step while another one, with the vendor's newer truth, wants in."""
    house.everflow.control("reset", {})
    house.everflow.control("data", truth(D1))
    scripts, queue = scripts_of(house), f"overtaken-{step}"
    database = f"overtaken_{step}"
    house.postgres.rows(f"DROP DATABASE IF EXISTS {database}")
    house.postgres.rows(f"CREATE DATABASE {database}")
    url = house.postgres.url.rsplit("/", 1)[0] + "/" + database
    assert house.run("migrate", environment={"DATABASE_URL": url}).returncode == 0
    marker = house.folder / f"{step}-{uuid.uuid4().hex}"
    given = json.dumps({"source_name": "everflow", "source_kwargs": {"from": "2026-01-14", "to": "2026-01-14"}, "heartbeat": "1m", "attempts": 0})
    with Worker(house, scripts, f"{queue}-a", environment={"DATABASE_URL": url, "CRASH_AT": step, "CRASH_MARKER": str(marker)}), \
            Worker(house, scripts, f"{queue}-b", environment={"DATABASE_URL": url}):
        names = {side: f"{queue}-{side}-{uuid.uuid4().hex[:8]}" for side in "ab"}
        house.run("start", "ImpatientSync", "--queue", f"{queue}-a", "--id", names["a"], "--input", given)
        until(marker.exists, what=f"the step {step}")
        house.everflow.control("data", truth(D1[1:]))
        house.run("start", "ImpatientSync", "--queue", f"{queue}-b", "--id", names["b"], "--input", given)
        yield names
        marker.unlink()
        for name in names.values():
            done = house.run("result", name, "--json")
            assert done.returncode == 0, done.stdout
    yield url


def attempts_of(house, workflow_id):
    started = [e for e in house.temporal.history(workflow_id) if e["eventType"] == "EVENT_TYPE_ACTIVITY_TASK_STARTED"]
    return int(started[-1]["activityTaskStartedEventAttributes"]["attempt"]), started[-1]["activityTaskStartedEventAttributes"].get("lastFailure", {})


def count(house, url):
    kept, house.postgres.url = house.postgres.url, url
    try:
        return house.postgres.one("SELECT count(*) FROM everflow.daily_stats")
    finally:
        house.postgres.url = kept


def test_a_slow_fetch_does_not_bring_back_a_row_that_a_later_one_saw_vanish(house):
    story = overtaken(house, "fetched")
    names = next(story)
    assert house.run("result", names["b"]).returncode == 0
    url = next(story)
    attempt, failure = attempts_of(house, names["a"])
    assert (attempt, failure["applicationFailureInfo"]["type"]) == (2, "Stale")
    assert count(house, url) == "4"


def test_two_loads_of_one_stream_at_once_take_turns(house):
    story = overtaken(house, "lock")
    names = next(story)
    until(lambda: "Busy" in house.temporal.cli("workflow", "describe", "-w", names["b"], "-o", "json").stdout, what="a second load that is refused")
    url = next(story)
    attempt, failure = attempts_of(house, names["b"])
    assert attempt >= 2 and failure["applicationFailureInfo"]["type"] == "Busy"
    assert count(house, url) == "4"
