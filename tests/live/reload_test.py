"""Scripts that change while their runs are in flight: what an edit does to new runs, old runs and activities."""

import asyncio
import json
import time
import urllib.request
import uuid

import pytest
from house import Worker, until

PATIENCE = 60

GREETING = """
workflow "Greet" { run = function() return workflow.call("greet") .. " from %s" end }
workflow "Sleeper" {
  run = function()
    local word = workflow.signal("go"):receive()
    return ("%s hears %%s"):format(word)
  end,
}
"""
GREET = 'activity "greet" { run = function() return "%s" end }\n'


class Scripts:
    """A scripts folder that is edited as an editor does it: a whole file put in place by a rename."""

    def __init__(self, folder):
        self.folder = folder
        self.save("workflows/greeting.lua", GREETING % ("one", "one"))
        self.save("activities/greet.lua", GREET % "hello")

    def save(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.draft")
        draft.write_text(text)
        draft.rename(path)


class Stage:
    """A worker on a scripts folder of its own, and a client of an unmodified SDK."""

    def __init__(self, house, folder, *options):
        self.queue = f"reload-{uuid.uuid4().hex[:8]}"
        self.scripts = Scripts(folder)
        self.house = house
        self.worker = Worker(house, folder, self.queue, *options)

    def events(self, name):
        lines = [json.loads(line) for line in self.worker.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == name]

    def await_event(self, name, count=1):
        return until(lambda: (found := self.events(name)) and len(found) >= count and found, PATIENCE, f"{count} {name}")[-1]

    async def result(self, client, workflow="Greet"):
        return await client.execute_workflow(workflow, id=f"run-{uuid.uuid4().hex}", task_queue=self.queue)


@pytest.fixture(scope="module")
def stage(house, tmp_path_factory):
    stage = Stage(house, tmp_path_factory.mktemp("scripts"))
    yield stage
    stage.worker.child.end()


def test_x(stage, connect, run_async):
    async def story():
        client = await connect()
        assert await stage.result(client) == "hello from one"
        sleeper = await client.start_workflow("Sleeper", id=f"sleeper-{uuid.uuid4().hex}", task_queue=stage.queue)
        await sleeper.query("__stack_trace")
        saved = time.monotonic()
        stage.scripts.save("workflows/greeting.lua", GREETING % ("two", "two"))
        while (text := await stage.result(client)) == "hello from one":
            assert time.monotonic() - saved < PATIENCE
        print("NEW after", time.monotonic() - saved)
        assert text == "hello from two"
        stage.scripts.save("activities/greet.lua", GREET % "good day")
        stage.await_event("scripts_reloaded", 2)
        assert await stage.result(client) == "good day from two"
        await sleeper.signal("go", "word")
        assert await sleeper.result() == "one hears word"
    run_async(story())
    print(stage.worker.log.read_text())
