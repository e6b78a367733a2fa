"""The rules that everybody's workflows and activities rely on: where work happens, how often it is tried, what is
awaited at once, who is warned of what."""

import json
import uuid

import pytest
from house import BINARY, Worker, until
from terminal import Terminal

SCRIPTS = {
    "workflows/rules.lua": """
workflow "Kinds" { run = function(kind)
  local ok, err = pcall(workflow.call, "fail", kind, { start_to_close = "10s", retry = { initial = "10ms", max = "20ms" } })
  return ok or err.cause.type
end }

workflow "Default" { run = function(name) return workflow.call(name) end }

workflow "Twenty" { run = function()
  local futures = {}
  for i = 1, 20 do futures[i] = workflow.start("meet", { i = i, all = 20 }, { start_to_close = "5m" }) end
  workflow.wait_all(futures)
end }

workflow "Batches" { run = function(input)
  local ok, result = pcall(workflow.call, "batches", input, { start_to_close = "2m", heartbeat = "8s", retry = { initial = "10ms", attempts = 2 } })
  return ok and result or result.cause.type .. ": " .. result.cause.message
end }

workflow "Slip" { run = function() return workflow.call("nap", 0, { strat_to_close = "1s" }) end }

workflow "Unsendable" { run = function() return { answer = function() end } end }

workflow "Malformed" { run = function() return workflow.call("malformed", nil, { retry = { attempts = 1 } }) end }

workflow "Silent" { run = function() return workflow.call("nap", 0, { start_to_close = "2h" }) end }
""",
    "activities/rules.lua": """
activity "fail" { run = function(kind)
  if kind == "ValueError" then error(ValueError("a wrong value")) end
  if kind == "KeyError" then error(KeyError("a wrong key")) end
  error("a plain error")
end }

activity "malformed" { run = function() return json.decode "{a}" end }

activity "nap" { run = function(seconds) activity.sleep(seconds) end }

activity "meet" { run = function(input)
  local room = setting "RULES_FOLDER" .. "/met-"
  file.write(room .. input.i, "")
  for other = 1, input.all do
    while not file.look(room .. other) do activity.sleep "20ms" end
  end
end }

activity "batches" { run = function(input)
  local first = (activity.details() or { done = 0 }).done + 1
  for i = first, input.batches do
    activity.sleep(input.each)
    if input.stops_at == i and activity.info().attempt == 1 then while true do end end
    activity.heartbeat { done = i }
  end
  return { first = first, attempt = activity.info().attempt }
end }

activity "everything" { run = function()
  local answer = http.get(setting "VENDOR_URL" .. "/__ctl/requests").status
  local db = pg.connect()
  local sum = db:query("select 40 + $1::int as sum", 2)[1].sum
  db:close()
  local name = setting "RULES_FOLDER" .. "/written.txt"
  file.write(name, "by an activity")
  return { answer = answer, sum = sum, text = file.read(name) }
end }
""",
}


def new_id(name):
    return f"{name}-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def rules(house, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rules")
    for name, text in SCRIPTS.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    with Worker(house, folder, "rules", environment={"VENDOR_URL": house.everflow.url, "RULES_FOLDER": str(folder)}) as worker:
        yield worker


@pytest.fixture
def execute(house, rules):
    def execute(name, value=None, run_id=None):
        words = ["--input", json.dumps(value)] if value is not None else []
        said = house.run("start", name, "--id", run_id or new_id(name), "--queue", "rules", "-w", "--json", *words)
        return json.loads(said.stdout)

    return execute


def scheduled(house, run_id):
    return [e["activityTaskScheduledEventAttributes"] for e in house.temporal.history(run_id) if "activityTaskScheduledEventAttributes" in e]


def attempts(house, run_id):
    return [e["activityTaskStartedEventAttributes"]["attempt"] for e in house.temporal.history(run_id) if "activityTaskStartedEventAttributes" in e]


@pytest.mark.parametrize(("kind", "tried"), [("ValueError", 1), ("KeyError", 1), ("LuaError", 5)])
def test_a_wrong_value_or_key_is_tried_once_and_all_else_five_times(house, execute, kind, tried):
    run_id = new_id("kinds")
    assert execute("Kinds", kind, run_id)["result"] == kind
    assert attempts(house, run_id) == [tried]


