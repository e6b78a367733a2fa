"""Runs in flight while their scripts are edited every second. Each edit is another program, so that a run on any code but
its own could not get by: it would be nondeterministic, or end with the text of another version.

EDIT_RUNS (40) and EDIT_SECONDS (15) make it long: `tests/soak edits` has 2,000 runs in ten minutes."""

import asyncio
import itertools
import json
import os
import random
import signal
import zlib
from hashlib import sha256

from house import Worker
from stage import Scripts
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

RUNS = int(os.environ.get("EDIT_RUNS", 40))
SECONDS = int(os.environ.get("EDIT_SECONDS", 15))
SEED = int(os.environ.get("EDIT_SEED", random.randrange(1 << 32)))
TYPES = 3
OPEN_MAX = 150  # runs at a time: each costs a poll of the server's
GOES = 3  # signals that each run is sent
ENDS = [signal.SIGTERM, signal.SIGKILL] if SECONDS > 60 else [signal.SIGTERM]  # what is killed costs a timeout
LONGEST_MS = 1000 + SECONDS * 10  # sleep of a run
BUSY = {RPCStatusCode.CANCELLED, RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.RESOURCE_EXHAUSTED}
ECHO = '-- edition %s\nactivity "echo" { run = function(text) return text end }\n'
LABEL = 'return "%s"\n'
PROGRAM = """
local label = require "shared.label"
local options = { start_to_close = "10s", retry = { attempts = 0 } }
local function echo(text) return workflow.call("echo", text, options) end

workflow "Edited%(type)d" {
  run = function()
    local said = {}
    local function say(text) said[#said + 1] = text end
    local code = echo("%(version)s " .. label)
%(steps)s
    return { code = code, own = "%(version)s " .. label, said = said }
  end,
}
"""
STEPS = [
    ("call", '    say(echo("%s"))'),
    ("spawn", '    say(workflow.spawn(function() workflow.sleep("20ms") return echo("%s") end):wait())'),
    ("sleep", '    workflow.sleep("%dms")'),
    ("go", '    say(workflow.signal("go"):receive())'),
]


class Author:
    """Edits without end, and remembers what each version says."""

    def __init__(self, folder):
        self.scripts, self.dice = Scripts(folder), random.Random(SEED)
        self.edits, self.says, self.newest, self.broken = 0, {}, {}, set()
        self.scripts.save("activities/echo.lua", ECHO % "first")
        self.scripts.save("shared/label.lua", LABEL % "first")
        for number in range(TYPES):
            self.rewrite(number)

    def rewrite(self, number):
        version, says, steps, goes = f"v{self.edits}-{number}", [], [], 0
        for place in range(self.dice.randrange(3, 8)):
            kind, text = self.dice.choice(STEPS if goes < GOES else STEPS[:3])
            goes += kind == "go"
            if kind == "sleep":
                steps.append(text % self.dice.randrange(10, LONGEST_MS))
                continue
            says.append("go" if kind == "go" else f"{version} at {place}")
            steps.append(text % says[-1] if kind != "go" else text)
        self.says[version], self.newest[number] = says, version
        self.scripts.save(f"workflows/edited_{number}.lua",
                          PROGRAM % {"type": number, "version": version, "steps": "\n".join(steps)})
        self.broken.discard(number)

    def edit(self):
        self.edits += 1
        number, kind = self.dice.randrange(TYPES), self.dice.randrange(8)
        if kind == 0:
            self.scripts.save("activities/echo.lua", ECHO % self.edits)
        elif kind == 1:
            self.scripts.save("shared/label.lua", LABEL % f"label-{self.edits}")
        elif kind == 2:
            self.scripts.save(f"workflows/edited_{number}.lua", f'workflow "Edited{number}" {{ -- {self.edits}\n')
            self.broken.add(number)
        else:
            self.rewrite(number)

    def mend(self):
        for number in list(self.broken):
            self.rewrite(number)


async def patiently(call):
    """What a busy server does not answer in time is asked again; None when the run is over."""
    while True:
        try:
            return await call()
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return None
            assert error.status in BUSY, error
            await asyncio.sleep(0.5)


