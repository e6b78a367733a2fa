"""One source against its vendor's fake: a worker of its own, runs to their ends, what is in the table then."""

import json
import uuid

from house import VendorFake, Worker


class Outcome:
    """What came of a run."""

    def __init__(self, code, answer, history):
        self.code, self.answer, self.history = code, answer, history

    def counts(self, resource):
        """In the order new, changed, same, deleted."""
        assert self.code == 0, self.answer
        found = self.answer["result"]["counts"][resource]
        return tuple(found[word] for word in ("new", "changed", "same", "deleted"))

    @property
    def cause(self):
        assert self.code == 1, self.answer
        return self.answer["error"]["cause"]

    @property
    def attempts(self):
        """Of the sync itself, which is the first activity."""
        started = [e for e in self.history if e["eventType"] == "EVENT_TYPE_ACTIVITY_TASK_STARTED"]
        return started[0]["activityTaskStartedEventAttributes"]["attempt"]


class Story:
    """`environment(fake)` is what the worker needs to find the vendor."""

    def __init__(self, house, source, fake, environment, scripts="scripts"):
        self.house, self.source, self.queue = house, source, f"{source}-{uuid.uuid4().hex[:8]}"
        self.vendor = VendorFake(fake, house.folder)
        try:
            self.settings = environment(self.vendor)
            self.worker = Worker(house, scripts, self.queue, "--log-level", "DEBUG", environment=self.settings)
        except BaseException:
            self.vendor.end()
            raise

    def begin(self, truth):
        """An empty database and this truth at the vendor."""
        self.vendor.control("reset", {})
        self.tell(truth)
        self.house.postgres.fresh()
        assert self.house.run("migrate").returncode == 0
        return self

    def tell(self, truth):
        self.vendor.control("data", truth)

    def force(self, *steps):
        self.vendor.control("script", list(steps))

    def sync(self, resources=None, queue=None, **kwargs):
        workflow_id = f"{self.source}-{uuid.uuid4().hex[:12]}"
        asked = {"source_name": self.source, "source_kwargs": kwargs, "resources": resources}
        begun = self.house.run("start", "SyncSourceWorkflow", "--queue", queue or self.queue, "--id", workflow_id, "--input", json.dumps(asked))
        assert begun.returncode == 0, begun.stderr
        done = self.house.run("result", workflow_id, "--json", seconds=240)
        return Outcome(done.returncode, json.loads(done.stdout), self.house.temporal.history(workflow_id))

    def rows(self, sql):
        return self.house.postgres.rows(sql)

    def asked(self, part):
        """The requests whose path has this part."""
        return [r for r in self.vendor.requests() if part in r["path"]]


    def checked(self, **changes):
        """What `signalroom check` says of the vendor: verdict and what was found."""
        said = json.loads(self.house.run("check", "--json", environment={**self.settings, **changes}).stdout)
        return next((line["verdict"], line["found"]) for line in said["checks"] if line["name"] == "vendor " + self.source)

    def end(self):
        self.worker.child.end()
        self.vendor.end()
