"""Mautic: contacts as they change, lists as they are now, and what became of each e-mail; tokens end in the middle of it."""

import datetime
import json

import pytest
from house import Worker
from source_story import Story

SECRET, PASSWORD = "mautic-test-secret", "mautic-test-password"
JANUARY = "2026-01-10T12:27:12+00:00"


def days_ago(count):
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=count)).isoformat(timespec="seconds")


def contact(n, **more):
    return {"id": n, "email": f"c{n}@example.test", "firstname": "Ada", "dateAdded": JANUARY, "dateModified": None, **more}


CONTACTS = [contact(1, points=10, owner={"id": 3, "username": "u"}, tags=[{"id": 1, "tag": "vip"}], favourite="größe 😀"), contact(2), contact(3, email=None)]
EMAIL = {"id": 5, "name": "Welcome", "subject": "Hi", "isPublished": True, "language": "en", "emailType": "template", "category": {"id": 1, "title": "News"},
         "readCount": "12", "sentCount": 40, "dateAdded": JANUARY, "dateModified": None, "publishUp": None, "publishDown": None}


def stat(n, sent, **more):
    return {"id": str(n), "email_id": "5", "lead_id": str(n), "list_id": None, "email_address": f"c{n}@example.test", "date_sent": sent, "is_read": "0",
            "is_failed": "0", "viewed_in_browser": "0", "date_read": None, "open_count": "0", "last_opened": None, "retry_count": 0, "source": "campaign",
            "source_id": 2, **more}


STATS = [stat(1, "2026-01-14 05:00:00"), stat(2, "2026-01-15 04:59:59"), stat(3, "2026-01-15 05:00:00"), stat(4, "2026-01-14 04:59:59")]
TRUTH = {"contacts": CONTACTS, "emails": [EMAIL, {**EMAIL, "id": 6}], "campaigns": [{"id": 2, "name": "C", "isPublished": False, "category": None}],
         "segments": [{"id": 4, "name": "S", "alias": "s", "isGlobal": True, "filters": [{"field": "email"}], "dateAdded": JANUARY}], "email_stats": STATS}


@pytest.fixture(scope="module")
def whole(house):
    story = Story(house, "mautic", "mautic", lambda vendor: {"MAUTIC_BASE_URL": vendor.url + "/", "MAUTIC_CLIENT_ID": "1_client",
                                                             "MAUTIC_CLIENT_SECRET": SECRET, "MAUTIC_RATE": "6000/min"})
    yield story
    story.end()


@pytest.fixture
def story(whole):
    return whole.begin(TRUTH)


def contacts(story, **kwargs):
    return story.sync(["contacts"], **kwargs)


def test_everything_is_loaded_and_a_second_sync_changes_nothing(story):
    ended = story.sync(**{"from": "2026-01-14", "to": "2026-01-14", "full": True})
    assert [ended.counts(name) for name in ("contacts", "emails", "campaigns", "segments", "email_stats")] == \
        [(3, 0, 0, 0), (2, 0, 0, 0), (1, 0, 0, 0), (1, 0, 0, 0), (2, 0, 0, 0)]
    assert story.rows("SELECT id, email, firstname, points, owner_id, fields->>'favourite', tags->0->>'tag', date_added AT TIME ZONE 'UTC', date_modified IS NULL, "
                      "_client_id FROM mautic.contacts ORDER BY id") == \
        [["1", "c1@example.test", "Ada", "10", "3", "größe 😀", "vip", "2026-01-10 12:27:12", "t", "713"],
         ["2", "c2@example.test", "Ada", "0", "", "", "", "2026-01-10 12:27:12", "t", "713"], ["3", "", "Ada", "0", "", "", "", "2026-01-10 12:27:12", "t", "713"]]
    assert story.rows("SELECT name, category, read_count, sent_count FROM mautic.emails WHERE id = 5") == [["Welcome", "News", "12", "40"]]
    assert story.rows("SELECT id, contact_id, is_read, date_sent AT TIME ZONE 'UTC' FROM mautic.email_stats ORDER BY id") == \
        [["1", "1", "f", "2026-01-14 05:00:00"], ["2", "2", "f", "2026-01-15 04:59:59"]]
    again = story.sync(**{"from": "2026-01-14", "to": "2026-01-14", "full": True})
    assert [again.counts(name) for name in ("contacts", "emails", "email_stats")] == [(0, 0, 3, 0), (0, 0, 2, 0), (0, 0, 2, 0)]
    assert len(story.asked("/oauth/v2/token")) <= 1, "a token is kept for the next run"


