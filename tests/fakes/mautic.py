#!/usr/bin/env python3
"""Mautic's REST API as an API client meets it: tokens that end, lists keyed by id, totals as text, conditions and pages.

The truth is {"contacts": [{"id": 47, "email": "x@example.test", "dateAdded": "2026-01-10T12:27:12+00:00", "dateModified": null}, ...],
"emails": [...], "campaigns": [...], "segments": [...], "email_stats": [{"id": 1, "date_sent": "2026-01-14 12:00:00", ...}]}; fields of a contact other
than its dates, points, owner and tags are its fields. "generate": {"contacts": n} makes contacts by rule. Knobs beside it: "client" (id and secret), "user" (name and
password, for Basic), "life" (seconds of a token, default 3600), "api" (false: the API is switched off).
"""

import base64
import datetime
import operator
import pathlib
import re
import secrets
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from fake import Answer, Fake, main  # noqa: E402

CLIENT, USER = ["1_client", "mautic-test-secret"], ["analyst", "mautic-test-password"]
DEFAULT_LIMIT = 30
LISTS = {"contacts": "contacts", "emails": "emails", "campaigns": "campaigns", "segments": "lists"}
OWN = {"id", "isPublished", "dateAdded", "dateModified", "dateIdentified", "lastActive", "owner", "points", "tags"}
COMPARE = {"gte": operator.ge, "gt": operator.gt, "lte": operator.le, "lt": operator.lt, "eq": operator.eq, "neq": operator.ne}


def generated(rule):
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    for n in range(1, rule["contacts"] + 1):
        added = start + datetime.timedelta(minutes=n)
        yield {"id": n, "email": f"contact-{n}@example.test", "firstname": f"Ada {n}", "points": n % 50, "dateAdded": added.isoformat(),
               "dateModified": (added + datetime.timedelta(days=3)).isoformat() if n % 2 else None}


def camel(name):
    return re.sub(r"_([a-z])", lambda hit: hit[1].upper(), name)


def value_of(row, column):
    return row.get(column, row.get(camel(column)))


def comparable(value):
    """Numbers as numbers and times as times, whichever way they are written; anything else as it is."""
    if str(value).isdigit():
        return int(value)
    try:
        at = datetime.datetime.fromisoformat(str(value))
        return at if at.tzinfo else at.replace(tzinfo=datetime.timezone.utc)
    except ValueError:
        return value


def number_or_text(value):
    return (0, value, "") if isinstance(value, (int, float)) else (1, 0, str(value))


def contact(row):
    fields = {k: v for k, v in row.items() if k not in OWN}
    core = {k: {"id": str(n), "label": k, "alias": k, "type": "text", "group": "core", "value": v} for n, (k, v) in enumerate(fields.items(), 1)}
    return {"id": row["id"], "isPublished": row.get("isPublished", True), "dateAdded": row.get("dateAdded"), "dateModified": row.get("dateModified"),
            "dateIdentified": row.get("dateIdentified"), "lastActive": row.get("lastActive"), "owner": row.get("owner"), "points": row.get("points", 0),
            "fields": {"core": core or [], "all": {"id": str(row["id"]), **fields}}, "tags": row.get("tags", [])}


def oauth(status, code, description):
    return Answer.json({"error": code, "error_description": description}, status)


def refused(status, message):
    return Answer.json({"error": {"message": message, "code": status}, "errors": [{"message": message, "code": status, "type": None}]}, status)


class Mautic(Fake):
    """Mautic's API."""

    def __init__(self):
        self.tokens = {}  # clients keep theirs over a reset
        super().__init__()

    def respond(self, request):
        if (request.method, request.path) == ("POST", "/oauth/v2/token"):
            return self.token(request)
        refusal = self.refusal(request)
        if refusal:
            return refusal
        entity = request.path.removeprefix("/api/")
        answer = self.stats(request) if entity == "stats/email_stats" else self.list(request, entity) if entity in LISTS else None
        if request.method != "GET" or answer is None:
            return refused(404, "Looks like I encountered an error (error #404).")
        answer.headers["Mautic-Version"] = "5.2.1"
        return answer

    def token(self, request):
        form = request.query | dict(urllib.parse.parse_qsl(request.body.decode()))
        ident, key = self.truth.get("client", CLIENT)
        if form.get("grant_type") != "client_credentials":
            return oauth(400, "unsupported_grant_type", "Invalid grant_type parameter or parameter missing")
        if (form.get("client_id"), form.get("client_secret")) != (ident, key):
            return oauth(400, "invalid_client", "The client credentials are invalid")
        token, life = secrets.token_hex(20), self.truth.get("life", 3600)
        self.tokens[token] = self.clock() + life
        return Answer.json({"access_token": token, "expires_in": life, "token_type": "bearer", "scope": ""})

    def refusal(self, request):
        if not self.truth.get("api", True):
            return refused(403, "API disabled. You need to enable the API in the API settings of Mautic's Configuration.")
        scheme, _, word = request.headers.get("authorization", "").partition(" ")
        if scheme == "Basic":
            good = base64.b64decode(word).decode() == ":".join(self.truth.get("user", USER))
            return None if good else refused(401, "Invalid credentials.")
        if scheme != "Bearer" or word not in self.tokens:
            return oauth(401, "invalid_grant", "The access token provided is invalid.")
        return oauth(401, "invalid_grant", "The access token provided has expired.") if self.tokens[word] <= self.clock() else None

    @staticmethod
    def chosen(query, rows):
        """Those that meet every where[n]; what is null meets none."""
        for number in range(10):
            place = f"where[{number}]"
            if f"{place}[col]" in query:
                column, compare, wanted = query[f"{place}[col]"], COMPARE[query[f"{place}[expr]"]], comparable(query[f"{place}[val]"])
                rows = [r for r in rows if value_of(r, column) is not None and compare(comparable(value_of(r, column)), wanted)]
        return rows

    @staticmethod
    def page(query, rows, column, direction):
        if column:
            rows = sorted(rows, key=lambda r: number_or_text(value_of(r, column)), reverse=direction.lower() == "desc")
        start = int(query.get("start", 0))
        return rows[start:start + int(query.get("limit", DEFAULT_LIMIT))]

    def list(self, request, entity):
        rows = list(self.truth.get(entity, []))
        if entity == "contacts" and "generate" in self.truth:
            rows += generated(self.truth["generate"])
        rows = self.chosen(request.query, rows)
        shown = self.page(request.query, rows, request.query.get("orderBy"), request.query.get("orderByDir", "asc"))
        shown = [contact(r) for r in shown] if entity == "contacts" else shown
        return Answer.json({"total": str(len(rows)), LISTS[entity]: {str(r["id"]): r for r in shown} or []})

    def stats(self, request):
        rows = self.chosen(request.query, self.truth.get("email_stats", []))
        shown = self.page(request.query, rows, request.query.get("order[0][col]"), request.query.get("order[0][dir]", "asc"))
        return Answer.json({"total": str(len(rows)), "stats": shown})


if __name__ == "__main__":
    main(Mautic)
