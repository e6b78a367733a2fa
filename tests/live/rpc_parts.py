"""Parts for the stories of runtime/rpc: its driver as a process, a gRPC server that answers as it is told, an HTTP
CONNECT proxy, and certificates. All on loopback ports that the system chooses."""

import base64
import contextlib
import json
import os
import pathlib
import queue
import socket
import socketserver
import subprocess
import threading
import time
from concurrent import futures

import grpc
from house import PATIENCE, ROOT

DRIVER = pathlib.Path(os.environ.get("RPC_DRIVER", ROOT / "build/release/tests/rpc_driver"))
FOREIGN = ("TEMPORAL_", "GRPC_", "grpc_proxy", "http_proxy", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "no_grpc_proxy")


class Refused(Exception):
    """The driver could not open; the text is its error."""


class Driver:
    """runtime/rpc as a process. Settings are keywords: Driver(ADDRESS="...", TLS_SERVER_NAME="...")."""

    def __init__(self, environment=None, **settings):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
        kept |= {"XDG_CONFIG_HOME": "/nonexistent", **(environment or {})}
        self.process = subprocess.Popen([DRIVER, *self.flags(settings)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=kept)
        self.said, self.logged, self.answers, self.others = [], [], {}, queue.Queue()
        self.arrived = threading.Condition()
        self.count = 0
        self.readers = [threading.Thread(target=f, daemon=True) for f in (self.read_answers, self.read_log)]
        for reader in self.readers:
            reader.start()
        first = self.other()
        if "error" in first:
            self.__exit__()
            raise Refused(first["error"])

    @staticmethod
    def flags(settings):
        return [f"TEMPORAL_{name}={value}" for name, value in settings.items()]

    def read_answers(self):
        for line in self.process.stdout:
            self.said.append(line)
            answer = json.loads(line)
            with self.arrived:
                if "id" in answer:
                    self.answers[answer["id"]] = answer
                else:
                    self.others.put(answer)
                self.arrived.notify_all()

    def read_log(self):
        for line in self.process.stderr:
            with self.arrived:
                self.logged.append(line)
                self.arrived.notify_all()

    def other(self):
        return self.others.get(timeout=PATIENCE)

    def send(self, *fields):
        self.process.stdin.write("\t".join(map(str, fields)) + "\n")
        self.process.stdin.flush()

    def start(self, method, kind="client", deadline_ms=0, namespace="default", body=b""):
        self.count += 1
        self.send("call", self.count, method, kind, deadline_ms, namespace, body.hex())
        return str(self.count)

    def wait(self, call):
        with self.arrived:
            assert self.arrived.wait_for(lambda: call in self.answers, PATIENCE), f"call {call} did not end in {PATIENCE} s"
            return self.answers[call]

    def call(self, method, *arguments, **more):
        return self.wait(self.start(method, *arguments, **more))

    def await_log(self, word, count=1):
        """The first `count` lines with that word, once they are there; the line itself when it is one."""
        def those():
            return [line for line in self.logged if word in line]
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(those()) >= count, PATIENCE), f"not {count} {word} in {self.logged}"
            return those()[0] if count == 1 else those()[:count]

    def pauses(self, count):
        """How long it meant to wait before each of its next attempts, in ms."""
        lines = self.await_log('"rpc_retry"', count)
        return [int(json.loads(line)["retry_in_ms"]) for line in ([lines] if count == 1 else lines)]

    def metrics(self):
        self.send("metrics")
        lines = self.other()["metrics"].splitlines()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if not line.startswith("#")}

    def close(self):
        self.send("close")
        answer = self.other()
        assert self.process.wait(PATIENCE) == 0
        return answer

    def everything(self):
        """All that it ever wrote, for looking for secrets."""
        return "".join(self.said + self.logged)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            with contextlib.suppress(OSError, ValueError):
                self.process.stdin.close()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
        for reader in self.readers:
            reader.join()
        assert self.process.returncode in (0, 2), "".join(self.logged)


def refusal(environment=None, **settings):
    """The words with which these settings are refused."""
    try:
        with Driver(environment, **settings):
            raise AssertionError(f"{settings} were accepted")
    except Refused as refused:
        return str(refused)


class Request:
    def __init__(self, method, body, context):
        self.method, self.body, self.at = method, body, time.monotonic()
        self.headers = {}
        for key, value in context.invocation_metadata():
            self.headers[key] = value
        self.seconds_left = context.time_remaining()
        names = context.auth_context().get("x509_common_name")
        self.common_name = names[0].decode() if names else None
        self.cancelled = threading.Event()
        context.add_callback(self.cancelled.set)


