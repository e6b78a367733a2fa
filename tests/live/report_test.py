"""Reports: golden texts from the data set D1 in a real PostgreSQL, parameters, the gate before stale data, the command line."""

import contextlib
import json
import re
import shutil
import signal
import uuid

import pytest
from house import BINARY, ROOT, Child, Worker, until
from messages import posts, settings_of, texts, vendors_of

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
    house.empty_database()
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
def say(house):
    """What `signalroom report` prints, and that it exits with this code."""

    def run(*words, code=0, of="stdout"):
        done = house.run("report", *words)
        assert done.returncode == code, done.stdout + done.stderr
        return getattr(done, of)

    return run


def answer(say, *words, code=0):
    return json.loads(say(*words, "--json", code=code))


@pytest.fixture
def x(say, tmp_path):
    """Writes a report "x" of the test's own, and says what comes of it."""
    (tmp_path / "reports").mkdir()

    def run(text, *words, code=0):
        (tmp_path / "reports/x.lua").write_text(f'report "x" {{ {text} }}')
        return answer(say, "x", "--scripts", tmp_path, *words, code=code)

    return run


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
    assert letter["subject"] == "CCW Jan 14, 2026"
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


def test_a_database_without_loads_or_tables_is_not_ready_and_no_fault_of_the_report(house):
    house.postgres.rows("CREATE DATABASE empty")
    url = {"DATABASE_URL": house.postgres.url.rsplit("/", 1)[0] + "/empty"}
    never = "everflow.daily_stats was never loaded; redtrack.daily_spend was never loaded"

    def said(code):
        done = house.run("report", "test_sync", *DAY, "--json", environment=url)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    assert said(3)["error"]["message"] == "the database has no load records: run `signalroom migrate`"
    assert house.run("migrate", environment=url).returncode == 0
    unready = said(1)
    assert unready["reason"] == never and unready["fix"] == "signalroom trigger everflow -w; signalroom trigger redtrack -w"
    house.postgres.rows("DROP DATABASE empty")


# --- parameters and queries ---


def test_a_parameter_is_bound_and_never_becomes_sql(say, x):
    assert answer(say, "daily_ccw", *DAY, "--param", "client=cti")["letter"]["text"].startswith(GOLDEN[:20])
    assert answer(say, "daily_ccw", *DAY, "--param", "client=713' OR '1'='1", code=3)["error"]["message"] == \
        "Unknown client: 713' OR '1'='1. Known: 713, cti"
    words = "it's; DROP TABLE x -- $date :date %(date)s 100%"
    said = x("params = { v = 'none' }, data = [[SELECT $v::text AS v, '$v' AS kept, 'a:v' || ':v%' AS colon]], slack = '{{ v }}|{{ kept }}|{{ colon }}'",
             "--param", f"v={words}")
    assert said["letter"]["text"] == f"{words}|$v|a:v:v%"


def test_a_slip_names_the_nearest(say, x):
    assert "did you mean daily_ccw?" in say("daily_cww", code=5, of="stderr")
    assert "did you mean \"client\"?" in say("daily_ccw", "--param", "clint=713", code=3, of="stderr")
    assert "No template for channel 'sms' in report 'test_sync'; it has slack" in say("test_sync", "-c", "sms", code=3, of="stderr")
    assert x("params = { total = 1 }, data = 'SELECT $totl::int AS n', slack = 'a'", code=3)["error"]["message"] == \
        "no value was given for $totl; did you mean $total?"


def test_a_column_that_is_null_is_empty_and_a_misspelt_one_is_an_error(x):
    assert x("data = 'SELECT NULL AS total', slack = 'a{{ total }}b'")["letter"]["text"] == "ab"
    error = x("data = 'SELECT NULL AS total', slack = 'a\\n{{ totl }}'", code=3)["error"]
    assert error["type"] == "TemplateError" and error["message"] == 'x.slack:2: there is no value "totl"; did you mean "total"?'


