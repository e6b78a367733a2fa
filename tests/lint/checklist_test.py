#!/usr/bin/env python3
"""docs/checklist.md answers each line of the founding document, without a gap, by tests that exist."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAST_LINE = 196
ROW = re.compile(r"^\| (\d+)(?:-(\d+))? \| (.+?) \| (.+?) \|$", re.M)
LINT = "`tools/lua-docs --check`"
TEST = re.compile(r"`(tests/\S+?)::(\w+)`")


def mistakes(text):
    expected = 1
    for first, last, _, tests in ROW.findall(text):
        if int(first) != expected:
            yield f"line {expected} is answered nowhere: the next row begins with {first}"
        expected = int(last or first) + 1
        named = TEST.findall(tests)
        if not named and LINT not in tests:
            yield f"{first}: no test is named"
        for file, name in named:
            path = ROOT / file
            if not path.exists() or not re.search(rf"\b(?:def|static void) {name}\(", path.read_text()):
                yield f"{first}: {file} has no {name}"
    if expected != LAST_LINE + 1:
        yield f"the table ends with line {expected - 1}, not {LAST_LINE}"


def main():
    found = list(mistakes((ROOT / "docs/checklist.md").read_text()))
    print("\n".join(found) or f"checklist: lines 1 to {LAST_LINE} are answered by tests that exist")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
