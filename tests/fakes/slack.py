#!/usr/bin/env python3
"""Slack's Web API as a bot meets it: chat.postMessage, chat.update, conversations.history, auth.test; errors are HTTP 200.

Knobs in the truth: "token" (default "xoxb-test-token"), "channels" (default ["C0123456789"]), "scopes", and "spacing", the
seconds that must lie between two messages to a channel (default 0; Slack's is about 1).
"""

import pathlib
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from fake import Answer, Fake, main  # noqa: E402

SCOPES = ["chat:write", "chat:write.public", "channels:history"]
LONGEST, PAGE = 40_000, 100


def no(word, **more):
    return Answer.json({"ok": False, "error": word, **more})


class Slack(Fake):
    """Slack's Web API."""

    def respond(self, request):
        methods = {"chat.postMessage": self.post, "chat.update": self.update, "conversations.history": self.history, "auth.test": self.test}
        method = methods.get(request.path.removeprefix("/api/"))
        if not method:
            return no("unknown_method")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            return no("not_authed")
        if token != self.truth.get("token", "xoxb-test-token"):
            return no("invalid_auth")
        return method(self.arguments(request))

    @staticmethod
    def arguments(request):
        if request.headers.get("content-type", "").startswith("application/json"):
            return request.json()
        return request.query | dict(urllib.parse.parse_qsl(request.body.decode()))

    def lacks(self, scope):
        provided = self.truth.get("scopes", SCOPES)
        return None if scope in provided else no("missing_scope", needed=scope, provided=",".join(provided))

    def knows(self, channel):
        return channel in self.truth.get("channels", ["C0123456789"])

    def test(self, _):
        return Answer.json({"ok": True, "team": "Test", "user": "signalroom", "bot_id": "B01"})

    def post(self, asked):
        refusal = self.lacks("chat:write")
        if refusal or not self.knows(asked.get("channel")):
            return refusal or no("channel_not_found")
        if not asked.get("text"):
            return no("no_text")
        last = [m for m in self.accepted if m["channel"] == asked["channel"]][-1:]
        if last and self.clock() - float(last[0]["ts"]) < self.truth.get("spacing", 0):
            return Answer.json({"ok": False, "error": "ratelimited"}, 429, **{"Retry-After": "1"})
        stamp = f"{self.clock():.6f}"
        message = {"type": "message", "subtype": "bot_message", "text": asked["text"][:LONGEST], "ts": stamp, "bot_id": "B01"}
        if "metadata" in asked:
            message["metadata"] = asked["metadata"]
        self.accepted.append({"channel": asked["channel"], **message})
        return Answer.json({"ok": True, "channel": asked["channel"], "ts": stamp, "message": message})

    def update(self, asked):
        refusal = self.lacks("chat:write")
        if refusal or not self.knows(asked.get("channel")):
            return refusal or no("channel_not_found")
        for message in self.accepted:
            if (message["channel"], message["ts"]) == (asked["channel"], asked.get("ts")):
                message["text"] = asked["text"][:LONGEST]
                return Answer.json({"ok": True, "channel": asked["channel"], "ts": asked["ts"], "text": message["text"]})
        return no("message_not_found")

    def history(self, asked):
        refusal = self.lacks("channels:history")
        if refusal or not self.knows(asked.get("channel")):
            return refusal or no("channel_not_found")
        found = [m for m in reversed(self.accepted) if m["channel"] == asked["channel"] and float(m["ts"]) > float(asked.get("oldest", 0))]
        first, size = int(asked.get("cursor") or 0), int(asked.get("limit", PAGE))
        page = [{k: v for k, v in m.items() if k != "channel" and (k != "metadata" or asked.get("include_all_metadata") == "true")}
                for m in found[first:first + size]]
        more = first + size < len(found)
        return Answer.json({"ok": True, "messages": page, "has_more": more, "response_metadata": {"next_cursor": str(first + size) if more else ""}})


if __name__ == "__main__":
    main(Slack)
