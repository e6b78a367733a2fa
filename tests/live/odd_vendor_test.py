"""A vendor that does odd things: whatever it answers, numbers are right or somebody is told. Syncs run in the prompt, without
Temporal: what is shown is the sync engine's."""

import gzip
import http.server
import json
import subprocess
import threading

import pytest
from house import BINARY, ROOT

SOURCE = """
local function fetch(run, window)
  run:pages(1, function(page)
    local reply = run:get("/rows", { query = { page = page, from = window.from, to = window.to } })
    run:rows(reply, "rows")
    return reply, run:value(reply, "next")
  end)
end

local function days(name, more)
  local declared = { key = { "day", "id" }, window = "range", window_column = "day", fetch = fetch,
    columns = { day = "date!", id = "text!", amount = "money!", status = "text", at = "timestamptz" } }
  for key, value in pairs(more) do declared[key] = value end
  return resource(name)(declared)
end

source "odd" {
  base_url = setting "ODD_URL", initial = "2026-01-14",
  days("days", { enums = { status = { "paid", "held" } } }),
  days("daily", { days = 1, enums = { status = { "paid", "held" } } }),
  days("strict", { enums = { status = { "paid" } }, drift = { enum_surprise = "fail" } }),
  days("loose", { drift = { duplicate_key = "warn" } }),
  resource "versions" { key = { "id" }, cursor = "seen", fetch = fetch,
    columns = { id = "text!", amount = "money!", seen = "timestamptz!" } },
}
"""
DAY = "2026-01-14"


def row(number, amount="1.50", day=DAY, status="paid", **more):
    return {"day": day, "id": str(number), "amount": amount, "status": status, **more}


