"""PostHog: events of a day exactly once whatever the pages are, lists as they are now, and limits that cost time only."""

import json

import pytest
from house import Worker
from source_story import Story

KEY = "phx_test_key"
DAY = {"from": "2026-01-14", "to": "2026-01-14"}


def event(n, at, **more):
    return {"uuid": f"0190a000-0000-7000-8000-{n:012x}", "event": "$pageview", "distinct_id": f"u{n}", "timestamp": at, "properties": {"n": n}, **more}


D1 = [event(1, "2026-01-14T10:30:00.123456Z", properties={"$browser": "Größe 😀", "price": 12.5, "tags": ["a", "b"]}),
      event(2, "2026-01-14T10:30:00.123456Z", event="purchase", person_id="0190b000-0000-7000-8000-000000000001", elements_chain="a:b"),
      event(3, "2026-01-15T04:59:59.999999Z"), event(4, "2026-01-15T05:00:00Z"), event(5, "2026-01-14T04:59:59Z")]
FLAGS = [{"id": n, "key": f"flag-{n}", "name": "", "active": n % 2 == 0, "deleted": False, "filters": {"groups": [{"rollout_percentage": n}]}, "tags": [],
          "created_at": "2026-01-10T12:27:12.000000Z", "created_by": {"id": 1, "email": "ada@example.test"}} for n in range(1, 251)]
EXPERIMENT = {"id": 9, "name": "Button", "description": None, "feature_flag_key": "flag-1", "start_date": "2026-01-11T00:00:00Z", "end_date": None,
              "archived": False, "parameters": {"recommended_sample_size": 100}, "created_at": "2026-01-10T12:27:12Z"}


@pytest.fixture(scope="module")
def whole(house):
    story = Story(house, "posthog", "posthog", lambda vendor: {"POSTHOG_HOST": vendor.url, "POSTHOG_API_KEY": KEY, "POSTHOG_PROJECT_ID": "7",
                                                               "POSTHOG_RATE": "600/min"})
    yield story
    story.end()


@pytest.fixture
def story(whole):
    return whole.begin({"events": D1, "feature_flags": FLAGS, "experiments": [EXPERIMENT]})


def loaded(story, columns="right(uuid, 1), event, distinct_id"):
    return story.rows(f"SELECT {columns} FROM posthog.events ORDER BY timestamp, uuid")


def test_a_day_of_the_business_zone_is_loaded_and_a_second_sync_changes_nothing(story):
    assert story.sync(["events"], **DAY).counts("events") == (3, 0, 0, 0)
    assert loaded(story) == [["1", "$pageview", "u1"], ["2", "purchase", "u2"], ["3", "$pageview", "u3"]]
    assert loaded(story, "pg_typeof(timestamp), pg_typeof(properties), timestamp AT TIME ZONE 'UTC', properties->>'$browser', person_id, _client_id")[:2] == \
        [["timestamp with time zone", "jsonb", "2026-01-14 10:30:00.123456", "Größe 😀", "", "713"],
         ["timestamp with time zone", "jsonb", "2026-01-14 10:30:00.123456", "", "0190b000-0000-7000-8000-000000000001", "713"]]
    assert story.sync(["events"], **DAY).counts("events") == (0, 0, 3, 0)
    asked = json.loads(story.asked("/query/")[0]["body"])
    assert (asked["refresh"], asked["query"]["values"]["from"], asked["query"]["values"]["to"]) == \
        ("force_blocking", "2026-01-14T05:00:00Z", "2026-01-15T05:00:00Z")


def test_late_corrected_and_erased_events_are_followed(story):
    story.sync(["events"], **{"from": "2026-01-13", "to": "2026-01-15"})
    assert len(loaded(story)) == 5
    changed = {**D1[0], "properties": {"price": 13}}
    story.tell({"events": [changed, *D1[2:], event(6, "2026-01-14T11:00:00Z")]})
    assert story.sync(["events"], **{"from": "2026-01-13", "to": "2026-01-15"}).counts("events") == (1, 1, 3, 1)
    assert loaded(story, "right(uuid, 1)") == [["5"], ["1"], ["6"], ["3"], ["4"]]


@pytest.mark.parametrize("events, knobs, pages", [(5000, {}, 1), (12_345, {}, 3), (5000, {"has_more": False}, 2), (1234, {"rows": 500}, 3)],
                         ids=["one page", "three", "nobody says whether there is more", "smaller pages than asked"])
