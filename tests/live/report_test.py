"""Reports: golden texts from the data set D1 in a real PostgreSQL, parameters, the gate before stale data, the command line."""

import json
import pathlib
import shutil

import pytest
from house import ROOT, BINARY, Child, Postgres, House, free_port, until

GOLDEN = """\
:chart_with_upwards_trend: *Daily CCW Report - Jan 14, 2026*

*Overall Performance*
> Conversions: *350*
> Spend: *$9,300.50*
> CPA: *$26.57*

---

*Internal (Paid Media)*
> Conversions: 250 | Spend: $7,500.50 | CPA: $30.00

*External (Affiliates)*
> Conversions: 100 | Payout: $1,800.00 | CPA: $18.00

---

*Top Performers*
:large_blue_circle: *G2 - Meta* - 200 conv @ $37.50
:white_circle: *Harbor Leads* - 100 conv @ $18.00
:large_blue_circle: *SB - Meta* - 50 conv @ $0.00

_:large_blue_circle: Internal | :white_circle: External_"""

D1 = """
CREATE SCHEMA everflow; CREATE SCHEMA redtrack;
CREATE TABLE everflow.daily_stats (date text, affiliate_id bigint, affiliate_label text, advertiser_id bigint, advertiser_label text,
  clicks bigint, conversions bigint, revenue numeric, payout numeric, profit numeric, _client_id text NOT NULL DEFAULT '713',
  PRIMARY KEY (date, affiliate_id, advertiser_id));
INSERT INTO everflow.daily_stats VALUES
  ('2026-01-14', 11, 'G2 - Meta ', 1, 'CCW', 5000, 200, 20000, 9000, 11000), ('2026-01-14', 12, 'SB - Meta', 1, 'CCW', 1000, 50, 5000, 2000, 3000),
  ('2026-01-14', 13, 'Harbor Leads', 1, 'CCW', 900, 100, 9000, 1800, 7200), ('2026-01-14', 14, 'Zero Partner', 1, 'CCW', 10, 0, 0, 0, 0),
  ('2026-01-14', 11, 'G2 - Meta ', 2, 'EXP', 100, 5, 300, 100, 200);
INSERT INTO everflow.daily_stats VALUES ('2026-01-14', 21, 'Somebody else', 1, 'Their CCW', 1, 9, 9, 9, 0, 'cti');
CREATE TABLE redtrack.daily_spend (date text, source_id text, source_name text, clicks bigint, cost numeric,
  _client_id text NOT NULL DEFAULT '713', PRIMARY KEY (date, source_id));
INSERT INTO redtrack.daily_spend VALUES
  ('2026-01-14', 'aaa01', 'FB One', 100, 6000), ('2026-01-14', 'aaa02', 'FB Two', 50, 1500.50), ('2026-01-14', 'aaa03', 'FB EXP', 5, 250),
  ('2026-01-14', 'aaa09', 'Unmapped src', 9, 777);
INSERT INTO public.affiliate_mapping (redtrack_source_name, redtrack_source_id, everflow_affiliate_id, everflow_affiliate_label,
  everflow_advertiser_id, everflow_advertiser_label) VALUES
  ('FB One', 'aaa01', 1, 'G2 - Meta', 1, 'CCW'), ('FB Two', 'aaa02', 1, 'G2 - Meta', 1, 'CCW'), ('FB EXP', 'aaa03', 1, 'G2 - Meta', 2, 'EXP');
"""


@pytest.fixture(scope="module")
def database(house):
    """The tables of a migrated database with the data set D1."""
    house.postgres.fresh()
    assert house.run("migrate").returncode == 0
    house.postgres.rows("SET client_min_messages = warning; TRUNCATE public.affiliate_mapping; " + D1)
    yield house.postgres
    house.postgres.rows("TRUNCATE public.affiliate_mapping")
    house.postgres.fresh()


@pytest.fixture(autouse=True)
def loads(database):
    """Both vendors were loaded a minute ago, up to today; the function says otherwise."""

    def loaded(source, resource, ago="1 minute", until_day="current_date"):
        database.rows(f"""DELETE FROM signalroom.loads WHERE source = '{source}';
          INSERT INTO signalroom.loads (load_id, source, resource, client_id, window_from, window_to, requests, bytes, rows_fetched,
            rows_new, rows_changed, rows_same, rows_deleted, fetched_at, loaded_at)
          SELECT '{source}', '{source}', '{resource}', '713', '2026-01-01', {until_day}, 1, 0, 0, 0, 0, 0, 0, t, t
            FROM (SELECT clock_timestamp() - interval '{ago}') AS load (t)""")

    loaded("everflow", "daily_stats")
    loaded("redtrack", "daily_spend")
    return loaded


@pytest.fixture
def scripts(tmp_path):
    """A scripts folder of the test's own: report(text) writes its one report."""
    (tmp_path / "reports").mkdir()
    return tmp_path


@pytest.fixture
def say(house):
    """What `signalroom report` prints, and that it exits with this code."""

    def run(*words, code=0):
        done = house.run("report", *words)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + ("" if code == 0 else done.stderr)

    return run


def answer(say, *words, code=0):
    return json.loads(say(*words, "--json", code=code).split("\nsignalroom:")[0])


