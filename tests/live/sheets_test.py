"""Google Sheets: a range is a table, its first row the columns; whoever signs with the right key may read it."""

import json
import shutil
import sys

import pytest
from house import ROOT, Worker
from source_story import Story

sys.path.insert(0, str(ROOT / "tests/fakes"))
from sheets import openssl  # noqa: E402

BOOK = "1AbC_book-of-mappings"
MAP = [["Source Name", "Affiliate", "Cost", "Active", "Since", "Note", ""],
       ["FB One", "G2 - Meta", 12.5, True, "2026-01-14"],
       ["FB Two", "", 3, False, "2026-01-02", "n/a"],
       [],
       ["größe 😀", "SB - Meta", 0, True, "", 7]]
TABLE = "google_sheets.sheets_data"


def book(rows, **knobs):
    return {"spreadsheets": {BOOK: {"title": "Mappings", "sheets": {"Map": rows}}}, **knobs}


def settings(vendor):
    return {"GOOGLE_BASE_URL": vendor.url, "GOOGLE_SHEETS_CREDENTIALS_JSON": json.dumps(vendor.control("account")),
            "GOOGLE_SHEETS_SPREADSHEET_ID": BOOK, "GOOGLE_SHEETS_RANGE": "Map", "GOOGLE_RATE": "600/min", "GOOGLE_QUOTA_WAIT": "1s"}


@pytest.fixture(scope="module")
def whole(house):
    story = Story(house, "google_sheets", "sheets", settings)
    yield story
    story.end()


@pytest.fixture
def story(whole):
    return whole.begin(book(MAP))


def types(story):
    return dict(story.rows(f"SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = '{TABLE}'::regclass "
                           "AND attnum > 0 AND left(attname::text, 1) <> '_'"))


def loaded(story, columns="source_name, affiliate, cost, active, since, note, _row_id"):
    return story.rows(f"SELECT {columns} FROM {TABLE} ORDER BY _row_id")


def test_a_sheet_becomes_a_table_with_types_and_a_second_sync_changes_nothing(story):
    assert story.sync().counts("sheets_data") == (3, 0, 0, 0)
    assert types(story) == {"source_name": "text", "affiliate": "text", "cost": "numeric", "active": "boolean", "since": "date", "note": "text"}
    assert loaded(story) == [["FB One", "G2 - Meta", "12.5", "t", "2026-01-14", "", "0"], ["FB Two", "", "3", "f", "2026-01-02", "n/a", "1"],
                             ["größe 😀", "SB - Meta", "0", "t", "", "7", "3"]]
    assert loaded(story, "affiliate IS NULL, _client_id")[1] == ["t", "713"]
    assert story.sync().counts("sheets_data") == (0, 0, 3, 0)
    assert len(story.asked("/token")) <= 1, "a token is kept for the next run"
    assert story.rows("SELECT rows_new, rows_same FROM signalroom.loads ORDER BY load_no") == [["3", "0"], ["0", "3"]]


def test_a_sheet_that_is_replaced_is_the_table_then(story):
    story.sync()
    story.tell(book([["Source Name", "Cost", "Owner"], ["FB One", 13], ["TT", 1, "Ada"]]))
    assert story.sync().counts("sheets_data") == (0, 2, 0, 1)
    assert loaded(story, "source_name, cost, owner, affiliate IS NULL, note IS NULL") == [["FB One", "13", "", "t", "t"], ["TT", "1", "Ada", "t", "t"]]


def test_a_large_sheet_is_loaded_and_its_emptying_is_refused_until_somebody_says_that_it_is_right(story):
    story.tell({"generate": {"spreadsheet": BOOK, "sheet": "Map", "rows": 60_000}})
    assert story.sync().counts("sheets_data") == (60_000, 0, 0, 0)
    assert story.rows(f"SELECT sum(cost), count(*) FILTER (WHERE active) FROM {TABLE}") == \
        [[f"{sum(round(n * 1.37, 2) for n in range(1, 60_001)):.2f}", "30000"]]
    story.tell(book(MAP))
    assert story.sync().cause["type"] == "ShrinkRefused"
    assert story.rows(f"SELECT count(*) FROM {TABLE}") == [["60000"]]
    assert story.sync(allow_shrink=True).counts("sheets_data")[3] == 59_997


