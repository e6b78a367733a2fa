"""The command line as programs and shells use it: needs no server."""

import fcntl
import json
import os
import subprocess

import pytest
from house import BINARY, ROOT

NOWHERE = {"PATH": os.environ["PATH"], "TEMPORAL_ADDRESS": "127.0.0.1:1", "XDG_STATE_HOME": "/nonexistent"}


def said(*words, environment=None, **more):
    more = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    return subprocess.run([str(BINARY), *words], text=True, timeout=120, cwd=ROOT, env={**NOWHERE, **(environment or {})}, **more)


@pytest.fixture(scope="module")
def commands():
    return [command["name"] for command in json.loads(said("help", "--json").stdout)["commands"]]


def test_each_command_has_help_and_names_the_nearest_option_also_to_programs(commands):
    assert len(commands) > 25
    for command in commands:
        shown = said(command, "--help")
        assert shown.returncode == 0 and f"Usage: signalroom {command}" in shown.stdout
        options = json.loads(said(command, "--help", "--json").stdout)["options"]
        assert {"name": "json", "about": "print one JSON document instead of text"} in options
        wrong = said(command, "--jsno", "--json")
        error = json.loads(wrong.stdout)["error"]
        assert wrong.returncode == 2
        assert error == {"type": "Usage", "message": "no such option: --jsno; did you mean --json?", "hint": f"signalroom help {command}"}
        assert f"Try: signalroom help {command}" in wrong.stderr


@pytest.mark.parametrize(("words", "code", "complaint"), [
    (["tpyo"], 2, "no such command: tpyo"),
    (["scheduels"], 2, "no such command: scheduels; did you mean schedules?"),
    (["--"], 2, "no such command: --"),
    (["trigger", ""], 2, "usage: signalroom trigger SOURCE"),
    (["list", "--", "--limit"], 2, "usage: signalroom list"),
    (["list", "--limit", "1.5"], 2, "--limit wants a whole number above 0, not 1.5"),
    (["list", "--limit"], 2, "--limit wants a value: N"),
    (["start", "W", "--timeout", "5z"], 2, "--timeout wants a duration such as 30m, 1h or 2d, not 5z"),
    (["logs", "--level", "WARNIN"], 2, "--level is one of DEBUG, INFO, WARNING, ERROR, not WARNIN; did you mean WARNING?"),
    (["start", "W", "--input", "@no-such-file"], 5, "FileError: reading no-such-file: No such file or directory"),
    (["start", "W", "--input", "{bad"], 2, "--input is no JSON"),
    (["replay", "no-such-file"], 5, None),
    (["report", "daily_cw"], 5, "NotFoundError: there is no report daily_cw; did you mean daily_ccw?"),
    (["report", "daily_ccw", "--date", "2026-1-1"], 3, "ValueError: report daily_ccw: date is a date"),
    (["workflows", "SyncSorceWorkflow"], 5, "NotFoundError: there is no workflow SyncSorceWorkflow; did you mean SyncSourceWorkflow?"),
    (["explain", "retry", "evrflow"], 5, "NotFoundError: there is no source evrflow; did you mean everflow?"),
    (["worker", "--log-file", "/proc/no-such-file"], 3, "SystemError: opening the log file /proc/no-such-file: No such file"),
    (["mute", "1h"], 3, "KeyError: no database is configured"),
])
def test_what_is_wrong_has_its_code_and_its_sentence(words, code, complaint):
    wrong = said(*words)
    assert wrong.returncode == code, wrong.stderr
    assert complaint is None or complaint in wrong.stderr
    if not words[-1].startswith("--"):
        assert json.loads(said(*words, "--json").stdout)["error"]["message"] in wrong.stderr


def test_a_setting_that_is_wrong_is_named():
    wrong = said("worker", environment={"LOG_LEVEL": "chatty"})
    assert wrong.returncode == 3 and wrong.stderr == "signalroom: ConfigError: LOG_LEVEL is DEBUG, INFO, WARNING or ERROR, not CHATTY\n"


def test_a_script_that_is_wrong_is_no_report_without_news(tmp_path):
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/bad.lua").write_text('report "bad" { about = "x", slakc = "y" }\n')
    wrong = said("report", "bad", "--scripts", str(tmp_path))
    assert wrong.returncode == 3 and 'reports/bad.lua:1: report "bad" has no field "slakc"; did you mean "slack"?' in wrong.stderr


