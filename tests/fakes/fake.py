"""What every vendor's fake shares: a loopback HTTP server with a control plane and faults on demand.

A fake subclasses Fake, answers in `respond(request)`, and keeps its truth in `self.truth`. Tests and the demo
steer it over HTTP:

    POST /__ctl/data      replaces the truth
    POST /__ctl/script    queues forced answers: [{"match": "/report", "status": 429, "headers": {...}, "body": {...},
                          "times": 2}, {"delay_ms": 5000}, {"hold": true}, {"close": "mid-body"}, {"body_raw": "<html>502"}]
    POST /__ctl/release   lets go what is held
    POST /__ctl/clock     pins "now", seconds since the epoch
    POST /__ctl/reset     forgets everything
    GET  /__ctl/requests  all that was received, in order
    GET  /__ctl/accepted  what a vendor of messages took to deliver, each once

A scripted answer without status, body or body_raw only adds its wait or its broken connection to the real answer.
"""

import argparse
import dataclasses
import gzip
import http.server
import json
import socket
import sys
import threading
import time
import urllib.parse


@dataclasses.dataclass
class Request:
    method: str
    path: str
    query: dict
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body or b"null")


@dataclasses.dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict = dataclasses.field(default_factory=dict)

    @staticmethod
    def json(value, status=200, **headers):
        return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json", **headers})


class Fake:
    """One vendor. Thread-safe: requests are answered one at a time, waits happen outside the lock."""

    compresses = True  # bodies, for clients that take gzip

    def __init__(self):
        self.lock, self.gate = threading.Lock(), threading.Event()
        self.reset()

    def release(self):
        self.gate.set()
        self.gate = threading.Event()

    def reset(self):
        self.release()
        self.truth = {}
        self.script = []
        self.requests = []
        self.accepted = []
        self.now = None

    def clock(self):
        return self.now if self.now is not None else time.time()

    def respond(self, request):
        raise NotImplementedError

    def control(self, request):
        action = request.path.removeprefix("/__ctl/")
        if action == "requests":
            return Answer.json(self.requests)
        if action == "accepted":
            return Answer.json(self.accepted)
        if action == "reset":
            self.reset()
        elif action == "release":
            self.release()
        elif action == "data":
            self.truth = request.json()
        elif action == "script":
            self.script.extend(request.json())
        elif action == "clock":
            self.now = request.json()
        else:
            return Answer.json({"error": f"no such control: {action}"}, 404)
        return Answer.json({"ok": True})

    def forced(self, request):
        for step in self.script:
            if step.get("match", "") in request.path:
                step["times"] = step.get("times", 1) - 1
                if step["times"] <= 0:
                    self.script.remove(step)
                return step
        return {}

    def answer(self, request):
        """The answer and how to spoil its delivery."""
        with self.lock:
            if request.path.startswith("/__ctl/"):
                return self.control(request), {}
            step = {**self.forced(request), "gate": self.gate}
            self.requests.append({"at": time.time(), "method": request.method, "path": request.path, "query": request.query,
                                  "headers": request.headers, "body": request.body.decode(errors="replace")})
            if "body_raw" in step:
                return Answer(step.get("status", 200), step["body_raw"].encode(), step.get("headers", {})), step
            if "status" in step or "body" in step:
                return Answer.json(step.get("body", {}), step.get("status", 200), **step.get("headers", {})), step
            return self.respond(request), step


def handler_of(fake):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_):
            pass

        def serve(self):
            split = urllib.parse.urlsplit(self.path)
            size = int(self.headers.get("Content-Length") or 0)
            request = Request(self.command, split.path, dict(urllib.parse.parse_qsl(split.query, keep_blank_values=True)),
                              {k.lower(): v for k, v in self.headers.items()}, self.rfile.read(size))
            answer, step = fake.answer(request)
            if step.get("hold"):
                step["gate"].wait()
            elif step.get("delay_ms"):
                fake_wait(step["delay_ms"] / 1000)
            self.deliver(answer, step.get("close"))

        def deliver(self, answer, close):
            body, headers = answer.body, dict(answer.headers)
            if fake.compresses and "gzip" in self.headers.get("Accept-Encoding", "") and len(body) > 1000:
                body, headers["Content-Encoding"] = gzip.compress(body, 1), "gzip"
            if close == "before":
                return self.break_off()
            self.send_response(answer.status)
            for name, value in headers.items():
                self.send_header(name, str(value))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:len(body) // 2] if close == "mid-body" else body)
            if close == "mid-body":
                self.break_off()

        def break_off(self):
            self.close_connection = True
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = serve

    return Handler


def fake_wait(seconds):
    """A vendor's slowness, the only wait in the fakes."""
    threading.Event().wait(seconds)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 2048

    def handle_error(self, request, client_address):
        """A client that goes away is no news."""


def start(fake, port=0):
    """Serves in a thread on 127.0.0.1; the server's `server_port` says where."""
    server = Server(("127.0.0.1", port), handler_of(fake))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main(make):
    """A fake as a program: prints `PORT` on a line of its own and serves until it is ended."""
    parser = argparse.ArgumentParser(description=make.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free one")
    parser.add_argument("--data", help="a JSON file with the truth")
    options = parser.parse_args()
    fake = make()
    if options.data:
        with open(options.data) as file:
            fake.truth = json.load(file)
    server = Server(("127.0.0.1", options.port), handler_of(fake))
    print(server.server_port, flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)