DAY = ("--date", "2026-01-14")

# --- golden texts ---


def test_the_daily_report_for_slack_is_the_golden_text(say):
    letter = answer(say, "daily_ccw", *DAY)["letter"]
    assert letter["text"] == GOLDEN and len(letter["text"]) == 534
    assert say("daily_ccw", *DAY) == GOLDEN + "\n"


def test_the_daily_report_for_sms_is_the_golden_text(say):
    letter = answer(say, "daily_ccw", *DAY, "--channel", "sms")["letter"]
    assert letter["text"] == "CCW 01/14: 350 conv, $9,300.50 spend, $26.57 CPA. Top: G2 - Meta (200)"
    assert letter["sms"] == {"characters": 70, "length": 70, "encoding": "GSM-7", "segments": 1}


def test_the_daily_report_for_mail_has_its_parts(say, tmp_path):
    letter = answer(say, "daily_ccw", *DAY, "--channel", "email")["letter"]
    assert letter["subject"] == "CCW Jan 14, 2026: 350 conversions, $9,300.50"
    for part in ("Wednesday, January 14, 2026", "$9,300.50", "$26.57", "Harbor Leads", "$7,500.50", "$1,800.00"):
        assert part in letter["html"] and part in letter["text"], part
    assert "{{" not in letter["html"] and "<mj" not in letter["html"] and "<" not in letter["text"]
    assert "Somebody" not in letter["html"], "another client's rows"
    say("daily_ccw", *DAY, "--html", tmp_path / "out.html")
    assert "Harbor Leads" in (tmp_path / "out.html").read_text()


def test_the_view_has_the_truths_of_the_data_set(database):
    rows = database.rows("SELECT affiliate_label, advertiser_id, conversions, cost, cpa, is_internal FROM public.daily_performance "
                         "WHERE _client_id = '713' ORDER BY 2, 1")
    assert rows == [["G2 - Meta", "1", "200", "7500.50", "37.50", "t"], ["Harbor Leads", "1", "100", "1800", "18.00", "f"],
                    ["SB - Meta", "1", "50", "0", "0.00", "t"], ["Zero Partner", "1", "0", "0", "0", "f"],
                    ["G2 - Meta", "2", "5", "250", "50.00", "t"]]
    plan = "\n".join(r[0] for r in database.rows("SET enable_seqscan = off; EXPLAIN SELECT * FROM public.daily_performance "
                                                  "WHERE date = '2026-01-14' AND advertiser_id = 1"))
    assert "daily_stats_pkey" in plan and "Function Scan" not in plan, "the day must reach the table's index"


def test_test_sync_counts_all_advertisers_of_the_client(say):
    text = answer(say, "test_sync", *DAY)["letter"]["text"]
    assert "*Sync Status for Jan 14, 2026*" in text and "Conversions: *355*" in text and "Spend: *$8,527.50*" in text
    assert text.startswith("🧪") and "_Debug: Generated at " in text and text.endswith("UTC | Worker: Fly.io_")


def test_an_alert_needs_no_database_and_is_escaped_for_slack(house):
    words = ("report", "alert", "--param", "message=a < b & c", 'details={"source":"everflow","n":3}', "title=Sync", "level=warning")
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    assert house.run(*words, environment=nowhere).stdout.startswith(
        ":warning: *Sync*\n\na &lt; b &amp; c\n```\nn: 3\nsource: everflow\n```\n\n_Source: signalroom_ | _20")
    assert house.run(*words, "-c", "sms", environment=nowhere).stdout == "[WARN] Sync: a < b & c\n"
    html = json.loads(house.run(*words, "-c", "email", "--json", environment=nowhere).stdout)["letter"]["html"]
    assert "a &lt; b &amp; c" in html and "#ffc107" in html
    long = house.run("report", "alert", "--param", "message=" + "é" * 200, "-c", "sms", environment=nowhere).stdout.rstrip("\n")
    assert len(long) == 103 and long.endswith("é...")


# --- no data, and stale data ---


def test_an_empty_day_is_said_and_not_shown_as_zeros(say):
    shown = say("daily_ccw", "--date", "2026-01-13", code=1)
    assert "not ready: no rows for 2026-01-13" in shown and "$0.00" not in shown
    assert answer(say, "test_sync", "--date", "2026-01-13", code=1)["ready"] is False


def test_stale_data_is_named_with_its_last_load_in_business_time(say, database, loads):
    loads("everflow", "daily_stats", ago="3 hours")
    stamp = database.one("SELECT to_char(max(loaded_at) AT TIME ZONE 'America/New_York', 'YYYY-MM-DD HH24:MI') FROM signalroom.loads "
                         "WHERE source = 'everflow'")
    result = answer(say, "daily_ccw", *DAY)
    assert result["stale"] == f"everflow.daily_stats was last loaded at {stamp} America/New_York, more than 2h ago"
    database.rows("DELETE FROM signalroom.loads WHERE source = 'redtrack'")
    assert "; redtrack.daily_spend was never loaded" in answer(say, "daily_ccw", *DAY)["stale"]
    loads("everflow", "daily_stats", until_day="'2026-01-13'")
    assert "everflow.daily_stats is not loaded up to 2026-01-14 yet" in answer(say, "daily_ccw", *DAY)["stale"]
