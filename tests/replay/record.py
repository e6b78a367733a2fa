#!/usr/bin/env python3
"""Records tests/replay/NAME/history.json: runs NAME/workflow.lua on our worker and a real server.

    tests/replay/record.py NAME...        (all that have no history yet, without a name)

The script's first comment lines say what happens to the run:

    --: input "Ann"                       the workflow's input
    --: after TimerStarted signal go 1    waits for an event of that type, then signals
    --: after TimerStarted cancel         the same, and cancels the workflow
    --: broken until WorkflowTaskFailed   `broken = false` is true until then, on a first worker

A history is recorded once and kept: what it says must replay for ever."""

import json
import os
import pathlib
import re
import shutil
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "live"))
from house import BINARY, Child, Temporal, free_port, until  # noqa: E402

CLOSED = {"WorkflowExecution" + word for word in ("Completed", "Failed", "Canceled", "ContinuedAsNew", "TimedOut", "Terminated")}


def event_types(temporal, name):
    return [re.sub(r"_(\w)", lambda m: m[1].upper(), e["eventType"].removeprefix("EVENT_TYPE").lower())
            for e in temporal.history(name)]


def await_event(temporal, name, kind):
    until(lambda: kind in event_types(temporal, name), 60, f"{kind} of {name}")


def start_worker(temporal, folder, text):
    (folder / "workflows").mkdir(parents=True, exist_ok=True)
    (folder / "workflows/workflow.lua").write_text(text)
    shutil.copytree(HERE / "activities", folder / "activities", dirs_exist_ok=True)
    return Child([BINARY, "worker", "--address", temporal.address, "--queue", "golden", "--scripts", folder, "--health",
                  f"127.0.0.1:{free_port()}"], folder / "worker.log")


def play(temporal, name, steps):
    for step in steps:
        words = step.split(" ", 3)
        if words[0] != "after":
            continue
        await_event(temporal, name, words[1])
        if words[2] == "cancel":
            done = temporal.cli("workflow", "cancel", "-w", name)
        else:
            signal, _, argument = words[3].partition(" ")
            done = temporal.cli("workflow", "signal", "-w", name, "--name", signal, *(["--input", argument] if argument else []))
        assert done.returncode == 0, done.stderr
    until(lambda: CLOSED & set(event_types(temporal, name)), 120, f"the end of {name}")


def anonymous(value):
    """Without who and where: neither machine nor process."""
    if isinstance(value, list):
        return [anonymous(v) for v in value]
    if isinstance(value, dict):
        hidden = {"identity": "recorder", **({"name": "sticky"} if value.get("kind") == "TASK_QUEUE_KIND_STICKY" else {})}
        return {k: hidden.get(k) or anonymous(v) for k, v in value.items()}
    return value


def record(temporal, name):
    text = (HERE / name / "workflow.lua").read_text()
    steps = re.findall(r"^--: (.*)$", text, re.M)
    kind = re.search(r'^workflow "(\w+)"', text, re.M)[1]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="record-"))
    given = next((s.removeprefix("input ") for s in steps if s.startswith("input ")), None)
    broken = next((s.split(" ")[2] for s in steps if s.startswith("broken until ")), None)
    worker = start_worker(temporal, folder, text.replace("broken = false", "broken = true") if broken else text)
    try:
        started = temporal.cli("workflow", "start", "--type", kind, "--task-queue", "golden", "--workflow-id", name,
                               *(["--input", given] if given else []))
        assert started.returncode == 0, started.stderr
        run_id = re.search(r"RunId\s+(\S+)", started.stdout)[1]
        if broken:
            await_event(temporal, name, broken)
            worker.end()
            worker = start_worker(temporal, folder, text)
        play(temporal, name, steps)
        events = anonymous(temporal.history(name, run_id))
        (HERE / name / "history.json").write_text(json.dumps({"events": events}, indent=1) + "\n")
        print(f"{name}: {len(events)} events")
    except AssertionError as error:
        print(f"{name}: {error}\n{(folder / 'worker.log').read_text()}", file=sys.stderr)
    finally:
        worker.end()
        shutil.rmtree(folder)


def main():
    names = sys.argv[1:] or sorted(p.parent.name for p in HERE.glob("*/workflow.lua") if not (p.parent / "history.json").exists())
    folder = pathlib.Path(tempfile.mkdtemp(prefix="record-"))
    temporal = Temporal(folder)
    try:
        for name in names:
            record(temporal, name)
    finally:
        temporal.end()
        shutil.rmtree(folder)


if __name__ == "__main__":
    os.umask(0o022)
    main()
