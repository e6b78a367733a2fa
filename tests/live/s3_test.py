"""Files in S3: each version of each file exactly once, whatever it is called and whenever it comes, and as it was written."""

import base64
import gzip
import json
import signal
import sys
import uuid

import pytest
from house import ROOT, VendorFake, Worker, until

sys.path.insert(0, str(ROOT / "tests/fakes"))
from s3 import ID, SECRET  # noqa: E402

TABLE = "s3_exports.orders_create"
DAY = "orders-create/report_2026-01-14T1849_a b.csv"


def csv(*rows, header="Click ID,Order Status", end="\r\n"):
    return {"text": "".join(line + end for line in (header, *rows))}


@pytest.fixture(scope="module")
def vendor_process(house):
    fake = VendorFake("s3", house.folder)
    yield fake
    fake.end()


def settings(vendor, **changes):
    return {"S3_ENDPOINT_URL": vendor.url, "S3_BUCKET_NAME": "demo-exports", "S3_PREFIXES": "orders-create/, prospects-create",
            "AWS_ACCESS_KEY_ID": ID, "AWS_SECRET_ACCESS_KEY": SECRET, **changes}


@pytest.fixture(scope="module")
def worker(house, vendor_process):
    with Worker(house, "scripts", "s3-tests", "--log-level", "DEBUG", environment=settings(vendor_process)) as running:
        yield running


@pytest.fixture
def vendor(house, vendor_process, worker):
    """The fake with an empty bucket, and an empty database."""
    vendor_process.control("reset", {})
    house.empty_database()
    return vendor_process


def put(vendor, objects, **knobs):
    vendor.control("data", {"objects": objects, **knobs})


def begin(house, queue="s3-tests", **kwargs):
    workflow_id = f"s3-{uuid.uuid4().hex[:12]}"
    asked = {"source_name": "s3_exports", "source_kwargs": kwargs, "resources": ["orders_create"]}
    begun = house.run("start", "SyncSourceWorkflow", "--queue", queue, "--id", workflow_id, "--input", json.dumps(asked))
    assert begun.returncode == 0, begun.stderr
    return workflow_id


def end(house, workflow_id):
    done = house.run("result", workflow_id, "--json")
    return done.returncode, json.loads(done.stdout)


def sync(house, **kwargs):
    return end(house, begin(house, **kwargs))


def counts(answer):
    code, answer = answer
    assert code == 0, answer
    return answer["result"]["counts"]["orders_create"]


def cause(answer):
    code, answer = answer
    assert code == 1, answer
    return answer["error"]["cause"]


def gets(vendor):
    """The objects asked for, in order."""
    return [r["path"] for r in vendor.requests() if "list-type" not in r["query"]]


def loaded(house, columns="click_id, order_status, _file_name, _row_id, _file_date"):
    return house.postgres.rows(f"SELECT {columns} FROM {TABLE} ORDER BY _file_name, _row_id")


def test_a_file_is_a_table_of_text_with_its_name_row_and_date(house, vendor):
    put(vendor, {DAY: csv("7,NEW", "8,VOID/REFUNDED"), "orders-create/notes.txt": {"text": "no table"}, "orders-created/x.csv": csv("1,NO")})
    assert counts(sync(house)) == {"rows": 2, "new": 2, "changed": 0, "same": 0, "deleted": 0}
    name = "demo-exports/" + DAY
    assert loaded(house) == [["7", "NEW", name, "0", "2026-01-14"], ["8", "VOID/REFUNDED", name, "1", "2026-01-14"]]
    assert loaded(house, "pg_typeof(click_id), pg_typeof(_row_id), pg_typeof(_file_date), _client_id")[0] == ["text", "bigint", "text", "713"]
    assert house.postgres.rows("SELECT key, size, rows, status FROM signalroom.files") == [[name, "47", "2", "done"]]
    assert house.postgres.one(f"SELECT count(*) FROM {TABLE} t JOIN signalroom.loads l ON l.dlt_load_id = t._dlt_load_id "
                              "JOIN signalroom.files f ON f.load_id = l.load_id") == "2"