@pytest.mark.parametrize("rows, why", [
    ([], "it has no first row"), ([["a", "", "c"], [1, 2, 3]], "column 2 has no name"),
    ([["Cost (USD)", "cost usd", "Cost-USD", "cost_usd"], [1, 2, 3, 4]], "are both named"), ([["_row_id"], [1]], "_row_id is a name"),
], ids=["empty", "no name", "two names alike", "our name"])
def test_a_first_row_that_names_no_columns_is_refused(story, rows, why):
    story.tell(book(rows))
    ended = story.sync()
    assert why in ended.cause["message"] and ended.attempts == 1
    assert story.rows("SELECT count(*) FROM signalroom.loads") == [["0"]]


def test_ranges_and_spreadsheets_may_be_chosen_for_a_run(story):
    truth = book(MAP)
    truth["spreadsheets"]["other"] = {"title": "O", "sheets": {"It's a tab": [["x", "A", "B"], ["x", 1, 2], ["x", 3, 4], ["x", 5, 6]]}}
    story.tell(truth)
    assert story.sync(spreadsheet_id="other", range="'It''s a tab'!B1:C3").counts("sheets_data") == (2, 0, 0, 0)
    assert loaded(story, "a, b") == [["1", "2"], ["3", "4"]]
    ended = story.sync(range="Nowhere")
    assert "Unable to parse range: Nowhere" in ended.cause["message"] and ended.attempts == 1
    assert "Requested entity was not found" in story.sync(spreadsheet_id="none").cause["message"]


def test_a_token_that_ends_in_the_middle_is_fetched_anew_once(story):
    story.sync()
    story.force({"match": "/values", "status": 401, "body": {"error": {"code": 401, "status": "UNAUTHENTICATED"}}})
    ended = story.sync()
    assert (ended.counts("sheets_data"), ended.attempts) == ((0, 0, 3, 0), 1)
    assert [r["path"].rpartition("/")[2] for r in story.vendor.requests()][-3:] == ["values:batchGet", "token", "values:batchGet"]
    story.tell(book(MAP, life=10))
    story.force({"match": "/values", "status": 401, "body": {}})
    story.sync()
    count = len(story.asked("/token"))
    story.sync()
    assert len(story.asked("/token")) == count + 1, "a token of ten seconds was kept"


@pytest.mark.parametrize("account, why", [
    ({"client_email": "nobody@x"}, "account not found"), ({"private_key": "other"}, "Invalid JWT Signature"), ({"private_key": "no key"}, "PEM"),
    ({"client_email": None}, "no key of a service account")], ids=["another account", "another key", "no key", "no account"])
