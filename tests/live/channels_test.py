"""Messages reach people: each channel's wire form, what happens when a vendor is down or an answer is lost, and alerts."""

import asyncio
import base64
import json
import re
import urllib.parse
import uuid

import pytest
from house import Worker, until
from messages import ACCOUNT, DOWN, posts, scripts_in, settings_of, shortened, texts, vendors_of
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError
from worker_test import idle

ROWS = [{"date": "2026-01-14", "affiliate": [n, f"A{n}"], "advertiser": [1, "CCW"], "clicks": 10, "conversions": 2, "revenue": 5, "payout": 2}
        for n in (1, 2, 3)]
KWARGS = {"from": "2026-01-14", "to": "2026-01-14"}
VENDORS = [("slack", "slack", None), ("email", "resend", "ada@example.test"), ("sms", "twilio", "+15550100001")]


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    return scripts_in(tmp_path_factory.mktemp("channels") / "scripts", "notify.lua")


@pytest.fixture(scope="module")
def fakes(house):
    return vendors_of(house) | {"everflow": house.everflow}


@pytest.fixture(scope="module")
def settings(fakes):
    return settings_of(fakes)


@pytest.fixture(scope="module")
def worker(house, settings, scripts):
    with Worker(house, scripts, "channels", environment=settings) as running:
        yield running


@pytest.fixture(scope="module")
def bare_worker(house, scripts):
    """A worker that was told of no channel, and that SMS need not be there."""
    with Worker(house, scripts, "channels-bare", environment={"SIGNALROOM_ENV": "production", "SIGNALROOM_OPTIONAL_CHANNELS": "email sms"}) as running:
        yield running


@pytest.fixture(autouse=True)
def clean(house, fakes):
    for fake in fakes.values():
        fake.control("reset", {})
    house.everflow.control("data", {"rows": ROWS})
    house.empty_database()


@pytest.fixture
def run(connect, run_async):
    """Runs a workflow to its end: its result, or the failure of its activity."""
    async def story(name, argument, queue):
        client = await connect()
        try:
            return await client.execute_workflow(name, argument, id=f"channels-{uuid.uuid4().hex[:12]}", task_queue=queue), None
        except WorkflowFailureError as failed:
            return None, failed.cause.cause

    return lambda name, argument, queue="channels": run_async(story(name, argument, queue))


def notify(run, channel, message, recipient=None, queue="channels"):
    return run("Notify", {"channel": channel, "message": message, "recipient": recipient}, queue)


def sync(run, queue="channels", **changes):
    return run("SyncSourceWorkflow", {"source_name": "everflow", "source_kwargs": KWARGS, **changes}, queue)


# --- the wire forms ---


def test_slack_gets_one_message_in_the_default_channel_escaped(fakes, worker, run):
    assert notify(run, "slack", "a < b & c > d: Zoë 🚀") == (True, None)
    [request] = fakes["slack"].requests()
    assert (request["method"], request["path"]) == ("POST", "/api/chat.postMessage")
    assert request["headers"]["authorization"] == "Bearer xoxb-test-token"
    asked = json.loads(request["body"])
    assert (asked["channel"], asked["text"]) == ("C0123456789", "a &lt; b &amp; c &gt; d: Zoë 🚀")
    assert len(fakes["slack"].accepted()) == 1


def test_email_gets_the_message_as_html_under_a_key(fakes, worker, run):
    assert notify(run, "email", "<b>Sales</b> & more", "ada@example.test") == (True, None)
    [request] = fakes["resend"].requests()
    assert (request["path"], request["headers"]["authorization"]) == ("/emails", "Bearer re_test_key")
    assert request["headers"]["idempotency-key"].startswith("signalroom-")
    assert json.loads(request["body"]) == {"from": "SignalRoom <reports@example.test>", "to": "ada@example.test",
                                           "subject": "SignalRoom Alert", "html": "<b>Sales</b> & more"}


