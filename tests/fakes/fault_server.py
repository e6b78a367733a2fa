#!/usr/bin/env python3
"""An HTTP server that misbehaves on request, one path a fault, on loopback ports of its own choice.

Prints its port, its port for TLS and a folder (ca.pem, who vouches for it; client.pem and client.key, which it knows)
on its first line of output, and ends when its standard input closes. Plain sockets and threads: a library would not
let it break the protocol.
"""

import email.utils
import gzip
import json
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import zlib

REASONS = {200: "OK", 204: "No Content", 301: "Moved Permanently", 400: "Bad Request", 401: "Unauthorized",
           403: "Forbidden", 404: "Not Found", 429: "Too Many Requests", 500: "Internal Server Error",
           503: "Service Unavailable"}
counts = {}
counts_lock = threading.Lock()


def head(status, headers):
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Odd')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def answer(to, status=200, body=b"", **headers):
    body = body.encode() if isinstance(body, str) else body
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    headers.setdefault("Content-Length", len(body))
    headers.setdefault("Content-Type", "application/json")
    to.sendall(head(status, headers) + body)


def hits(key):
    with counts_lock:
        counts[key] = counts.get(key, 0) + 1
        return counts[key]


class Fault:
    """Each method answers one path; what it returns true for closes the connection."""

    def ok(self, to, request):
        answer(to, 200, '{"ok":true}')

    def who(self, to, request):
        """The name in the client's certificate."""
        known = isinstance(to, ssl.SSLSocket) and to.getpeercert()
        answer(to, 200, json.dumps({"name": known["subject"][0][0][1] if known else None}))

    def echo(self, to, request):
        answer(to, 200, json.dumps({key: request[key] for key in ("method", "target", "headers")}
                                   | {"body": request["body"].decode("latin-1")}))

    def empty(self, to, request):
        answer(to, 200, "")

    def no_content(self, to, request):
        to.sendall(head(204, {}))

    def slow(self, to, request):
        time.sleep(float(request["query"].get("seconds", "30")))
        answer(to, 200, json.dumps({"sent_ms": int(time.monotonic() * 1000)}))

    def never(self, to, request):
        while to.recv(1024):
            pass
        return True

    def reset_in_body(self, to, request):
        to.sendall(head(200, {"Content-Length": 1000}) + b"x" * 100)
        to.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        return True

    def cut_body(self, to, request):
        to.sendall(head(200, {"Content-Length": 1000}) + b"x" * 100)
        return True

    def cut_chunks(self, to, request):
        to.sendall(head(200, {"Transfer-Encoding": "chunked"}) + b"5\r\nabcde\r\n")
        return True

    def close_at_once(self, to, request):
        return True

    def truncated_json(self, to, request):
        answer(to, 200, '{"rows":[{"id":1},{"id":')

    def html(self, to, request):
        answer(to, 200, "<html><body>Please log in</body></html>", Content_Type="text/html")

    def gzip(self, to, request):
        answer(to, 200, gzip.compress(b'{"packed":true}'), Content_Encoding="gzip")

    def bad_gzip(self, to, request):
        answer(to, 200, b"this is not gzip at all", Content_Encoding="gzip")

    def bomb(self, to, request):
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        body = packer.compress(b"\0" * (200 << 20)) + packer.flush()
        answer(to, 200, body, Content_Encoding="gzip")

    def moved(self, to, request):
        answer(to, 301, "", Location="/ok")

    def loop(self, to, request):
        answer(to, 301, "", Location="/loop")

    def status(self, to, request):
        headers = {"Retry-After": request["query"]["retry_after"]} if "retry_after" in request["query"] else {}
        answer(to, int(request["query"]["code"]), '{"error":"as you asked"}', **headers)

    def limited_until(self, to, request):
        until = email.utils.formatdate(time.time() + float(request["query"]["seconds"]), usegmt=True)
        answer(to, 429, "", Retry_After=until)

    def flaky(self, to, request):
        """503 for the first `times` requests with this key, then 200."""
        failing = hits(request["query"]["key"]) <= int(request["query"]["times"])
        answer(to, 503 if failing else 200, '{"tries":%d}' % counts[request["query"]["key"]])

    def breaks_first(self, to, request):
        """No answer to the first request with this key; then how many came."""
        if hits(request["query"]["key"]) == 1:
            return True
        answer(to, 200, '{"tries":%d}' % counts[request["query"]["key"]])

    def big(self, to, request):
        size = int(request["query"]["bytes"])
        to.sendall(head(200, {"Content-Length": size}))
        block = b"0123456789abcdef" * 4096
        while size > 0:
            to.sendall(block[:size])
            size -= len(block)

    def drip(self, to, request):
        """Some bytes, then silence."""
        to.sendall(head(200, {"Content-Length": 1000}) + b"drop")
        return self.never(to, request)

    def headers(self, to, request):
        to.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Twice: one\r\nx-twice: two\r\n"
                   b"Set-Cookie: a=1, b\r\nSet-Cookie: c=2\r\n\r\n")


def read_request(stream):
    line = stream.readline().decode("latin-1")
    if not line:
        return None
    method, target, _ = line.split(" ", 2)
    headers = {}
    while (line := stream.readline().decode("latin-1").strip()):
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    path, _, query = target.partition("?")
    query = dict(pair.partition("=")[::2] for pair in query.split("&") if pair)
    body = stream.read(int(headers.get("content-length", 0)))
    return {"method": method, "target": target, "path": path, "query": query, "headers": headers, "body": body}


def serve(connection):
    fault = Fault()
    try:
        with connection, connection.makefile("rb") as stream:
            while (request := read_request(stream)):
                if getattr(fault, request["path"].strip("/"))(connection, request):
                    connection.close()
                    return
    except OSError:
        pass


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def make_certificates(folder):
    def make(name, *more):
        openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem", *more)

    make("ca")
    make("server", "-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "subjectAltName=IP:127.0.0.1")
    make("client", "-CA", "ca.pem", "-CAkey", "ca.key")


def secured(folder):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=folder / "ca.pem")
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def listen(context=None):
    """Serves each connection on a thread of its own; the port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)

    def begin(connection):
        try:
            serve(context.wrap_socket(connection, server_side=True) if context else connection)
        except OSError:
            connection.close()

    def accept():
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=begin, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def main():
    threading.stack_size(256 * 1024)
    with tempfile.TemporaryDirectory(prefix="signalroom-") as name:
        folder = pathlib.Path(name)
        make_certificates(folder)
        print(listen(), listen(secured(folder)), folder, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
