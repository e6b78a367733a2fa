"""What a deployed worker needs: `make install`, the packages of the container, logs that a machine reads."""

import json
import re
import signal
import subprocess

from house import BINARY, ROOT, Worker

DEPLOY = ROOT / "deploy"


def test_an_installed_binary_runs_beside_its_scripts(tmp_path):
    subprocess.run(["cmake", "--install", ROOT / "build/release", "--prefix", tmp_path], check=True, capture_output=True)
    said = subprocess.run([tmp_path / "bin/signalroom", "version", "--json"], capture_output=True, text=True, check=True)
    assert json.loads(said.stdout)["signalroom"]
    installed = {p.relative_to(tmp_path / "share/signalroom/scripts") for p in (tmp_path / "share/signalroom/scripts").rglob("*.lua")}
    assert installed == {p.relative_to(ROOT / "scripts") for p in (ROOT / "scripts").rglob("*.lua")}


def test_the_container_has_every_library_that_the_binary_asks_for():
    packages = set(re.findall(r"\blib[\w.+-]+|zlib1g", (DEPLOY / "Dockerfile").read_text().split("FROM debian:12-slim\n")[1]))
    needed = re.findall(r"NEEDED\s+(\S+)", subprocess.run(["objdump", "-p", BINARY], capture_output=True, text=True, check=True).stdout)
    for library in needed:
        owners = subprocess.run(["dpkg", "-S", f"*/{library}"], capture_output=True, text=True, check=True).stdout
        names = {line.split(":")[0] for line in owners.splitlines()}
        assert names & (packages | {"libc6", "libgcc-s1"}), f"{library} of {names} is not in the Dockerfile"


def test_a_supervisor_waits_longer_than_a_worker_drains():
    assert int(re.search(r'kill_timeout = "(\d+)s"', (DEPLOY / "fly.toml").read_text())[1]) >= 30
    assert int(re.search(r"TimeoutStopSec=(\d+)", (DEPLOY / "signalroom.service").read_text())[1]) >= 30


def test_each_line_of_a_log_is_one_json_object(house, queue):
    with Worker(house, ROOT / "scripts", queue, "--json-logs") as worker:
        assert house.run("start", "SyncSourceWorkflow", "--input", '{"source_name": "nobody", "notify_on_failure": false}', "--queue", queue, "-w",
                         "--id", f"sync-{queue}").returncode == 1
        worker.child.process.send_signal(signal.SIGTERM)
        worker.child.process.wait(60)
    lines = [json.loads(line) for line in worker.log.read_text().splitlines()]
    events = {line["event"] for line in lines}
    assert {"worker_started", "activity_failed", "worker_stopped"} <= events
    [begun] = [line for line in lines if line["event"] == "worker_started"]
    assert begun["namespace"] == "default" and begun["task_queue"] == queue and begun["identity"] and begun["server"]
    assert {"SyncSourceWorkflow", "ScheduledSyncWorkflow"} <= set(begun["workflows"].split(", "))
    assert {"run_pipeline_activity", "send_notification_activity"} <= set(begun["activities"].split(", "))
    assert all(line["level"] and line["timestamp"] for line in lines)
