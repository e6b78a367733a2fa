"""SIGNALROOM_READONLY=1: every command that would change something is refused by one error with an exit code of its own; those
that only look go on; and afterwards nothing has changed."""

import json
import uuid

import pytest
from house import VendorFake, until

MODE = {"SIGNALROOM_READONLY": "1", "SIGNALROOM_ENV": "production", "SLACK_BOT_TOKEN": "xoxb-test-token", "SLACK_CHANNEL_ID": "C1"}
REFUSED = 8
QUEUE = "nobody-serves-this"

# {run} is an open run, {schedule} one of our schedules on the server.
CHANGES = {
    "dev": ["dev --headless"], "worker": ["worker"], "trigger": ["trigger everflow", "trigger everflow -w --client cti"],
    "start": ["start SyncSourceWorkflow"], "signal": ["signal {run} go"], "cancel": ["cancel {run}"], "terminate": ["terminate {run}"],
    "schedules": ["schedules apply", "schedules pause {schedule}", "schedules resume {schedule}", "schedules trigger {schedule}",
                  "schedules delete {schedule}", "schedules delete --all"],
    "report": ["report test_sync --date 2026-01-14 --channel slack --send"], "migrate": ["migrate"], "mute": ["mute 1h"],
}
LOOKS = {
    "list": ["list"], "show": ["show {run}"], "history": ["history {run}"], "why": ["why {run}"], "check": ["check --queue " + QUEUE],
    "env": ["env"], "explain": ["explain retry"], "schedules": ["schedules plan", "schedules list", "schedules show {schedule}"],
    "report": ["report", "report test_sync --date 2026-01-14"], "version": ["version"], "help": ["help", "help trigger"],
    "completion": ["completion bash"], "alerts": ["alerts"],
}


@pytest.fixture(scope="module")
def slack(house):
    fake = VendorFake("slack", house.folder)
    yield fake
    fake.end()


@pytest.fixture(scope="module")
def places(house, slack):
    """An open run that nobody serves, a schedule, a database with a load in it."""
    run = f"readonly-{uuid.uuid4().hex[:8]}"
    house.empty_database()
    house.postgres.rows("""CREATE SCHEMA everflow; CREATE SCHEMA redtrack;
      CREATE TABLE everflow.daily_stats (date text, conversions bigint, _client_id text);
      CREATE TABLE redtrack.daily_spend (date text, cost numeric, _client_id text);
      INSERT INTO everflow.daily_stats VALUES ('2026-01-14', 5, '713'); INSERT INTO redtrack.daily_spend VALUES ('2026-01-14', 2, '713');
      INSERT INTO signalroom.loads (load_id, source, resource, client_id, window_from, window_to, requests, bytes, rows_fetched, rows_new,
        rows_changed, rows_same, rows_deleted, fetched_at)
      SELECT s, s, r, '713', '2026-01-14', '2026-01-14', 1, 1, 1, 1, 0, 0, 0, now()
      FROM (VALUES ('everflow', 'daily_stats'), ('redtrack', 'daily_spend')) v (s, r)""")
    assert house.run("start", "Waiting", "--queue", QUEUE, "--id", run).returncode == 0
    house.apply_schedules()
    assert house.run("schedules", "delete", "hourly-sync-everflow-redtrack").returncode == 0  # so that apply has something to do
    until(lambda: "hourly-sync-everflow-redtrack" not in house.run("schedules", "list").stdout, what="the server's list of schedules")
    until(lambda: run in house.run("list", "--limit", "1000").stdout, what="the run in the server's list")
    yield {"run": run, "schedule": "daily-sync-s3"}
    house.run("schedules", "delete", "--all")
    house.run("terminate", run)


def under(house, slack, line, places):
    return house.run(*line.format(**places).split(), "--json", environment={**MODE, "SLACK_BASE_URL": slack.url + "/api"})


def everything(house, slack, places):
    """What the world looks like to those who could have been told to change it."""
    tables = house.postgres.rows("SELECT n.nspname || '.' || relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
                                 "WHERE relkind = 'r' AND n.nspname !~ '^(pg_|information)' ORDER BY 1")
    rows = [house.postgres.rows(f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {name} t") for [name] in tables]
    runs = {run["run_id"] for run in json.loads(house.run("list", "--json", "--limit", "1000").stdout)["runs"]}
    schedules = json.loads(house.run("schedules", "list", "--json").stdout)["schedules"]
    shown = [{k: s[k] for k in ("id", "cron", "paused", "note")} for s in schedules]
    return tables, rows, runs, shown, len(house.temporal.history(places["run"])), slack.accepted()


def test_every_command_that_changes_something_is_refused_and_nothing_has_changed(house, slack, places):
    before = everything(house, slack, places)
    house.postgres.rows("DELETE FROM signalroom.migrations WHERE name = 'running'")  # so that migrate has something to do
    for lines in CHANGES.values():
        for line in lines:
            done = under(house, slack, line, places)
            assert done.returncode == REFUSED, f"{line}: {done.returncode} {done.stdout} {done.stderr}"
            error = json.loads(done.stdout.splitlines()[-1])["error"]
            assert (error["type"], error["hint"]) == ("ReadOnlyError", "Unset SIGNALROOM_READONLY to let it happen."), line
            assert "SIGNALROOM_READONLY is set" in error["message"]
    house.postgres.rows("INSERT INTO signalroom.migrations (name) VALUES ('running')")
    after = everything(house, slack, places)
    assert [a for i, a in enumerate(after) if i != 1] == [b for i, b in enumerate(before) if i != 1]


def test_every_command_that_looks_goes_on(house, slack, places):
    before = everything(house, slack, places)
    for lines in LOOKS.values():
        for line in lines:
            done = under(house, slack, line, places)
            assert done.returncode in (0, 1), f"{line}: {done.returncode} {done.stdout} {done.stderr}"
    assert everything(house, slack, places) == before


def test_no_other_command_changes_anything_either(house, slack, places):
    """Those that need a history, a worker or a terminal, and those that come later."""
    before = everything(house, slack, places)
    named = [c["name"] for c in json.loads(house.run("help", "--json").stdout)["commands"]]
    assert set(CHANGES) | set(LOOKS) <= set(named)
    for name in set(named) - set(CHANGES) - set(LOOKS):
        under(house, slack, name, places)
    assert everything(house, slack, places) == before


@pytest.mark.parametrize("statement", [
    "DELETE FROM everflow.daily_stats", "CREATE TABLE public.x (a int)", "SET TRANSACTION READ WRITE",
    "SET default_transaction_read_only = off", "SELECT 1; COMMIT; DELETE FROM everflow.daily_stats", "COMMIT",
    "WITH gone AS (DELETE FROM everflow.daily_stats RETURNING 1) SELECT count(*) FROM gone"])
def test_no_statement_writes(house, slack, places, statement):
    before = house.postgres.rows("SELECT count(*) FROM everflow.daily_stats")
    house.run("repl", "-e", f'sql {json.dumps(statement)}', environment=MODE)
    assert house.postgres.rows("SELECT count(*) FROM everflow.daily_stats") == before
    assert house.postgres.one("SELECT to_regclass('public.x') IS NULL") == "t"
    shown = house.run("repl", "-e", 'sql "SELECT 40 + conversions AS n FROM everflow.daily_stats"', environment=MODE)
    assert "45" in shown.stdout, "what only reads goes on"


def test_the_mode_is_off_when_it_says_so(house):
    for word in ("0", "false", "no", "off", ""):
        assert house.run("migrate", environment={"SIGNALROOM_READONLY": word}).returncode == 0
