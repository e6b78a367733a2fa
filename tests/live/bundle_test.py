"""Runs that outlive their script: restarted workers, workers that never saw it, closed runs, code too large to travel."""

import asyncio
import json
import random
import string

import pytest
from house import Worker, awaited, has, until
from stage import CALLING, PATIENCE, WAITING, Scripts, Stage

RENEWING = """
workflow "Renew" {
  run = function(before)
    workflow.signal("go"):receive()
    if before then return before .. ", then %s" end
    workflow.continue_as_new("%s")
  end,
}
"""


@pytest.fixture
def stage(house, tmp_path):
    stage = Stage(house, tmp_path)
    yield stage
    stage.worker.child.end()


def another_worker(house, stage, folder, *options):
    """The stage's worker ends, one on that folder takes its queue."""
    stage.worker.child.end()
    stage.worker = Worker(house, folder, stage.queue, *options)


def marker_of(house, workflow_id):
    events = house.temporal.history(workflow_id)
    return [e["markerRecordedEventAttributes"] for e in events if "markerRecordedEventAttributes" in e]


def failed_tasks(house, workflow_id):
    events = house.temporal.history(workflow_id)
    return [e["workflowTaskFailedEventAttributes"] for e in events if "workflowTaskFailedEventAttributes" in e]


def test_after_a_restart_on_the_edited_file_a_run_goes_on_with_its_own_code(house, stage, connect, run_async, tmp_path):
    stage.edit("workflows/wait.lua", WAITING % ("Wait", "old", "old"))

    async def story():
        client = await connect()
        run = await stage.start(client, "Wait")
        assert await run.query("text") == "old"
        stage.worker.child.end()
        stage.scripts.save("workflows/wait.lua", CALLING % ("Wait", "first"))  # on this code no old history replays
        another_worker(house, stage, tmp_path)
        assert await run.query("text") == "old"
        assert await stage.result(client, "Wait") == "one"
        await run.signal("go", "it")
        assert await run.result() == "old hears it"
        assert await run.query("text") == "old"  # closed, and still by its own code
        assert not failed_tasks(house, run.id)

    run_async(story())


def test_a_worker_that_never_saw_the_file_finishes_the_run(house, stage, connect, run_async, tmp_path_factory):
    stage.edit("workflows/wait.lua", WAITING % ("Wait", "old", "old"))
    elsewhere = Scripts(tmp_path_factory.mktemp("elsewhere"))
    elsewhere.save("workflows/other.lua", CALLING % ("Other", "first"))

    async def story():
        run = await stage.start(await connect(), "Wait")
        assert await run.query("text") == "old"
        another_worker(house, stage, elsewhere.folder)
        await run.signal("go", "it")
        assert await run.result() == "old hears it"
        assert not failed_tasks(house, run.id)
        return run.id

    workflow_id = run_async(story())
    marker, = marker_of(house, workflow_id)
    assert marker["markerName"] == "signalroom.bundle" and set(marker["details"]) == {"bundle", "source"}
    shown = house.run("show", workflow_id)
    assert "runs on=workflows/wait.lua@" in shown.stdout


def test_without_a_cache_every_task_finds_its_own_code_after_an_edit(house, stage, connect, run_async, tmp_path):
    another_worker(house, stage, tmp_path, "--cache", 0)
    stage.edit("workflows/wait.lua", WAITING % ("Wait", "old", "old"))

    async def story():
        client = await connect()
        run = await stage.start(client, "Wait")
        assert await run.query("text") == "old"
        stage.edit("workflows/wait.lua", WAITING % ("Wait", "new", "new"))
        later = await stage.start(client, "Wait")
        for one, text in [(run, "old"), (later, "new")]:
            assert await one.query("text") == text
            await one.signal("go", "it")
            assert await one.result() == f"{text} hears it"

    run_async(story())


def test_a_run_that_continues_as_new_takes_the_newest_code(stage, connect, run_async):
    stage.edit("workflows/renew.lua", RENEWING % ("old", "old"))

    async def story():
        client = await connect()
        run = await stage.start(client, "Renew")
        first = client.get_workflow_handle(run.id, run_id=run.first_execution_run_id)
        await awaited(lambda: has(first, "marker_recorded_event_attributes"), PATIENCE, "the first task")
        stage.edit("workflows/renew.lua", RENEWING % ("new", "new"))
        await run.signal("go", 1)
        latest = client.get_workflow_handle(run.id)

        async def renewed():
            return (await latest.describe()).run_id != run.first_execution_run_id

        await awaited(renewed, PATIENCE, "the next run")
        await latest.signal("go", 2)
        assert await run.result() == "old, then new"

    run_async(story())


def test_a_history_replays_on_the_code_that_it_records_unless_others_are_named(house, stage, connect, run_async, tmp_path_factory):
    stage.edit("workflows/wait.lua", WAITING % ("Wait", "old", "old"))

    async def story():
        run = await stage.start(await connect(), "Wait", start_signal="go", start_signal_args=["it"])
        assert await run.result() == "old hears it"
        return run.id

    workflow_id = run_async(story())
    path = tmp_path_factory.mktemp("history") / "history.json"
    path.write_text(json.dumps({"events": house.temporal.history(workflow_id)}))
    stage.scripts.save("workflows/wait.lua", CALLING % ("Wait", "first"))
    done = house.run("replay", path, "--mode", "all")
    assert done.returncode == 0 and done.stdout.count("of its history") == 3, done.stdout + done.stderr
    done = house.run("replay", path, "--scripts", stage.scripts.folder)
    assert done.returncode == 1 and "TMPRL1100" in done.stdout


def test_code_too_large_for_a_history_is_had_from_a_folder_or_not_at_all(house, stage, connect, run_async, tmp_path_factory):
    ballast = "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=100_000))
    text = WAITING % ("Wait", "old", "old") + "-- " + ballast + "\n"
    stage.edit("workflows/wait.lua", text)
    kept = Scripts(tmp_path_factory.mktemp("kept"))
    kept.save("workflows/wait.lua", text)

    async def story():
        client = await connect()
        run = await stage.start(client, "Wait")
        assert await run.query("text") == "old"
        stage.edit("workflows/wait.lua", WAITING % ("Wait", "new", "new"))
        another_worker(house, stage, stage.scripts.folder)
        await run.signal("go", "it")
        await asyncio.to_thread(until, lambda: failed_tasks(house, run.id), PATIENCE, "the refusal")
        refused = failed_tasks(house, run.id)[0]["failure"]
        assert refused["applicationFailureInfo"]["type"] == "BundleUnavailable"
        assert "this run began on workflows/wait.lua@" in refused["message"]
        assert "Start a worker whose scripts folder holds that version" in refused["message"]
        told = await asyncio.to_thread(house.run, "why", run.id)
        assert "The script that the run began with cannot be had" in told.stdout
        another_worker(house, stage, kept.folder)
        assert await run.result() == "old hears it"
        return run.id

    marker, = marker_of(house, run_async(story()))
    assert set(marker["details"]) == {"bundle"}
