"""Real parts for live tests: a Temporal dev server, a private PostgreSQL cluster, vendors' fakes, our own worker.

Each is a context manager that starts a real process on a loopback port of its own choice, waits until it answers, and
ends it. Nothing sleeps: waits poll a condition against a deadline.
"""

import asyncio
import contextlib
import itertools
import json
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("SIGNALROOM_BINARY", ROOT / "build/release/signalroom"))
POSTGRES = pathlib.Path(os.environ.get("POSTGRES_BIN", "/usr/lib/postgresql/15/bin"))
EVERFLOW_KEY = "everflow-test-key"
FOREIGN = ("TEMPORAL_", "SUPABASE_", "DATABASE_", "PG", "EVERFLOW_", "REDTRACK_", "S3_", "AWS_", "SLACK_", "RESEND_",
           "TWILIO_", "POSTHOG_", "MAUTIC_", "GOOGLE_", "HARBOR_",
           "SIGNALROOM_ENV", "SIGNALROOM_ALERT_", "SIGNALROOM_OPTIONAL_", "REPORT_")


def temporal_cli():
    named = os.environ.get("TEMPORAL_CLI")
    built = ROOT / "build/venv/bin/temporal"
    return named or (str(built) if built.exists() else shutil.which("temporal"))


# Below the kernel's ephemeral ports, and for each of several runs at once a slice of its own, so that no port chosen
# here is taken by another before it is bound.
SLICE = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 8
PORTS = itertools.cycle(random.sample(range(12_000 + 2_500 * SLICE, 14_500 + 2_500 * SLICE), 2_500))


def free_port():
    for port in PORTS:
        with contextlib.suppress(OSError), socket.socket() as s:
            s.bind(("127.0.0.1", port))
            return port


PATIENCE = 90  # s for what takes a moment on a machine that is not busy


def until(condition, seconds=PATIENCE, what="the condition"):
    """The first true value of condition(); an AssertionError that says what did not happen."""
    deadline = time.monotonic() + seconds
    pause = 0.01
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)
    raise AssertionError(f"{what} did not come true within {seconds} s")


async def awaited(condition, seconds=PATIENCE, what="the condition"):
    """`until` for a condition that is awaited: await awaited(lambda: ...)."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = await condition()
        if value:
            return value
        await asyncio.sleep(0.05)
    raise AssertionError(f"{what} did not come true within {seconds} s")


async def has(handle, attributes):
    """Whether a run's history has an event with these attributes by now."""
    return any(e.HasField(attributes) for e in (await handle.fetch_history()).events)


class Child:
    """A process that is ended, and waited for, whatever happens."""

    def __init__(self, argv, log=None, **more):
        self.argv, self.more = [str(a) for a in argv], more
        self.log = open(log or os.devnull, "ab")
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.argv, **{"stdin": subprocess.DEVNULL, "stdout": self.log, "stderr": self.log, **self.more})

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def end(self, number=signal.SIGTERM, seconds=PATIENCE):
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode


class Temporal:
    """A real Temporal server in development mode; its data survive restart()."""

    def __init__(self, folder, *options):
        self.folder, self.options = pathlib.Path(folder), options
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.log = self.folder / "temporal.log"
        self.child = Child(self.argv(), self.log)
        self.await_ready()

    def argv(self):
        return [temporal_cli(), "server", "start-dev", "--ip", "127.0.0.1", "--port", self.port, "--headless", "--log-level", "error",
                "--db-filename", self.folder / "temporal.db", *self.options]

    def await_ready(self):
        until(self.ready, what="the Temporal server's answer")

    def ready(self):
        if self.child.process.poll() is not None:
            self.child.start()  # its inner services choose ports, and lose one that is taken before they bind it
        return self.cli("operator", "namespace", "describe", "default").returncode == 0

    def cli(self, *words):
        return subprocess.run([temporal_cli(), *map(str, words), "--address", self.address], capture_output=True, text=True, timeout=PATIENCE)

    def history(self, workflow_id, run_id=None):
        words = ["workflow", "show", "-w", workflow_id, "-o", "json"] + (["-r", run_id] if run_id else [])
        shown = self.cli(*words)
        assert shown.returncode == 0, shown.stderr
        return json.loads(shown.stdout)["events"]

    def restart(self, number=signal.SIGTERM):
        self.child.end(number)
        self.child.start()
        self.await_ready()

    def end(self):
        self.child.end()


