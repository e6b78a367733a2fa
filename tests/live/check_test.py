"""`signalroom check`: a line for each thing that a worker needs; and the worker's own look before it polls."""

import json
import shutil
import socket
import subprocess
import threading

import pytest
from house import BINARY, ROOT, Worker, until
from messages import settings_of, vendors_of

POOLER = "postgresql://{}:x@aws-0-eu.pooler.supabase.com.invalid:{}/postgres"


def checks(house, *words, code=0, **environment):
    """What check says, by name."""
    done = house.run("check", *words, "--json", environment=environment)
    assert done.returncode == code, done.stdout + done.stderr
    return {line["name"]: line for line in json.loads(done.stdout)["checks"]}


def warned(said):
    """What is doubtful, but for vendors and channels without a key: this house has Everflow's alone."""
    return {name for name, line in said.items() if line["verdict"] == "warn" and not line["found"].startswith("not asked")}


@pytest.fixture
def scripts(tmp_path):
    """A scripts folder of one's own: an activity, and what else is written there."""
    (tmp_path / "activities").mkdir()
    (tmp_path / "activities/greet.lua").write_text('activity "greet" { run = function() return setting("GREETING_URL", "") end }\n')
    return tmp_path


@pytest.fixture
def applied(house):
    """The schedules of the scripts folder, on the server."""
    ids = house.apply_schedules()
    yield
    for name in ids:
        house.run("schedules", "delete", name)


def test_check_is_content_with_a_whole_house(house, queue, applied):
    assert house.run("migrate").returncode == 0
    with Worker(house, queue=queue):
        until(lambda: warned(checks(house, "--queue", queue)) == {"retry"}, what="a check without a warning but one")
        said = checks(house, "--queue", queue)
    assert {"settings", "temporal", "namespace", "workflow pollers", "activity pollers", "database", "rights", "tables", "clock", "scripts",
            "schedules", "disk"} <= set(said)
    assert said["schedules"]["found"].endswith(", all applied")


def test_check_warns_of_a_queue_without_a_worker_missing_tables_and_schedules(house, queue):
    house.postgres.fresh()
    said = checks(house, "--queue", queue)
    assert {"workflow pollers", "activity pollers", "tables", "schedules"} <= warned(said)
    assert said["workflow pollers"]["fix"] == f"start a worker: signalroom worker --queue {queue}"
    assert said["tables"]["fix"] == "signalroom migrate"
    assert "daily-sync-s3 is not on the server" in said["schedules"]["found"]


@pytest.mark.parametrize("environment, name, found", [
    ({"TEMPORAL_ADDRESS": "127.0.0.1:1"}, "temporal", "127.0.0.1"),
    ({"TEMPORAL_NAMESPACE": "nowhere"}, "namespace", "nowhere"),
    ({"DATABASE_URL": "postgresql://signalroom@127.0.0.1:1/postgres"}, "database", "refused"),
    ({"DATABASE_URL": ""}, "database", "neither DATABASE_URL nor SUPABASE_DB_HOST"),
    ({"DATABASE_URL": "mysql://signalroom@127.0.0.1/x"}, "database url", "neither postgres:// nor"),
    ({"DATABASE_URL": POOLER.format("postgres", 6543)}, "supabase user", "does not know"),
    ({"DATABASE_URL": POOLER.format("postgres.abc", 1234)}, "supabase port", "1234"),
    ({"DATABASE_URL": "postgresql://postgres.abc:x@db.abc.supabase.co:5432/postgres"}, "supabase user", "belongs to the pooler"),
    ({"DATABASE_URL": "", "SUPABASE_DB_HOST": "db.invalid", "SUPABASE_DB_PASSWORD": ""}, "database password", "SUPABASE_DB_PASSWORD"),
    ({"EVERFLOW_BASE_URL": "api.eflow.team"}, "setting", "EVERFLOW_BASE_URL is no address"),
    ({"EVERFLOW_API_KEY": "key-with-a-newline\n"}, "setting", "EVERFLOW_API_KEY begins or ends with white space"),
    ({"SLACK_CHANNEL_ID": '"C0123456789"'}, "setting", "SLACK_CHANNEL_ID is in quotation marks"),
])
def test_check_fails_on_what_is_wrong_and_says_how_to_mend_it(house, environment, name, found):
    line = checks(house, code=1, **environment)[name]
    assert line["verdict"] == "fail" and found in line["found"] and line["fix"]


