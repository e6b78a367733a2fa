"""Reports reach people once: every channel, lost answers, vendors that are down, workers killed at each step, data that is late."""

import asyncio
import contextlib
import datetime
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
import zoneinfo

import pytest
from house import ROOT, Worker, awaited, until
from messages import DOWN, posts, scripts_in, settings_of, shortened, texts, vendors_of
from temporalio.client import WorkflowFailureError

REPORTS, ALERTS = "C0123456789", "C0000000911"
OUTAGE = int(os.environ.get("OUTAGE_SECONDS", 0))
DAY = {"date": "2026-01-14"}
CHANNELS = [("slack", "slack"), ("email", "resend"), ("sms", "twilio")]
TEXT = "Pulse of 2026-01-14: 60, fine"


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """The product's scripts and two reports; waits are cut short unless an outage is to last."""
    return folder_of(tmp_path_factory.mktemp("send") / "scripts")


@pytest.fixture(scope="module")
def hasty(tmp_path_factory):
    """The same, where a worker that sends and says nothing is missed after a few seconds."""
    folder = folder_of(tmp_path_factory.mktemp("hasty") / "scripts")
    shortened(folder / "workflows/run_report.lua", 'start_to_close = "30s"', 'start_to_close = "6s"')
    return folder


def folder_of(folder):
    scripts_in(folder)
    for name in ("pulse.lua", "gated.lua"):
        shutil.copy(ROOT / "tests/live/scripts/reports" / name, folder / "reports")
    if not OUTAGE:
        shortened(folder / "workflows/send_retry.lua", 'initial = "1s", factor = 2.0, max = "1m"', 'initial = "1s", factor = 1.0, max = "1s"')
    shortened(folder / "workflows/run_report.lua", "FIRST_LOOK, LONGEST_LOOK = 60, 300", "FIRST_LOOK, LONGEST_LOOK = 1, 1")
    shortened(folder / "activities/sending/outbox.lua", "LOOK = 15", "LOOK = 1")
    return folder


@pytest.fixture(scope="module")
def fakes(house):
    return vendors_of(house)


@pytest.fixture(scope="module")
def settings(fakes):
    return settings_of(fakes, SLACK_ALERT_CHANNEL_ID=ALERTS, REPORT_EMAIL_TO="ada@example.test", REPORT_SMS_TO="+15550100001")


@pytest.fixture(scope="module")
def worker(house, settings, scripts):
    house.empty_database()
    with Worker(house, scripts, "send", environment=settings) as running:
        yield running


def channels_of(fakes):
    fakes["slack"].control("data", {"channels": [REPORTS, ALERTS]})


@pytest.fixture(autouse=True)
def clean(house, fakes):
    for fake in fakes.values():
        fake.control("reset", {})
    channels_of(fakes)
    house.empty_database()
    house.postgres.rows("CREATE TABLE public.pulse AS SELECT 60 AS pulse")
    yield
    house.postgres.rows("DROP TABLE public.pulse")


def argument(channel="slack", report="pulse", params=DAY, **more):
    return {"report_name": report, "channel": channel, "params": params, "send": True, **more}


async def begun(connect, queue, *arguments, **words):
    return await (await connect()).start_workflow("RunReportWorkflow", argument(*arguments, **words), id=f"send-{uuid.uuid4().hex[:12]}",
                                                  task_queue=queue)


async def ended(handle):
    """The result, or the failure."""
    try:
        return await handle.result(), None
    except WorkflowFailureError as failed:
        return None, failed.cause


@pytest.fixture
def run(connect, run_async):
    async def story(queue, words):
        return await ended(await begun(connect, queue, **words))

    return lambda queue="send", **words: run_async(story(queue, words))


def reports(fakes):
    return texts(fakes, REPORTS)


def alerts(fakes):
    return texts(fakes, ALERTS)


def outbox(house, columns="state"):
    return house.postgres.rows(f"SELECT {columns} FROM signalroom.outbox ORDER BY sent_at")