def test_a_report_reads_one_snapshot_and_writes_nothing(x):
    assert "read-only transaction" in x("data = 'CREATE TABLE public.of_a_report (a int)', slack = 'a'", code=3)["error"]["message"]
    said = x("data = function(q) return { a = q:one('SELECT txid_current_snapshot()::text AS s, clock_timestamp()::text AS t'), "
             "b = q:one('SELECT txid_current_snapshot()::text AS s, clock_timestamp()::text AS t') } end, "
             "slack = '{% if a.s == b.s and a.t != b.t %}same{% endif %}'")
    assert said["letter"]["text"] == "same"
    assert "gives 2 rows where one is wanted" in x("data = 'SELECT generate_series(1, 2) AS n', slack = 'a'", code=3)["error"]["message"]
    assert x("data = 'SELECT 1 AS n WHERE false', slack = 'a'", code=1)["reason"] == "no data"


def test_slack_may_have_blocks_and_a_mail_plain_html(x):
    said = x("data = 'SELECT 7 AS n', slack = { text = 'n is {{ n }}', blocks = function(v, escape) return { { type = 'section', "
             "text = { type = 'mrkdwn', text = escape('<' .. v.n .. '>') } } } end }")["letter"]
    assert said == {"text": "n is 7", "mrkdwn": True, "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "&lt;7&gt;"}}]}
    assert "block 1, a header, has 151 characters" in x(
        "slack = { text = 'a', blocks = function() return { { type = 'header', text = { text = ('a'):rep(151) } } } end }",
        code=3)["error"]["message"]
    said = x("params = { n = 7, who = 'Ada <a@x>' }, email = { subject = 'n is {{ n }}', body = '<p>{{ who }}</p><p>{{ n }}</p>' }",
             "--param", "n=8", "--param", "who=Bea & Co")["letter"]
    assert said == {"subject": "n is 8", "html": "<p>Bea &amp; Co</p><p>8</p>", "text": "Bea & Co\n\n8"}


# --- what is wrong is refused when it is loaded ---


def test_a_bad_report_is_refused_with_its_line_by_the_command_and_by_a_worker(house, say, tmp_path):
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/y.lua").write_text('report "y" {\n  slack = template "y.tpl",\n}\n')
    for text, problem in (("a\n{{ b|curency }}", 'reports/y.tpl:2: there is no filter "curency"; did you mean "currency"?'),
                          ("{% if a %}", "reports/y.tpl:1: {% if a %} has no end")):
        (tmp_path / "reports/y.tpl").write_text(text)
        assert problem in say("--scripts", tmp_path, code=3, of="stderr")
        refused = house.run("worker", "--scripts", tmp_path, "--no-check")
        assert refused.returncode != 0 and problem in refused.stderr, refused.stderr
        assert re.search(rf"^fail +script +.*{re.escape(problem)}", house.run("check", "--scripts", tmp_path).stdout, re.M)


def test_a_worker_has_the_reports_of_its_folder(house, tmp_path, queue, loads):
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    (tmp_path / "scripts/activities/letter.lua").write_text(
        'activity "letter" { run = function(i) return report.render(i.name, i.params, i.channel) end }')
    (tmp_path / "scripts/workflows/letter.lua").write_text(
        'workflow "Letter" { run = function(i) return workflow.call("letter", i, { start_to_close = "60s" }) end }')
    with Worker(house, tmp_path / "scripts", queue):

        def rendered(**given):
            done = house.run("start", "Letter", "--input", json.dumps(given), "--id", f"letter-{uuid.uuid4().hex[:8]}", "--queue", queue,
                             "-w", "--json")
            return json.loads(done.stdout)["result"]

        assert rendered(name="daily_ccw", channel="slack", params={"date": "2026-01-14"})["letter"]["text"] == GOLDEN
        empty = rendered(name="daily_ccw", channel="sms", params={"date": "2026-01-13", "advertiser_id": None})
        assert empty["ready"] is False and empty["reason"] == "no rows for 2026-01-13"
        template = tmp_path / "scripts/reports/daily_ccw.slack.tpl"
        template.write_text(template.read_text().replace("Daily CCW Report", "The day"))
        until(lambda: "*The day - Jan 14" in rendered(name="daily_ccw", channel="slack", params={"date": "2026-01-14"})["letter"]["text"], 60,
              "the saved template")
        loads("redtrack", "daily_spend", ago="3 hours")
        stale = rendered(name="daily_ccw", channel="email", params={"date": "2026-01-14"})
        assert stale["ready"] is False and stale["reason"].startswith("redtrack.daily_spend was last loaded at ") and "letter" not in stale


# --- the command line ---


def test_without_a_name_the_reports_are_listed(say):
    listed = {r["name"]: r for r in answer(say)["reports"]}
    assert set(listed) >= {"alert", "daily_ccw", "test_sync"}
    assert listed["daily_ccw"]["channels"] == ["slack", "email", "sms"] and listed["test_sync"]["channels"] == ["slack"]
    assert listed["daily_ccw"]["params"]["date"] == {"kind": "date", "default": "yesterday"}
    assert "message (needed)" in say()


def test_diff_shows_what_another_day_says(say):
    lines = say("daily_ccw", *DAY, "--diff", "yesterday", "-c", "sms").splitlines()
    assert lines == ["--- 2026-01-13", "+++ 2026-01-14", "- not ready: no rows for 2026-01-13",
                     "+ CCW 01/14: 350 conv, $9,300.50 spend, $26.57 CPA. Top: G2 - Meta (200)"]
    assert answer(say, "daily_ccw", *DAY, "--diff", "2026-01-14")["same"] is True


def test_send_wants_the_channel_said(say):
    assert "--send wants the channel said" in say("daily_ccw", "--send", code=2, of="stderr")


def test_printing_sends_nothing_and_send_sends_what_was_printed_once(house, say, queue):
    vendors = vendors_of(house)
    vendors["slack"].control("data", {"channels": ["C0123456789"]})
    send = ("--queue", queue, "--send")
    with Worker(house, queue=queue, environment=settings_of(vendors, REPORT_EMAIL_TO="ada@example.test")):
        printed = say("daily_ccw", *DAY)
        assert not vendors["slack"].requests()
        for _ in range(2):
            say("daily_ccw", *DAY, "--channel", "slack", *send)
        assert texts(vendors) == [GOLDEN] and printed == GOLDEN + "\n"
        say("daily_ccw", *DAY, "--channel", "slack", "--again", *send)
        assert texts(vendors) == [GOLDEN, GOLDEN]
        say("alert", "--param", "message=a < b", "--channel", "slack", *send)
        assert "\n\na &lt; b\n" in texts(vendors)[2], "escaped once"
        sent = answer(say, "daily_ccw", *DAY, "--channel", "email", "--to", "bea@example.test", *send)
        assert sent["status"] == "completed" and sent["result"]["success"] is True
    mail = json.loads(posts(vendors["resend"])[0]["body"])
    assert mail["to"] in ("bea@example.test", ["bea@example.test"]) and mail["subject"] == "CCW Jan 14, 2026"
    assert "Harbor Leads" in mail["html"] and "Harbor Leads" in mail["text"]


def test_watch_prints_again_after_a_save_and_survives_a_bad_one(house, tmp_path):
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    template, log = tmp_path / "scripts/reports/daily_ccw.slack.tpl", tmp_path / "log"
    good = template.read_text()
    template.write_text("{{ at_first }")
    watching = Child([BINARY, "report", "daily_ccw", *DAY, "--watch", "--scripts", tmp_path / "scripts"], log, env=house.environment())
    with contextlib.ExitStack() as stack:
        stack.callback(watching.end, signal.SIGINT)

        def shows(text):
            until(lambda: text in log.read_text(), 60, text)

        shows("daily_ccw.slack.tpl:1: {{ has no }}")
        template.write_text(good)
        shows("*Daily CCW Report - Jan 14, 2026*")
        template.write_text(good.replace("Daily CCW Report", "The day"))
        shows("*The day - Jan 14, 2026*")
        template.write_text(good + "{% if %}")
        shows("daily_ccw.slack.tpl:24: an expression is missing")
        template.write_text(good.replace("Daily CCW Report", "Again"))
        shows("*Again - Jan 14, 2026*")
