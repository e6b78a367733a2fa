#!/usr/bin/env python3
"""Everflow's Network API as its reporting clients meet it: entity tables by day, summaries, limits, errors.

The truth is {"rows": [{"date": "2026-01-14", "affiliate": [11, "G2 - Meta"], "advertiser": [1, "CCW"], "clicks": 5000,
"conversions": 200, "revenue": 20000, "payout": 9000}, ...]}; "generate": {"days": [...], "affiliates": n} makes rows by rule.
Knobs beside it: "key" (default "everflow-test-key"), "limit" (requests per 30 s window, default 900).
"""

import datetime
import pathlib
import sys
import zoneinfo

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from fake import Answer, Fake, main  # noqa: E402

ZONES = {67: "UTC", 80: "America/New_York"}
COLUMNS = {"affiliate", "advertiser", "offer", "date", "hour", "country", "sub1"}
ROW_CAP, LONGEST_RANGE_DAYS, WINDOW_SECONDS = 10_000, 367, 30


def generated(rule):
    """Rows by rule, the same for the same rule: every day, every affiliate of one advertiser."""
    for day_index, day in enumerate(rule["days"]):
        for n in range(1, rule["affiliates"] + 1):
            seed = (n * 7919 + day_index * 104729) % 1000
            yield {"date": day, "affiliate": [n, f"Affiliate {n}"], "advertiser": [1 + n % 2, "CCW" if n % 2 == 0 else "EXP"],
                   "clicks": 100 + seed, "conversions": seed % 50, "revenue": round(seed * 1.37, 2), "payout": round(seed * 0.61, 2)}


def reporting(row):
    """The metrics of one bucket; the neighbours of the right fields are there as traps."""
    clicks, conversions = row["clicks"], row["conversions"]
    revenue, payout = row["revenue"], row["payout"]
    return {"imp": 0, "total_click": clicks, "unique_click": int(clicks * 0.94), "invalid_click": 12, "duplicate_click": 0,
            "gross_click": clicks + 12, "ctr": 0, "cv": conversions, "total_cv": conversions + row.get("events", 0),
            "event": row.get("events", 0), "cvr": round(conversions / clicks * 100, 2) if clicks else 0,
            "payout": payout, "revenue": revenue, "profit": round(revenue - payout, 2),
            "margin": round((revenue - payout) / revenue * 100, 2) if revenue else 0}


class Everflow(Fake):
    """Everflow's Network API."""

    def reset(self):
        super().reset()
        self.window = (0, 0)

    def respond(self, request):
        used = self.count_request()
        limit = self.truth.get("limit", 900)
        headers = {"X-RateLimit-Limit": limit, "X-RateLimit-Remaining": max(0, limit - used)}
        answer = self.checked(request, used > limit)
        answer.headers.update(headers)
        return answer

    def count_request(self):
        slot = int(self.clock() // WINDOW_SECONDS)
        self.window = (slot, self.window[1] + 1 if self.window[0] == slot else 1)
        return self.window[1]

    def checked(self, request, over_limit):
        if request.headers.get("x-eflow-api-key") != self.truth.get("key", "everflow-test-key"):
            return Answer.json({"error": "No Authentication Method Found"}, 401)
        if over_limit:
            return Answer.json({"error": "Rate limit exceeded"}, 429)
        if request.path == "/v1/meta/timezones":
            return Answer.json({"timezones": [{"timezone_id": k, "timezone": v} for k, v in ZONES.items()]})
        kind = request.path.removeprefix("/v1/networks/reporting/entity/")
        if request.method != "POST" or kind not in ("table", "summary"):
            return Answer.json({"error": "Not Found"}, 404)
        try:
            asked = request.json()
        except ValueError:
            return Answer.json({"error": "malformed JSON"}, 400)
        fault = self.fault(asked)
        if fault:
            return Answer.json({"error": fault}, 400)
        rows = self.rows(asked)
        return self.table(asked, rows) if kind == "table" else self.summary(rows)

    @staticmethod
    def fault(asked):
        names = [c.get("column") for c in asked.get("columns", [])]
        try:
            start, end = (datetime.date.fromisoformat(str(asked.get(k))[:10]) for k in ("from", "to"))
        except ValueError:
            return "from and to must be YYYY-MM-DD"
        if end < start or (end - start).days > LONGEST_RANGE_DAYS:
            return f"the range must be 0 to {LONGEST_RANGE_DAYS} days"
        if asked.get("timezone_id") not in ZONES or not asked.get("currency_id"):
            return "timezone_id and currency_id are required"
        if not 1 <= len(names) <= 10 or not set(names) <= COLUMNS:
            return "columns must be 1 to 10 known columns"
        return "at most one time column" if {"date", "hour"} <= set(names) else None

    def rows(self, asked):
        """Those in the range that pass the filters; filters of unknown form are ignored, as the vendor does."""
        rows = self.truth.get("rows", []) + list(generated(self.truth["generate"]) if "generate" in self.truth else [])
        rows = [r for r in rows if asked["from"][:10] <= r["date"] <= asked["to"][:10]]
        for f in asked.get("query", {}).get("filters", []):
            kind, value = f.get("resource_type"), f.get("filter_id_value")
            if kind in ("affiliate", "advertiser") and value:
                rows = [r for r in rows if str(r[kind][0]) == str(value)]
        return rows

    def table(self, asked, rows):
        zone = zoneinfo.ZoneInfo(ZONES[asked["timezone_id"]])
        names = [c["column"] for c in asked["columns"]]
        table = [{"columns": [self.column(name, row, zone) for name in names], "reporting": reporting(row)}
                 for row in rows[:ROW_CAP]]
        return Answer.json({"table": table, "incomplete_results": len(rows) > ROW_CAP})

    @staticmethod
    def column(name, row, zone):
        if name in ("date", "hour"):
            midnight = datetime.datetime.combine(datetime.date.fromisoformat(row["date"]), datetime.time(), zone)
            stamp = str(int(midnight.timestamp()))
            return {"column_type": name, "id": stamp, "label": stamp}
        ident, label = row.get(name, [0, ""])
        return {"column_type": name, "id": str(ident), "label": label}

    @staticmethod
    def summary(rows):
        totals = {}
        for row in rows:
            for key, value in reporting(row).items():
                totals[key] = round(totals.get(key, 0) + value, 2)
        return Answer.json(totals)


if __name__ == "__main__":
    main(Everflow)