# --- rendered and sent ---


@pytest.mark.parametrize("channel, length", [("slack", len("*Pulse* of 2026-01-14: 60, fine")), ("email", len("<p>60, fine</p>")), ("sms", len(TEXT))])
def test_a_report_that_is_not_to_be_sent_is_only_rendered(house, fakes, worker, run, channel, length):
    result, failure = run(channel=channel, send=False)
    assert failure is None
    assert {k: result[k] for k in ("report_name", "channel", "content_length", "success", "error_message", "date")} == \
        {"report_name": "pulse", "channel": channel, "content_length": length, "success": True, "error_message": None, "date": "2026-01-14"}
    assert "60, fine" in result["text"]
    assert all(fake.requests() == [] for fake in fakes.values()) and outbox(house) == []


@pytest.mark.parametrize("channel, vendor", CHANNELS)
def test_each_channel_gets_the_report_once_and_the_result_names_the_message(house, fakes, worker, run, channel, vendor):
    result, failure = run(channel=channel)
    assert failure is None
    [message] = fakes[vendor].accepted()
    [told] = result["messages"]
    assert told["id"] == {"slack": message.get("ts"), "email": message.get("answer", {}).get("id"), "sms": message.get("sid")}[channel]
    assert outbox(house, "channel, recipient, state, message_id") == [[channel, told["recipient"], "sent", told["id"]]]


def test_a_mail_has_subject_html_and_text(fakes, worker, run):
    run(channel="email", params=DAY | {"note": "R&D"})
    [mail] = fakes["resend"].accepted()
    assert (mail["to"], mail["subject"]) == (["ada@example.test"], "Pulse of 2026-01-14")
    assert "60, R&amp;D" in mail["html"] and mail["text"].strip() == "60, R&D"


def test_the_markup_of_slack_is_escaped_once(fakes, worker, run):
    run(params=DAY | {"note": "a < b & c"})
    assert reports(fakes) == ["*Pulse* of 2026-01-14: 60, a &lt; b &amp; c"]


def test_yesterday_is_the_day_before_the_run_began(fakes, worker, run):
    def yesterday():
        return str(datetime.datetime.now(zoneinfo.ZoneInfo("America/New_York")).date() - datetime.timedelta(days=1))

    before = yesterday()
    result, _ = run(params=None)
    assert result["date"] in (before, yesterday())
    assert len(reports(fakes)) == 1


def test_several_recipients_get_one_each_and_a_bad_one_keeps_nobody_from_theirs(house, fakes, worker, run):
    fakes["twilio"].control("data", {"unsubscribed": ["+15550100002"]})
    numbers = ["+15550100001", "+15550100002", "+15550100003"]
    _, failure = run(channel="sms", recipients=numbers)
    assert failure.message.startswith("sent to 2 of 3; not to +15550100002: ")
    fakes["twilio"].control("data", {})
    result, _ = run(channel="sms", recipients=numbers)
    assert sorted(m["to"] for m in fakes["twilio"].accepted()) == numbers
    assert [m.get("already", False) for m in result["messages"]] == [True, False, True]


# --- once ---


@pytest.mark.parametrize("channel, vendor", CHANNELS)
def test_a_second_run_of_the_day_sends_nothing_unless_it_is_told_to(house, fakes, worker, run, channel, vendor):
    first, _ = run(channel=channel)
    second, _ = run(channel=channel)
    assert second["messages"] == [first["messages"][0] | {"already": True}]
    assert len(fakes[vendor].accepted()) == 1
    run(channel=channel, again=True)
    assert len(fakes[vendor].accepted()) == 2
    run(channel=channel, params=DAY | {"note": "another"})
    assert len(fakes[vendor].accepted()) == 3