def test_a_second_run_reads_no_file_and_leaves_its_record(house, vendor):
    put(vendor, {DAY: csv("7,NEW"), "orders-create/undated.csv": csv("8,NEW")})
    sync(house)
    assert len(gets(vendor)) == 2
    assert counts(sync(house))["rows"] == 0
    assert len(gets(vendor)) == 2
    assert house.postgres.rows("SELECT rows_new, requests FROM signalroom.loads ORDER BY load_no")[-1] == ["0", "1"]
    assert house.postgres.one("SELECT count(*) FROM signalroom.loads") == "3"


def test_a_file_uploaded_again_with_fewer_rows_and_columns_is_replaced_as_a_set(house, vendor):
    put(vendor, {DAY: csv("7,NEW", "8,NEW", "9,NEW"), "orders-create/other.csv": csv("1,NEW")})
    sync(house)
    put(vendor, {DAY: csv("7", "9", header="Click ID"), "orders-create/other.csv": csv("1,NEW")})
    assert counts(sync(house)) == {"rows": 2, "new": 0, "changed": 2, "same": 0, "deleted": 1}
    assert loaded(house, "click_id, order_status, _row_id") == [["1", "NEW", "0"], ["7", "", "0"], ["9", "", "1"]]
    assert house.postgres.one(f"SELECT count(*) FROM {TABLE} WHERE order_status IS NULL") == "2"
    put(vendor, {DAY: csv("7,NEW", "8,NEW", "9,NEW"), "orders-create/other.csv": csv("1,NEW")})
    assert counts(sync(house)) == {"rows": 3, "new": 1, "changed": 2, "same": 0, "deleted": 0}


def test_late_files_and_those_without_a_date_are_loaded_once(house, vendor):
    objects = {DAY: csv("7,NEW")}
    for key in ("orders-create/report_2025-12-01.csv", "orders-create/undated.csv", "orders-create/deep/er/x.CSV"):
        put(vendor, objects)
        sync(house)
        objects[key] = csv(f"{len(objects)},LATE")
        put(vendor, objects)
        assert counts(sync(house))["new"] == 1
    assert len(gets(vendor)) == len(set(gets(vendor))) == 4
    assert loaded(house, "_file_date").count([""]) == 2


def test_new_columns_are_added(house, vendor):
    put(vendor, {DAY: csv("7,NEW")})
    sync(house)
    put(vendor, {DAY: csv("7,NEW"), "orders-create/x.csv": csv("8,NEW,EXP", header="Click ID,Order Status,product_category")})
    sync(house)
    assert loaded(house, "click_id, product_category") == [["7", ""], ["8", "EXP"]]


@pytest.mark.parametrize("text, rows", [
    ("\ufeffClick ID,Order Status\r\n7,NEW\r\n", [["7", "NEW"]]),
    ("Click ID,Order Status\n7,NEW\n\n8,", [["7", "NEW"], ["8", ""]]),
    ('Click ID,Order Status\r\n"7,1","say ""no""\\N"\r\n', [["7,1", 'say "no"\\N']]),
    ("", []),
    ("Click ID,Order Status\r\n", []),
    ("Click ID,Order Status", []),
], ids=["mark", "LF, blank line, no end", "quotes", "empty", "header only", "header without end"])
def test_csv_is_read_as_it_is_written(house, vendor, text, rows):
    put(vendor, {DAY: {"text": text}})
    assert counts(sync(house))["rows"] == len(rows)
    if text:
        assert loaded(house, "click_id, order_status") == rows
    assert house.postgres.one("SELECT status FROM signalroom.files") == "done"
    assert counts(sync(house))["rows"] == 0
    assert len(gets(vendor)) == 1


def test_a_quoted_line_end_is_part_of_the_field(house, vendor):
    put(vendor, {DAY: csv('7,"two\r\nlines\tand a tab"')})
    sync(house)
    assert house.postgres.one(f"SELECT count(*) FROM {TABLE} WHERE order_status = E'two\\r\\nlines\\tand a tab'") == "1"