def test_every_event_is_read_once_whatever_the_pages_are(story, events, knobs, pages):
    story.tell({"generate": {"day": "2026-01-14", "events": events}, **knobs})
    assert story.sync(["events"], **DAY).counts("events") == (events, 0, 0, 0)
    assert story.rows("SELECT count(*), count(DISTINCT uuid), sum((properties->>'n')::int) FROM posthog.events") == \
        [[str(events), str(events), str(sum(range(events)))]]
    assert story.rows("SELECT rows_fetched, requests FROM signalroom.loads") == [[str(events), str(pages)]]


def test_pages_that_do_not_advance_are_refused_at_once(story):
    row = ["u1", "$pageview", "d", None, "2026-01-14T12:00:00Z", None, "{}", ""]
    story.force({"match": "/query/", "body": {"results": [row], "hasMore": True}, "times": 9})
    ended = story.sync(["events"], **DAY)
    assert "paging does not advance" in ended.cause["message"]
    assert (ended.attempts, len(story.asked("/query/"))) == (1, 2)


def test_lists_are_read_to_their_end_and_what_vanished_there_vanishes_here(story):
    ended = story.sync(["feature_flags", "experiments"])
    assert (ended.counts("feature_flags"), ended.counts("experiments")) == ((250, 0, 0, 0), (1, 0, 0, 0))
    assert [r["query"]["offset"] for r in story.asked("/feature_flags/")] == ["0", "100", "200"]
    assert story.rows("SELECT key, active, filters->'groups'->0->>'rollout_percentage', created_by FROM posthog.feature_flags WHERE id = 250") == \
        [["flag-250", "t", "250", "ada@example.test"]]
    assert story.rows("SELECT name, description IS NULL, start_date AT TIME ZONE 'UTC' FROM posthog.experiments") == [["Button", "t", "2026-01-11 00:00:00"]]
    story.tell({"feature_flags": [{**FLAGS[0], "active": True}, *FLAGS[2:]], "experiments": []})
    ended = story.sync(["feature_flags", "experiments"])
    assert (ended.counts("feature_flags"), ended.counts("experiments")) == ((0, 1, 248, 1), (0, 0, 0, 1))


def test_a_list_that_gives_other_rows_than_it_has_is_read_again_and_never_loaded_in_part(story):
    story.force({"match": "/feature_flags/", "body": {"count": 250, "next": None, "results": FLAGS[:100]}})
    ended = story.sync(["feature_flags"])
    assert (ended.counts("feature_flags"), ended.attempts) == ((250, 0, 0, 0), 2)
    assert story.rows("SELECT count(*) FROM signalroom.loads") == [["1"]]


@pytest.mark.parametrize("knobs, why", [({"key": "another"}, "is invalid"), ({"scopes": []}, "missing required scope 'query:read'")])
def test_a_refused_key_is_one_attempt_that_names_it(story, knobs, why):
    story.tell({"events": D1, **knobs})
    ended = story.sync(["events"], **DAY)
    assert (ended.cause["type"], ended.attempts) == ("AuthError", 1)
    assert why in ended.cause["message"] and "POSTHOG_API_KEY" in ended.cause["message"]
    assert KEY not in json.dumps(ended.answer) + json.dumps(ended.history) + story.worker.log.read_text()


def test_check_asks_posthog(story):
    assert story.checked() == ("ok", "project 7 answers queries")
    verdict, found = story.checked(POSTHOG_API_KEY="phx_another")
    assert verdict == "fail" and "check POSTHOG_API_KEY" in found and "phx_another" not in found


def test_a_project_that_nobody_named_or_knows_is_said(house, story):
    story.tell({"events": D1, "project": "8"})
    ended = story.sync(["events"], **DAY)
    assert ended.attempts == 1 and "Project not found" in ended.cause["message"]
    with Worker(house, "scripts", "posthog-none", environment={**story.settings, "POSTHOG_PROJECT_ID": ""}):
        assert "Set POSTHOG_PROJECT_ID" in story.sync(["events"], "posthog-none").cause["message"]


def test_limits_and_faults_cost_retries_and_nothing_else(story):
    for fault in ({"status": 429, "headers": {"Retry-After": "1"}, "body": {"type": "throttled_error"}}, {"status": 502, "body_raw": "<html>502"},
                  {"close": "mid-body"}, {"body_raw": '{"results": [["019'}, {"body": {"detail": "no results"}}, {"body_raw": ""}):
        story.force({"match": "/query/", **fault})
        ended = story.sync(["events"], **DAY)
        assert (ended.attempts, ended.counts("events")[3]) == (2, 0), fault
    assert len(loaded(story)) == 3
