"""What the shell has of us: the man page, and Tab in a real bash and a real zsh under a pseudo-terminal."""

import json
import re
import subprocess
import time
import uuid

import pytest
from house import BINARY, ROOT, until
from terminal import TAB, Terminal, bare

CLEAR = "\x15"


# --- the man page ---


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("prefix")
    subprocess.run(["cmake", "--install", ROOT / "build/release", "--prefix", prefix], check=True, capture_output=True)
    return prefix


def test_the_installed_man_page_is_what_the_program_says(installed, house):
    page = (installed / "share/man/man1/signalroom.1").read_text()
    assert page == house.run("help", "--man").stdout
    commands = json.loads(house.run("help", "--json").stdout)["commands"]
    told = page.replace("\\-", "-")
    assert [c["name"] for c in commands] == re.findall(r"^\.SS (\S+)$", told, re.M)
    for command in commands:
        for option in json.loads(house.run("help", command["name"], "--json").stdout)["options"]:
            assert f"--{option['name']}" in told, command["name"]


def test_groff_renders_it_without_a_warning(installed):
    done = subprocess.run(["groff", "-man", "-Tascii", "-ww", installed / "share/man/man1/signalroom.1"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stderr == ""
    text = re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout)
    assert "why [WORKFLOW_ID | SCHEDULE_ID] [--run-id ID]" in text and "EXIT STATUS" in text


# --- what may stand there ---


def at(house, *words):
    """The words offered in the place of the last one."""
    return [c["word"] for c in json.loads(house.run("completion", "--json", "--at", "--", *words).stdout)["candidates"]]


@pytest.fixture
def run(house, queue):
    """A run with a name of its own, which the server lists."""
    name = f"tab-{uuid.uuid4().hex[:8]}"
    assert house.run("start", "Greeting", "--id", name, "--queue", queue).returncode == 0
    until(lambda: name in at(house, "why", "tab-"), 90, "the run in the server's list")
    yield name
    house.run("terminate", name)


def test_commands_options_values_and_what_is_there_are_offered(house, run):
    assert at(house, "termi") == ["terminate"] and "worker" in at(house, "")
    assert at(house, "why", "--run") == ["--run-id"] and at(house, "worker", "--log-level", "W") == ["WARNING"]
    assert at(house, "trigger", "ever") == ["everflow"] and at(house, "help", "conce") == ["concepts"]
    assert at(house, "schedules", "pa") == ["pause"] and at(house, "completion", "") == ["bash", "zsh"]
    assert at(house, "why", run, "tab-") == [], "there is one run to a command"
    assert at(house, "nonsense", "") == [] and at(house, "why", "tab-", "--address", "") == []
    assert at(house, "why", "--address", "127.0.0.1:1", "tab-") == [], "a server that is not there offers nothing"


# --- Tab ---


@pytest.fixture(params=["bash", "zsh"])
def shell(request, house, tmp_path):
    """A shell at its prompt, with completion switched on as the help says."""
    argv = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"]}[request.param]
    (tmp_path / "signalroom").symlink_to(BINARY)
    environment = {**house.environment(), "PS1": "at> ", "PROMPT": "at> ", "TERM": "dumb", "HISTFILE": "/dev/null"}
    environment["PATH"] = f"{tmp_path}:{environment['PATH']}"
    terminal = Terminal(argv, cwd=ROOT, env=environment)
    if request.param == "zsh":
        terminal.send("autoload -U compinit && compinit -D -u\n")
    terminal.send(f"source <(signalroom completion {request.param}); echo rea''dy\n")
    terminal.until("ready")
    yield terminal
    terminal.close()


def press_tab(shell, typed, whole):
    """Again after a while: the program gives a busy server a second, and then offers nothing."""
    shell.send(typed)
    for _ in range(20):
        shell.send(TAB)
        later = time.monotonic() + 5
        while time.monotonic() < later:
            if whole in bare(shell.raw):
                shell.raw = ""
                return
            assert shell.pump(0.1), "the shell has hung up"
    raise AssertionError(f"{typed!r} was not completed to {whole!r}: {shell.raw!r}")


def test_tab_completes_a_command_a_source_a_schedule_and_a_run(shell, run):
    for typed, whole in (("signalroom termi", "signalroom terminate "), ("signalroom trigger everf", "signalroom trigger everflow "),
                         ("signalroom schedules resu", "signalroom schedules resume "), (f"signalroom why {run[:8]}", f"signalroom why {run} ")):
        press_tab(shell, typed, whole)
        shell.send(CLEAR)


def test_the_installed_completion_files_are_those_that_are_sourced(house, installed):
    for name, path in (("bash", "share/bash-completion/completions/signalroom"), ("zsh", "share/zsh/site-functions/_signalroom")):
        assert (installed / path).read_text() == house.run("completion", name).stdout
    assert house.run("completion", "fish").returncode == 2
