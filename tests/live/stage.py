"""Scripts folders that stories edit while a worker runs on them."""

import json
import uuid

from house import Worker, until

PATIENCE = 90

WAITING = """
workflow "%s" {
  run = function() return ("%s hears " .. workflow.signal("go"):receive()) end,
  queries = { text = function() return "%s" end },
}
"""
CALLING = 'workflow "%s" { run = function() return workflow.call("%s") end }\n'
SAYING = 'activity "%s" { run = function() return "%s" end }\n'


class Scripts:
    """A scripts folder, edited as an editor does it: a whole file put in place by a rename."""

    def __init__(self, folder):
        self.folder = folder

    def save(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.draft")
        draft.write_text(text)
        draft.rename(path)

    def delete(self, name):
        (self.folder / name).unlink()


class Stage:
    """A worker on a scripts folder of its own."""

    def __init__(self, house, folder, *options):
        self.queue = f"reload-{uuid.uuid4().hex[:8]}"
        self.scripts = Scripts(folder)
        self.scripts.save("workflows/first.lua", CALLING % ("First", "first"))
        self.scripts.save("activities/first.lua", SAYING % ("first", "one"))
        self.worker = Worker(house, folder, self.queue, *options)

    def events(self, name, part=""):
        whole = self.worker.log.read_text().rpartition("\n")[0]  # what follows is being written
        lines = [json.loads(line) for line in whole.splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == name and part in json.dumps(line)]

    def await_event(self, name, part, count=1):
        until(lambda: len(self.events(name, part)) >= count, PATIENCE, f"{count} {name} of {part}")
        return self.events(name, part)[-1]

    def edit(self, name, text):
        """Saves a file and waits until it serves."""
        before = len(self.events("scripts_reloaded", name))
        self.scripts.save(name, text)
        return self.await_event("scripts_reloaded", name, before + 1)

    async def start(self, client, workflow, **more):
        return await client.start_workflow(workflow, id=f"run-{uuid.uuid4().hex}", task_queue=self.queue, **more)

    async def result(self, client, workflow):
        return await (await self.start(client, workflow)).result()

    def metric(self, name):
        lines = [line for line in self.worker.metrics().splitlines() if line.startswith(name)]
        return float(lines[0].rsplit(" ", 1)[1]) if lines else None