class Edited:
    """One run, from its start to the verdict."""

    def __init__(self, author, dice, queue):
        self.author, self.dice, self.queue = author, dice, queue
        self.number = dice.randrange(TYPES)

    async def play(self, client, room, delay):
        await asyncio.sleep(delay)
        async with room:
            await self.act(client)

    async def act(self, client):
        workflow_id = f"edited-{self.queue}-{self.dice.getrandbits(64):x}"
        self.run = await patiently(lambda: client.start_workflow(
            f"Edited{self.number}", id=workflow_id, task_queue=self.queue, id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING))
        await asyncio.gather(*(self.go() for _ in range(GOES)))
        self.result = await patiently(self.run.result)
        self.left_behind = not self.result["own"].startswith(self.author.newest[self.number] + " ")

    async def go(self):
        await asyncio.sleep(self.dice.uniform(0, LONGEST_MS / 500))
        await patiently(lambda: self.run.signal("go", "go"))  # not every program waits for it

    def check(self, events):
        """The version that the first task's first activity was called by is the run's, in all that it did and recorded."""
        first = next(e.activity_task_scheduled_event_attributes for e in events
                     if e.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)
        began = json.loads(first.input.payloads[0].data)
        assert self.result["own"] == self.result["code"] == began
        assert list(self.result["said"]) == self.author.says[began.split()[0]]  # Lua writes an empty list as {}
        marker = next(e.marker_recorded_event_attributes for e in events if e.event_type == EventType.EVENT_TYPE_MARKER_RECORDED)
        source = zlib.decompress(marker.details["source"].payloads[0].data)
        assert json.loads(marker.details["bundle"].payloads[0].data)["hash"] == sha256(source).hexdigest()
        assert all(f'"{word}'.encode() in source for word in began.split())
        for event in events:
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:  # by the server, when a signal came with the end
                cause = event.workflow_task_failed_event_attributes.cause
                assert cause == WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND, event


class Edits:
    """Author, two workers with small caches, and the runs."""

    def __init__(self, house, folder, queue):
        self.house, self.folder, self.queue, self.dice = house, folder, queue, random.Random(SEED + 1)
        self.author = Author(folder)
        self.workers, self.over = [self.worker(), self.worker()], False

    def worker(self):
        return Worker(self.house, self.folder, self.queue, "--cache", 10)

    def end(self):
        for worker in self.workers:
            worker.child.end()

    async def write(self):
        """An edit a second; now and then a worker goes, and another one comes on what lies there then."""
        for second in itertools.count():
            await asyncio.sleep(1)
            if self.over:
                return
            if second % (SECONDS // 3) == SECONDS // 3 - 1:
                self.author.mend()  # no worker starts on a folder that cannot serve
                await asyncio.to_thread(self.workers.pop(0).child.end, self.dice.choice(ENDS))
                self.workers.append(await asyncio.to_thread(self.worker))
            self.author.edit()

    async def play(self, client, runs):
        room = asyncio.Semaphore(OPEN_MAX)
        await asyncio.gather(*(run.play(client, room, SECONDS * i / RUNS) for i, run in enumerate(runs)))
        self.over = True

    async def story(self, client):
        runs = [Edited(self.author, random.Random(SEED + 2 + i), self.queue) for i in range(RUNS)]
        await asyncio.gather(self.write(), self.play(client, runs))
        for run in runs:
            run.check((await patiently(run.run.fetch_history)).events)
        return runs


def test_no_run_is_ever_on_other_code_than_its_own(house, connect, queue, tmp_path):
    print(f"EDIT_SEED={SEED}")
    edits = Edits(house, tmp_path, queue)

    async def story():
        return await edits.story(await connect())

    try:
        runs = asyncio.run(asyncio.wait_for(story(), SECONDS + 240))
    finally:
        edits.end()
    left_behind = sum(run.left_behind for run in runs)
    print(f"{len(runs)} runs, {edits.author.edits} edits, {left_behind} runs outlived their script")
    assert len(runs) == RUNS and left_behind > 0
