"""What stands in the database beside the vendor's rows: the old system's bookkeeping, typed views, contracts and what drifted
from them, whose rows they are, and one run of a source at a time."""

import base64
import json
import re
import uuid
import zlib

import pytest
from house import ROOT, VendorFake, Worker, until

DAY = "2026-01-14"
QUEUE = "warehouse-tests"


def everflow_row(affiliate, conversions=1, day=DAY):
    return {"date": day, "affiliate": [affiliate, f"A{affiliate}"], "advertiser": [1, "CCW"], "clicks": 10, "conversions": conversions,
            "revenue": 2.5, "payout": 1}


def table(rows, change=lambda reporting: None):
    """An answer of Everflow as text, each row's numbers changed by the test."""
    out = []
    for r in rows:
        reporting = {"total_click": r["clicks"], "cv": r["conversions"], "revenue": r["revenue"], "payout": r["payout"],
                     "profit": r["revenue"] - r["payout"], "imp": 0}
        change(reporting)
        out.append({"columns": [{"column_type": "affiliate", "id": str(r["affiliate"][0]), "label": r["affiliate"][1]},
                                {"column_type": "advertiser", "id": "1", "label": "CCW"},
                                {"column_type": "date", "id": "1768366800", "label": "1768366800"}], "reporting": reporting})
    return [{"match": "/table", "status": 200, "body": {"table": out, "incomplete_results": False}, "times": 2}]


@pytest.fixture(scope="module")
def fakes(house):
    made = {name: VendorFake(name, house.folder) for name in ("redtrack", "slack")}
    yield {"everflow": house.everflow, **made}
    house.everflow.control("reset", {})
    for fake in made.values():
        fake.end()


@pytest.fixture(scope="module")
def worker(house, fakes):
    environment = {"REDTRACK_BASE_URL": fakes["redtrack"].url, "REDTRACK_API_KEY": "redtrack-test-key", "REDTRACK_RATE": "6000/min",
                   "EVERFLOW_API_KEY_CTI": "everflow-key-of-cti", "SLACK_BASE_URL": fakes["slack"].url + "/api", "SLACK_BOT_TOKEN": "xoxb-test-token",
                   "SLACK_CHANNEL_ID": "C0123456789", "SIGNALROOM_ENV": "production"}
    with Worker(house, "scripts", QUEUE, environment=environment) as running:
        yield running


@pytest.fixture
def vendors(house, fakes, worker):
    for fake in fakes.values():
        fake.control("reset", {})
    fakes["redtrack"].control("data", {"rows": [], "limit": 6000})
    house.empty_database()
    return fakes


def begin(house, source="everflow", **changes):
    workflow_id = f"warehouse-{uuid.uuid4().hex[:12]}"
    asked = {"source_name": source, "source_kwargs": {"from": DAY, "to": DAY}, **changes}
    begun = house.run("start", "SyncSourceWorkflow", "--queue", QUEUE, "--id", workflow_id, "--input", json.dumps(asked))
    assert begun.returncode == 0, begun.stderr
    return workflow_id


def end(house, workflow_id):
    """The result; of a run that failed, what its activity died of."""
    answer = json.loads(house.run("result", workflow_id, "--json").stdout)
    return answer["result"] if "result" in answer else answer["error"]["cause"]


def sync(house, source="everflow", **changes):
    return end(house, begin(house, source, **changes))


def said(vendors):
    return [message["text"] for message in vendors["slack"].accepted()]


def live(at=f"{DAY}T12:15:00Z"):
    return {"source_kwargs": {"now": at}}


# --- the old system's bookkeeping ---


def test_the_old_queries_find_loads_versions_and_states(house, vendors):
    house.postgres.rows(f"INSERT INTO signalroom.state (stream, cursor) VALUES ('everflow.daily_stats/713', '{DAY}')")
    vendors["everflow"].control("data", {"rows": [everflow_row(1), everflow_row(2)]})
    first = sync(house, **live())
    second = sync(house, **live("2026-01-15T12:15:00Z"))
    third = sync(house, **live("2026-01-15T13:15:00Z"))
    ids = [r["load_id"] for r in (first, second, third)]
    assert house.postgres.rows("SELECT load_id, schema_name, status FROM everflow._dlt_loads ORDER BY inserted_at") == \
        [[i, "everflow", "0"] for i in ids]
    assert ids == sorted(ids) and float(ids[0]) > 1e9
    assert house.postgres.one("SELECT count(*) FROM everflow.daily_stats s JOIN everflow._dlt_loads l ON l.load_id = s._dlt_load_id "
                              "WHERE l.schema_version_hash = (SELECT version_hash FROM everflow._dlt_version)") == "2"
    [[version, schema]] = house.postgres.rows("SELECT version, schema FROM everflow._dlt_version")
    assert version == "1" and json.loads(schema)["tables"]["daily_stats"]["columns"]["conversions"]["data_type"] == "bigint"
    states = house.postgres.rows("SELECT version, pipeline_name, state, _dlt_load_id FROM everflow._dlt_pipeline_state ORDER BY version")
    assert [[s[0], s[1], s[3]] for s in states] == [["1", "everflow", ids[1]]], "a state is written when the cursor moves"
    state = json.loads(zlib.decompress(base64.b64decode(states[0][2])))
    assert state["sources"]["everflow"]["resources"]["daily_stats"]["incremental"]["date"]["last_value"] == "2026-01-15"