SOURCE = """source "%s" {
  base_url = "http://127.0.0.1:1", %s
  resource "days" {
    key = { "day" }, window = "day", window_column = "day", %s
    fetch = function(run, window) run:rows(run:get "/", "days") end,
  },
}
"""

SLIPS = {
    "zone": ('tz = "America/NewYork",', 'columns = { day = "date!" },', "zone.lua:1: source \"zone\": no time zone 'America/NewYork'"),
    "rate": ('rate = "sixty",', 'columns = { day = "date!" },', 'rate.lua:1: source "rate": a rate is a number by s, min or h, like "20/min"'),
    "initial": ('initial = "14.1.2026",', 'columns = { day = "date!" },', 'initial.lua:1: source "initial": initial: "14.1.2026" is no date: write YYYY-MM-DD'),
    "column": ("", 'columns = { day = "dat!" },', "column.lua:3: resource \"days\": column day: 'dat!': it must begin with a type"),
    "key": ("", 'columns = { days = "date!" },', 'key.lua:3: resource "days": the key column "day" is not among its columns'),
    "good": ("", 'columns = { day = "date!" },', None),
}


def test_a_slip_in_a_source_is_refused_by_its_line_when_it_is_saved(tmp_path):
    (tmp_path / "activities").mkdir()
    for name, (source, resource, _) in SLIPS.items():
        (tmp_path / f"activities/{name}.lua").write_text(SOURCE % (name, source, resource))
    told = said("repl", "--scripts", str(tmp_path), input=":reload\n").stdout
    for name, (_, _, complaint) in SLIPS.items():
        assert (complaint in told) if complaint else f"{name}.lua" not in told, told


def test_words_behind_two_dashes_are_no_options():
    assert "workflow not found" not in said("help", "--", "list").stderr
    assert said("help", "--", "list").stdout == said("help", "list").stdout


def test_a_reader_who_leaves_ends_it_as_a_signal_would():
    reader, writer = os.pipe()
    os.close(reader)
    done = said("help", stdout=writer)
    os.close(writer)
    assert done.returncode == 141 and done.stderr == ""


def test_what_cannot_be_written_is_an_error():
    with open("/dev/full", "w") as full:
        for words in (["help"], ["help", "--json"]):
            done = said(*words, stdout=full)
            assert done.returncode == 74 and "writing to stdout: No space left on device" in done.stderr


def test_a_closed_descriptor_does_not_become_a_socket():
    done = subprocess.run(["sh", "-c", '"$0" list <&- >&-', str(BINARY)], capture_output=True, text=True, timeout=120, env=NOWHERE)
    assert done.returncode == 4 and "UnavailableError" in done.stderr


def test_a_pipe_that_somebody_made_non_blocking_gets_all_of_it():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    process = subprocess.Popen([str(BINARY), "help", "--man"], stdout=writer, env=NOWHERE)
    whole = said("help", "--man").stdout
    assert len(whole) > 4096
    os.close(writer)
    with open(reader) as stream:
        assert stream.read() == whole
    assert process.wait(120) == 0


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"NO_COLOR": "1", "TERM": "xterm"}, {"TERM": "xterm"}])
def test_colours_are_for_terminals_that_want_them(tmp_path, environment):
    log = tmp_path / "worker.log"
    log.write_text('{"event":"worker_started","level":"info","timestamp":"2026-01-14T00:00:00.000Z"}\n')
    line = f"{BINARY} logs --file {log}"
    shown = subprocess.run(["script", "-qec", line, "/dev/null"], capture_output=True, text=True, timeout=120, env={**NOWHERE, **environment})
    assert "worker_started" in shown.stdout
    assert ("\x1b[32m" in shown.stdout) is (environment == {"TERM": "xterm"})
    assert "\x1b" not in said("logs", "--file", str(log)).stdout


def test_words_that_are_no_text_are_refused(tmp_path):
    done = subprocess.run([str(BINARY), "list", "--json", "--query", b"\xff"], capture_output=True, timeout=120, env=NOWHERE)
    assert done.returncode == 3
    assert json.loads(done.stdout)["error"]["message"].startswith("query: not UTF-8")


def test_without_home_and_terminal_it_works():
    assert said("repl", "-e", "1 + 1").stdout == "2\n"
    alone = subprocess.run([str(BINARY), "version", "--json"], capture_output=True, timeout=120, env={}, cwd="/")
    assert alone.returncode == 0 and "signalroom" in json.loads(alone.stdout)
