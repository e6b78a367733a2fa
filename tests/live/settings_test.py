"""Settings: all of them known, none of them a secret that shows, passwords of any character; and what `explain retry` says."""

import json
import re
import shutil
import uuid

import pytest
from house import ROOT, VendorFake, Worker

NASTY = "p`w\"d$@:/%"
SECRETS = {"EVERFLOW_API_KEY": "everflow-secret-1f7a", "REDTRACK_API_KEY": "redtrack-secret-93bc", "SLACK_BOT_TOKEN": "xoxb-secret-55de"}
# Read by others than us, or names of no setting.
FOREIGN = {"HOME", "PATH", "EDITOR", "VISUAL", "TMPDIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "NO_COLOR", "NAME", "SUPABASE_DB_"}


def env(house, *words, environment=None):
    done = house.run("env", *words, "--json", environment=environment)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    return {s["name"]: s for s in said["settings"]}, said["unknown"], done.stdout


def test_each_setting_has_a_value_an_origin_and_no_secret_shows(house, tmp_path):
    (tmp_path / "temporal.toml").write_text('[profile.default]\nnamespace = "from-a-file"\napi_key = "toml-secret-7781"\n')
    (tmp_path / "key").write_text("file-secret-4410\n")
    said, unknown, text = env(house, environment={
        **SECRETS, "REDTRACK_API_KEY": "", "REDTRACK_API_KEY_FILE": str(tmp_path / "key"), "TEMPORAL_CONFIG_FILE": str(tmp_path / "temporal.toml"),
        "EVERFLOW_API_KEY_CTI": "cti-secret-0099", "TEMPORAL_GRPC_META_X_TEAM": "numbers", "TEMPORAL_ADRESS": "x", "SIGNALROOM_READ_ONLY": "1"})
    assert (said["EVERFLOW_API_KEY"]["value"], said["EVERFLOW_API_KEY"]["origin"]) == ("***", "environment")
    assert (said["REDTRACK_API_KEY"]["value"], said["REDTRACK_API_KEY"]["origin"]) == (str(tmp_path / "key"), "file")
    assert (said["TEMPORAL_NAMESPACE"]["value"], said["TEMPORAL_NAMESPACE"]["origin"]) == ("from-a-file", "temporal.toml")
    assert (said["TEMPORAL_API_KEY"]["value"], said["TEMPORAL_API_KEY"]["origin"]) == ("***", "temporal.toml")
    assert (said["REDTRACK_RATE"]["value"], said["REDTRACK_RATE"]["origin"]) == ("20/min", "default")
    assert said["EVERFLOW_API_KEY_CTI"]["value"] == "***"
    assert "value" not in said["AWS_SESSION_TOKEN"] and said["AWS_SESSION_TOKEN"]["origin"] == "not set"
    assert {u["name"]: u.get("meant") for u in unknown if u["name"] != "SIGNALROOM_BINARY"} == \
        {"TEMPORAL_ADRESS": "TEMPORAL_ADDRESS", "SIGNALROOM_READ_ONLY": "SIGNALROOM_READONLY"}
    assert not re.search("secret-[0-9a-f]{4}", text)


def test_settings_of_an_analysts_script_are_there_too(house, tmp_path):
    (tmp_path / "activities").mkdir()
    (tmp_path / "activities/harbor.lua").write_text('local key, speed = secret "HARBOR_API_KEY", setting("HARBOR_SPEED", "1")\n')
    said, _, text = env(house, "--scripts", tmp_path, environment={"HARBOR_API_KEY": "harbor-secret-1234", "HARBOR_SPEED": "7"})
    assert (said["HARBOR_API_KEY"]["value"], said["HARBOR_SPEED"]["value"]) == ("***", "7")
    assert said["HARBOR_SPEED"]["about"] == f"asked for in {tmp_path}/activities/harbor.lua"
    assert "harbor-secret" not in text


def test_the_page_of_settings_is_what_the_registry_says(house):
    assert (ROOT / "docs/settings.md").read_text() == house.run("env", "--markdown").stdout


def test_every_setting_that_is_read_is_registered(house):
    known = set(re.findall(r'name = "([A-Z0-9_*]+)"', (ROOT / "runtime/lua/settings.lua").read_text()))
    pattern = re.compile(r'(?:os\.getenv|setting|secret)[ (]*"([A-Z][A-Z0-9_]+)"')
    read = {}
    for path in [*ROOT.glob("runtime/lua/**/*.lua"), *ROOT.glob("scripts/**/*.lua")]:
        for name in pattern.findall(path.read_text()):
            read.setdefault(name, path)
    for name in re.findall(r'\{"(TEMPORAL_[A-Z0-9_]+)"', (ROOT / "runtime/rpc/settings.c").read_text()):
        read[name] = ROOT / "runtime/rpc/settings.c"
    assert {name: str(path) for name, path in read.items() if name not in known | FOREIGN} == {}


# --- passwords and secrets ---


@pytest.fixture(scope="module")
def odd_user(house):
    """A user whose password has every character that quoting gets wrong, and who must give it."""
    hba = house.postgres.folder / "pg_hba.conf"
    kept = hba.read_text()
    quoted = NASTY.replace("'", "''")
    house.postgres.rows(f"CREATE ROLE odd LOGIN PASSWORD '{quoted}'")
    house.postgres.rows("CREATE DATABASE odd OWNER odd")
    hba.write_text("host all odd 127.0.0.1/32 scram-sha-256\n" + kept)
    house.postgres.rows("SELECT pg_reload_conf()")
    yield {"DATABASE_URL": "", "SUPABASE_DB_HOST": "127.0.0.1", "SUPABASE_DB_PORT": str(house.postgres.port), "SUPABASE_DB_NAME": "odd",
           "SUPABASE_DB_USER": "odd", "SUPABASE_DB_PASSWORD": NASTY}
    hba.write_text(kept)
    house.postgres.rows("SELECT pg_reload_conf()")


def test_a_password_may_have_any_character(house, odd_user, tmp_path):
    assert house.run("migrate", environment=odd_user).returncode == 0
    (tmp_path / "password").write_text(NASTY + "\n")
    by_file = {**odd_user, "SUPABASE_DB_PASSWORD": "", "SUPABASE_DB_PASSWORD_FILE": str(tmp_path / "password")}
    assert house.run("migrate", environment=by_file).returncode == 0
    url = f"postgresql://odd:p%60w%22d%24%40%3A%2F%25@127.0.0.1:{house.postgres.port}/odd"
    assert house.run("migrate", environment={"DATABASE_URL": url}).returncode == 0
    wrong = house.run("migrate", environment={**odd_user, "SUPABASE_DB_PASSWORD": "wrong-" + NASTY})
    assert wrong.returncode == 4 and "password authentication failed" in wrong.stderr and NASTY not in wrong.stderr


@pytest.fixture(scope="module")
def vendors(house):
    fakes = {name: VendorFake(name, house.folder) for name in ("redtrack", "slack")}
    yield {"everflow": house.everflow, **fakes}
    house.everflow.control("reset", {})
    for fake in fakes.values():
        fake.end()


def test_no_log_error_history_or_table_has_a_secret(house, odd_user, vendors):
    queue = "secrets-" + uuid.uuid4().hex[:8]
    environment = {**odd_user, **SECRETS, "REDTRACK_BASE_URL": vendors["redtrack"].url, "SLACK_BASE_URL": vendors["slack"].url + "/api",
                   "SLACK_CHANNEL_ID": "C0123456789", "SIGNALROOM_ENV": "production", "REDTRACK_RATE": "6000/min"}
    window = {"from": "2026-01-14", "to": "2026-01-14"}
    echoes = {name: {"error": f"bad key {SECRETS[key]} of {NASTY}", "key": SECRETS[key]} for name, key in
              (("everflow", "EVERFLOW_API_KEY"), ("redtrack", "REDTRACK_API_KEY"))}
    assert house.run("migrate", environment=environment).returncode == 0
    said = []
    with Worker(house, "scripts", queue, "--log-level", "DEBUG", environment=environment) as worker:
        for name, status in (("everflow", 401), ("redtrack", 403), ("everflow", 400)):
            vendors[name].control("reset", {})
            vendors[name].control("script", [{"match": "/", "status": status, "body": echoes[name], "times": 9}])
            workflow_id = f"secrets-{uuid.uuid4().hex[:8]}"
            started = house.run("start", "SyncSourceWorkflow", "--queue", queue, "--id", workflow_id, "--input",
                                json.dumps({"source_name": name, "source_kwargs": window}))
            assert started.returncode == 0, started.stderr
            for words in (["result", workflow_id, "--json"], ["why", workflow_id], ["history", workflow_id], ["show", workflow_id, "--json"]):
                done = house.run(*words)
                said.append(done.stdout + done.stderr)
            said.append(json.dumps(house.temporal.history(workflow_id)))
        said += [worker.metrics(), json.dumps(vendors["slack"].accepted())]
    said.append(worker.log.read_text())
    for words in (["env"], ["check"], ["env", "--json"]):
        done = house.run(*words, environment=environment)
        said.append(done.stdout + done.stderr)
    url, house.postgres.url = house.postgres.url, house.postgres.url.rsplit("/", 1)[0] + "/odd"
    try:
        for [name] in house.postgres.rows("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'signalroom'"):
            said.append(json.dumps(house.postgres.rows(f"SELECT t::text FROM signalroom.{name} t")))
    finally:
        house.postgres.url = url
    assert any("***" in text for text in said)
    for secret in (*SECRETS.values(), NASTY, json.dumps(NASTY)[1:-1]):
        assert not [text[max(0, text.find(secret) - 200):text.find(secret) + 50] for text in said if secret in text], secret


# --- retries ---


def test_explain_retry_says_numbers_delays_budget_and_place(house):
    said = house.run("explain", "retry", "everflow").stdout
    for line in ("everflow: scripts/workflows/retry.lua:2", "first delay    1s", "factor         2", "longest delay  5m", "attempts       5",
                 "never retried  ValueError, KeyError", "delays         1 s, 2 s, 4 s, 8 s", "budget         15 s of waiting in 5 attempts",
                 "warning: the longest delay, 5m, is never reached: raise attempts or lower max"):
        assert line in said, said
    plain = json.loads(house.run("explain", "retry", "--json").stdout)
    assert (plain["delays_ms"], plain["budget_ms"], plain["place"]) == ([1000, 2000, 4000, 8000], 15000, "scripts/workflows/retry.lua:2")


def test_a_source_may_have_a_policy_of_its_own(house, tmp_path):
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    script = tmp_path / "scripts/workflows/source_retry.lua"
    script.write_text(script.read_text().replace("local SOURCES = {}", 'local SOURCES = {\n  redtrack = { attempts = 4, max = "2s" },\n}'))
    said = json.loads(house.run("explain", "retry", "redtrack", "--scripts", tmp_path / "scripts", "--json").stdout)
    assert (said["delays_ms"], said["place"].rpartition("/")[2]) == ([1000, 2000, 2000], "source_retry.lua:3")
    assert "warning" not in said
    other = json.loads(house.run("explain", "retry", "everflow", "--scripts", tmp_path / "scripts", "--json").stdout)
    assert other["delays_ms"] == [1000, 2000, 4000, 8000]
    fake = VendorFake("redtrack", house.folder)
    try:
        fake.control("script", [{"match": "/report", "status": 503, "body": {}, "times": 99}])
        environment = {"REDTRACK_BASE_URL": fake.url, "REDTRACK_API_KEY": "redtrack-test-key", "REDTRACK_RATE": "6000/min"}
        house.empty_database()
        with Worker(house, tmp_path / "scripts", "own-retry", environment=environment):
            kwargs = json.dumps({"from": "2026-01-14", "to": "2026-01-14"})
            assert house.run("trigger", "redtrack", "-w", "--queue", "own-retry", "--kwargs", kwargs).returncode == 1
        assert len(fake.requests()) == 4
    finally:
        fake.end()


def test_explain_knows_its_topics(house):
    assert house.run("explain", "everything").returncode == 2
