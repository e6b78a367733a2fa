#!/usr/bin/env python3
"""Resend's API for sending: POST /emails with idempotency keys, which are remembered for 24 hours.

Knobs in the truth: "key" (default "re_test_key"), "limit" (requests a second, default 10).
"""

import pathlib
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from fake import Answer, Fake, main  # noqa: E402

DAY_SECONDS, LONGEST_KEY = 24 * 3600, 256


def no(status, name, message):
    return Answer.json({"statusCode": status, "name": name, "message": message}, status)


class Resend(Fake):
    """Resend's API."""

    def reset(self):
        super().reset()
        self.keys = {}
        self.second = (0, 0)

    def respond(self, request):
        if request.method == "GET" and request.path == "/domains":
            return self.refusal(request) or Answer.json({"object": "list", "data": []})
        if request.method != "POST" or request.path != "/emails":
            return no(404, "not_found", "The requested endpoint does not exist")
        limit, used = self.truth.get("limit", 10), self.count_request()
        answer = no(429, "rate_limit_exceeded", "Too many requests") if used > limit else self.checked(request)
        answer.headers |= {"ratelimit-limit": limit, "ratelimit-remaining": max(0, limit - used), "ratelimit-reset": 1}
        if answer.status == 429:
            answer.headers["retry-after"] = 1
        return answer

    def count_request(self):
        now = int(self.clock())
        self.second = (now, self.second[1] + 1 if self.second[0] == now else 1)
        return self.second[1]

    def refusal(self, request):
        """What is wrong with the key; None when nothing is. A key of the truth's "sends_only" may post mails alone."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not key:
            return no(401, "missing_api_key", "Missing API Key")
        if key != self.truth.get("key", "re_test_key"):
            return no(403, "invalid_api_key", "API key is invalid")
        if self.truth.get("sends_only") and request.path != "/emails":
            return no(401, "restricted_api_key", "This API key is restricted to only send emails")

    def checked(self, request):
        refusal = self.refusal(request)
        if refusal:
            return refusal
        name = request.headers.get("idempotency-key")
        if name is not None and not 1 <= len(name) <= LONGEST_KEY:
            return no(400, "invalid_idempotency_key", "The key must be 1 to 256 characters")
        try:
            mail = request.json()
        except ValueError:
            return no(400, "validation_error", "The body is no JSON")
        return self.once(name, mail) if name else self.send(mail)

    def once(self, name, mail):
        at, first, answer = self.keys.get(name, (0, None, None))
        if answer and self.clock() - at < DAY_SECONDS:
            if first != mail:
                return no(409, "invalid_idempotent_request", "The key was used with another request")
            return Answer.json(answer)
        reply = self.send(mail)
        if reply.status == 200:
            self.keys[name] = (self.clock(), mail, self.accepted[-1]["answer"])
        return reply

    def send(self, mail):
        for field in ("from", "to", "subject"):
            if not mail.get(field):
                return no(422, "missing_required_field", f"Missing `{field}` field")
        if not (mail.get("html") or mail.get("text")):
            return no(422, "missing_required_field", "Missing `html` or `text` field")
        to = [mail["to"]] if isinstance(mail["to"], str) else mail["to"]
        if not all("@" in address for address in to):
            return no(422, "validation_error", "Invalid `to` field")
        answer = {"id": str(uuid.uuid4())}
        self.accepted.append({**mail, "to": to, "answer": answer})
        return Answer.json(answer)


if __name__ == "__main__":
    main(Resend)