def test_contacts_are_asked_for_once_and_then_for_what_is_new_or_changed(story):
    assert contacts(story).counts("contacts") == (3, 0, 0, 0)
    assert not any(word.startswith("where") for word in story.asked("/api/contacts")[-1]["query"])
    changed = contact(2, firstname="Grace", dateModified=days_ago(1))
    story.tell({"contacts": [CONTACTS[0], changed, contact(9, dateAdded=days_ago(0))]})
    assert contacts(story).counts("contacts") == (1, 1, 0, 0)
    assert story.rows("SELECT id, firstname FROM mautic.contacts ORDER BY id") == [["1", "Ada"], ["2", "Grace"], ["3", "Ada"], ["9", "Ada"]]
    assert [r["query"]["where[1][col]"] for r in story.asked("/api/contacts")[-2:]] == ["date_added", "date_modified"]
    assert contacts(story).counts("contacts") == (0, 0, 2, 0)
    assert contacts(story, full=True).counts("contacts") == (0, 0, 3, 1)
    assert story.rows("SELECT id FROM mautic.contacts ORDER BY id") == [["1"], ["2"], ["9"]]


def test_what_became_of_an_email_is_followed(story):
    week = {"from": "2026-01-13", "to": "2026-01-16"}
    assert story.sync(["email_stats"], **week).counts("email_stats") == (4, 0, 0, 0)
    story.tell({"email_stats": [{**STATS[0], "is_read": "1", "date_read": "2026-01-14 06:00:00", "open_count": "3"}, *STATS[2:]]})
    assert story.sync(["email_stats"], **week).counts("email_stats") == (0, 1, 2, 1)
    assert story.rows("SELECT is_read, open_count, date_read AT TIME ZONE 'UTC' FROM mautic.email_stats WHERE id = 1") == [["t", "3", "2026-01-14 06:00:00"]]


def test_lists_are_as_they_are_now(story):
    story.sync(["emails", "segments"])
    story.tell({"emails": [{**EMAIL, "sentCount": 41}], "segments": []})
    ended = story.sync(["emails", "segments"])
    assert (ended.counts("emails"), ended.counts("segments")) == ((0, 1, 0, 1), (0, 0, 0, 1))


@pytest.mark.parametrize("count, pages", [(200, 1), (201, 2), (1001, 6)])
def test_every_page_is_read(story, count, pages):
    story.tell({"generate": {"contacts": count}})
    assert contacts(story).counts("contacts") == (count, 0, 0, 0)
    assert [r["query"].get("where[0][val]", "0") for r in story.asked("/api/contacts")] == [str(200 * n) for n in range(pages)]
    assert story.rows("SELECT count(DISTINCT email), sum(points) FROM mautic.contacts") == [[str(count), str(sum(n % 50 for n in range(1, count + 1)))]]


def test_a_token_that_ends_between_two_pages_is_fetched_anew(story):
    story.tell({"generate": {"contacts": 500}})
    expired = {"error": "invalid_grant", "error_description": "The access token provided has expired."}
    story.force({"match": "/api/contacts", "delay_ms": 1}, {"match": "/api/contacts", "status": 401, "body": expired})
    ended = contacts(story)
    assert (ended.counts("contacts"), ended.attempts) == ((500, 0, 0, 0), 1)
    assert [r["path"].rpartition("/")[2] for r in story.vendor.requests()][-5:] == ["contacts", "contacts", "token", "contacts", "contacts"]
    story.force({"match": "/api/contacts", "status": 401, "body": expired, "times": 2})
    ended = contacts(story, full=True)
    assert (ended.cause["type"], ended.attempts) == ("AuthError", 1), "a token that is refused twice is no accident"


