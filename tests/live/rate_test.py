"""A vendor that asks for patience has it from every activity of a worker, through edits of the scripts too."""

import uuid

import pytest
from stage import Stage

SOURCES = """
local function patient(name)
  source(name) {
    base_url = "%s",
    probe = function(run) return run:get("/patience/%s-" .. name).body end,
    resource "nothing" { key = { "id" }, columns = { id = "text!" }, fetch = function() end },
  }
end

patient "one"
patient "other"
-- %s
"""
ASKING = 'activity "ask" { run = function(name) return (sync.probe(name)) end }'
TRYING = """
workflow "Try" {
  run = function(name)
    local ok, answer = pcall(workflow.call, "ask", name, { start_to_close = "60s", retry = { attempts = 1 } })
    local cause = not ok and (answer.cause or answer)
    return ok and answer or { type = cause.type, message = cause.message }
  end,
}
"""


@pytest.fixture
def stage(house, tmp_path):
    stage = Stage(house, tmp_path)
    stage.edit("activities/ask.lua", ASKING)
    stage.edit("workflows/try.lua", TRYING)
    yield stage
    stage.worker.child.end()


@pytest.fixture
def answer(stage):
    async def answer(client, name):
        return await (await stage.start(client, "Try", arg=name)).result()
    return answer


def test_a_long_patience_counts_for_other_activities_and_after_a_reload_and_for_that_vendor_alone(stage, answer, house, connect, run_async):
    mark = uuid.uuid4().hex
    forced = {"match": f"/patience/{mark}", "times": 99, "body": "here"}
    house.everflow.control("script", [{**forced, "times": 1, "status": 429, "headers": {"Retry-After": "900"}}, forced])

    def asked():
        return [r["path"].rsplit("-", 1)[1] for r in house.everflow.requests() if mark in r["path"]]

    stage.edit("activities/patient.lua", SOURCES % (house.everflow.url, mark, "as it was"))

    async def story():
        client = await connect()
        refused = await answer(client, "one")
        assert refused["type"] == "RateLimited" and "429" in refused["message"]
        stage.edit("activities/patient.lua", SOURCES % (house.everflow.url, mark, "edited"))
        for _ in range(2):
            held = await answer(client, "one")
            assert held["type"] == "RateLimited" and held["message"].startswith("one has asked for patience: not asked for ")
        assert await answer(client, "other") == '"here"'
        assert asked() == ["one", "other"]

    run_async(story())


def test_a_short_patience_is_waited_for(stage, answer, house, connect, run_async):
    mark = uuid.uuid4().hex
    forced = {"match": f"/patience/{mark}", "times": 99, "body": "here"}
    house.everflow.control("script", [{**forced, "times": 1, "status": 429, "headers": {"Retry-After": "2"}}, forced])
    stage.edit("activities/patient.lua", SOURCES % (house.everflow.url, mark, ""))

    async def story():
        client = await connect()
        assert (await answer(client, "one"))["type"] == "RateLimited"
        assert await answer(client, "one") == '"here"'
        first, second = [r["at"] for r in house.everflow.requests() if mark in r["path"]]
        assert second - first >= 1.99

    run_async(story())