@pytest.mark.parametrize("close", ["before", "mid-body"])
@pytest.mark.parametrize("channel, vendor", CHANNELS)
def test_a_lost_answer_costs_no_second_report(house, fakes, worker, run, channel, vendor, close):
    fakes[vendor].control("script", [{"close": close}])
    result, failure = run(channel=channel)
    assert failure is None and result["messages"][0]["id"]
    assert len(fakes[vendor].accepted()) == 1 and len(fakes[vendor].requests()) == 2
    assert outbox(house) == [["sent"]]


def test_two_runs_at_once_send_one_report(fakes, worker, connect, run_async):
    fakes["slack"].control("script", [{"match": "chat.postMessage", "delay_ms": 1500}])

    async def story():
        handles = [await begun(connect, "send") for _ in range(3)]
        return [await ended(handle) for handle in handles]

    outcomes = run_async(story())
    assert [failure for _, failure in outcomes] == [None] * 3
    assert len(reports(fakes)) == 1
    assert len({result["messages"][0]["id"] for result, _ in outcomes}) == 1


def test_what_another_run_is_sending_is_waited_for_and_what_it_left_is_looked_for(house, fakes, worker, connect, run, run_async):
    first, _ = run()
    house.postgres.rows("UPDATE signalroom.outbox SET state = 'claimed', claimant = 'another', message_id = NULL, claimed_at = now()")
    asked = len(fakes["slack"].requests())

    async def is_waiting(handle):
        pending = (await handle.describe()).raw_description.pending_activities
        return pending and "another run is sending this just now" in pending[0].last_failure.message

    async def story():
        handle = await begun(connect, "send")
        await awaited(lambda: is_waiting(handle), what="the wait for the other run")
        assert len(fakes["slack"].requests()) == asked
        house.postgres.rows("UPDATE signalroom.outbox SET claimed_at = now() - interval '3 minutes'")
        return await ended(handle)

    result, failure = run_async(story())
    assert failure is None and result["messages"] == first["messages"]
    assert len(reports(fakes)) == 1 and outbox(house) == [["sent"]]


def test_slack_down_for_long_gets_the_report_as_it_was_once_it_is_back(house, fakes, worker, connect, run_async):
    began = time.monotonic()
    fakes["slack"].control("script", [{"match": "/api", "times": 10 ** 6, **DOWN}])

    async def story():
        handle = await begun(connect, "send")
        await asyncio.to_thread(until, lambda: len(fakes["slack"].requests()) >= 7 and time.monotonic() - began >= OUTAGE, OUTAGE + 120,
                                "seven attempts")
        house.postgres.rows("UPDATE public.pulse SET pulse = 61")
        fakes["slack"].control("reset", {})
        channels_of(fakes)
        return await ended(handle)

    result, failure = run_async(asyncio.wait_for(story(), OUTAGE + 280)) if not OUTAGE else asyncio.run(story())
    assert failure is None and result["success"] is True
    assert reports(fakes) == ["*Pulse* of 2026-01-14: 60, fine"] and alerts(fakes) == []


def test_what_may_have_been_sent_and_can_not_be_looked_up_is_parked_and_told(house, fakes, worker, run):
    fakes["slack"].control("data", {"channels": [REPORTS, ALERTS], "scopes": ["chat:write"]})
    fakes["slack"].control("script", [{"match": "chat.postMessage", "close": "mid-body"}])
    _, failure = run()
    assert failure.type == "SendUnknown"
    assert len(reports(fakes)) == 1 and outbox(house) == [["unknown"]]
    assert "SendUnknown" not in alerts(fakes)[0] and alerts(fakes)[0].startswith("Report failed: pulse\nError: ")
    channels_of(fakes)
    result, _ = run()
    assert len(reports(fakes)) == 1 and outbox(house) == [["sent"]] and result["messages"][0]["id"]


def test_what_a_vendor_refused_is_sent_by_the_next_run(house, fakes, worker, run):
    fakes["slack"].control("script", [{"match": "chat.postMessage", "body": {"ok": False, "error": "is_archived"}}])
    _, failure = run()
    assert failure.type == "SlackError" and outbox(house) == [["refused"]]
    run()
    assert reports(fakes) == ["*Pulse* of 2026-01-14: 60, fine"] and len(posts(fakes["slack"])) == 4


