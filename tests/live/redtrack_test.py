"""RedTrack's spend by day and source: its pages, its traps, its limits, and its key that nobody may see."""

import json
import uuid

import pytest
from house import VendorFake, Worker

KEY = "redtrack-test-key"
D1 = [("aaa000000000000000000001", "FB One", 100, 90, 6000), ("aaa000000000000000000002", "FB Two", 80, 60, "1500.50"),
      ("aaa000000000000000000003", "FB EXP", 20, 5, 250), ("aaa000000000000000000009", "Unmapped src", 9, 0, 777)]


def rows(*sources, day="2026-01-14"):
    return [{"date": day, "source_id": s[0], "source": s[1], "source_alias": "facebook", "clicks": s[2], "conversions": s[3], "cost": s[4]}
            for s in sources]


@pytest.fixture(scope="module")
def vendor_process(house):
    fake = VendorFake("redtrack", house.folder)
    yield fake
    fake.end()


@pytest.fixture(scope="module")
def worker(house, vendor_process):
    environment = {"REDTRACK_BASE_URL": vendor_process.url, "REDTRACK_API_KEY": KEY, "REDTRACK_RATE": "600/min"}
    with Worker(house, "scripts", "redtrack-tests", "--log-level", "DEBUG", environment=environment) as running:
        yield running


@pytest.fixture
def vendor(house, vendor_process, worker):
    """The fake with data set D1, and an empty database."""
    vendor_process.control("reset", {})
    vendor_process.control("data", {"rows": rows(*D1), "limit": 600})
    house.empty_database()
    return vendor_process


def sync(house, first="2026-01-14", last="2026-01-14", **kwargs):
    """One run to its end: its exit code, what `result` says, its id."""
    workflow_id = f"redtrack-{uuid.uuid4().hex[:12]}"
    asked = {"source_name": "redtrack", "source_kwargs": {"from": first, "to": last, **kwargs}}
    begun = house.run("start", "SyncSourceWorkflow", "--queue", "redtrack-tests", "--id", workflow_id, "--input", json.dumps(asked))
    assert begun.returncode == 0, begun.stderr
    done = house.run("result", workflow_id, "--json")
    return done.returncode, json.loads(done.stdout), workflow_id


def counts(answer):
    return answer["result"]["counts"]["daily_spend"]


def loaded(house, columns="date, source_id, source_name, clicks, conversions, cost"):
    return house.postgres.rows(f"SELECT {columns} FROM redtrack.daily_spend ORDER BY 1, 2")


def test_a_day_is_loaded_as_the_vendor_has_it(house, vendor):
    code, answer, _ = sync(house)
    assert code == 0, answer
    assert loaded(house) == [["2026-01-14", s[0], s[1], str(s[2]), str(s[3]), str(s[4])] for s in D1]
    assert loaded(house, "pg_typeof(date), pg_typeof(source_id), _client_id")[0] == ["text", "text", "713"]
    asked = vendor.requests()[0]
    assert (asked["path"], asked["query"]["timezone"], asked["query"]["per"]) == ("/report", "America/New_York", "1000")
    assert asked["headers"]["x-api-key"] == asked["query"]["api_key"] == KEY


def test_conversions_0_stay_0_whatever_else_was_counted(house, vendor):
    zero = {**rows(("b1", "Zero", 5, 0, 1))[0], "total_conversions": 5, "convtype2": 5}
    vendor.control("data", {"rows": [zero]})
    sync(house)
    assert loaded(house, "source_id, conversions") == [["b1", "0"]]


def test_a_missing_count_is_an_error_and_no_zero(house, vendor):
    vendor.control("data", {"rows": [{k: v for k, v in rows(D1[0])[0].items() if k != "conversions"}]})
    code, answer, _ = sync(house)
    assert code == 1
    assert "conversions" in answer["error"]["cause"]["message"]
    assert house.postgres.one("SELECT count(*) FROM signalroom.loads") == "0"


def test_every_name_of_a_field_is_understood(house, vendor):
    day = {"date": "2026-01-14"}
    vendor.control("data", {"rows": [
        {**day, "sourceId": 17, "traffic_source": "A", "total_clicks": 3, "clicks": None, "conversions": 1, "spend": 2.5},
        {**day, "source_id": None, "traffic_source_id": "t", "source": "B", "clicks": 2, "conversions": "4", "cost": None, "total_cost": "0.10"},
        {**day, "trafficSourceId": "u", "source": "C", "clicks": 1, "conversions": 0, "cost": 0.1}]})
    code, answer, _ = sync(house)
    assert code == 0, answer
    assert loaded(house, "source_id, source_name, clicks, conversions, cost") == \
        [["17", "A", "3", "1", "2.5"], ["t", "B", "2", "4", "0.10"], ["u", "C", "1", "0", "0.1"]]


def test_ids_that_are_long_numbers_keep_their_digits(house, vendor):
    ids = [123456789012345, 123456789012346, 12345678901234567890]
    vendor.control("data", {"rows": [{**r, "source_id": i} for i, r in zip(ids, rows(("a", "A", 3, 1, 1), ("b", "B", 2, 1, 1), ("c", "C", 1, 1, 1)))]})
    assert counts(sync(house)[1])["new"] == 3
    assert sorted(r[0] for r in loaded(house, "source_id, date")) == sorted(map(str, ids))