class Server(grpc.GenericRpcHandler):
    """Answers each method with the next of what script() gave it, the last one again and again; an unscripted one echoes.

    An answer is bytes, a status code, (code, text), (code, text, trailing metadata), or a function of the request."""

    def __init__(self, credentials=None, port=0, **options):
        self.scripts, self.requests, self.lock = {}, [], threading.Condition()
        arguments = [(f"grpc.{name}", value) for name, value in options.items()] + [("grpc.max_send_message_length", -1)]
        self.server = grpc.server(futures.ThreadPoolExecutor(64), handlers=[self], options=arguments)
        address = f"127.0.0.1:{port}"
        self.port = self.server.add_secure_port(address, credentials) if credentials else self.server.add_insecure_port(address)
        self.address = f"127.0.0.1:{self.port}"
        self.released = threading.Event()
        self.server.start()

    def script(self, method, *answers):
        self.scripts[method] = list(answers)

    def hang(self, request):
        """An answer for script(): comes when release() is called."""
        while not self.released.wait(0.02) and not request.cancelled.is_set():
            pass
        return b"released"

    def release(self):
        self.released.set()

    def service(self, details):
        method = details.method.rsplit("/", 1)[1]
        return grpc.unary_unary_rpc_method_handler(lambda body, context: self.answer(method, body, context))

    def answer(self, method, body, context):
        request = Request(method, body, context)
        with self.lock:
            self.requests.append(request)
            self.lock.notify_all()
            answers = self.scripts.get(method, [body])
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        answer = answer(request) if callable(answer) else answer
        if isinstance(answer, bytes):
            return answer
        code, text, trailing = (*answer, (), ())[:3] if isinstance(answer, tuple) else (answer, "", ())
        context.set_trailing_metadata(tuple(trailing))
        return context.abort(code, text or code.name.lower())

    def seen(self, method, count=1, seconds=PATIENCE):
        """The requests of that method, once there are so many."""
        def those():
            return [r for r in self.requests if r.method == method]
        with self.lock:
            assert self.lock.wait_for(lambda: len(those()) >= count, seconds), f"{len(those())} requests of {method}, not {count}"
            return those()

    def gaps(self, method):
        """Seconds between the attempts."""
        times = [r.at for r in self.seen(method)]
        return [b - a for a, b in zip(times, times[1:])]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()
        self.server.stop(0).wait()


class Proxy(socketserver.ThreadingTCPServer):
    """An HTTP CONNECT proxy that wants a user; every name leads to 127.0.0.1, after `delay` seconds."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, credentials, delay=0):
        self.wanted = "Basic " + base64.b64encode(credentials.encode()).decode()
        self.delay = delay
        self.asked = []
        super().__init__(("127.0.0.1", 0), Tunnel)
        self.port = self.server_address[1]
        self.thread = threading.Thread(target=self.serve_forever, args=(0.05,))
        self.thread.start()

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()
        self.thread.join()


class Tunnel(socketserver.StreamRequestHandler):
    def handle(self):
        verb, target, _ = self.rfile.readline().decode().split()
        headers = {}
        while (line := self.rfile.readline().decode().strip()):
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        good = verb == "CONNECT" and headers.get("proxy-authorization") == self.server.wanted
        self.server.asked.append((target, good))
        if not good:
            self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return
        time.sleep(self.server.delay)
        with socket.create_connection(("127.0.0.1", int(target.rsplit(":", 1)[1]))) as there:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=self.copy, args=(there, self.connection), daemon=True)
            back.start()
            self.copy(self.connection, there)
            back.join()

    @staticmethod
    def copy(source, target):
        with contextlib.suppress(OSError):
            while (block := source.recv(65536)):
                target.sendall(block)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


class Authority:
    """Makes certificates with the openssl command, as a user would."""

    def __init__(self, folder, name):
        self.folder = pathlib.Path(folder)
        self.key, self.cert = self.folder / f"{name}.key", self.folder / f"{name}.pem"
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out", self.cert, "-days", "2", "-subj", f"/CN={name}")

    @staticmethod
    def openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)

    def issue(self, name):
        """Paths of a certificate for that name and of its key."""
        key, request, cert, names = (self.folder / f"{name}.{end}" for end in ("key", "csr", "pem", "ext"))
        names.write_text(f"subjectAltName=DNS:{name}\n")
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        self.openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial", "-out", cert, "-days", "2",
                     "-extfile", names)
        return cert, key

    def server_credentials(self, name, client_authority=None):
        cert, key = self.issue(name)
        return grpc.ssl_server_credentials([(key.read_bytes(), cert.read_bytes())],
                                           client_authority.cert.read_bytes() if client_authority else None, client_authority is not None)
