#!/usr/bin/env python3
"""PostHog's API as a personal key meets it: HogQL queries on events, lists of feature flags and experiments.

The truth is {"events": [{"uuid": "...", "event": "$pageview", "distinct_id": "u1", "timestamp": "2026-01-14T10:30:00Z", "properties": {}}, ...],
"feature_flags": [{"id": 1, "key": "new-form"}, ...], "experiments": [...]}; "generate": {"day": "2026-01-14", "events": n} makes events by rule,
several to a second. Queries are run by SQLite, with HogQL's functions. Knobs beside it: "key" (default "phx_test_key"), "project" (default "7"),
"scopes" (of the key), "limit" (requests a minute, default 240), "retry_after", "rows" (the most rows of an answer, default 50,000),
"has_more" (false: answers do not say whether there is more).
"""

import datetime
import json
import pathlib
import re
import sqlite3
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from fake import Answer, Fake, main  # noqa: E402

COLUMNS = ("uuid", "event", "distinct_id", "person_id", "timestamp", "created_at", "properties", "elements_chain")
DEFAULT_ROWS, MOST_ROWS, LIST = 100, 50_000, 100
SCOPES = ("query:read", "feature_flag:read", "experiment:read", "project:read")
LISTS = {"feature_flags": "feature_flag:read", "experiments": "experiment:read"}


def instant(text):
    """Times as PostHog shows them: UTC, microseconds."""
    if not text:
        return None
    at = datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def generated(rule):
    start = datetime.datetime.fromisoformat(rule["day"] + "T12:00:00+00:00")
    for n in range(rule["events"]):
        at = start + datetime.timedelta(seconds=n // 43)
        yield {"uuid": f"{(n * 7919) % 1_000_003:08x}-0000-4000-8000-{n:012x}", "event": "$pageview" if n % 3 else "purchase",
               "distinct_id": f"user-{n % 97}", "timestamp": at.isoformat(), "properties": {"n": n, "price": round(n * 0.37, 2)}}


def problem(status, kind, code, detail, **headers):
    return Answer.json({"type": kind, "code": code, "detail": detail, "attr": None}, status, **headers)


class PostHog(Fake):
    """PostHog's API."""

    def reset(self):
        super().reset()
        self.window = (0, 0)

    def respond(self, request):
        if not request.path.endswith("/"):
            return Answer(301, b"", {"Location": request.path + "/"})
        refusal = self.refusal(request)
        if refusal:
            return refusal
        hit = re.fullmatch(r"/api/projects/([^/]+)/(\w+)/", request.path)
        if not hit or hit[1] != self.truth.get("project", "7"):
            return problem(404, "invalid_request", "not_found", "Project not found.")
        if hit[2] == "query" and request.method == "POST":
            return self.scoped("query:read") or self.query(request)
        if hit[2] in LISTS and request.method == "GET":
            return self.scoped(LISTS[hit[2]]) or self.list(request, hit[2])
        return problem(404, "invalid_request", "not_found", "Endpoint not found.")

    def refusal(self, request):
        if request.headers.get("authorization") != "Bearer " + self.truth.get("key", "phx_test_key"):
            return problem(401, "authentication_error", "authentication_failed", "Personal API key found in request Authorization header is invalid.")
        slot = int(self.clock() // 60)
        self.window = (slot, self.window[1] + 1 if self.window[0] == slot else 1)
        if self.window[1] <= self.truth.get("limit", 240):
            return None
        wait = self.truth.get("retry_after", 23)
        return problem(429, "throttled_error", "throttled", f"Request was throttled. Expected available in {wait} seconds.", **{"Retry-After": wait})

    def scoped(self, scope):
        if scope in self.truth.get("scopes", SCOPES):
            return None
        return problem(403, "permission_error", "permission_denied", f"API key missing required scope '{scope}'")

    def rows(self):
        made = list(self.truth.get("events", [])) + list(generated(self.truth["generate"]) if "generate" in self.truth else [])
        for event in made:
            yield (event["uuid"], event["event"], event.get("distinct_id"), event.get("person_id"), instant(event["timestamp"]),
                   instant(event.get("created_at", event["timestamp"])), json.dumps(event.get("properties", {})), event.get("elements_chain", ""))

    def query(self, request):
        asked = request.json()["query"]
        if asked.get("kind") != "HogQLQuery":
            return problem(400, "validation_error", "invalid_input", "this fake knows HogQLQuery only")
        text, values = asked["query"], asked.get("values") or {}
        limited = re.search(r"\blimit\s+(\d+)\s*$", text, re.I)
        most = min(int(limited[1]) if limited else DEFAULT_ROWS, MOST_ROWS, self.truth.get("rows", MOST_ROWS))
        text = re.sub(r"\{(\w+)\}", r":\1", text[:limited.start()] if limited else text)
        database = sqlite3.connect(":memory:")
        database.create_function("toDateTime", 1, instant, deterministic=True)
        database.create_function("toString", 1, lambda value: value, deterministic=True)
        database.execute(f"CREATE TABLE events ({', '.join(COLUMNS)})")
        database.executemany(f"INSERT INTO events VALUES ({', '.join('?' * len(COLUMNS))})", self.rows())
        try:
            found = database.execute(f"{text} LIMIT {most + 1}", values).fetchall()
        except sqlite3.Error as error:
            return problem(400, "validation_error", "invalid_input", f"Query error: {error}")
        answer = {"results": found[:most], "columns": [], "types": [], "hogql": text, "limit": most, "offset": 0}
        if self.truth.get("has_more", True):
            answer["hasMore"] = len(found) > most
        return Answer.json(answer)

    def list(self, request, name):
        every = self.truth.get(name, [])
        limit, offset = min(int(request.query.get("limit", LIST)), LIST), int(request.query.get("offset", 0))
        following = urllib.parse.urlencode({"limit": limit, "offset": offset + limit})
        more = f"http://{request.headers['host']}{request.path}?{following}" if offset + limit < len(every) else None
        return Answer.json({"count": len(every), "next": more, "previous": None, "results": every[offset:offset + limit]})


if __name__ == "__main__":
    main(PostHog)
