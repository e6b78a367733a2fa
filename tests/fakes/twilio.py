#!/usr/bin/env python3
"""Twilio's Messages resource: create, and list newest first. Creating is not idempotent, as with the real one.

Knobs in the truth: "account" (default "AC" and 32 times 0), "token" (default "twilio-test-token"), "numbers" that may send
(default ["+15550100009"]), "unsubscribed" numbers.
"""

import base64
import email.utils
import pathlib
import re
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from fake import Answer, Fake, main  # noqa: E402

LONGEST = 1600
STATUS_OF = {20003: 401, 20404: 404, 20429: 429}


def no(code, message):
    status = STATUS_OF.get(code, 400)
    return Answer.json({"code": code, "message": message, "more_info": f"https://www.twilio.com/docs/errors/{code}", "status": status}, status)


def segments(body):
    """How many SMS a text is; ASCII stands for the GSM alphabet."""
    alone, joined = (160, 153) if body.isascii() else (70, 67)
    return 1 if len(body) <= alone else -(-len(body) // joined)


class Twilio(Fake):
    """Twilio's Messages API."""

    def respond(self, request):
        account = self.truth.get("account", "AC" + "0" * 32)
        expected = base64.b64encode(f"{account}:{self.truth.get('token', 'twilio-test-token')}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {expected}":
            return no(20003, "Authenticate")
        if request.path != f"/2010-04-01/Accounts/{account}/Messages.json":
            return no(20404, f"The requested resource {request.path} was not found")
        if request.method == "GET":
            return self.list(request.query)
        return self.create(account, dict(urllib.parse.parse_qsl(request.body.decode())))

    def fault(self, form):
        if not re.fullmatch(r"\+[1-9]\d{6,14}", form.get("To", "")):
            return no(21211, "The 'To' number is not a valid phone number.")
        if form.get("From") not in self.truth.get("numbers", ["+15550100009"]):
            return no(21606, "The 'From' phone number provided is not a valid, SMS-capable phone number.")
        if form["To"] in self.truth.get("unsubscribed", []):
            return no(21610, "Attempt to send to unsubscribed recipient")
        if not form.get("Body"):
            return no(21602, "Message body is required.")
        return no(21617, "The concatenated message body exceeds the 1600 character limit") if len(form["Body"]) > LONGEST else None

    def create(self, account, form):
        fault = self.fault(form)
        if fault:
            return fault
        sid = f"SM{len(self.accepted) + 1:032d}"
        message = {"sid": sid, "account_sid": account, "to": form["To"], "from": form["From"], "body": form["Body"], "status": "queued",
                   "num_segments": str(segments(form["Body"])), "num_media": "0", "direction": "outbound-api", "api_version": "2010-04-01",
                   "date_created": email.utils.formatdate(self.clock()).replace("-0000", "+0000"), "date_sent": None, "price": None,
                   "error_code": None, "error_message": None, "uri": f"/2010-04-01/Accounts/{account}/Messages/{sid}.json"}
        self.accepted.append(message)
        return Answer.json(message, 201)

    def list(self, query):
        found = [m for m in reversed(self.accepted) if query.get("To") in (None, m["to"])]
        size = int(query.get("PageSize", 50))
        return Answer.json({"messages": found[:size], "page": 0, "page_size": size})


if __name__ == "__main__":
    main(Twilio)