def test_sms_gets_a_form_with_basic_authorization(fakes, worker, run):
    assert notify(run, "sms", "50% of 7 & more", "+15550100001") == (True, None)
    [request] = fakes["twilio"].requests()
    assert request["path"] == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert request["headers"]["authorization"] == "Basic " + base64.b64encode(f"{ACCOUNT}:twilio-test-token".encode()).decode()
    assert dict(urllib.parse.parse_qsl(request["body"])) == {"To": "+15550100001", "From": "+15550100009", "Body": "50% of 7 & more"}


def test_an_sms_beyond_1600_characters_is_cut(fakes, worker, run):
    assert notify(run, "sms", "ä" * 1601, "+15550100001") == (True, None)
    assert [m["body"] for m in fakes["twilio"].accepted()] == ["ä" * 1597 + "..."]


# --- mistakes, which are not retried ---


@pytest.mark.parametrize("channel, text", [("email", "Email recipient required"), ("sms", "SMS recipient required"),
                                           ("pigeon", "Unknown notification channel: pigeon")])
def test_what_can_not_be_addressed_is_a_value_error(fakes, worker, run, channel, text):
    _, failure = notify(run, channel, "hello")
    assert (failure.type, failure.message) == ("ValueError", text)


def test_a_channel_without_a_token_is_an_error_that_names_it(house, bare_worker, run):
    _, failure = notify(run, "slack", "hello", queue="channels-bare")
    assert failure.type == "KeyError" and "SLACK_BOT_TOKEN" in failure.message


def test_a_channel_that_may_be_missing_says_that_nothing_was_sent(house, bare_worker, run):
    assert notify(run, "sms", "hello", "+15550100001", queue="channels-bare") == (False, None)
    assert "sms_not_configured" in bare_worker.log.read_text()


@pytest.mark.parametrize("word, type", [("is_archived", "SlackError"), ("invalid_auth", "AuthError")])
def test_slack_saying_no_is_an_error_at_once(fakes, worker, run, word, type):
    fakes["slack"].control("script", [{"match": "chat.postMessage", "body": {"ok": False, "error": word}, "times": 9}])
    _, failure = notify(run, "slack", "hello")
    assert (failure.type, failure.message) == (type, f"Slack chat.postMessage: {word}")
    assert len(fakes["slack"].requests()) == 1


def test_a_number_that_is_none_is_not_tried_again(fakes, worker, run):
    _, failure = notify(run, "sms", "hello", "12")
    assert failure.type == "VendorError" and "21211" in failure.message
    assert len(fakes["twilio"].requests()) == 1


# --- vendors that are down, and lost answers: once ---


@pytest.mark.parametrize("trouble", [DOWN, {"body": {"ok": False, "error": "internal_error"}},
                                     {"body": {"ok": False, "error": "fatal_error"}}, {"body_raw": "<html>502", "status": 502},
                                     {"close": "before", "status": 500}])
def test_slack_down_and_up_again_gets_the_message_once(fakes, worker, run, trouble):
    fakes["slack"].control("script", [{"match": "chat.postMessage", "times": 3, **trouble}])
    assert notify(run, "slack", "hello") == (True, None)
    assert texts(fakes) == ["hello"]
    assert len(posts(fakes["slack"])) == 4


def test_slack_is_asked_again_when_it_said(fakes, worker, run):
    limited = {"status": 429, "headers": {"Retry-After": "2"}, "body": {"ok": False, "error": "ratelimited"}}
    fakes["slack"].control("script", [{"match": "chat.postMessage", **limited}])
    assert notify(run, "slack", "hello") == (True, None)
    first, second = [r["at"] for r in posts(fakes["slack"])]
    assert second - first >= 2.0


@pytest.mark.parametrize("close", ["before", "mid-body"])
@pytest.mark.parametrize("channel, vendor, recipient", VENDORS)
def test_a_lost_answer_costs_no_second_message(fakes, worker, run, channel, vendor, recipient, close):
    notify(run, channel, "the one before", recipient)
    fakes[vendor].control("script", [{"close": close}])
    assert notify(run, channel, "hello", recipient) == (True, None)
    assert len(fakes[vendor].accepted()) == 2
    assert len(fakes[vendor].requests()) == 3