def test_rows_without_a_source_are_dropped_and_counted(house, vendor, worker):
    vendor.control("data", {"rows": rows(D1[0], ("", "", 3, 0, 0), (None, "", 2, 0, 0))})
    _, answer, _ = sync(house)
    assert counts(answer)["rows"] == 1
    said = [line for line in worker.log.read_text().splitlines() if "rows_without_source" in line]
    assert "2" in said[-1] and "2026-01-14" in said[-1]


@pytest.mark.parametrize("sources, pages", [(99, 1), (100, 2), (1000, 2), (1001, 2), (2300, 4)])
def test_every_page_is_read(house, vendor, sources, pages):
    vendor.control("data", {"generate": {"days": ["2026-01-14"], "sources": sources}, "limit": 600})
    _, answer, _ = sync(house)
    assert counts(answer)["new"] == sources
    assert [r["query"]["page"] for r in vendor.requests()] == [str(n + 1) for n in range(pages)]


def test_a_vendor_whose_pages_are_smaller_than_asked_loses_nothing(house, vendor):
    vendor.control("data", {"generate": {"days": ["2026-01-14"], "sources": 101}, "cap": 100})
    assert counts(sync(house)[1])["new"] == 101


def test_a_list_that_moves_while_it_is_read_is_read_again(house, vendor):
    vendor.control("data", {"generate": {"days": ["2026-01-14"], "sources": 101}, "cap": 100})
    moved = [{"source_id": f"{100:024x}", "source": "Source 100", "clicks": 9900, "conversions": 2, "cost": 137}]
    vendor.control("script", [{"match": "/report", "delay_ms": 1}, {"match": "/report", "body": moved}])
    code, answer, _ = sync(house)
    assert code == 0
    assert counts(answer)["new"] == 101
    assert len(vendor.requests()) == 4


@pytest.mark.parametrize("wrap", ["data", "rows", "items", "results"])
def test_a_list_in_an_object_is_found(house, vendor, wrap):
    vendor.control("data", {"rows": rows(*D1), "wrap": wrap})
    assert counts(sync(house)[1])["rows"] == 4


def test_an_answer_without_a_list_is_an_error_and_no_empty_day(house, vendor):
    sync(house)
    vendor.control("script", [{"match": "/report", "body": {"error": "internal"}, "times": 9}])
    code, answer, _ = sync(house)
    assert (code, answer["error"]["cause"]["type"]) == (1, "VendorError")
    assert len(loaded(house)) == 4


def test_429_with_retry_after_waits_that_long_and_without_it_the_usual_second(house, vendor):
    for headers, least in (({"Retry-After": "3"}, 3.0), ({}, 0.9)):
        vendor.control("reset", {})
        vendor.control("data", {"rows": rows(*D1)})
        vendor.control("script", [{"match": "/report", "status": 429, "headers": headers, "body": {"error": "Too many requests"}}])
        code, answer, _ = sync(house)
        assert code == 0, answer
        first, second = [r["at"] for r in vendor.requests()]
        assert least <= second - first < 30


def test_the_rate_holds_back_what_is_over_it_and_nothing_else(house, vendor):
    environment = {"REDTRACK_BASE_URL": vendor.url, "REDTRACK_API_KEY": KEY, "REDTRACK_RATE": "3/s"}
    vendor.control("data", {"generate": {"days": [], "sources": 0}, "limit": 600})
    with Worker(house, "scripts", "redtrack-rate", environment=environment):
        asked = {"source_name": "redtrack", "source_kwargs": {"from": "2026-01-01", "to": "2026-01-07"}}
        begun = house.run("start", "SyncSourceWorkflow", "--queue", "redtrack-rate", "--id", f"rate-{uuid.uuid4().hex[:8]}", "--wait",
                          "--input", json.dumps(asked))
    assert begun.returncode == 0, begun.stderr
    at = [r["at"] for r in vendor.requests()]
    assert len(at) == 7
    assert all(at[i + 4] - at[i] >= 0.95 for i in range(3)), "after one's answer, three in the next second"


def test_a_restated_day_is_loaded_again(house, vendor):
    sync(house, "2026-01-13")
    restated = [list(s) for s in D1[:3]] + [["aaa000000000000000000010", "New one", 1, 1, 1]]
    restated[1][4] = "1600.25"
    vendor.control("data", {"rows": rows(*restated)})
    _, answer, _ = sync(house, "2026-01-13")
    assert counts(answer) == {"rows": 4, "new": 1, "changed": 1, "same": 2, "deleted": 1}
    assert sorted(r[1] for r in loaded(house, "source_id, cost")) == sorted(str(s[4]) for s in restated)
    assert house.postgres.rows("SELECT window_from, rows_fetched FROM signalroom.loads ORDER BY load_no") == \
        [["2026-01-13", "0"], ["2026-01-14", "4"], ["2026-01-13", "0"], ["2026-01-14", "4"]]


def test_the_key_is_never_shown(house, vendor, worker):
    shown = ""
    for step in ({"status": 401, "body": {"error": f"Invalid API key {KEY}"}}, {"status": 404, "body": {"error": "no"}},
                 {"body_raw": "<html>502"}, {"close": "mid-body"}, {"body": {"error": KEY}}):
        vendor.control("script", [{"match": "/report", "times": 1, **step}])
        code, answer, workflow_id = sync(house)
        said = json.dumps(answer) + json.dumps(house.temporal.history(workflow_id))
        assert KEY not in said, step
        shown += said
    assert any(r["query"]["api_key"] == KEY for r in vendor.requests())
    assert "api_key=***" in shown
    shown += worker.log.read_text() + json.dumps(house.postgres.rows("SELECT l::text FROM signalroom.loads l"))
    assert KEY not in shown