class Vendor(http.server.ThreadingHTTPServer):
    """Answers requests one after the other with what it was told, and the last of that for ever."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def says(self, *pages, headers=()):
        """Pages are bytes, or rows: then each but the last names the next one."""
        self.headers = dict(headers)
        self.answers = [page if isinstance(page, bytes) else
                        json.dumps({"rows": page, "next": n + 2 if n + 1 < len(pages) else None, "page": n + 1}).encode()
                        for n, page in enumerate(pages)]


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        answers = self.server.answers
        body = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    (folder / "activities").mkdir()
    (folder / "activities/odd.lua").write_text(SOURCE)
    return folder


@pytest.fixture(scope="module")
def server():
    vendor = Vendor()
    yield vendor
    vendor.shutdown()
    vendor.server_close()


@pytest.fixture
def vendor(house, server):
    house.empty_database()
    return server


@pytest.fixture
def sync(house, scripts, vendor):
    def sync(resource="days", first=DAY, last=None, **more):
        """The result, or the error."""
        words = {"from": first, "to": last or first, **more} if first else more
        arguments = ", ".join(f"[{json.dumps(k)}] = {json.dumps(v)}" for k, v in words.items())
        done = subprocess.run([str(BINARY), "repl", "--json", "--scripts", str(scripts)], capture_output=True, text=True, timeout=120, cwd=ROOT,
                              input=f'sync {{ "odd", resources = {{ "{resource}" }}, {arguments} }}', env={**house.environment(), "ODD_URL": vendor.url})
        answer = json.loads(done.stdout)
        return answer.get("value") or answer["error"]

    return sync


def sums(house, table="days"):
    return house.postgres.rows(f"SELECT id, amount FROM odd.{table} ORDER BY day, id")


@pytest.mark.parametrize("pages", [[[row(1), row(2), row(1, "2.50")]], [[row(1), row(2)], [row(3), row(1)]]], ids=["within", "over"])
def test_a_key_that_comes_twice_is_refused_and_asked_for_again(house, vendor, sync, pages):
    vendor.says(*pages)
    error = sync()
    assert error["type"] == "ContractError"
    assert "odd.days: 1/" in error["message"] and f"rows have the key of an earlier row (day, id; first in rows 1 and" in error["message"]
    assert f"{DAY}, 1); nothing was loaded" in error["message"]
    assert house.postgres.rows("SELECT kind, policy FROM signalroom.schema_changes") == [["duplicate_key", "fail"]]
    assert house.postgres.one("SELECT to_regclass('odd.days') IS NULL") == "t"


def test_where_the_script_says_so_the_last_of_rows_with_one_key_counts_and_that_is_told(house, vendor, sync):
    vendor.says([row(1), row(2), row(1, "2.50")])
    result = sync("loose")
    assert result["warnings"] == [f"odd.loose: 1/3 rows have the key of an earlier row (day, id; first in rows 1 and 3: {DAY}, 1)"]
    assert sums(house, "loose") == [["1", "2.50"], ["2", "1.50"]]


def test_of_versions_of_a_row_the_newest_counts_wherever_it_stands(house, vendor, sync):
    def version(amount, hour):
        return {"id": "1", "amount": amount, "seen": f"{DAY}T{hour:02}:00:00Z"}

    vendor.says([version(3, 9), version(5, 11)], [version(4, 10)])
    assert sync("versions", None)["warnings"] == []
    assert sums_of_versions(house) == [["1", "5"]]
    vendor.says([version(2, 8)])
    sync("versions", None)
    assert sums_of_versions(house) == [["1", "5"]], "an older version never overwrites a newer one"


def sums_of_versions(house):
    return house.postgres.rows("SELECT id, amount FROM odd.versions")


def test_an_empty_answer_wipes_no_day(house, vendor, sync):
    vendor.says([row(1), row(2), row(3)])
    sync()
    vendor.says([])
    error = sync()
    assert error["type"] == "ShrinkRefused"
    assert f"odd.days/713 {DAY}..{DAY}: the vendor no longer has 3 of 3 rows; nothing was changed" in error["message"]
    assert len(sums(house)) == 3
    assert sync(allow_shrink=True)["counts"]["days"]["deleted"] == 3
    assert sync()["counts"]["days"]["rows"] == 0, "of nothing, nothing can be taken"


def test_a_value_outside_of_its_enum_is_loaded_and_said_once(house, vendor, sync):
    vendor.says([row(1), row(2, status="refunded"), row(3, status=None), row(4, status="refunded"), row(5, status='"x"')])
    result = sync()
    assert sorted(result["warnings"], reverse=True) == [
        'odd.days: field status is "refunded" in 2/5 rows (first in row 2), which is none of its values',
        'odd.days: field status is "\\"x\\"" in 1/5 rows (first in row 5), which is none of its values']
    assert len(sums(house)) == 5
    assert sync()["warnings"] == []
    assert house.postgres.rows("SELECT kind, field, times FROM signalroom.schema_changes ORDER BY field DESC") == \
        [["enum_surprise", "status=refunded", "2"], ["enum_surprise", 'status="x"', "2"]]


def test_a_value_outside_of_its_enum_loads_nothing_where_the_script_says_so(house, vendor, sync):
    vendor.says([row(1), row(2, status="held")])
    error = sync("strict")
    assert error["message"].endswith('odd.strict: field status is "held" in 1/2 rows (first in row 2), which is none of its values; nothing was loaded')
    assert house.postgres.one("SELECT to_regclass('odd.strict') IS NULL") == "t"


def test_many_values_outside_of_an_enum_are_no_flood(vendor, sync):
    vendor.says([row(n, status=f"s{n}") for n in range(30)])
    warnings = sync()["warnings"]
    assert len(warnings) == 21
    assert "odd.days: field status has more than 20 values that are none of its values" in warnings


def test_what_one_window_shows_and_the_next_does_not_is_said_once(house, vendor, sync):
    def two_days():
        vendor.says([row(1, status="odd")], [row(2, day="2026-01-15")])
        vendor.answers = [json.dumps({"rows": rows, "next": None}).encode() for rows in ([row(1, status="odd")], [row(2, day="2026-01-15")])]
        return sync("daily", DAY, "2026-01-15")["warnings"]

    assert [len(two_days()) for _ in range(3)] == [1, 0, 0]
    assert house.postgres.rows("SELECT times, settled_at IS NULL FROM signalroom.schema_changes") == [["3", "t"]]


def test_characters_that_postgres_cannot_hold_are_told(house, vendor, sync):
    vendor.says([row("a\0b"), row("c", status="pa\0id")])
    assert sync()["warnings"] == ["odd.days: 2 NUL characters, which Postgres cannot hold, were taken out of texts"]
    vendor.says([row("a\0b"), row("ab")])
    assert sync()["type"] == "ContractError", "two keys became one"


def test_a_column_taken_away_by_hand_is_made_again_and_told(house, vendor, sync):
    vendor.says([row(1)])
    sync()
    house.postgres.rows("ALTER TABLE odd.days RENAME COLUMN amount TO total")
    vendor.says([row(2, day="2026-01-15")])
    assert sync(first="2026-01-15")["warnings"] == ["odd.days: column amount was not in the table and is added; rows loaded before have nothing "
                                                    "there until they are loaded again"]
    assert sync(first="2026-01-15")["warnings"] == []


def test_a_table_without_a_part_of_its_key_is_left_alone(house, vendor, sync):
    vendor.says([row(1), row(2)])
    sync()
    house.postgres.rows("ALTER TABLE odd.days RENAME COLUMN id TO number")
    error = sync()
    assert error["type"] == "ConfigError" and "has no column id, which is part of its key; nothing was changed" in error["message"]
    assert house.postgres.rows("SELECT number, amount FROM odd.days ORDER BY 1") == [["1", "1.50"], ["2", "1.50"]]


def test_a_type_that_changes_on_the_second_page_loads_nothing(house, vendor, sync):
    vendor.says([row(1), row(2)], [row(3, {"value": 1}), row(4, "1,50")])
    error = sync()
    assert "field amount does not fit numeric in 2/4 rows (first in row 3: expected a number" in error["message"]
    assert house.postgres.one("SELECT to_regclass('odd.days') IS NULL") == "t"


def test_money_and_long_numbers_are_digit_by_digit(house, vendor, sync):
    amounts = ["0.10", "12345678901234567.89", "9007199254740993", "-0.005", "1e3", "0.30000000000000004"]
    rows = ",".join('{"day":"%s","id":"%d","amount":%s}' % (DAY, n, amount) for n, amount in enumerate(amounts))
    vendor.says(f'{{"rows":[{rows}]}}'.encode())
    sync()
    assert [amount for _, amount in sums(house)] == [*amounts[:4], "1000", amounts[5]]


@pytest.mark.parametrize("change", [lambda body: body[:-20], lambda body: b"\xef\xbb\xbf" + body, lambda body: body[:40],
                                    lambda body: body.replace(b'"amount"', b'"id": "7", "amount"', 1), lambda body: b""],
                         ids=["cut", "marked", "half", "a key twice", "empty"])
def test_a_body_that_is_no_whole_answer_loads_nothing(house, vendor, sync, change):
    whole = json.dumps({"rows": [row(1), row(2)], "next": None}).encode()
    vendor.says(change(whole))
    assert sync()["type"] in ("VendorError", "BadResponse")
    assert house.postgres.one("SELECT to_regclass('odd.days') IS NULL") == "t"


def test_half_of_a_packed_body_loads_nothing(house, vendor, sync):
    packed = gzip.compress(json.dumps({"rows": [row(n) for n in range(200)], "next": None}).encode(), mtime=0)
    vendor.says(packed, headers={"Content-Encoding": "gzip"})
    assert sync()["counts"]["days"]["new"] == 200
    for size in (len(packed) // 2, len(packed) - 40):
        vendor.says(packed[:size], headers={"Content-Encoding": "gzip"})
        assert sync()["type"] in ("VendorError", "BadResponse", "NetworkError"), size
    assert len(sums(house)) == 200


# --- a sync that changes nothing ---


def everything(house):
    """All tables with all their rows, but what a worker notes of itself."""
    names = [name for [name] in house.postgres.rows("SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables "
                                                    "WHERE table_schema IN ('odd', 'signalroom') ORDER BY 1")]
    return {name: house.postgres.rows(f"SELECT t::text FROM {name} t ORDER BY 1") for name in names}


def test_a_dry_sync_says_what_the_next_one_will_do_and_changes_nothing(house, vendor, sync):
    def strip(result):
        return result["counts"], result["row_counts"], result["warnings"]

    for rows, samples, ddl in (([row(1), row(2, "2.00"), row(3, status="odd")], ["new", "new", "new"], 2),
                               ([row(1), row(2, "2.50"), row(4, note="x")], ["changed", "new", "deleted"], 1)):
        vendor.says(rows)
        before = everything(house)
        dry = sync(dry=True)
        assert everything(house) == before
        assert [s["what"] for s in dry["samples"]] == samples
        assert len(dry["ddl"]) == ddl and "load_id" not in dry
        assert strip(dry) == strip(sync())
    assert dry["samples"][0] == {"table": "days", "what": "changed", "key": f"{DAY}, 2", "change": "amount 2.00 -> 2.50"}
    assert dry["ddl"][0] == 'ALTER TABLE "odd"."days" ADD COLUMN "note" text'


def test_a_dry_sync_fails_as_the_real_one_would_and_notes_nothing(house, vendor, sync):
    vendor.says([row(1), row(1)])
    before = everything(house)
    assert sync(dry=True)["type"] == "ContractError"
    assert everything(house) == before


def test_the_prompt_shows_what_a_dry_sync_would_do(house, scripts, vendor, sync):
    vendor.says([row(1), row(2)])
    sync()
    vendor.says([row(1, "1.75"), row(2)])
    said = subprocess.run([str(BINARY), "repl", "--scripts", str(scripts)], capture_output=True, text=True, timeout=120, cwd=ROOT,
                          input=f'sync {{ "odd", resources = {{ "days" }}, from = "{DAY}", to = "{DAY}", dry = true }}',
                          env={**house.environment(), "ODD_URL": vendor.url}).stdout
    assert "odd, dry: nothing was changed; 1 call, " in said
    assert f"changed days {DAY}, 1: amount 1.50 -> 1.75" in said
    assert sums(house) == [["1", "1.50"], ["2", "1.50"]]


@pytest.mark.parametrize("pages", [[[row(1)], [row(2)], [row(2)]]], ids=["repeated"])
def test_a_page_that_comes_again_in_another_envelope_is_no_further_page(house, vendor, sync, pages):
    vendor.says(*pages)
    assert "have the key of an earlier row" in sync()["message"]