def test_a_worker_killed_while_it_sends_neither_loses_nor_repeats(house, fakes, settings, scripts, connect, run_async):
    queue = f"killed-{uuid.uuid4().hex[:12]}"
    vendors = [fakes[vendor] for _, vendor, _ in VENDORS]
    for vendor in vendors:
        vendor.control("script", [{"hold": True}])

    async def story():
        client = await connect()
        with Worker(house, scripts, queue, environment=settings) as first:
            sending = [await client.start_workflow("Notify", {"channel": channel, "message": "hello", "recipient": recipient, "timeout": "4s"},
                                                   id=f"{queue}-{channel}", task_queue=queue) for channel, _, recipient in VENDORS]
            await asyncio.to_thread(until, lambda: all(vendor.requests() for vendor in vendors), what="a request at each vendor")
            first.child.kill()
        assert [len(vendor.accepted()) for vendor in vendors] == [1, 1, 1]
        with Worker(house, scripts, queue, environment=settings):
            return [await handle.result() for handle in sending]

    assert run_async(story()) == [True, True, True]
    assert [len(vendor.accepted()) for vendor in vendors] == [1, 1, 1]
    assert all(len(vendor.requests()) > 1 for vendor in vendors), "no second attempt was needed"


def test_an_equal_message_of_another_run_is_not_taken_for_this_one(fakes, worker, run):
    notify(run, "slack", "hello")
    fakes["slack"].control("script", [{"match": "chat.postMessage", **DOWN}])
    assert notify(run, "slack", "hello") == (True, None)
    assert texts(fakes) == ["hello", "hello"]


def test_slack_that_may_not_be_read_gets_the_message_again_and_the_log_says_so(fakes, worker, run):
    fakes["slack"].control("data", {"scopes": ["chat:write"]})
    fakes["slack"].control("script", [{"match": "chat.postMessage", "close": "mid-body"}])
    assert notify(run, "slack", "hello") == (True, None)
    assert texts(fakes) == ["hello", "hello"]
    assert "slack_may_repeat" in worker.log.read_text()


def test_an_sms_that_may_have_been_sent_is_parked_when_nobody_can_tell(fakes, worker, run):
    fakes["twilio"].control("script", [{"close": "mid-body"}, {"status": 403, "body": {"code": 20003}, "times": 9}])
    _, failure = notify(run, "sms", "hello", "+15550100001")
    assert failure.type == "SendUnknown"
    assert [r["method"] for r in fakes["twilio"].requests()] == ["POST", "GET"]
    assert len(fakes["twilio"].accepted()) == 1


# --- alerts of syncs ---


def test_a_sync_that_went_well_says_so_only_when_asked(fakes, worker, run):
    assert sync(run)[0]["success"] is True
    assert texts(fakes) == []
    assert sync(run, notify_on_success=True)[0]["success"] is True
    [text] = texts(fakes)
    assert re.fullmatch(r"Pipeline completed: everflow\nLoaded 3 rows\n0 new, 0 changed, 3 unchanged, 0 deleted; "
                        r"1 call, \d+\.\d kB, \d+\.\d s", text)


def test_always_503_is_five_attempts_a_failed_workflow_and_one_alert(fakes, worker, run):
    fakes["everflow"].control("script", [{"match": "/table", "times": 99, **DOWN}])
    result, failure = sync(run)
    assert result is None and failure.type == "VendorError"
    assert len(fakes["everflow"].requests()) == 5
    [text] = texts(fakes)
    assert text.startswith("Pipeline failed: everflow\nError: ") and "503" in text


def test_a_sync_that_should_be_silent_is_silent(fakes, worker, run):
    _, failure = sync(run, source_name="nope", notify_on_failure=False)
    assert failure.type == "ValueError"
    assert texts(fakes) == []


def test_the_old_failed_result_comes_with_an_alert_too(fakes, worker, run):
    result, _ = sync(run, source_name="nope", on_failure="complete")
    assert result["success"] is False
    assert texts(fakes) == [f"Pipeline failed: nope\nError: {result['error_message']}"]


