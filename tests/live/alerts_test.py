"""Somebody hears of a trouble once: fingerprints, counters, recovery, mutes, and what happens when alerts cannot be sent."""

import asyncio
import re
import uuid

import pytest
from house import Worker, until
from messages import DOWN, posts, scripts_in, settings_of, shortened, texts, vendors_of
from temporalio.client import WorkflowFailureError

ALERTS = "C0000000911"
ROWS = [{"date": "2026-01-14", "affiliate": [1, "A"], "advertiser": [1, "CCW"], "clicks": 1, "conversions": 1, "revenue": 5, "payout": 2}]
KWARGS = {"from": "2026-01-14", "to": "2026-01-14"}
FORBIDDEN = {"match": "/table", "status": 401, "body": {"error": "No Authentication Method Found"}, "times": 99}


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    return scripts_in(tmp_path_factory.mktemp("alerts") / "scripts")


@pytest.fixture(scope="module")
def fakes(house):
    return vendors_of(house) | {"everflow": house.everflow}


@pytest.fixture(scope="module")
def settings(fakes):
    return settings_of(fakes, SLACK_ALERT_CHANNEL_ID=ALERTS, SIGNALROOM_ALERT_FALLBACK="email:ops@example.test")


@pytest.fixture(scope="module")
def worker(house, settings, scripts):
    with Worker(house, scripts, "alerts", environment=settings) as running:
        yield running


@pytest.fixture(autouse=True)
def clean(house, fakes):
    for fake in fakes.values():
        fake.control("reset", {})
    fakes["slack"].control("data", {"channels": ["C0123456789", ALERTS]})
    house.everflow.control("data", {"rows": ROWS})
    house.empty_database()


@pytest.fixture
def sync(connect, run_async):
    """Syncs Everflow: True when it went well."""
    async def story(queue, name, argument):
        client = await connect()
        try:
            await client.execute_workflow(name, argument, id=f"alerts-{uuid.uuid4().hex[:12]}", task_queue=queue)
            return True
        except WorkflowFailureError:
            return False

    def run(queue="alerts", workflow="SyncSourceWorkflow", **changes):
        return run_async(story(queue, workflow, {"source_name": "everflow", "source_kwargs": KWARGS, **changes}))

    return run


def everflow_refuses(fakes):
    fakes["everflow"].control("script", [FORBIDDEN])


def everflow_answers(house, fakes):
    fakes["everflow"].control("reset", {})
    house.everflow.control("data", {"rows": ROWS})


def of_slack(fakes, method):
    return [r for r in fakes["slack"].requests() if r["path"] == f"/api/{method}"]


# --- one trouble, one message ---


def test_eight_failures_are_one_message_that_counts_and_one_recovery(house, fakes, worker, sync):
    everflow_refuses(fakes)
    assert [sync() for _ in range(8)] == [False] * 8
    [text] = texts(fakes)
    assert text.startswith("Pipeline failed: everflow\nError: ")
    assert re.search(r"\n\(8 times since \d{4}-\d\d-\d\d \d\d:\d\d UTC, last \d\d:\d\d UTC\)$", text), text
    assert len(of_slack(fakes, "chat.postMessage")) == 1 and len(of_slack(fakes, "chat.update")) == 7
    everflow_answers(house, fakes)
    assert [sync(), sync()] == [True, True]
    assert texts(fakes)[1:] == ["everflow recovered after 8 failures, N minutes"]
    assert {m["channel"] for m in fakes["slack"].accepted()} == {ALERTS}


def test_after_a_recovery_the_next_failure_is_told_anew(house, fakes, worker, sync):
    for _ in range(2):
        everflow_refuses(fakes)
        sync()
        everflow_answers(house, fakes)
        sync()
    assert [text.split("\n")[0] for text in texts(fakes)] == ["Pipeline failed: everflow", "everflow recovered after 1 failure, N minutes"] * 2


def test_another_error_of_the_same_source_is_another_trouble_and_both_recover_at_once(house, fakes, worker, sync):
    everflow_refuses(fakes)
    sync()
    fakes["everflow"].control("reset", {})
    fakes["everflow"].control("script", [{"match": "/table", "status": 400, "body": {"error": "bad"}, "times": 99}])
    sync()
    assert len(texts(fakes)) == 2
    everflow_answers(house, fakes)
    sync()
    assert texts(fakes)[2:] == ["everflow recovered after 2 failures, N minutes"]