OLD = """
CREATE SCHEMA everflow;
CREATE TABLE everflow._dlt_loads (load_id varchar(64) NOT NULL, schema_name varchar, status bigint NOT NULL,
  inserted_at timestamptz NOT NULL, schema_version_hash varchar);
INSERT INTO everflow._dlt_loads VALUES ('1766000000.123456', 'everflow', 0, now(), 'old');
CREATE TABLE everflow.daily_stats (date text NOT NULL, affiliate_id bigint NOT NULL, affiliate_label text, advertiser_id bigint NOT NULL,
  advertiser_label text, clicks bigint, conversions bigint, revenue double precision, payout double precision, profit double precision,
  _client_id text, _loaded_at timestamptz, _dlt_load_id varchar(64) NOT NULL, _dlt_id varchar(64) NOT NULL UNIQUE);
INSERT INTO everflow.daily_stats VALUES ('2026-01-14', 1, 'A1', 1, 'CCW', 10, 183, 2.5, 1, 1.5, '713', now() - interval '1 day',
  '1766000000.123456', 'a'), ('2026-01-13', 1, 'A1', 1, 'CCW', 10, 7, 2.5, 1, 1.5, NULL, now() - interval '1 day', '1766000000.123456', 'b');
"""


def test_tables_of_the_old_system_go_on_with_their_types_and_a_typed_view(house, vendors):
    house.postgres.rows(OLD)
    vendors["everflow"].control("data", {"rows": [everflow_row(1, 240), everflow_row(1, 8, day="2026-01-13")]})
    result = sync(house, source_kwargs={"from": "2026-01-13", "to": DAY})
    assert result["counts"]["daily_stats"] == {"rows": 2, "new": 0, "changed": 2, "same": 0, "deleted": 0}
    assert house.postgres.rows("SELECT date, conversions, pg_typeof(date), pg_typeof(revenue), _client_id FROM everflow.daily_stats "
                               "ORDER BY 1") == [["2026-01-13", "8", "text", "double precision", "713"],
                                                 [DAY, "240", "text", "double precision", "713"]]
    assert house.postgres.rows("SELECT date + 1, conversions, pg_typeof(revenue) FROM everflow.daily_stats_typed ORDER BY 1") == \
        [[DAY, "8", "numeric"], ["2026-01-15", "240", "numeric"]]
    assert house.postgres.one("SELECT count(*) FROM everflow._dlt_loads") == "2"


def test_the_typed_view_follows_its_table_and_stands_in_nobodys_way(house, vendors):
    vendors["everflow"].control("data", {"rows": [everflow_row(1)]})
    sync(house)
    ddl = "SELECT count(*) FROM signalroom.loads WHERE cardinality(ddl) > 0"
    assert house.postgres.one(ddl) == "1"
    sync(house)
    assert house.postgres.one(ddl) == "1", "a load that needs no DDL does none"
    house.postgres.rows("DROP VIEW everflow.daily_stats_typed; ALTER TABLE everflow.daily_stats ADD COLUMN note text")
    sync(house)
    assert house.postgres.one("SELECT note IS NULL AND pg_typeof(date) = 'date'::regtype FROM everflow.daily_stats_typed") == "t"
    house.postgres.rows("DROP VIEW everflow.daily_stats_typed; CREATE TABLE everflow.daily_stats_typed (mine int)")
    result = sync(house)
    assert result["success"] and "is there and is no view" in result["warnings"][0]
    assert sync(house)["warnings"] == []


# --- the contract ---


