"""The old system froze a day at its first load: 183 conversions stayed 183 while the vendor went on to 240 and 313. Here the table
equals the vendor's truth after each step, whatever the clock says: on both sides of UTC's midnight, of New York's, and of both
changes of daylight saving."""

import asyncio
import datetime
import json
import uuid
import zoneinfo

import pytest
from house import VendorFake, Worker

NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
# Winter, summer, and the days before and of both changes: the one has 23 hours, the other 25.
DAYS = ["2026-01-14", "2026-07-14", "2026-03-07", "2026-03-08", "2026-10-31", "2026-11-01"]
# Hours after midnight UTC that ends the day D, and how many conversions of A, B, C the vendor has for D by then.
STEPS = [("00:15", {"A": 183, "B": 40}), ("01:15", {"A": 240, "B": 55}), ("04:15", {"A": 240, "B": 55}),
         ("12:15", {"A": 313, "B": 70, "C": 1}), ("13:15", {"A": 313, "C": 1})]
NAMES = {"A": 11, "B": 12, "C": 13}


def everflow_rows(days):
    return {"rows": [{"date": day, "affiliate": [NAMES[name], name], "advertiser": [1, "CCW"], "clicks": 10 * n, "conversions": n,
                      "revenue": 2.5 * n, "payout": n} for day, counts in days.items() for name, n in counts.items()]}


def redtrack_rows(days):
    return {"limit": 6000, "rows": [{"date": day, "source_id": f"s{NAMES[name]}", "source": name, "source_alias": "", "clicks": 10 * n,
                                     "conversions": n, "cost": 2.5 * n} for day, counts in days.items() for name, n in counts.items()]}


def asked_of_everflow(fake):
    bodies = [json.loads(r["body"]) for r in fake.requests()]
    return min(b["from"] for b in bodies), max(b["to"] for b in bodies)


def asked_of_redtrack(fake):
    days = [r["query"]["date_from"] for r in fake.requests()]
    return min(days), max(days)


SOURCES = {
    "everflow": (everflow_rows, asked_of_everflow, "everflow.daily_stats", "affiliate_label", "daily_stats"),
    "redtrack": (redtrack_rows, asked_of_redtrack, "redtrack.daily_spend", "source_name", "daily_spend"),
}


@pytest.fixture(scope="module")
def fakes(house):
    redtrack = VendorFake("redtrack", house.folder)
    yield {"everflow": house.everflow, "redtrack": redtrack}
    redtrack.end()


@pytest.fixture(scope="module")
def worker(house, fakes):
    environment = {"REDTRACK_BASE_URL": fakes["redtrack"].url, "REDTRACK_API_KEY": "redtrack-test-key", "REDTRACK_RATE": "6000/min"}
    with Worker(house, "scripts", "freeze-tests", environment=environment) as running:
        yield running


def after(day, days):
    return (datetime.date.fromisoformat(day) + datetime.timedelta(days)).isoformat()


def business_day(instant):
    return datetime.datetime.fromisoformat(instant.replace("Z", "+00:00")).astimezone(NEW_YORK).date().isoformat()


class Story:
    """One source through one day D, step by step."""

    def __init__(self, house, fakes, source):
        self.house, self.source, self.fake = house, source, fakes[source]
        self.rows_of, self.asked, self.table, self.label, self.resource = SOURCES[source]

    def begin(self, day):
        """A stream that is loaded up to the day before D."""
        self.house.postgres.rows(f"DROP SCHEMA IF EXISTS {self.source} CASCADE; DELETE FROM signalroom.loads WHERE source = '{self.source}'")
        self.house.postgres.rows(f"INSERT INTO signalroom.state (stream, cursor) VALUES ('{self.source}.{self.resource}/713', '{after(day, -1)}') "
                                 "ON CONFLICT (stream) DO UPDATE SET cursor = excluded.cursor")

    async def sync(self, client, truth, now):
        self.fake.control("reset", {})
        self.fake.control("data", self.rows_of(truth))
        result = await client.execute_workflow("SyncSourceWorkflow", {"source_name": self.source, "source_kwargs": {"now": now}},
                                               id=f"freeze-{uuid.uuid4()}", task_queue="freeze-tests")
        assert result["success"], result
        assert self.asked(self.fake)[1] == business_day(now), f"{self.source} at {now}"
        assert self.table_now() == truth, f"{self.source} at {now}"

    def table_now(self):
        days = {}
        for day, name, conversions in self.house.postgres.rows(f"SELECT date, {self.label}, conversions FROM {self.table}"):
            days.setdefault(day, {})[name] = int(conversions)
        return days


@pytest.mark.parametrize("source", SOURCES)
def test_a_day_follows_the_vendor_until_it_stands(house, fakes, worker, source, connect, run_async):
    assert house.run("migrate").returncode == 0
    story = Story(house, fakes, source)

    async def through(day):
        client = await connect()
        story.begin(day)
        truth = {day: {}}
        for at, counts in STEPS:
            now, truth[day] = f"{after(day, 1)}T{at}:00Z", counts
            if business_day(now) > day:
                truth[after(day, 1)] = {"A": len(truth)}
            await story.sync(client, truth, now)
        await story.sync(client, {**truth, after(day, 1): {"A": 7}}, f"{after(day, 2)}T12:15:00Z")

    async def all_days():
        for day in DAYS:
            await through(day)

    run_async(all_days())


def test_a_cursor_that_a_wrong_clock_moved_ahead_leaves_no_day_out(house, fakes, worker, connect, run_async):
    assert house.run("migrate").returncode == 0
    story = Story(house, fakes, "everflow")

    async def run():
        story.begin("2030-01-01")
        await story.sync(await connect(), {"2026-01-14": {"A": 5}}, "2026-01-14T12:15:00Z")
        assert story.asked(story.fake)[0] == "2026-01-11"

    run_async(run())


@pytest.mark.parametrize("now", ["2026-01-15", "2026-02-30T00:00:00Z", "2026-01-15T25:00:00Z", "soon"])
def test_an_instant_that_is_none_is_refused(house, worker, now):
    assert house.run("migrate").returncode == 0
    done = house.run("trigger", "everflow", "-w", "--queue", "freeze-tests", "--kwargs", json.dumps({"now": now}))
    assert done.returncode == 1
    assert "ValueError" in done.stderr and now in done.stderr