def test_a_trouble_that_lasts_is_told_again_when_its_window_is_over(house, fakes, worker, sync):
    everflow_refuses(fakes)
    sync()
    house.postgres.rows("UPDATE signalroom.alerts SET posted_at = posted_at - interval '25 hours'")
    sync()
    sync()
    first, second = texts(fakes)
    assert "times since" not in first and "(3 times since" in second


def test_a_success_without_a_failure_says_nothing(fakes, worker, sync):
    assert sync() is True
    assert fakes["slack"].requests() == []


def test_scheduled_syncs_count_and_recover_by_what_failed(house, fakes, worker, sync):
    everflow_refuses(fakes)
    for _ in range(3):
        sync(workflow="ScheduledSyncWorkflow", sources=["everflow"])
    [text] = texts(fakes)
    assert text.startswith("Scheduled sync completed with failures: ['everflow']\n(3 times since ")
    everflow_answers(house, fakes)
    sync(workflow="ScheduledSyncWorkflow", sources=["everflow"])
    assert texts(fakes)[1:] == ["everflow recovered after 3 failures, N minutes"]


@pytest.mark.parametrize("close", ["before", "mid-body"])
def test_an_alert_whose_answer_was_lost_is_not_repeated(fakes, worker, sync, close):
    everflow_refuses(fakes)
    fakes["slack"].control("script", [{"match": "chat.postMessage", "close": close}])
    sync()
    sync()
    [text] = texts(fakes)
    assert "(2 times since" in text


def test_a_recovery_whose_answer_was_lost_is_told_once(house, fakes, worker, sync):
    everflow_refuses(fakes)
    sync()
    everflow_answers(house, fakes)
    fakes["slack"].control("script", [{"match": "chat.postMessage", "close": "mid-body"}])
    sync()
    sync()
    assert texts(fakes)[1:] == ["everflow recovered after 1 failure, N minutes"]


def test_a_recovery_that_slack_did_not_take_is_told_by_the_next_success(house, fakes, worker, sync):
    everflow_refuses(fakes)
    sync()
    everflow_answers(house, fakes)
    fakes["slack"].control("script", [{"match": "/api", "times": 5, **DOWN}])
    assert sync() is True and len(texts(fakes)) == 1
    assert sync() is True
    assert texts(fakes)[1:] == ["everflow recovered after 1 failure, N minutes"]


def test_a_counter_that_can_not_be_moved_is_no_trouble(house, fakes, worker, sync):
    everflow_refuses(fakes)
    sync()
    fakes["slack"].control("script", [{"match": "chat.update", **DOWN}])
    sync()
    assert len(fakes["resend"].accepted()) == 0 and len(texts(fakes)) == 1
    sync()
    assert "(3 times since" in texts(fakes)[0]


# --- who wants to hear nothing ---


def test_a_mute_keeps_one_subject_quiet_until_it_is_lifted(house, fakes, worker, sync):
    muted = house.run("mute", "1h", "everflow")
    assert muted.returncode == 0 and muted.stdout.startswith("Muted: everflow until "), muted.stderr
    everflow_refuses(fakes)
    sync()
    sync()
    assert fakes["slack"].requests() == []
    shown = house.run("alerts")
    assert re.search(r"everflow +AuthError +2 ", shown.stdout) and re.search(r"everflow +until ", shown.stdout), shown.stdout
    assert house.run("unmute", "everflow").stdout == "Unmuted: everflow\n"
    sync()
    [text] = texts(fakes)
    assert "(3 times since" in text


def test_a_trouble_that_came_and_went_muted_is_never_told(house, fakes, worker, sync):
    house.run("mute", "1h")
    everflow_refuses(fakes)
    sync()
    everflow_answers(house, fakes)
    house.run("unmute")
    sync()
    assert fakes["slack"].requests() == []
    assert house.run("alerts").stdout == "Nothing is wrong, nothing is muted, nothing is undelivered.\n"


