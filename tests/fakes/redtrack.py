#!/usr/bin/env python3
"""RedTrack's report as its clients meet it: one day a request, pages, traps among the fields, limits, errors.

The truth is {"rows": [{"date": "2026-01-14", "source_id": "aa01", "source": "FB One", "source_alias": "facebook",
"clicks": 100, "conversions": 90, "cost": 6000}, ...]}; a row may have any field of the answer, as it shall be there. "generate":
{"days": [...], "sources": n} makes rows by rule. Knobs beside it: "key" (default "redtrack-test-key"), "limit" (requests a minute,
default 20), "retry_after" (seconds, the header of a 429), "cap" (the largest page, default 1000), "wrap" ("data": the list in an object).
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from fake import Answer, Fake, main  # noqa: E402

DEFAULT_PER, MOST_PER, WINDOW_SECONDS = 100, 1000, 60


def generated(rule):
    for day in rule["days"]:
        for n in range(1, rule["sources"] + 1):
            yield {"date": day, "source_id": f"{n:024x}", "source": f"Source {n}", "source_alias": "facebook", "clicks": 10_000 - n,
                   "conversions": n % 7, "cost": round(n * 1.37, 2)}


def shown(row):
    """A row of the answer; what counts more than `conversions` is there as a trap."""
    conversions = int(row.get("conversions") or 0)
    full = {"lp_clicks": row.get("clicks"), "total_conversions": conversions + 41, "convtype1": conversions, "convtype2": 41, "revenue": 0,
            "total_revenue": 0, "cpc": 0, "roi": 0, **row}
    del full["date"]
    return full


class RedTrack(Fake):
    """RedTrack's report."""

    def reset(self):
        super().reset()
        self.window = (0, 0)

    def respond(self, request):
        slot = int(self.clock() // WINDOW_SECONDS)
        self.window = (slot, self.window[1] + 1 if self.window[0] == slot else 1)
        key = self.truth.get("key", "redtrack-test-key")
        if request.query.get("api_key") != key or request.headers.get("x-api-key", key) != key:
            return Answer.json({"error": "Invalid API key"}, 401)
        if self.window[1] > self.truth.get("limit", 20):
            after = self.truth.get("retry_after")
            return Answer.json({"error": "Too many requests"}, 429, **({"Retry-After": after} if after is not None else {}))
        if (request.method, request.path) != ("GET", "/report"):
            return Answer.json({"error": "Not Found"}, 404)
        return self.report(request.query)

    def report(self, query):
        try:
            per, page = int(query.get("per", DEFAULT_PER)), int(query.get("page", 1))
            assert 1 <= per <= MOST_PER and page >= 1 and query["date_from"] == query["date_to"] and query["group"] == "source"
        except (AssertionError, KeyError, ValueError):
            return Answer.json({"error": "bad request"}, 400)
        per = min(per, self.truth.get("cap", MOST_PER))
        rows = self.truth.get("rows", []) + list(generated(self.truth["generate"]) if "generate" in self.truth else [])
        rows = [r for r in rows if r["date"] == query["date_from"]]
        if query.get("sortby") == "clicks":
            rows.sort(key=lambda r: r.get("clicks") or 0, reverse=query.get("direction") == "desc")
        rows = [shown(r) for r in rows[(page - 1) * per:page * per]]
        if query.get("total") == "true":
            return Answer.json({"items": rows, "total": {}})
        wrap = self.truth.get("wrap")
        return Answer.json({wrap: rows} if wrap else rows)


if __name__ == "__main__":
    main(RedTrack)