# --- a worker killed at each step ---


@contextlib.contextmanager
def before_the_request(house, fakes, settings):
    """Slack is behind a door that nobody opens."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        url = f"http://127.0.0.1:{door.getsockname()[1]}/api"
        yield settings | {"SLACK_BASE_URL": url}, lambda: outbox(house) == [["claimed"]]


@contextlib.contextmanager
def while_vendors_answer(house, fakes, settings):
    for fake in fakes.values():
        fake.control("script", [{"hold": True}])
    yield settings, lambda: all(fake.accepted() for fake in fakes.values())


@contextlib.contextmanager
def before_it_is_written_down(house, fakes, settings):
    """Slack has answered; the outbox is locked, and the worker's sessions go with it."""
    fakes["slack"].control("script", [{"match": "chat.postMessage", "hold": True}])
    lock = subprocess.Popen(["psql", "-X", "-q", house.postgres.url], stdin=subprocess.PIPE, text=True)
    asked = []

    def waits():
        if reports(fakes) and not asked:
            lock.stdin.write("BEGIN; LOCK TABLE signalroom.outbox IN EXCLUSIVE MODE;\n")
            lock.stdin.flush()
            asked.append(True)
        if house.postgres.rows("SELECT 1 FROM pg_locks WHERE mode = 'ExclusiveLock' AND relation = to_regclass('signalroom.outbox') AND granted"):
            fakes["slack"].control("release")
        return house.postgres.rows("SELECT 1 FROM pg_locks WHERE NOT granted AND mode <> 'ExclusiveLock'")

    yield settings, waits
    house.postgres.rows("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted")
    lock.communicate("ROLLBACK;\n")


@contextlib.contextmanager
def before_the_server_hears_of_it(house, fakes, settings):
    """Slack has answered and the outbox knows; Temporal stands still."""
    fakes["slack"].control("script", [{"match": "chat.postMessage", "hold": True}])
    server = house.temporal.child.process

    def written():
        if reports(fakes):
            server.send_signal(signal.SIGSTOP)
            fakes["slack"].control("release")
        return outbox(house) == [["sent"]]

    try:
        yield settings, written
    finally:
        server.send_signal(signal.SIGCONT)


STEPS = [(before_the_request, CHANNELS[:1]), (while_vendors_answer, CHANNELS), (before_it_is_written_down, CHANNELS[:1]),
         (before_the_server_hears_of_it, CHANNELS[:1])]


@pytest.mark.parametrize("step, channels", STEPS)
def test_a_worker_killed_at_any_step_of_a_send_neither_loses_nor_repeats(house, fakes, settings, hasty, connect, run_async, queue, step, channels):
    async def story():
        with step(house, fakes, settings) as (environment, reached), Worker(house, hasty, queue, environment=environment) as first:
            handles = [await begun(connect, queue, channel) for channel, _ in channels]
            await asyncio.to_thread(until, reached, what="the step")
            first.child.kill()
        with Worker(house, hasty, queue, environment=settings):
            return [await ended(handle) for handle in handles]

    for result, failure in run_async(story()):
        assert failure is None and result["messages"][0]["id"]
    assert [len(fakes[vendor].accepted()) for _, vendor in channels] == [1] * len(channels)
    assert outbox(house) == [["sent"]] * len(channels)


# --- data that is late ---


def loaded(house):
    house.postgres.rows("""INSERT INTO signalroom.loads (load_id, source, resource, client_id, window_from, window_to, requests, bytes,
        rows_fetched, rows_new, rows_changed, rows_same, rows_deleted, fetched_at)
        VALUES ('gated', 'everflow', 'daily_stats', '713', '2026-01-01', '2026-01-14', 1, 0, 0, 0, 0, 0, 0, now())""")