def test_a_sync_that_times_out_is_told_once(house, fakes, settings, run, queue, tmp_path):
    hasty = scripts_in(tmp_path / "scripts")
    shortened(hasty / "workflows/pipeline.lua", 'start_to_close = "30m"', 'start_to_close = "1s"')
    fakes["everflow"].control("script", [{"match": "/table", "hold": True, "times": 99}])
    with Worker(house, hasty, queue, environment=settings):
        _, failure = sync(run, queue)
    assert "imeout" in failure.message
    [text] = texts(fakes)
    assert text == f"Pipeline failed: everflow\nError: {failure.message}"


@pytest.mark.parametrize("name, argument", [
    ("SyncSourceWorkflow", {"source_name": "everflow", "source_kwargs": KWARGS}),
    ("SyncSourceWorkflow", {"source_name": "everflow", "source_kwargs": KWARGS, "on_failure": "complete"}),
    ("ScheduledSyncWorkflow", {"sources": ["everflow", "nope"]}),
])
def test_a_sync_that_was_cancelled_is_no_failure_to_tell(fakes, worker, connect, run_async, name, argument):
    fakes["everflow"].control("script", [{"match": "/table", "hold": True}])

    async def story():
        client = await connect()
        handle = await client.start_workflow(name, argument, id=f"channels-{uuid.uuid4()}", task_queue="channels")
        await asyncio.to_thread(until, fakes["everflow"].requests, what="the vendor's first request")
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
        return caught.value.cause

    assert isinstance(run_async(story()), CancelledError)
    assert fakes["slack"].requests() == []
    fakes["everflow"].control("release")
    until(lambda: idle(worker), what="the end of the activity that nobody waits for")


@pytest.mark.parametrize("source, failed", [("everflow", None), ("nope", "ValueError")])
def test_an_alert_that_can_not_be_sent_changes_nothing(fakes, worker, run, source, failed):
    fakes["slack"].control("script", [{"match": "/api", "times": 99, **DOWN}])
    result, failure = sync(run, source_name=source, notify_on_success=True)
    assert (result is None or result["success"], failure and failure.type) == (True, failed)
    assert len(posts(fakes["slack"])) == 1, "after the first, the message is looked for"
    assert "Alert undelivered: Pipeline" in worker.log.read_text()


def test_without_any_channel_the_outcome_stands_and_the_log_has_the_alert(house, bare_worker, run):
    assert sync(run, "channels-bare", notify_on_success=True)[0]["success"] is True
    assert sync(run, "channels-bare", source_name="nope")[1].type == "ValueError"
    log = bare_worker.log.read_text()
    assert "Alert undelivered: Pipeline completed: everflow" in log and "Alert undelivered: Pipeline failed: nope" in log


# --- several sources ---


def scheduled(run, sources, **changes):
    return run("ScheduledSyncWorkflow", {"sources": sources, **changes})


def test_a_failing_first_source_does_not_keep_the_next_from_running(house, fakes, worker, run):
    results, _ = scheduled(run, ["nope", "everflow", "neither"])
    assert set(results) == {"nope", "everflow", "neither"}
    assert results["everflow"]["success"] is True
    assert {k: v for k, v in results["nope"].items() if k != "error_message"} == \
        {"pipeline_name": "nope", "load_id": "", "row_counts": {}, "success": False}
    assert results["nope"]["error_message"].startswith("Unknown source: nope")
    assert texts(fakes) == ["Scheduled sync completed with failures: ['nope', 'neither']"]


def test_several_sources_can_fail_in_silence(fakes, worker, run):
    assert scheduled(run, ["nope"], notify_on_failure=False)[0]["nope"]["success"] is False
    assert scheduled(run, [])[0] == {}
    assert texts(fakes) == []


def test_sources_that_are_no_list_are_a_value_error(worker, connect, run_async):
    async def story():
        with pytest.raises(WorkflowFailureError) as caught:
            await (await connect()).execute_workflow("ScheduledSyncWorkflow", {}, id=f"channels-{uuid.uuid4()}", task_queue="channels")
        return caught.value.cause

    assert run_async(story()).type == "ValueError"
