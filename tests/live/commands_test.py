"""Commands that look after runs and schedules, each against a real server."""

import base64
import json
import re
import uuid

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
    yield made
    made.end()


def schedule(name, cron="0 5 * * *", more="", start='"Greeting", "Ada"'):
    return f'schedule "{name}" {{ cron = "{cron}", {more} start = {{ {start} }} }}\n'


def test_apply_creates_changes_and_removes_and_then_has_nothing_to_do(schedules):
    schedules.write(schedule("one") + schedule("two", "*/15 8-18 * * mon-fri", 'tz = "America/New_York", note = "office hours",'))
    assert schedules.steps("plan") == schedules.steps("apply") == {"one": "create", "two": "create"}
    assert schedules.say("apply")["changes"] == 0

    schedules.write(schedule("two", "*/20 8-18 * * 1-5", 'tz = "Europe/Berlin", note = "later",', '"Greeting", "Bea"'))
    until(lambda: schedules.names() == {"one", "two"}, what="the server's list")
    applied = {s["id"]: s for s in schedules.say("apply")["steps"]}
    assert applied["one"]["step"] == "delete" and applied["two"]["step"] == "update"
    assert {d["what"] for d in applied["two"]["differences"]} == {"cron", "tz", "note", "input"}
    assert schedules.say("apply")["changes"] == 0
    shown = schedules.say("show", "two")
    assert (shown["cron"], shown["tz"], shown["note"]) == ("*/20 8-18 * * 1-5", "Europe/Berlin", "later")
    assert schedules.say("show", "one", code=5)["error"]["type"] == "NotFoundError"


def test_the_next_fire_times_are_those_of_the_server(schedules):
    texts = ["15 7-23 * * *", "*/20 8-18 * * 1-5", "0 0 29 2 *", "30 2 * mar,nov sun", "5/10 */6 1-7 * 7", "@monthly"]
    schedules.write("".join(schedule(f"times-{i}", text, 'tz = "America/New_York",') for i, text in enumerate(texts)))
    planned = {s["id"]: [t["utc"][:16].replace("T", " ") + "Z" for t in s["next"]] for s in schedules.say("apply")["steps"]}
    shown = {name: schedules.say("show", name)["next"] for name in planned}
    assert planned == shown and all(len(times) == 5 for times in shown.values())


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
        until(lambda: schedules.names() == {"foreign", "ours"}, what="the server's list")
        assert schedules.say("delete", "--all") == {"deleted": ["ours"]}
        until(lambda: schedules.names() == {"foreign"}, what="the server's list")
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
    said = schedules.say("apply", code=1)["error"]
    assert said["type"] == "ScriptError" and complaint in said["message"] and "schedules.lua:" in said["message"]


def test_the_schedules_that_come_with_it_are_those_of_the_founding_document(house, queue):
    steps = {s["id"]: s for s in answer(house, "schedules", "plan")["steps"]}
    assert steps["hourly-sync-everflow-redtrack"]["cron"] == "0 12-23 * * *" and steps["daily-sync-s3"]["cron"] == "0 11 * * *"
    answer(house, "schedules", "apply")
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


# --- check ---


def checks(house, *words, code=0, **environment):
    """What check says, by name."""
    said = answer(house, "check", *words, code=code, environment=environment)
    return {line["name"]: line for line in said["checks"]}


def test_check_is_content_with_a_whole_house(house, queue):
    assert house.run("migrate").returncode == 0
    with Worker(house, queue=queue):
        until(lambda: {line["verdict"] for line in checks(house, "--queue", queue).values()} == {"ok"}, 30, "a check without a warning")
        said = checks(house, "--queue", queue)
    assert {"temporal", "namespace", "workflow pollers", "activity pollers", "database", "rights", "tables", "scripts", "schedules"} == set(said)


def test_check_warns_of_a_queue_without_a_worker_and_missing_tables(house, queue):
    house.postgres.fresh()
    said = checks(house, "--queue", queue)
    assert {name for name, line in said.items() if line["verdict"] == "warn"} == {"workflow pollers", "activity pollers", "tables"}
    assert said["workflow pollers"]["fix"] == f"start a worker: signalroom worker --queue {queue}"
    assert said["tables"]["fix"] == "signalroom migrate"


POOLER = "postgresql://{}:x@aws-0-eu.pooler.supabase.com.invalid:{}/postgres"


@pytest.mark.parametrize("environment, name, found", [
    ({"TEMPORAL_ADDRESS": "127.0.0.1:1"}, "temporal", "127.0.0.1"),
    ({"TEMPORAL_NAMESPACE": "nowhere"}, "namespace", "nowhere"),
    ({"DATABASE_URL": "postgresql://signalroom@127.0.0.1:1/postgres"}, "database", "refused"),
    ({"DATABASE_URL": ""}, "database", "neither DATABASE_URL nor SUPABASE_DB_HOST"),
    ({"DATABASE_URL": "mysql://signalroom@127.0.0.1/x"}, "database url", "neither postgres:// nor"),
    ({"DATABASE_URL": POOLER.format("postgres", 6543)}, "supabase user", "does not know"),
    ({"DATABASE_URL": POOLER.format("postgres.abc", 1234)}, "supabase port", "1234"),
])
def test_check_fails_on_what_is_wrong_and_says_how_to_mend_it(house, environment, name, found):
    line = checks(house, code=1, **environment)[name]
    assert line["verdict"] == "fail" and found in line["found"] and line["fix"]