def test_each_vendor_is_asked_with_the_key_that_is_set(house):
    said = checks(house)
    assert said["vendor everflow"]["verdict"] == "ok"
    assert said["vendor redtrack"]["verdict"] == "warn" and said["vendor redtrack"]["found"] == "not asked, unset: REDTRACK_API_KEY"
    line = checks(house, code=1, EVERFLOW_API_KEY="not-the-right-key")["vendor everflow"]
    assert line["verdict"] == "fail" and line["found"].startswith("AuthError: ") and "refuses the key" in line["fix"]
    line = checks(house, code=1, EVERFLOW_BASE_URL="http://127.0.0.1:1")["vendor everflow"]
    assert line["found"].startswith("NetworkError: ") and "address" in line["fix"]


class Reserved:
    """A vendor that says nothing until so many have asked at the same time, and then hangs up."""

    def __init__(self, guests):
        self.guests, self.asked = guests, []
        self.door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.door.getsockname()[1]}"
        self.thread = threading.Thread(target=self.receive, daemon=True)
        self.thread.start()

    def receive(self):
        self.door.settimeout(120)
        while len(self.asked) < self.guests:
            self.asked.append(self.door.accept()[0])
        self.door.close()
        for guest in self.asked:
            guest.close()


def test_vendors_are_asked_at_the_same_time_and_told_in_their_order(house):
    vendor = Reserved(3)
    done = house.run("check", "--json", environment={
        "EVERFLOW_BASE_URL": vendor.url, "REDTRACK_BASE_URL": vendor.url, "REDTRACK_API_KEY": "x", "POSTHOG_HOST": vendor.url,
        "POSTHOG_API_KEY": "x", "POSTHOG_PROJECT_ID": "1"})
    lines = [line for line in json.loads(done.stdout)["checks"] if line["name"].startswith("vendor ")]
    assert len(vendor.asked) == 3
    assert [line["name"] for line in lines] == sorted(line["name"] for line in lines)
    failed = [line for line in lines if line["verdict"] == "fail"]
    assert [line["name"] for line in failed] == ["vendor everflow", "vendor posthog", "vendor redtrack"]
    assert all(line["found"].startswith("NetworkError: ") and line["fix"] == "is the address right, is it up?" for line in failed)


def test_each_channel_is_asked_with_the_token_that_is_set(house):
    assert checks(house)["messages"]["found"].startswith("are logged and not sent")
    fakes = vendors_of(house)
    said = checks(house, **settings_of(fakes, SIGNALROOM_ENV="production", REPORT_EMAIL_TO="a@example.test", REPORT_SMS_TO="+15550100001"))
    assert said["channel slack"]["found"] == "signalroom of Test" and "messages" not in said
    assert {said[f"channel {name}"]["verdict"] for name in ("slack", "email", "sms")} == {"ok"}
    assert checks(house, **settings_of(fakes))["channel sms"]["verdict"] in ("ok", "warn")
    fakes["resend"].control("data", {"sends_only": True})
    assert checks(house, **settings_of(fakes))["channel email"]["found"] == "the key may send"

    wrong = {"SLACK_BOT_TOKEN": "xoxb-wrong-token", "RESEND_API_KEY": "re_wrong_key", "TWILIO_AUTH_TOKEN": "wrong-twilio-token"}
    said = checks(house, code=1, **settings_of(fakes, **wrong))
    for name, token in (("slack", "SLACK_BOT_TOKEN"), ("email", "RESEND_API_KEY"), ("sms", "TWILIO_AUTH_TOKEN")):
        line = said[f"channel {name}"]
        assert line["verdict"] == "fail" and token in line["fix"] and wrong[token] not in line["found"], line
    assert not any(fakes[name].accepted() for name in fakes), "nothing was sent"


