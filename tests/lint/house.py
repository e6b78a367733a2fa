#!/usr/bin/env python3
"""The house rules that a machine can hold: who includes whom, how long a file or a function may be, which
words are banned. Each rule is a function that yields "file:line: what is wrong". docs/architecture.md section 7
names the limits."""

import pathlib
import re
import subprocess
import sys

from lua_functions import functions as lua_functions

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE_LINES, FUNCTION_LINES, PARAMETERS, NESTING = 600, 60, 6, 3
LUA_FILE_LINES, LUA_FUNCTION_LINES = 400, 30
BANNED = {"ctx", "data", "info", "mgr", "manager", "helper", "util", "utils", "misc", "common", "impl", "obj"}
BANNED_PREFIXES = ("handle_", "process_", "do_")
# Names that are not ours to choose: those of Temporal's messages, of libraries, and of the bytes of a span.
FOREIGN_NAME = re.compile(r"\b(Tpb__|Gpb__|grpc_|uv_|curl_|PQ|MHD_)|\b(char|void) \*?data\b")

# A callback has the parameters that the library calling it gives.
FOREIGN = re.compile(r"\bMHD_Result\b")


def tracked(*patterns):
    out = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
                         cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / line for line in out.splitlines() if (ROOT / line).exists()]


def c_files():
    return tracked("runtime/*.c", "runtime/*.h")


def rooms():
    allowed = {}
    for line in (ROOT / "runtime/rooms.txt").read_text().splitlines():
        words = line.split()
        if words and words[0].isdigit():
            allowed[words[1]] = {words[1], *words[2:]}
    return allowed


def includes_keep_to_the_rooms():
    allowed = rooms()
    for path in c_files():
        room = path.relative_to(ROOT / "runtime").parts[0]
        for number, line in enumerate(path.read_text().splitlines(), 1):
            hit = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not hit:
                continue
            used = hit[1].split("/")[0]
            if "/" not in hit[1] or ".." in hit[1]:
                yield f"{path}:{number}: include as \"room/file.h\", not {hit[1]}"
            elif used in allowed and used not in allowed[room]:
                yield f"{path}:{number}: {room} may not use {used} (runtime/rooms.txt)"


def files_are_short():
    for path in tracked("*.c", "*.h", "*.lua", "*.py", "*.cmake", "tools/*", "tests/run", "tests/soak", "bench/run"):
        count, limit = len(path.read_text().splitlines()), LUA_FILE_LINES if path.suffix == ".lua" else FILE_LINES
        if count > limit:
            yield f"{path}:{count}: {count} lines, more than {limit}: is it one idea?"


def functions(path):
    """(first line, signature, body lines) of every C function, as clang-format lays them out."""
    lines = path.read_text().splitlines()
    for i, line in enumerate(lines):
        if line != "{" or i == 0:
            continue
        start = i - 1
        while start > 0 and lines[start].startswith((" ", "\t")):
            start -= 1
        end = i
        while end < len(lines) and lines[end] != "}":
            end += 1
        yield start + 1, " ".join(lines[start:i]), lines[i + 1:end]


def functions_are_short():
    for path in [p for p in c_files() if p.suffix == ".c"]:
        for line, signature, body in functions(path):
            if len(body) > FUNCTION_LINES:
                yield f"{path}:{line}: {len(body)} lines in a function, more than {FUNCTION_LINES}"
            inner = re.sub(r"\([^()]*\)", "", signature[signature.find("(") + 1:signature.rfind(")")])
            if inner.count(",") + 1 > PARAMETERS and not FOREIGN.search(signature):
                yield f"{path}:{line}: {inner.count(',') + 1} parameters, more than {PARAMETERS}"
            for offset, text in enumerate(body):
                hit = re.match(r"( +)(if|for|while|switch|do)\b", text)
                if hit and len(hit[1]) // 4 > NESTING:
                    yield f"{path}:{line + offset + 2}: nested deeper than {NESTING}"


def lua_functions_are_short():
    for path in tracked("*.lua"):
        for found in lua_functions(path.read_text()):
            for what, count, limit in (("lines in a function", found.lines, LUA_FUNCTION_LINES),
                                       ("parameters", found.parameters, PARAMETERS),
                                       ("levels of branches and loops", found.nesting, NESTING)):
                if count > limit:
                    yield f"{path}:{found.line}: {count} {what}, more than {limit}"


def names_say_something():
    named = re.compile(r"\b(?:struct|enum)\s+(\w+)|(?<=[\w*\s][\s*])(?<!return )(\w+)(?=[;,=)(\[]|\s=)")
    for path in c_files():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if FOREIGN_NAME.search(line) or line.lstrip().startswith(("*", "/*", "//")):
                continue
            for hit in named.finditer(re.sub(r'"(\\.|[^"\\])*"|/\*.*', "", line)):
                name = hit[1] or hit[2]
                if BANNED & {name, *name.split("_")[1:]} or name.startswith(BANNED_PREFIXES):
                    yield f"{path}:{number}: the name {name} says nothing"


def headers_open_with_their_idea():
    for path in [p for p in c_files() if p.suffix == ".h"]:
        text = path.read_text()
        if not text.startswith("/*"):
            yield f"{path}:1: a file opens with its idea"
        if "#pragma once" not in text:
            yield f"{path}:1: no #pragma once"


def no_work_is_left_undone():
    word = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|not yet implemented|unimplemented")
    for path in tracked("runtime", "scripts", "tests/*.c", "tests/*.py", "tests/*.lua", "CMakeLists.txt", "Makefile"):
        if path.resolve() == pathlib.Path(__file__).resolve() or path.suffix in (".bin", ".json"):
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if word.search(line):
                yield f"{path}:{number}: work left undone"


RULES = [includes_keep_to_the_rooms, files_are_short, functions_are_short, lua_functions_are_short, names_say_something,
         headers_open_with_their_idea, no_work_is_left_undone]


def main():
    failed = 0
    for rule in RULES:
        faults = list(rule())
        failed += bool(faults)
        print(f"{'FAIL' if faults else 'ok  '} {rule.__name__.replace('_', ' ')}")
        for fault in faults:
            print("    " + fault.replace(f"{ROOT}/", ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