def test_check_names_the_line_of_a_script_that_does_not_compile(house, tmp_path):
    (tmp_path / "activities").mkdir()
    (tmp_path / "activities/broken.lua").write_text("local a = 1\nlocal b = = 2\n")
    line = checks(house, "--scripts", tmp_path, code=1)["script"]
    assert line["verdict"] == "fail" and "activities/broken.lua:2:" in line["found"]


# --- why ---

TROUBLED = """
local once = { start_to_close = "30s", retry = { attempts = 1 } }
workflow "Fails" { run = function() workflow.call("refuse", nil, once) end }
workflow "Retries" { run = function()
  workflow.call("refuse", nil, { start_to_close = "30s", retry = { initial = "50s", attempts = 4 } })
end }
workflow "Mistaken" { run = function()
  local nothing
  return nothing.field
end }
workflow "Sleeps" { run = function() workflow.sleep "1h" end }
workflow "Listens" { run = function() workflow.signal("go"):receive() end }
workflow "Works" { run = function() workflow.call("dawdle", nil, { start_to_close = "2m", heartbeat = "20s" }) end }
"""

ACTIVITIES = """
activity "refuse" { run = function() error(VendorError { message = "the vendor says no", status = 500 }) end }
activity "dawdle" { run = function() activity.sleep "90s" end }
"""


@pytest.fixture(scope="module")
def troubled(house, tmp_path_factory):
    """A worker on scripts of which each gets stuck in its own way."""
    folder = tmp_path_factory.mktemp("troubled")
    for name, text in (("workflows", TROUBLED), ("activities", ACTIVITIES)):
        (folder / name).mkdir()
        (folder / name / "troubled.lua").write_text(text)
    with Worker(house, folder, "troubled", "--grace", "0"):
        yield "troubled"


def why(house, workflow_id, code):
    said = house.run("why", workflow_id, "--json", seconds=10)
    return json.loads(said.stdout) if said.returncode == code else None


@pytest.mark.parametrize("workflow_type, code, cause", [
    ("Fails", 1, "VendorError: the vendor says no"),
    ("Retries", 1, "refuse failed 1 of 4 times, last: VendorError: the vendor says no; next try in"),
    ("Mistaken", 1, "The workflow's script fails: LuaError: workflows/troubled.lua:9:"),
    ("Sleeps", 0, "Waits for a timer that fires in 60 min"),
    ("Listens", 0, "Waits for a signal: no activity, child workflow or timer is open."),
    ("Works", 0, "dawdle is running for "),
])
def test_why_names_the_cause(house, troubled, workflow_type, code, cause):
    workflow_id = new_id(workflow_type)
    answer(house, "start", workflow_type, "--id", workflow_id, "--queue", troubled)

    def named():
        said = why(house, workflow_id, code)
        return said and cause in said["cause"] and said

    try:
        assert until(named, 20, cause)["problem"] is (code == 1)
    finally:
        house.run("terminate", workflow_id)


def test_why_tells_a_changed_script_from_a_wrong_one(house, queue, tmp_path):
    (tmp_path / "workflows").mkdir()
    script = tmp_path / "workflows/changed.lua"
    script.write_text('workflow "Changes" { run = function() workflow.signal("go"):receive("1h") end }')
    workflow_id = new_id("changes")
    answer(house, "start", "Changes", "--id", workflow_id, "--queue", queue)
    with Worker(house, tmp_path, queue):
        until(lambda: why(house, workflow_id, 0), 20, "a healthy run")
    script.write_text('workflow "Changes" { run = function() workflow.call("greet", "Ada") end }')
    house.run("signal", workflow_id, "go")
    with Worker(house, tmp_path, queue):
        said = until(lambda: why(house, workflow_id, 1), 30, "the problem")
        said = until(lambda: "history says" in (said := why(house, workflow_id, 1))["cause"] and said, 30, "its cause")
    assert said["cause"].startswith("The script no longer does what the history says: ") and "changed.lua:1" in said["cause"]
    house.run("terminate", workflow_id)


def test_why_tells_of_a_worker_that_died_with_an_activity(house, queue, tmp_path):
    for name, text in (("workflows", """
workflow "Works" { run = function()
  workflow.call("dawdle", nil, { start_to_close = "5m", heartbeat = "2s", retry = { initial = "1m", attempts = 3 } })
end }"""), ("activities", ACTIVITIES)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "works.lua").write_text(text)
    workflow_id = new_id("works")
    answer(house, "start", "Works", "--id", workflow_id, "--queue", queue)
    with Worker(house, tmp_path, queue) as worker:
        until(lambda: "dawdle is running" in (why(house, workflow_id, 0) or {"cause": ""})["cause"], 20, "the running activity")
        worker.child.kill()
    said = until(lambda: why(house, workflow_id, 1), 20, "the problem")
    assert "eartbeat" in said["cause"] and "dawdle" in said["cause"], said
    house.run("terminate", workflow_id)


def test_why_says_that_nobody_polls(house, waiting, queue):
    said = why(house, waiting, 1)
    assert said["cause"].startswith(f"No worker is polling {queue} for workflow tasks")
    assert said["fix"].startswith(f"start one: signalroom worker --queue {queue}")


def test_why_of_an_ended_run_tells_how_it_ended(house, waiting):
    house.run("terminate", waiting, "--reason", "not today")
    said = why(house, waiting, 1)
    assert said["cause"].startswith("Terminated at ") and said["cause"].endswith(": not today.")
    assert house.run("why", new_id("nobody")).returncode == 5