def test_packed_files_are_unpacked(house, vendor):
    rows = [f"{n},{n * 7919 % 1000}" for n in range(50_000)]
    packed = gzip.compress(csv(*rows)["text"].encode())
    put(vendor, {"orders-create/2026-01-14.csv.gz": {"base64": base64.b64encode(packed).decode()}})
    assert counts(sync(house))["new"] == 50_000
    assert house.postgres.rows(f"SELECT sum(click_id::int), max(_row_id) FROM {TABLE}") == [[str(sum(range(50_000))), "49999"]]


@pytest.mark.parametrize("name", ["2026-01-14.csv", "2026-01-14.csv.gz"])
def test_files_that_were_uploaded_as_packed_text_are_read_whole_or_not_at_all(house, vendor, name):
    rows = [f"{n},{n * 7919 % 1000}" for n in range(1000)]
    packed = gzip.compress(csv(*rows)["text"].encode())
    put(vendor, {f"orders-create/{name}": {"base64": base64.b64encode(packed[:-9]).decode(), "encoding": "gzip"}})
    problem = cause(sync(house))
    assert problem["type"] == "FileRefused" and "broken gzip: the end is missing" in problem["message"]
    put(vendor, {f"orders-create/{name}": {"base64": base64.b64encode(packed).decode(), "encoding": "gzip"}})
    assert counts(sync(house))["new"] == 1000


@pytest.mark.parametrize("text, why", [
    ("a,b\r\n1,2\r\n1,2,3\r\n", ":3: 3 fields, expected 2"),
    ('a,b\r\n"x\ny",2\r\n1\r\n', ":4: 1 field, expected 2"),
    ("Click ID,b,click_id\r\n1,2,3\r\n", ":1: columns 1 and 3 are both named click_id"),
    ("a,,c\r\n1,2,3\r\n", ":1: column 2 has no name"),
    ("a,_row_id\r\n1,2\r\n", ":1: _row_id is a name"),
], ids=["long row", "short row", "two names alike", "no name", "our name"])
def test_a_broken_file_is_refused_with_its_line_and_the_others_are_loaded(house, vendor, text, why):
    put(vendor, {"orders-create/a.csv": csv("1,NEW"), "orders-create/broken.csv": {"text": text}, "orders-create/z.csv": csv("2,NEW")})
    problem = cause(sync(house))
    assert problem["type"] == "FileRefused"
    assert "demo-exports/orders-create/broken.csv" + why in problem["message"]
    assert loaded(house, "click_id") == [["1"], ["2"]]
    assert house.postgres.rows("SELECT status, count(*) FROM signalroom.files GROUP BY 1 ORDER BY 1") == [["done", "2"], ["refused", "1"]]
    put(vendor, {"orders-create/a.csv": csv("1,NEW"), "orders-create/broken.csv": csv("3,NEW"), "orders-create/z.csv": csv("2,NEW")})
    assert counts(sync(house))["new"] == 1
    assert len(gets(vendor)) == 4


def test_a_list_of_several_pages_and_keys_of_any_letters(house, vendor):
    keys = [f"orders-create/{name}.csv" for name in ("a&b<c>", "d+e=f", "größe 'x'", "100%", "1", "2", "3")]
    put(vendor, {key: csv(f"{n},NEW") for n, key in enumerate(keys)}, page=2)
    assert counts(sync(house))["new"] == 7
    assert sorted(r[0] for r in loaded(house, "_file_name")) == sorted("demo-exports/" + key for key in keys)
    assert len(vendor.requests()) == 4 + 7


def test_a_connection_that_breaks_goes_on_where_it_was(house, vendor):
    rows = [f"{n},{'x' * 400}" for n in range(20_000)]
    put(vendor, {DAY: csv(*rows)})
    vendor.control("script", [{"match": ".csv", "close": "mid-body", "times": 2}])
    assert counts(sync(house))["new"] == 20_000
    asked = [r["headers"].get("range") for r in vendor.requests() if "list-type" not in r["query"]]
    assert len(asked) == 3 and asked[0] is None and all(a.startswith("bytes=") for a in asked[1:])
    assert house.postgres.one(f"SELECT count(DISTINCT click_id) FROM {TABLE} WHERE length(order_status) = 400") == "20000"