def test_mutes_end_by_themselves_and_mistakes_are_named(house, fakes, worker, sync):
    house.run("mute", "1h", "everflow")
    house.postgres.rows("UPDATE signalroom.mutes SET until = clock_timestamp()")
    assert "everflow" not in house.run("alerts").stdout
    everflow_refuses(fakes)
    sync()
    assert len(texts(fakes)) == 1
    assert house.run("mute", "soon").returncode == 2
    assert house.run("unmute", "everflow").returncode == 5


# --- outside production ---


@pytest.mark.parametrize("environment", ["", "staging"])
def test_outside_production_an_alert_is_printed(house, fakes, settings, scripts, sync, queue, environment):
    everflow_refuses(fakes)
    with Worker(house, scripts, queue, environment=settings | {"SIGNALROOM_ENV": environment}) as elsewhere:
        assert sync(queue) is False
    log = elsewhere.log.read_text()
    assert "slack_not_sent" in log and "Pipeline failed: everflow" in log
    assert fakes["slack"].requests() == [] and fakes["resend"].requests() == []


# --- alerts that cannot be sent ---


def test_with_slack_down_the_other_channel_hears_it_once(house, fakes, worker, sync):
    everflow_refuses(fakes)
    fakes["slack"].control("script", [{"match": "/api", "times": 999, **DOWN}])
    assert [sync(), sync()] == [False, False]
    [mail] = fakes["resend"].accepted()
    assert mail["to"] == ["ops@example.test"] and mail["html"].startswith("Pipeline failed: everflow\nError: ")
    assert house.postgres.rows("SELECT * FROM signalroom.undelivered") == []


def test_with_every_channel_down_the_alert_is_kept_and_the_outcome_stands(house, fakes, worker, sync):
    for vendor, path in (("slack", "/api"), ("resend", "/emails")):
        fakes[vendor].control("script", [{"match": path, "times": 999, **DOWN}])
    assert sync(notify_on_success=True) is True
    [[subject, text, reason]] = house.postgres.rows("SELECT subject, replace(text, chr(10), ' '), reason FROM signalroom.undelivered")
    assert subject == "everflow" and text.startswith("Pipeline completed: everflow Loaded 1 rows ") and "503" in reason
    assert "Pipeline completed: everflow" in house.run("alerts").stdout
    assert "alert_undelivered" in worker.log.read_text()


@pytest.fixture
def shut_out(house):
    """A user of the database, and what locks them out of it."""
    house.postgres.rows("CREATE ROLE shut_out SUPERUSER LOGIN")
    yield house.postgres.url.replace("signalroom@", "shut_out@"), lambda: house.postgres.rows(
        "ALTER ROLE shut_out NOLOGIN; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shut_out'")
    house.postgres.rows("DROP ROLE shut_out")


def test_without_the_database_an_alert_is_told_once_all_the_same(house, fakes, settings, scripts, sync, queue, shut_out):
    url, lock = shut_out
    with Worker(house, scripts, queue, environment=settings | {"DATABASE_URL": url}) as lost:
        lock()
        assert [sync(queue), sync(queue)] == [False, False]
    [text] = texts(fakes)
    assert text.startswith("Pipeline failed: everflow\nError: ")
    assert "alert_state_unavailable" in lost.log.read_text()


# --- failures that no script sees ---


def test_a_sync_whose_worker_was_lost_is_told(house, fakes, settings, tmp_path, connect, run_async, queue):
    folder = scripts_in(tmp_path / "scripts")
    shortened(folder / "workflows/pipeline.lua", 'heartbeat = "20s"', 'heartbeat = "5s"')
    shortened(folder / "workflows/retry.lua", "attempts = 5", "attempts = 1")
    fakes["everflow"].control("script", [{"match": "/table", "hold": True}])

    async def story():
        client = await connect()
        with Worker(house, folder, queue, environment=settings) as first:
            handle = await client.start_workflow("SyncSourceWorkflow", {"source_name": "everflow", "source_kwargs": KWARGS},
                                                 id=queue, task_queue=queue)
            await asyncio.to_thread(until, fakes["everflow"].requests, what="the vendor's first request")
            first.child.kill()
        with Worker(house, folder, queue, environment=settings):
            with pytest.raises(WorkflowFailureError):
                await handle.result()

    run_async(story())
    [text] = texts(fakes)
    assert text.startswith("Pipeline failed: everflow\nError: ") and "eartbeat" in text
    assert len(posts(fakes["slack"])) == 1
