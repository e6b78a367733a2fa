"""Commands that look after runs and schedules, each against a real server."""

import base64
import datetime
import json
import re
import uuid
import zoneinfo

import pytest
from house import ROOT, Worker, until


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


# --- schedules ---


class Schedules:
    """A scripts folder with nothing but schedules, and the commands on it."""

    def __init__(self, house, folder):
        self.house, self.folder, self.ids = house, folder, set()
        (folder / "workflows").mkdir()

    def write(self, text):
        self.ids |= set(re.findall(r'schedule "([^"]+)"', text))
        (self.folder / "workflows/schedules.lua").write_text(text)

    def end(self):
        """Deletes by name: the server's list may not have what was made just now."""
        for name in self.ids:
            self.house.run("schedules", "delete", name)
        until(lambda: not self.names() & self.ids, what="the end of all schedules")

    def say(self, *words, code=0):
        return answer(self.house, "schedules", *words, "--scripts", self.folder, code=code)

    def steps(self, word, code=0):
        return {s["id"]: s["step"] for s in self.say(word, code=code)["steps"]}

    def names(self):
        return {s["id"] for s in self.say("list")["schedules"]}


@pytest.fixture
def schedules(house, tmp_path):
    made = Schedules(house, tmp_path)
    made.write("")
    until(lambda: made.say("apply")["changes"] == 0, what="a server without schedules of other tests")
    yield made
    made.end()


def schedule(name, cron="0 5 * * *", more="", start='"Greeting", "Ada"'):
    return f'schedule "{name}" {{ cron = "{cron}", {more} start = {{ {start} }} }}\n'


def test_apply_creates_changes_and_removes_and_then_has_nothing_to_do(schedules):
    schedules.write(schedule("one") + schedule("two", "*/15 8-18 * * mon-fri", 'tz = "America/New_York", note = "office hours",'))
    assert schedules.steps("plan") == schedules.steps("apply") == {"one": "create", "two": "create"}
    assert schedules.say("apply")["changes"] == 0

    schedules.write(schedule("two", "*/20 8-18 * * 1-5", 'tz = "Europe/Berlin", note = "later",', '"Greeting", "Bea"'))
    until(lambda: schedules.names() >= {"one", "two"}, what="the server's list")
    applied = {s["id"]: s for s in schedules.say("apply")["steps"]}
    assert applied["one"]["step"] == "delete" and applied["two"]["step"] == "update"
    assert {d["what"] for d in applied["two"]["differences"]} == {"cron", "tz", "note", "input"}
    assert schedules.say("apply")["changes"] == 0
    shown = schedules.say("show", "two")
    assert (shown["cron"], shown["tz"], shown["note"]) == ("*/20 8-18 * * 1-5", "Europe/Berlin", "later")
    assert schedules.say("show", "one", code=5)["error"]["type"] == "NotFoundError"


def test_a_workflow_that_no_script_has_is_doubted(schedules):
    schedules.write(schedule("slip", start='"Greetin"') + schedule("right", start='"Greeting"'))
    (schedules.folder / "workflows/greeting.lua").write_text('workflow "Greeting" { run = function() end }\n')
    doubts = {step["id"]: step.get("doubt") for step in schedules.say("plan")["steps"]}
    assert doubts == {"right": None, "slip": "no script here defines the workflow Greetin; did you mean Greeting?"}


def test_the_next_fire_times_are_those_of_the_server(schedules):
    texts = ["15 7-23 * * *", "*/20 8-18 * * 1-5", "0 0 29 2 *", "30 2 * mar,nov sun", "5/10 */6 1-7 * 7", "@monthly"]
    schedules.write("".join(schedule(f"times-{i}", text, 'tz = "America/New_York",') for i, text in enumerate(texts)))
    schedules.say("apply")

    def planned():
        return {s["id"]: [t["utc"][:16].replace("T", " ") + "Z" for t in s["next"]] for s in schedules.say("plan")["steps"]}

    def shown():
        return {f"times-{i}": schedules.say("show", f"times-{i}")["next"] for i in range(len(texts))}

    assert all(len(times) == 5 for times in planned().values())
    until(lambda: planned() == shown(), what="the same times")  # those of one moment, which no fire time may part


@pytest.mark.parametrize(("first", "last"), [("2026-03-06", "2026-03-10"), ("2026-10-30", "2026-11-03")], ids=["spring", "autumn"])
def test_a_schedule_of_new_york_fires_at_the_same_local_hour_on_both_sides_of_a_change(house, schedules, first, last):
    """The server starts what a span of past days would have; each start bears its nominal time."""
    name = new_id("breakfast")
    schedules.write(schedule(name, "15 7 * * *", 'tz = "America/New_York", overlap = "allow_all",', f'"Greeting", "Ada", id = "{name}"'))
    schedules.say("apply")
    asked = house.temporal.cli("schedule", "backfill", "-s", name, "--overlap-policy", "AllowAll", "--start-time", f"{first}T00:00:00Z",
                               "--end-time", f"{last}T00:00:00Z")
    assert asked.returncode == 0, asked.stderr

    def fired():
        runs = answer(house, "list", "--query", f"WorkflowId STARTS_WITH '{name}-'")["runs"]
        return sorted(r["workflow_id"] for r in runs if f"{name}-{first}" <= r["workflow_id"] < f"{name}-{last}T")

    until(lambda: len(fired()) == 4, what="four starts")
    times = [datetime.datetime.fromisoformat(run.removeprefix(name + "-")).astimezone(zoneinfo.ZoneInfo("America/New_York")) for run in fired()]
    assert [t.strftime("%H:%M") for t in times] == ["07:15"] * 4
    assert len({t.utcoffset() for t in times}) == 2, "a change lies between them"
    for run in fired():
        house.run("terminate", run)