def test_a_call_that_names_no_policy_has_the_default_one(house, execute):
    run_id = new_id("default")
    execute("Default", "everything", run_id)
    [policy] = [s["retryPolicy"] for s in scheduled(house, run_id)]
    assert policy == {"initialInterval": "1s", "backoffCoefficient": 2, "maximumInterval": "300s", "maximumAttempts": 5,
                      "nonRetryableErrorTypes": ["ValueError", "KeyError"]}


def test_an_activity_asks_an_api_writes_to_the_database_and_to_files(execute):
    assert execute("Default", "everything")["result"] == {"answer": 200, "sum": 42, "text": "by an activity"}


def line_of(script, text):
    before = SCRIPTS[script].partition(text)[0]
    return f"{script}:{before.count(chr(10)) + 1}"


@pytest.mark.parametrize(("slip", "complaint"), [("Slip", 'workflow.call has no option "strat_to_close"; did you mean "start_to_close"?'),
                                                 ("Unsendable", "the workflow's result cannot be sent: json.encode: ")])
def test_a_mistake_without_a_frame_left_to_name_has_the_line_of_its_workflow(house, rules, slip, complaint):
    run_id = new_id(slip)
    house.run("start", slip, "--id", run_id, "--queue", "rules")
    sentence = f"LuaError: {line_of('workflows/rules.lua', f'workflow {chr(34)}{slip}')}: {complaint}"
    until(lambda: sentence in house.run("why", run_id).stdout, 60, sentence)
    house.run("terminate", run_id)


def test_a_failed_run_is_told_with_its_activity_its_line_and_what_to_do(house, rules):
    run_id = new_id("malformed")
    said = house.run("start", "Malformed", "--id", run_id, "--queue", "rules", "-w")
    assert said.returncode == 1
    line = line_of("activities/rules.lua", 'activity "malformed"')
    assert said.stderr == ("Failed: malformed failed, after its last attempt\n"
                           "  caused by LuaError: json.decode: line 1, column 2: expected a key or '}', found 'a'\n"
                           f"  raised at {line}\n"
                           "  -> mend the script's line that is named above\n")
    answer = json.loads(house.run("result", run_id, "--json").stdout)
    assert answer["place"] == line and answer["fix"].startswith("mend the script's line")


def test_twenty_activities_of_a_workflow_are_under_way_at_once(execute):
    assert execute("Twenty")["status"] == "completed", "each of them ended when it had met all others"


def test_batches_outlive_the_heartbeat_timeout_and_after_silence_the_next_attempt_goes_on(execute):
    assert execute("Batches", {"batches": 8, "each": 1.2})["result"] == {"first": 1, "attempt": 1}
    assert execute("Batches", {"batches": 7, "each": 0.1, "stops_at": 5})["result"] == {"first": 5, "attempt": 2}


def test_waiting_for_a_workflow_inside_an_activity_is_refused_with_the_line(house, tmp_path):
    (tmp_path / "activities").mkdir()
    (tmp_path / "activities/nested.lua").write_text('\nactivity "nested" { run = function() return client.result("another-workflow") end }')
    said = house.run("worker", "--scripts", tmp_path, "--queue", "nobody")
    assert said.returncode != 0 and "activities/nested.lua:2: there is no global 'client'" in said.stderr


def test_what_may_take_over_a_minute_is_missed_after_a_minute_of_silence(house, execute):
    run_id = new_id("silent")
    assert execute("Silent", None, run_id)["status"] == "completed"
    assert [s["heartbeatTimeout"] for s in scheduled(house, run_id)] == ["60s"]


def test_who_waits_where_nobody_works_is_told(house, queue):
    run_id = new_id("lonely")
    said = house.run("start", "Silent", "--id", run_id, "--queue", queue, "-w", "--timeout", "2s")
    assert f"No worker polls the task queue {queue}" in said.stderr and said.returncode == 1


def test_who_waits_at_a_terminal_sees_what_the_run_is_at_and_what_holds_it_up(house, queue):
    run_id = new_id("watched")
    terminal = Terminal([BINARY, "start", "Silent", "--id", run_id, "--queue", queue, "-w"], 200, env={**house.environment(), "TERM": "xterm"})
    try:
        terminal.until(f"{run_id}: waits for a worker")
        terminal.until("\n  -> ")
        house.run("terminate", run_id)
        terminal.until("Failed: WorkflowTerminated")
        assert terminal.ended() == 1
    finally:
        terminal.close()