def test_a_report_waits_for_its_data_and_is_sent_once(house, fakes, worker, connect, run_async):
    async def story():
        handle = await begun(connect, "send", report="gated")
        await asyncio.to_thread(until, lambda: "Report gated waits: everflow.daily_stats was never loaded" in worker.log.read_text(), what="the wait")
        loaded(house)
        return await ended(handle)

    result, failure = run_async(story())
    assert failure is None and result["success"] is True
    assert texts(fakes) == ["Everflow is there for 2026-01-14"]


def test_data_that_does_not_come_is_said_once_and_the_report_follows_later(house, fakes, worker, run):
    for _ in range(2):
        _, failure = run(report="gated", wait="1s")
        assert failure.type == "DataNotReady"
    assert texts(fakes) == ["gated 2026-01-14: data not ready: everflow.daily_stats was never loaded"]
    loaded(house)
    run(report="gated")
    assert texts(fakes)[1:] == ["Everflow is there for 2026-01-14"]


def test_the_old_failed_result_says_what_was_wrong(fakes, worker, run):
    result, _ = run(report="gated", send=False, on_failure="complete")
    assert result == {"report_name": "gated", "channel": "slack", "content_length": 0, "success": False,
                      "error_message": "data not ready: everflow.daily_stats was never loaded"}
    assert fakes["slack"].requests() == []


# --- mistakes ---


@pytest.mark.parametrize("words, type, text", [
    ({"report": "plse"}, "KeyError", "Report not found: plse"),
    ({"channel": "pigeon"}, "ValueError", "pigeon"),
    ({"report": "gated", "channel": "sms"}, "ValueError", "No template for channel 'sms' in report 'gated'"),
    ({"params": {"dat": "2026-01-14"}}, "ValueError", "has no parameter"),
])
def test_a_mistake_fails_at_once_and_is_told_where_reports_do_not_go(fakes, worker, run, words, type, text):
    _, failure = run(**words)
    assert failure.cause.type == type and text in failure.cause.message
    assert reports(fakes) == []
    [told] = alerts(fakes)
    assert told.startswith(f"Report failed: {words.get('report', 'pulse')}\nError: ") and text in told


def test_a_report_that_works_again_says_so(house, fakes, worker, run):
    house.postgres.rows("ALTER TABLE public.pulse RENAME TO away")
    run()
    house.postgres.rows("ALTER TABLE public.away RENAME TO pulse")
    run()
    assert [text.split("\n")[0] for text in alerts(fakes)] == ["Report failed: pulse", "pulse recovered after 1 failure, N minutes"]


def test_a_channel_without_a_token_or_a_recipient_is_named_before_the_database_is_asked(house, fakes, settings, scripts, run, queue):
    bare = {k: v for k, v in settings.items() if k not in ("TWILIO_AUTH_TOKEN", "REPORT_EMAIL_TO")}
    with Worker(house, scripts, queue, environment=bare):
        for channel, setting in (("sms", "TWILIO_AUTH_TOKEN"), ("email", "REPORT_EMAIL_TO")):
            _, failure = run(queue, channel=channel)
            assert failure.cause.type == "KeyError" and setting in failure.cause.message


def test_outside_production_a_report_is_printed_and_may_be_sent_later(house, fakes, settings, scripts, worker, run, queue):
    with Worker(house, scripts, queue, environment=settings | {"SIGNALROOM_ENV": "staging"}) as elsewhere:
        result, failure = run(queue)
    assert failure is None and result["messages"] == [{"recipient": REPORTS, "printed": True}]
    assert "*Pulse* of 2026-01-14" in elsewhere.log.read_text()
    assert fakes["slack"].requests() == [] and outbox(house) == []
    run()
    assert len(reports(fakes)) == 1


def test_the_command_line_sends_it(house, fakes, worker, scripts):
    sent = house.run("report", "pulse", "--date", "2026-01-14", "--channel", "slack", "--send", "--queue", "send", "--scripts", scripts)
    assert sent.returncode == 0, sent.stderr
    assert reports(fakes) == ["*Pulse* of 2026-01-14: 60, fine"]