def test_a_renamed_field_fails_with_the_count_and_nothing_is_written(house, vendors):
    rows = [everflow_row(n) for n in range(1, 38)]
    vendors["everflow"].control("data", {"rows": rows})
    sync(house)

    def rename(reporting):
        reporting["conv"] = reporting.pop("cv")

    vendors["everflow"].control("script", table(rows, rename))
    error = sync(house)
    assert error["type"] == "ContractError"
    assert "everflow.daily_stats: required field cv missing in 37/37 rows" in error["message"]
    assert house.postgres.one("SELECT count(*) FROM signalroom.loads") == "1"
    assert house.postgres.one("SELECT count(*) FROM everflow.daily_stats WHERE conversions = 1") == "37"
    assert house.postgres.rows("SELECT kind, field, policy, load_no FROM signalroom.schema_changes ORDER BY 1") == \
        [["new_column", "reporting.conv", "add", ""], ["required", "reporting.cv", "fail", ""]]
    assert len([r for r in vendors["everflow"].requests()]) == 2, "a broken contract does not heal by asking again"


def test_a_new_field_becomes_a_column_and_is_said_once(house, vendors):
    rows = [everflow_row(1), everflow_row(2)]
    vendors["everflow"].control("script", table(rows))
    assert sync(house)["warnings"] == [], "what the first load sees is nothing new"

    def bonus(reporting):
        reporting["bonus"] = 1.5

    vendors["everflow"].control("reset", {})
    vendors["everflow"].control("script", table(rows, bonus))
    result = sync(house)
    assert result["warnings"] == ["everflow.daily_stats: new field reporting.bonus (numeric), added as column bonus"]
    assert result["requests"] == 2, "the window was fetched again with the column"
    assert house.postgres.rows("SELECT bonus, pg_typeof(bonus) FROM everflow.daily_stats") == [["1.5", "numeric"]] * 2
    vendors["everflow"].control("reset", {})
    vendors["everflow"].control("script", table(rows, lambda r: r.update(bonus=2)))
    assert sync(house)["warnings"] == []
    assert house.postgres.rows("SELECT bonus FROM everflow.daily_stats") == [["2"]] * 2
    assert [t for t in said(vendors) if "bonus" in t] == \
        ["Pipeline warning: everflow\neverflow.daily_stats: new field reporting.bonus (numeric), added as column bonus"]
    assert house.postgres.one("SELECT count(*) FROM everflow._dlt_version") == "2"


def test_a_field_that_goes_is_said_each_time_it_goes(house, vendors):
    rows = [everflow_row(1)]
    answer = table(rows)[0]["body"]
    without = json.loads(json.dumps(answer))
    del without["table"][0]["columns"][0]["label"]
    seen = []
    for body in (answer, without, without, answer, without):
        vendors["everflow"].control("reset", {})
        vendors["everflow"].control("script", [{"match": "/table", "status": 200, "body": body}])
        seen.append(len(sync(house)["warnings"]))
    assert seen == [0, 1, 0, 0, 1]
    assert house.postgres.rows("SELECT kind, field, times, settled_at IS NULL FROM signalroom.schema_changes ORDER BY change_no") == \
        [["missing_column", "columns[column_type=affiliate].label", "2", "f"], ["missing_column", "columns[column_type=affiliate].label", "1", "t"]]


def test_values_that_do_not_fit_are_counted_and_shown(house, vendors):
    rows = [everflow_row(n) for n in range(1, 6)]
    vendors["everflow"].control("script", table(rows, lambda r: r.update(cv="n/a") if r["cv"] == 1 else None))
    error = sync(house)
    assert (error["type"], error["message"]) == ("ContractError", "everflow.daily_stats: field cv does not fit bigint in 5/5 rows (first in row "
        "1: expected an integer of 64 bits, found 'n/a', column conversions at reporting.cv); nothing was loaded")
    assert house.postgres.one("SELECT to_regclass('everflow.daily_stats') IS NULL") == "t"


def test_mapped_rows_have_their_fields_watched_too(house, vendors):
    row = {"date": DAY, "source_id": "s1", "source": "FB", "source_alias": "f", "clicks": 1, "conversions": 1, "cost": 2}
    fake = vendors["redtrack"]
    fake.control("data", {"rows": [row], "limit": 6000})
    assert sync(house, "redtrack")["warnings"] == []
    fake.control("data", {"rows": [{**row, "quality": "good"}], "limit": 6000})
    assert sync(house, "redtrack")["warnings"] == ["redtrack.daily_spend: new field quality (text), added as column quality"]
    assert house.postgres.rows("SELECT source_id, quality, date FROM redtrack.daily_spend") == [["s1", "good", DAY]]
    assert house.postgres.one("SELECT date - 1 FROM redtrack.daily_spend_typed") == "2026-01-13"