def test_paused_stays_paused_through_a_change_and_resume_brings_the_note_back(schedules):
    schedules.write(schedule("held", more='note = "every morning",'))
    schedules.say("apply")
    schedules.say("pause", "held", "--reason", "the vendor is down")
    assert schedules.say("apply")["changes"] == 0, "a pause is no difference"
    schedules.write(schedule("held", "0 6 * * *", 'note = "every morning",'))
    assert schedules.steps("apply") == {"held": "update"}
    shown = schedules.say("show", "held")
    assert (shown["cron"], shown["paused"], shown["note"]) == ("0 6 * * *", True, "the vendor is down")
    schedules.say("resume", "held")
    shown = schedules.say("show", "held")
    assert (shown["paused"], shown["note"]) == (False, "every morning")


def test_what_others_made_is_never_touched(house, schedules):
    made = house.temporal.cli("schedule", "create", "--schedule-id", "foreign", "--interval", "1h", "--type", "Greeting", "--task-queue",
                              "nowhere", "--workflow-id", "foreign")
    assert made.returncode == 0, made.stderr
    try:
        schedules.write(schedule("foreign"))
        assert schedules.steps("apply", code=7) == {"foreign": "refused"}
        assert schedules.say("delete", "foreign", code=7)["error"]["type"] == "PermissionDeniedError"
        schedules.write(schedule("ours"))
        assert schedules.steps("apply") == {"ours": "create"}
        until(lambda: schedules.names() >= {"foreign", "ours"}, what="the server's list")
        assert schedules.say("delete", "--all") == {"deleted": ["ours"]}
        until(lambda: "ours" not in schedules.names(), what="the server's list")
        assert "foreign" in schedules.names()
    finally:
        house.temporal.cli("schedule", "delete", "--schedule-id", "foreign")


def test_trigger_starts_the_workflow_with_its_input(house, schedules, queue):
    schedules.write(schedule("now", start=f'"Greeting", "Ada", id = "{queue}", queue = "{queue}"'))
    schedules.say("apply")
    schedules.say("trigger", "now")
    started = until(lambda: schedules.say("show", "now")["recent"], what="the triggered run")[0]["workflow_id"]
    assert started.startswith(queue)
    with Worker(house, ROOT / "tests/live/scripts", queue):
        assert answer(house, "result", started)["result"] == "Hello, Ada!"


@pytest.mark.parametrize("text, complaint", [
    (schedule("bad", "0 24 * * *"), '"24" is no hour: write 0 to 23'),
    (schedule("bad", more='zone = "UTC",'), 'has no option "zone"'),
    (schedule("bad", more='tz = "Nowhere/Land",'), "Nowhere/Land"),
    (schedule("bad", more='overlap = "never",'), "overlap is one of allow_all"),
    ("\n" + schedule("bad") * 2, "schedules.lua:3: schedule"),
    ("schedle 'x' {}", "there is no global 'schedle'"),
    ("schedule 'x' {", "schedules.lua:1:"),
])
def test_a_wrong_script_is_refused_by_line_and_nothing_is_changed(schedules, text, complaint):
    schedules.write(text)
    said = schedules.say("apply", code=3)["error"]
    assert said["type"] == "ScriptError" and complaint in said["message"] and "schedules.lua:" in said["message"]


def test_the_schedules_that_come_with_it_are_those_of_the_founding_document(house, queue):
    steps = {s["id"]: s for s in answer(house, "schedules", "plan")["steps"]}
    assert steps["hourly-sync-everflow-redtrack"]["cron"] == "0 12-23 * * *" and steps["daily-sync-s3"]["cron"] == "0 11 * * *"
    house.apply_schedules()
    try:
        first = json.loads(house.temporal.cli("schedule", "describe", "-s", "hourly-sync-everflow-redtrack", "-o", "json").stdout)
        action = first["schedule"]["action"]["startWorkflow"]
        assert action["workflowType"]["name"] == "ScheduledSyncWorkflow" and action["workflowId"] == "scheduled-sync-hourly"
        [sent] = action["input"]["payloads"]
        assert json.loads(base64.b64decode(sent["data"])) == {"notify_on_failure": True, "sources": ["everflow", "redtrack"]}
        with Worker(house, queue=queue) as worker:
            assert worker.ready(), "the file of schedules does no harm to a worker"
    finally:
        for name in steps:
            house.run("schedules", "delete", name)