def test_a_list_that_ends_before_its_end_is_read_again(story):
    story.tell({"generate": {"contacts": 300}})
    story.force({"match": "/api/contacts", "delay_ms": 1}, {"match": "/api/contacts", "body": {"total": "100", "contacts": []}})
    ended = contacts(story)
    assert (ended.counts("contacts"), ended.attempts) == ((300, 0, 0, 0), 2)


@pytest.mark.parametrize("knobs, why", [({"client": ["1_client", "another"]}, "client credentials are invalid"), ({"api": False}, "API disabled")])
def test_a_refusal_is_one_attempt_that_says_what_to_set(house, story, knobs, why):
    queue = f"mautic-{len(why)}"
    with Worker(house, "scripts", queue, environment=story.settings) as worker: # one that has no token yet
        story.tell({**TRUTH, **knobs})
        ended = story.sync(["contacts"], queue)
        assert (ended.cause["type"], ended.attempts) == ("AuthError", 1)
        assert why in ended.cause["message"] and "MAUTIC_CLIENT_ID, MAUTIC_CLIENT_SECRET" in ended.cause["message"]
        assert SECRET not in json.dumps(ended.answer) + json.dumps(ended.history) + worker.log.read_text()


def test_a_token_request_that_is_refused_is_made_once(house, story):
    story.force({"match": "/oauth", "status": 401, "body": {"error": "invalid_client"}, "times": 9})
    with Worker(house, "scripts", "mautic-refused", environment=story.settings):
        ended = story.sync(["contacts"], "mautic-refused")
        assert (ended.cause["type"], ended.attempts, ended.cause["message"].count("check MAUTIC_CLIENT_ID")) == ("AuthError", 1, 1)
        assert len(story.vendor.requests()) == 1


def test_check_asks_mautic(story):
    assert story.checked() == ("ok", "3 contacts")
    verdict, found = story.checked(MAUTIC_CLIENT_SECRET="another-secret")
    assert verdict == "fail" and "client credentials are invalid" in found and "another-secret" not in found


def test_a_user_and_a_password_do_as_well(house, story):
    environment = {**story.settings, "MAUTIC_USERNAME": "analyst", "MAUTIC_PASSWORD": PASSWORD}
    with Worker(house, "scripts", "mautic-basic", environment=environment):
        assert story.sync(["contacts"], "mautic-basic").counts("contacts") == (3, 0, 0, 0)
        story.tell({**TRUTH, "user": ["analyst", "another"]})
        ended = story.sync(["contacts"], "mautic-basic")
        assert (ended.cause["type"], ended.attempts) == ("AuthError", 1)
        assert "MAUTIC_PASSWORD" in ended.cause["message"]
    with Worker(house, "scripts", "mautic-none", environment={**environment, "MAUTIC_BASE_URL": ""}):
        assert "Set MAUTIC_BASE_URL" in story.sync(["contacts"], "mautic-none").cause["message"]


def test_a_fault_costs_one_page_and_nothing_that_was_read(story):
    story.tell({"generate": {"contacts": 500}})
    for fault in ({"status": 503, "body_raw": "<html>"}, {"close": "mid-body"}, {"status": 429, "headers": {"Retry-After": "1"}, "body": {}}):
        story.force({"match": "/api/contacts", "delay_ms": 1}, {"match": "/api/contacts", **fault})
        before = len(story.asked("/api/contacts"))
        ended = contacts(story, full=True)
        assert ended.attempts == 1 and ended.counts("contacts")[3] == 0, fault
        assert [r["query"].get("where[0][val]", "0") for r in story.asked("/api/contacts")[before:]] == ["0", "200", "200", "400"]


@pytest.mark.parametrize("body", [{"total": "3"}, {"total": "3", "contacts": 7}, {"contacts": []}, {"total": "3", "contacts": {"1": {"isPublished": True}}}],
                         ids=["no list", "no rows", "no total", "no id"])
def test_a_malformed_answer_is_asked_for_again_and_never_loaded(story, body):
    story.force({"match": "/api/contacts", "body": body})
    ended = contacts(story)
    assert (ended.counts("contacts"), ended.attempts) == ((3, 0, 0, 0), 2)
    assert story.rows("SELECT count(*) FROM signalroom.loads") == [["1"]]