# --- whose rows ---


def test_rows_are_the_clients_who_was_asked_for_each_with_a_key_of_its_own(house, vendors):
    fake = vendors["everflow"]
    fake.control("data", {"rows": [everflow_row(1, 5), everflow_row(2, 5)]})
    sync(house)
    fake.control("data", {"key": "everflow-key-of-cti", "rows": [everflow_row(1, 9)]})
    assert sync(house, client="cti")["client"] == "cti"
    assert house.postgres.rows("SELECT affiliate_id, conversions, _client_id FROM everflow.daily_stats ORDER BY 3, 1") == \
        [["1", "5", "713"], ["2", "5", "713"], ["1", "9", "cti"]]
    assert [r["headers"]["x-eflow-api-key"] for r in fake.requests()] == ["everflow-test-key", "everflow-key-of-cti"]
    assert house.postgres.rows("SELECT client_id, count(*) FROM signalroom.loads GROUP BY 1 ORDER BY 1") == [["713", "1"], ["cti", "1"]]


@pytest.mark.parametrize("source, client, message", [
    ("everflow", "nobody", "Unknown client: nobody. Known: 713, cti"),
    ("s3_exports", "cti", "source s3_exports has no client cti; it has 713"),
    ("redtrack", "cti", "the secret REDTRACK_API_KEY_CTI is not set"),
])
def test_a_client_that_is_not_there_is_a_key_error(house, vendors, source, client, message):
    error = sync(house, source, client=client)
    assert error["type"] == "KeyError" and message in error["message"]
    assert vendors["redtrack"].requests() == []


def test_trigger_names_the_client_in_the_id(house, vendors):
    done = house.run("trigger", "everflow", "--client", "nobody", "-w", "--queue", QUEUE)
    assert done.returncode == 1
    assert "Workflow started: sync-everflow-nobody-manual" in done.stdout


# --- one run at a time, and what it cost ---


def test_a_second_run_of_a_source_waits_for_the_first(house, vendors):
    fake = vendors["everflow"]
    house.postgres.rows(f"INSERT INTO signalroom.state (stream, cursor) VALUES ('everflow.daily_stats/713', '{DAY}')")
    fake.control("data", {"rows": [everflow_row(1)]})
    fake.control("script", [{"match": "/table", "delay_ms": 1500}])
    first = begin(house, **live())
    until(lambda: house.postgres.rows("SELECT 1 FROM signalroom.running"), 60, "the first run")
    second = begin(house, **live())
    results = [end(house, w) for w in (first, second)]
    assert [r["counts"]["daily_stats"]["new"] for r in results] == [1, 0]
    loads = house.postgres.rows("SELECT workflow_id, attempt FROM signalroom.loads ORDER BY load_no")
    assert loads == [[first, "1"], [second, "1"]], "neither failed nor was retried"
    assert house.postgres.rows("SELECT * FROM signalroom.running") == []


def test_the_result_says_what_a_run_cost(house, vendors):
    vendors["everflow"].control("data", {"rows": [everflow_row(n, day=d) for n in range(1, 4) for d in ("2026-01-13", DAY)]})
    result = sync(house, source_kwargs={"from": "2026-01-13", "to": DAY, "window_days": 1})
    assert result["requests"] == 2 == len(vendors["everflow"].requests())
    assert result["bytes"] == int(house.postgres.one("SELECT sum(bytes) FROM signalroom.loads")) > 1000
    assert 0 < result["seconds"] < 60


# --- pages and files that must not drift ---


def test_every_statement_of_the_page_on_moving_runs_on_tables_of_the_old_system(house, vendors):
    house.postgres.rows(OLD + """CREATE SCHEMA redtrack; CREATE SCHEMA s3_exports;
      CREATE TABLE redtrack.daily_spend (date text, source_id text, cost double precision);
      CREATE TABLE s3_exports.orders_create (_file_name text, _row_id bigint)""")
    statements = re.findall(r"```sql\n(.*?)```", (ROOT / "docs/moving.md").read_text(), re.S)
    assert len(statements) == 3
    for statement in statements:
        house.postgres.rows(statement)


def test_every_file_of_migrations_is_applied(house):
    listed = re.findall(r'"migrations\.(\w+)"', (ROOT / "runtime/lua/sync/schema.lua").read_text())
    assert sorted(listed) == sorted(path.stem for path in ROOT.glob("runtime/lua/migrations/*.lua"))
