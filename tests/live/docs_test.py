"""The pages of docs/ do what they say: files are written, commands run in order, and print what is shown.

A block takes part by what stands behind its language:

    ```lua file=scripts/activities/orchard.lua    is written to that file of the reader's checkout
    ```sh run                                     is typed by the reader, and must succeed; `run fails`: must not
    ```sh serve                                   the same in another terminal, where it runs until the page ends
    ```output                                     what the block before it prints: each of these lines in this order, with any
                                                  others between; blanks count as one, `...` stands for anything
    ```output served                              the same of what runs in the other terminal, the one begun last
    ```sh serve port=8700                         8700 is a free port, all over the page

A page with such blocks is one story, with a checkout, a database and a task queue of its own. Lua blocks that take no part
must compile.
"""

import contextlib
import dataclasses
import os
import re
import shlex
import shutil
import signal
import subprocess
import uuid

import pytest
from house import BINARY, ROOT, Worker, free_port, until

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINKED = ("build", "docs", "tests", "tools")
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.M | re.S)
SECONDS = 240


@dataclasses.dataclass
class Block:
    language: str
    words: list
    text: str
    line: int

    def option(self, name):
        return next((word.partition("=")[2] for word in self.words if word.startswith(name + "=")), None)

    @property
    def acts(self):
        return bool({"run", "serve"} & set(self.words) or self.option("file"))


def blocks_of(text):
    return [Block(hit[1], hit[2].split(), hit[3], text[:hit.start()].count("\n") + 1) for hit in FENCE.finditer(text)]


def with_free_ports(text):
    for port in {block.option("port") for block in blocks_of(text)} - {None}:
        text = re.sub(rf"\b{port}\b", str(free_port()), text)
    return text


def lacks(expected, printed):
    """The first expected line that was not printed where it should be; None when all were."""
    lines = iter([" ".join(line.split()) for line in printed.splitlines()])
    for wanted in filter(None, (" ".join(line.split()) for line in expected.splitlines())):
        pattern = re.compile(".*".join(map(re.escape, wanted.split("..."))))
        if not any(pattern.fullmatch(line) for line in lines):
            return wanted
    return None


class Reader:
    """Somebody with a checkout who types what a page says. What is exported stays exported."""

    def __init__(self, house, folder):
        self.checkout, self.state = folder / "signalroom", folder / "state"
        self.state.mkdir()
        shutil.copytree(ROOT / "scripts", self.checkout / "scripts")
        for name in LINKED:
            (self.checkout / name).symlink_to(ROOT / name)
        self.environment = {**house.environment(), "TEMPORAL_TASK_QUEUE": f"docs-{uuid.uuid4().hex[:8]}",
                            "PATH": f"{BINARY.parent}:{os.environ['PATH']}"}
        self.served, self.printed, self.serving = [], None, None
        (self.state / "exports").write_text("")

    def script(self, block):
        path = self.state / f"line-{block.line}.sh"
        path.write_text(f"set -e\n. {self.state}/exports\ntrap 'export -p >{self.state}/exports' EXIT\n{block.text}")
        return path

    def write(self, block):
        path = self.checkout / block.option("file")
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.draft")
        draft.write_text(block.text)
        draft.rename(path)  # at once, as an editor does it under the eyes of a worker

    def begin(self, block):
        """A process with a session of its own, and what reads all that it printed."""
        out = self.state / f"line-{block.line}.out"
        with out.open("w") as file:
            return subprocess.Popen(["bash", self.script(block)], cwd=self.checkout, env=self.environment, stdout=file,
                                    stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True), out.read_text

    def run(self, block):
        process, self.printed = self.begin(block)
        try:
            code = process.wait(SECONDS)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        assert (code != 0) == ("fails" in block.words), f"line {block.line} exits {code}:\n{self.printed()}"

    def serve(self, block):
        process, self.printed = self.begin(block)
        self.serving = self.printed
        self.served.append(process)

    def compare(self, block):
        printed = self.serving if "served" in block.words else self.printed
        with contextlib.suppress(AssertionError):
            until(lambda: lacks(block.text, printed()) is None or self.served[-1].poll() is not None, SECONDS if printed is self.serving else 0)
        missing = lacks(block.text, printed())
        assert missing is None, f"line {block.line}: not printed: {missing}\n--- printed:\n{printed()}"

    def follow(self, block):
        if block.option("file"):
            self.write(block)
        elif "run" in block.words:
            self.run(block)
        elif "serve" in block.words:
            self.serve(block)
        elif block.language == "output":
            self.compare(block)

    def close(self):
        for process in reversed(self.served):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(60)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("page", [page for page in PAGES if any(block.acts for block in blocks_of(page.read_text()))],
                         ids=lambda page: page.stem)
def test_a_page_does_what_it_says(house, tmp_path, page):
    house.postgres.fresh()
    house.everflow.control("reset", {})
    reader = Reader(house, tmp_path)
    try:
        for block in blocks_of(with_free_ports(page.read_text())):
            reader.follow(block)
    finally:
        reader.close()


TYPED = re.compile(r"^\s*(?:\$ )?(signalroom [a-z].*)$|`(signalroom [a-z][^`]+)`", re.M)
BEHIND = re.compile(r"\s[|;>]\s?|\s&&|;\s|\s{3,}|,\s(?=\w)| -- ")


def test_every_command_in_the_docs_is_one_that_there_is():
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for typed in {block or inline for block, inline in TYPED.findall(page.read_text())}:
            words = [word.strip("[]") for word in shlex.split(BEHIND.split(typed)[0], comments=True)[1:]]
            done = subprocess.run([BINARY, *words, "--help"], capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, f"{page.name}: {typed}: {done.stderr}"


def test_the_page_on_moving_runs_in_its_order(house, queue):
    """But for what the old system does, and loads of vendors that are not here."""
    house.postgres.fresh()
    house.everflow.control("reset", {})
    blocks = "".join(block.text for block in blocks_of((ROOT / "docs/moving.md").read_text()) if block.language == "sh")
    lines = [shlex.split(line, comments=True) for line in blocks.splitlines() if line.startswith("signalroom ")]
    kept = [line[1:] for line in lines if line[1] != "trigger" or "--kwargs" in line]
    assert [words[0] for words in kept] == ["env", "check", "migrate", "list", "trigger", "schedules", "schedules", "schedules"]
    with Worker(house, queue=queue):
        for words in [*kept, ["schedules", "delete", "--all"]]:
            done = house.run(*words, environment={"TEMPORAL_TASK_QUEUE": queue})
            assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"


def test_every_other_lua_block_compiles(tmp_path):
    for page in PAGES:
        for block in blocks_of(page.read_text()):
            if block.language == "lua" and not block.acts:
                (tmp_path / f"{page.stem}_{block.line}.lua").write_text(block.text)
    files = sorted(tmp_path.iterdir())
    compiled = subprocess.run(["luajit", "-e", "for _, path in ipairs(arg) do assert(loadfile(path)) end", "-", *files], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True)
    assert files and compiled.returncode == 0, compiled.stderr


def test_the_comparison_sees_what_is_missing():
    assert lacks("a ... c\n", "x\na  b   c\nz") is None
    assert lacks("one\ntwo\n", "two\none") == "two"
    assert lacks("load 1", "load 12") == "load 1"