class Postgres:
    """A private cluster on a loopback port; as root it runs as the user postgres."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / "postgres"
        self.folder.mkdir(mode=0o700)
        self.port = free_port()
        self.url = f"postgresql://signalroom@127.0.0.1:{self.port}/postgres"
        self.as_user = {}
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        subprocess.run([POSTGRES / "initdb", "-D", self.folder, "-U", "signalroom", "-A", "trust", "--no-locale", "-E", "UTF8", "-N"],
                       check=True, capture_output=True, cwd="/", **self.as_user)
        self.child = Child([POSTGRES / "postgres", "-D", self.folder, "-p", self.port, "-c", "listen_addresses=127.0.0.1",
                            "-c", "unix_socket_directories=", "-c", "fsync=off"], pathlib.Path(folder) / "postgres.log", cwd="/", **self.as_user)
        self.await_ready()

    def await_ready(self):
        until(lambda: subprocess.run([POSTGRES / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode == 0,
              what="PostgreSQL's answer")

    def rows(self, sql):
        """What a query returns, as lists of text."""
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", self.url, "-c", sql],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    def one(self, sql):
        return self.rows(sql)[0][0]

    def fresh(self):
        """Forgets every table of ours."""
        names = [r[0] for r in self.rows("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN "
                                         "('information_schema', 'public')")]
        for name in names:
            self.rows(f'SET client_min_messages = warning; DROP SCHEMA "{name}" CASCADE')

    def restart(self):
        self.child.end(signal.SIGINT)
        self.child.start()
        self.await_ready()

    def end(self):
        self.child.end(signal.SIGINT)


class VendorFake:
    """One of tests/fakes as a process, and its control plane."""

    def __init__(self, name, folder):
        self.child = subprocess.Popen([sys.executable, ROOT / f"tests/fakes/{name}.py"], stdout=subprocess.PIPE, text=True)
        self.port = int(self.child.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"

    def control(self, action, value=None):
        body = None if value is None else json.dumps(value).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/__ctl/{action}", body), timeout=PATIENCE) as reply:
            return json.load(reply)

    def requests(self):
        return self.control("requests")

    def accepted(self):
        return self.control("accepted")

    def end(self):
        self.child.kill()
        self.child.wait()


class Worker:
    """Our worker on a scripts folder, a path from the repository."""

    def __init__(self, house, scripts=ROOT / "scripts", queue="api-tasks", *options, environment=None):
        self.health = free_port()
        argv = [BINARY, "worker", "--address", house.temporal.address, "--queue", queue, "--scripts", ROOT / scripts, "--health",
                f"127.0.0.1:{self.health}", *options]
        self.log = house.folder / f"worker-{self.health}.log"
        self.child = Child(argv, self.log, env={**house.environment(), **(environment or {})})
        self.await_ready()

    def ready(self):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.health}/readyz", timeout=2) as reply:
            return reply.status == 200
        return self.child.process.poll() is not None

    def await_ready(self):
        until(self.ready, what="the worker's readiness")
        assert self.child.process.poll() is None, self.log.read_text()

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.health}/metrics", timeout=PATIENCE) as reply:
            return reply.read().decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.end()


class House:
    """Everything one test module needs, started once."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="signalroom-live-"))
        self.folder.chmod(0o755)
        self.open = []
        self.temporal = self.keep(Temporal(self.folder))

    def keep(self, part):
        self.open.append(part)
        return part

    def with_vendor(self):
        self.postgres = self.keep(Postgres(self.folder))
        self.everflow = self.keep(VendorFake("everflow", self.folder))
        return self

    def environment(self):
        """Ours, without what the caller's shell may say about servers."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
        kept["TEMPORAL_ADDRESS"] = self.temporal.address
        if hasattr(self, "postgres"):
            kept["DATABASE_URL"] = self.postgres.url
        if hasattr(self, "everflow"):
            kept |= {"EVERFLOW_BASE_URL": self.everflow.url, "EVERFLOW_API_KEY": EVERFLOW_KEY}
        return kept

    def run(self, *words, seconds=240, environment=None):
        """Our command line, to its end."""
        return subprocess.run([str(BINARY), *map(str, words)], capture_output=True, text=True, timeout=seconds, cwd=ROOT,
                              env={**self.environment(), **(environment or {})})

    def empty_database(self):
        """A database as `migrate` makes it, without any row of another test."""
        self.postgres.fresh()
        migrated = self.run("migrate")
        assert migrated.returncode == 0, migrated.stderr

    def apply_schedules(self):
        """The schedules of the scripts folder on the server, paused, so that none fires while a test looks; their ids."""
        applied = self.run("schedules", "apply", "--json")
        assert applied.returncode == 0, applied.stderr
        ids = [step["id"] for step in json.loads(applied.stdout)["steps"]]
        for name in ids:
            self.run("schedules", "pause", name, "--reason", "held by a test")
        until(lambda: set(ids) <= {s["id"] for s in json.loads(self.run("schedules", "list", "--json").stdout)["schedules"] if s["paused"]},
              what="the server's list of paused schedules")
        return ids

    def close(self):
        for part in reversed(self.open):
            part.end()
        shutil.rmtree(self.folder, ignore_errors=True)