def test_the_pooler_is_told_from_the_database_by_the_user(house):
    line = checks(house, code=1, DATABASE_URL=POOLER.format("postgres", 6543))["supabase user"]
    assert line["fix"] == "the user is postgres.<project_ref>"


def test_check_names_the_rights_that_a_role_lacks(house):
    house.postgres.fresh()
    house.postgres.rows("CREATE ROLE guest LOGIN")
    said = checks(house, code=1, DATABASE_URL=house.postgres.url.replace("signalroom@", "guest@"))
    house.postgres.rows("DROP ROLE guest")
    assert said["rights"]["fix"] == "GRANT CREATE ON DATABASE postgres TO guest; GRANT CREATE ON SCHEMA public TO guest"
    assert said["tables"]["verdict"] == "fail"


def test_check_names_the_line_of_a_script_that_does_not_compile(house, scripts):
    (scripts / "activities/broken.lua").write_text("local a = 1\nlocal b = = 2\n")
    line = checks(house, "--scripts", scripts, code=1)["script"]
    assert line["verdict"] == "fail" and line["found"].startswith("activities/broken.lua:2:")


def test_check_loads_definitions_and_templates_as_a_worker_does(house, scripts):
    (scripts / "activities/broken.lua").write_text('activity "x" { rn = 1 }\n')
    line = checks(house, "--scripts", scripts, code=1)["script"]
    assert line["found"] == 'activities/broken.lua:1: activity "x" has no option "rn"; did you mean "run"?'
    (scripts / "activities/broken.lua").unlink()
    (scripts / "reports").mkdir()
    (scripts / "reports/broken.lua").write_text('report "x" { bogus = 1 }\n')
    assert checks(house, "--scripts", scripts, code=1)["script"]["found"].startswith('reports/broken.lua:1: report "x" has no field "bogus"')
    (scripts / "reports/broken.lua").unlink()
    assert checks(house, "--scripts", scripts)["scripts"]["found"] == "0 workflows, 1 activities"


# --- before a worker polls ---


def start(house, queue, *words, scripts=ROOT / "scripts", **environment):
    """A worker that is expected to give up by itself."""
    return subprocess.run([BINARY, "worker", "--queue", queue, "--scripts", scripts, *words], capture_output=True, text=True, timeout=240,
                          env={**house.environment(), **environment})


@pytest.mark.parametrize("environment, named", [
    ({"DATABASE_URL": "", "SUPABASE_DB_HOST": "127.0.0.1", "SUPABASE_DB_PASSWORD": ""}, "SUPABASE_DB_PASSWORD is not set"),
    ({"DATABASE_URL": POOLER.format("postgres", 6543)}, "the user is postgres.<project_ref>"),
    ({"DATABASE_URL": "postgresql://signalroom@127.0.0.1:1/postgres"}, "refused"),
    ({"DATABASE_URL": ""}, "neither DATABASE_URL nor SUPABASE_DB_HOST is set"),
])
def test_a_worker_that_could_not_do_its_work_refuses_to_poll_and_says_so_once(house, queue, environment, named):
    done = start(house, queue, **environment)
    assert done.returncode == 3 and done.stderr.count("CheckFailed") == 1 and named in done.stderr
    assert "worker_started" not in done.stderr and "--no-check" in done.stderr
    described = json.loads(house.temporal.cli("task-queue", "describe", "-t", queue, "-o", "json").stdout)
    assert not described.get("pollers"), "no poll was sent"


def test_a_worker_without_sources_needs_no_database_and_no_check_starts_any(house, queue, scripts):
    with Worker(house, scripts, queue, environment={"DATABASE_URL": ""}) as worker:
        assert worker.ready()
    shutil.copy(ROOT / "scripts/activities/redtrack.lua", scripts / "activities")
    assert start(house, queue, scripts=scripts, DATABASE_URL="").returncode == 3
    with Worker(house, scripts, queue, "--no-check", environment={"DATABASE_URL": ""}) as worker:
        assert worker.ready()