def test_credentials_that_are_refused_are_one_attempt_that_names_them(house, story, account, why):
    if account.get("private_key") == "other":
        account = {"private_key": openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048").decode()}
    wrong = json.dumps({**json.loads(story.settings["GOOGLE_SHEETS_CREDENTIALS_JSON"]), **account})
    queue = f"sheets-{len(why)}"
    with Worker(house, "scripts", queue, environment={**story.settings, "GOOGLE_SHEETS_CREDENTIALS_JSON": wrong}) as worker:
        ended = story.sync(queue=queue)
        assert (ended.cause["type"], ended.attempts) == ("AuthError", 1), ended.cause
        assert why in ended.cause["message"] and "GOOGLE_SHEETS_CREDENTIALS_JSON" in ended.cause["message"]
        assert "PRIVATE KEY" not in json.dumps(ended.answer) + json.dumps(ended.history) + worker.log.read_text()


def test_check_asks_google(story, tmp_path):
    assert story.checked() == ("ok", 'the spreadsheet "Mappings" may be read')
    (tmp_path / "key.json").write_text(story.settings["GOOGLE_SHEETS_CREDENTIALS_JSON"])
    assert story.checked(GOOGLE_SHEETS_CREDENTIALS_JSON="", GOOGLE_SHEETS_CREDENTIALS_PATH=str(tmp_path / "key.json"))[0] == "ok"
    verdict, found = story.checked(GOOGLE_SHEETS_CREDENTIALS_PATH=str(tmp_path / "none.json"))
    assert verdict == "fail" and "GOOGLE_SHEETS_CREDENTIALS_PATH" in found and "none.json" in found
    assert story.checked(GOOGLE_SHEETS_CREDENTIALS_JSON="")[0] == "warn"


def test_a_sheet_that_nobody_shared_says_with_whom_to_share_it(story):
    story.tell(book(MAP, denied=[BOOK]))
    ended = story.sync()
    assert (ended.cause["type"], ended.attempts) == ("AuthError", 1)
    assert "share the spreadsheet with signalroom@project.iam.gserviceaccount.com" in ended.cause["message"]


def test_quotas_and_faults_cost_retries_and_nothing_else(story):
    quota = {"match": "/values", "status": 429, "body": {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}}
    for fault in (quota, {"match": "/values", "status": 503, "body_raw": "<html>"}, {"match": "/values", "close": "mid-body"},
                  {"match": "/values", "body_raw": "{\"valueRanges\": [{\"val"}, {"match": "/values", "body_raw": ""}):
        story.force(fault)
        ended = story.sync()
        assert ended.attempts == 2, fault
        assert ended.counts("sheets_data")[3] == 0
    assert len(loaded(story)) == 3


def test_an_answer_without_a_range_is_refused(story):
    story.force({"match": "/values", "body": {"spreadsheetId": BOOK}})
    assert "without a range" in story.sync().cause["message"]


def test_a_declared_key_names_rows_wherever_they_stand(house, story, tmp_path):
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    script = tmp_path / "scripts/activities/google_sheets.lua"
    declared = f'mapping = {{ spreadsheet = "{BOOK}", range = "Map", key = {{ "source_name" }}, types = {{ cost = "money!" }} }},'
    script.write_text(script.read_text().replace("local SHEETS = {", "local SHEETS = {\n  " + declared))
    with Worker(house, tmp_path / "scripts", "sheets-keyed", environment=story.settings):
        def run():
            return story.sync(["mapping"], "sheets-keyed")
        assert run().counts("mapping") == (3, 0, 0, 0)
        story.tell(book([MAP[0], *reversed(MAP[1:])]))
        assert run().counts("mapping") == (0, 0, 3, 0)
        story.tell(book(MAP + [["FB One", "twice", 1]]))
        assert "rows 2 and 6 have the same key: FB One" in run().cause["message"]
        story.tell(book(MAP + [[1234567890123451, "a", 1], [1234567890123452, "b", 1]]))
        assert run().counts("mapping") == (2, 0, 3, 0), "keys that differ in the last of their digits"
        story.tell(book(MAP))
        assert run().counts("mapping") == (0, 0, 3, 2)
        story.tell(book(MAP + [["", "nameless", 1]]))
        assert "row 6 has no source_name" in run().cause["message"]
        story.tell(book(MAP + [["X", "free", "much"]]))
        ended = run()
        assert ended.attempts == 1
        assert ended.cause["message"].startswith("row 6: cost: ") and "much" in ended.cause["message"]
    assert story.rows("SELECT count(*) FROM google_sheets.mapping") == [["3"]]


def test_a_column_whose_cells_change_their_type_is_refused_by_name(story):
    story.sync()
    story.tell(book([MAP[0], ["FB One", "G2 - Meta", "n/a"]]))
    ended = story.sync()
    assert (ended.cause["type"], ended.attempts) == ("VendorError", 1)
    assert ended.cause["message"].startswith("row 2: cost: ") and "n/a" in ended.cause["message"]
    story.tell(book([MAP[0], ["FB One", 7, 1], ["FB Two", "", 2], [], ["x", "", 3]]))
    assert story.sync().counts("sheets_data") == (0, 3, 0, 0)
    assert loaded(story, "affiliate")[0] == ["7"], "a number fits a column of text"