def test_slow_down_costs_a_retry_and_nothing_else(house, vendor):
    put(vendor, {DAY: csv("7,NEW"), "orders-create/z.csv": csv("8,NEW")})
    vendor.control("script", [{"match": "z.csv", "status": 503, "body_raw": "<Error><Code>SlowDown</Code></Error>"}])
    assert counts(sync(house))["new"] == 2
    assert len(gets(vendor)) == 3, "the file that was loaded was read again"
    assert house.postgres.one("SELECT count(*) FROM signalroom.loads") == "2"


def test_a_file_that_changes_between_list_and_read_is_read_as_it_is_then(house, vendor):
    put(vendor, {DAY: csv("7,NEW")})
    vendor.control("script", [{"match": ".csv", "status": 412, "body_raw": "<Error><Code>PreconditionFailed</Code></Error>"}])
    assert counts(sync(house))["new"] == 1
    assert [r["headers"].get("if-match") is not None for r in vendor.requests() if ".csv" in r["path"]] == [True, True]


def test_days_may_be_chosen(house, vendor):
    put(vendor, {f"orders-create/2026-01-1{n}.csv": csv(f"{n},NEW") for n in range(5)} | {"orders-create/undated.csv": csv("9,NEW")})
    assert counts(sync(house, **{"from": "2026-01-11", "to": "2026-01-12"}))["new"] == 2
    assert counts(sync(house))["new"] == 4


@pytest.mark.parametrize("knobs, code", [
    ({"secret": "another"}, "SignatureDoesNotMatch"), ({"id": "another"}, "InvalidAccessKeyId"), ({"bucket": "another"}, "NoSuchBucket"),
    ({"region": "eu-west-1"}, "AuthorizationHeaderMalformed"), ({"token": "wanted"}, "InvalidToken")])
def test_what_s3_refuses_is_one_attempt_with_its_reason(house, vendor, worker, knobs, code):
    put(vendor, {DAY: csv("7,NEW")}, **knobs)
    workflow_id = begin(house)
    problem = cause(end(house, workflow_id))
    assert code in problem["message"]
    assert len(vendor.requests()) == 1
    assert SECRET not in json.dumps(problem) + worker.log.read_text() + json.dumps(house.temporal.history(workflow_id))


def test_a_clock_that_is_wrong_is_named(house, vendor):
    put(vendor, {DAY: csv("7,NEW")})
    vendor.control("clock", 1768478400)
    assert "RequestTimeTooSkewed" in cause(sync(house))["message"]


def test_temporary_keys_are_signed(house, vendor):
    put(vendor, {DAY: csv("7,NEW")}, token="session-token-of-a-role")
    with Worker(house, "scripts", "s3-token", environment=settings(vendor, AWS_SESSION_TOKEN="session-token-of-a-role")):
        assert counts(end(house, begin(house, "s3-token")))["new"] == 1


def test_a_bucket_that_nobody_named_is_said(house, vendor):
    with Worker(house, "scripts", "s3-none", environment=settings(vendor, S3_BUCKET_NAME="")):
        assert "Set S3_BUCKET_NAME" in cause(end(house, begin(house, "s3-none")))["message"]


def test_a_worker_killed_in_the_middle_of_a_file_loads_every_file_once(house, vendor):
    keys = [f"orders-create/{n:02}.csv" for n in range(6)]
    put(vendor, {key: csv(*(f"{key}-{n},NEW" for n in range(100))) for key in keys})
    vendor.control("script", [{"match": "03.csv", "hold": True}])
    with Worker(house, "scripts", "s3-killed", environment=settings(vendor)) as first:
        workflow_id = begin(house, "s3-killed")
        until(lambda: any("03.csv" in path for path in gets(vendor)), what="the fourth file")
        first.child.kill(signal.SIGKILL)
    with Worker(house, "scripts", "s3-killed", environment=settings(vendor)):
        answer = end(house, workflow_id)
    assert counts(answer) == {"rows": 600, "new": 600, "changed": 0, "same": 0, "deleted": 0}
    assert [path[-6:-4] for path in gets(vendor)] == ["00", "01", "02", "03", "03", "04", "05"]
    assert house.postgres.one(f"SELECT count(DISTINCT click_id) FROM {TABLE}") == "600"
    assert house.postgres.one("SELECT count(*) FROM signalroom.loads") == "6"
