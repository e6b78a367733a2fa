"""Where to look: a worker's log, and the pages of Temporal's UI."""

import json
import os
import signal
import subprocess
import uuid

import pytest
from house import BINARY, ROOT, Worker, until

RUN = '{"event":"%s","level":"%s","timestamp":"2026-01-14T04:15:00.%03dZ","workflow_id":"%s","rows":[1,2]}\n'


@pytest.fixture
def log(tmp_path):
    return tmp_path / "worker.log"


def shown(house, log, *words):
    done = house.run("logs", "--file", log, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


# --- logs ---


def test_a_worker_keeps_its_log_and_logs_shows_it(house, queue, log):
    workflow_id = f"nobody-{uuid.uuid4().hex[:8]}"
    with Worker(house, ROOT / "scripts", queue, "--log-file", log):
        assert house.run("start", "NoSuchWorkflow", "--queue", queue, "--id", workflow_id).returncode == 0
        until(lambda: workflow_id in log.read_text(), 60, "the failed workflow task in the log")
        house.run("terminate", workflow_id)
    assert all(json.loads(line)["event"] for line in log.read_text().splitlines())
    assert any("INFO    worker_started" in line for line in shown(house, log))
    of_run = shown(house, log, workflow_id)
    assert of_run and all(f"workflow_id={workflow_id}" in line for line in of_run)


def test_logs_are_cut_to_the_last_lines_of_a_level(house, log):
    log.write_text("".join(RUN % (f"event_{i}", "error" if i % 2 else "info", i, "w") for i in range(9)))
    assert shown(house, log, "-n", "1") == ["2026-01-14 04:15:00.008Z INFO    event_8 rows=[1,2] workflow_id=w"]
    assert [line.split()[3] for line in shown(house, log, "--level", "error")] == ["event_1", "event_3", "event_5", "event_7"]
    assert json.loads(shown(house, log, "-n", "1", "--json")[0])["event"] == "event_8"
    assert house.run("logs", "--file", log, "--level", "loud").returncode == 2


def follow(argv, log, **more):
    process = subprocess.Popen([str(word) for word in argv], stdout=subprocess.PIPE, text=True, start_new_session=True, cwd=ROOT, **more)
    try:
        assert "first" in process.stdout.readline()
        with log.open("a") as file:
            file.write(RUN % ("second", "info", 1, "w"))
        assert "second" in process.stdout.readline()
        log.rename(log.with_suffix(".old"))
        log.write_text(RUN % ("third", "info", 2, "w"))
        assert "third" in process.stdout.readline()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def test_logs_go_on_as_the_log_grows_and_when_a_new_file_begins(house, log):
    log.write_text(RUN % ("first", "info", 0, "w"))
    follow([BINARY, "logs", "-f", "--file", log], log)


def test_make_logs_worker_follows_the_log(house, log):
    log.write_text(RUN % ("first", "info", 0, "w"))
    follow(["make", "logs-worker", f"ARGS=--file {log}"], log)


def test_without_a_log_it_says_where_logs_are(house, tmp_path):
    done = house.run("logs", "--state", tmp_path)
    assert done.returncode == 3 and "--log-file" in done.stderr and "journalctl" in done.stderr and "fly logs" in done.stderr


# --- ui ---


def link(house, *words, code=0, **environment):
    done = house.run("ui", *words, environment=environment)
    assert done.returncode == code, done.stderr
    return done.stdout.strip()


def test_links_of_temporal_cloud(house):
    cloud = {"TEMPORAL_ADDRESS": "signalroom-713.nzg5u.tmprl.cloud:7233", "TEMPORAL_NAMESPACE": "signalroom-713.nzg5u", "TEMPORAL_API_KEY": "key-of-a-test"}
    base = "https://cloud.temporal.io/namespaces/signalroom-713.nzg5u"
    assert link(house, **cloud) == link(house, "workflows", **cloud) == base + "/workflows"
    assert link(house, "schedules", **cloud) == base + "/schedules"
    assert link(house, "schedules", "daily-sync-s3", **cloud) == base + "/schedules/daily-sync-s3"
    assert link(house, "sync-everflow-manual", **cloud) == base + "/workflows/sync-everflow-manual"
    assert link(house, "a b/c", "--run-id", "r1", **{**cloud, "TEMPORAL_ADDRESS": "us-east-1.aws.api.temporal.io:7233"}) == base + "/workflows/a%20b%2Fc/r1"


def test_links_of_a_local_server(house):
    assert link(house, "schedules", TEMPORAL_ADDRESS="127.0.0.1:7233") == "http://127.0.0.1:8233/namespaces/default/schedules"
    assert link(house, TEMPORAL_UI_ADDRESS="http://ui:8080") == "http://ui:8080/namespaces/default/workflows"
    assert link(house, code=3, TEMPORAL_UI_ADDRESS="none") == ""
    assert link(house, "one", "two", code=2) == ""
