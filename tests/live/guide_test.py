"""`signalroom help`: the front page, and the chapters of docs/guide, which are part of the binary."""

import json
import subprocess

from house import BINARY, ROOT

CHAPTERS = {path.stem: path.read_text() for path in (ROOT / "docs/guide").glob("*.md")}


def run(*words):
    return subprocess.run([BINARY, "help", *words], capture_output=True, text=True, timeout=60)


def test_the_front_page_says_what_it_is_and_lists_commands_and_chapters():
    said = run()
    assert said.returncode == 0 and said.stdout.startswith("SignalRoom: vendors' numbers into Postgres")
    listed = json.loads(run("--json").stdout)
    assert set(listed["chapters"]) == set(CHAPTERS)
    assert {"worker", "trigger", "why", "schedules"} <= {command["name"] for command in listed["commands"]}


def test_each_chapter_is_printed_as_it_stands_in_docs():
    for name, text in CHAPTERS.items():
        assert run(name).stdout.strip().endswith(text.strip())
        assert json.loads(run(name, "--json").stdout)["chapter"] == text


def test_a_name_that_is_a_command_and_a_chapter_gives_both():
    said = run("schedules").stdout
    assert said.startswith("signalroom schedules - ") and "# Managing schedules" in said


def test_a_slip_is_answered_with_the_nearest():
    said = run("stcuk")
    assert said.returncode == 2 and "did you mean stuck?" in said.stderr
