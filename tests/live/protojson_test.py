"""Messages against protobuf's own Python: the recorded histories, and random messages of every type that
temporalio and we both know, through JSON in both directions and through Lua tables."""

import importlib
import json
import os
import pathlib
import pkgutil
import random
import subprocess

import pytest
import temporalio.api
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.descriptor import FieldDescriptor as F
from temporalio.api.history.v1 import History
from temporalio.client import WorkflowHistory

ROOT = pathlib.Path(__file__).resolve().parents[2]
DRIVER = pathlib.Path(os.environ.get("SIGNALROOM_SCRIPT_DRIVER", ROOT / "build/release/tests/script_driver"))
HISTORIES = sorted((ROOT / "../shared/histories").glob("*.*"))
WORDS = ["", "a", "run-1", "Español", "日本", "😀", "q\"\\/", "tab\t\n\x01\x7f", "x" * 300]


class Refused(Exception):
    pass


class Driver:
    def __init__(self):
        self.process = subprocess.Popen([DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, verb, *words):
        *names, body = words
        self.process.stdin.write(" ".join([verb, *names, body.hex()]) + "\n")
        answer = self.process.stdout.readline().rstrip("\n")
        if answer.startswith("! "):
            raise Refused(answer[2:])
        return bytes.fromhex(answer)


@pytest.fixture(scope="module")
def driver():
    driver = Driver()
    yield driver
    driver.process.stdin.close()
    assert driver.process.wait(60) == 0


def history_of(path):
    """As Python's SDK reads the file."""
    if path.suffix == ".bin":
        return History.FromString(path.read_bytes())
    history = json.loads(path.read_text())
    history = history[0] if isinstance(history, list) else history
    return History(events=WorkflowHistory.from_json("w", history).events)


@pytest.mark.skipif(not HISTORIES, reason="no ../shared/histories here")
@pytest.mark.parametrize("path", [p for p in HISTORIES if p.suffix in (".json", ".bin")], ids=lambda p: p.name)
def test_a_recorded_history_is_read_as_python_reads_it(driver, path):
    packed = driver.ask("history", path.read_bytes())
    assert History.FromString(packed) == history_of(path)
    printed = driver.ask("write", "temporal.api.history.v1.History", packed)
    assert json_format.Parse(printed, History()) == history_of(path)
    assert driver.ask("history", printed) == packed


def message_types():
    for module in pkgutil.walk_packages(temporalio.api.__path__, "temporalio.api."):
        if module.name.endswith("_pb2") and ".cloud" not in module.name and not module.name.endswith("service_pb2"):
            importlib.import_module(module.name)
    pool = descriptor_pool.Default()
    text = subprocess.run("grep -rhoE '^(package [a-z0-9_.]+|message [A-Za-z0-9]+)' temporal google --include=*.proto",
                          shell=True, cwd=ROOT / "runtime/proto", capture_output=True, text=True, check=True).stdout
    package = None
    for line in text.splitlines():
        kind, name = line.split()
        if kind == "package":
            package = name
        elif package.startswith("temporal."):
            yield pool.FindMessageTypeByName(f"{package}.{name}")


def random_scalar(rng, field):
    kind = field.type
    if kind in (F.TYPE_INT32, F.TYPE_UINT32, F.TYPE_INT64, F.TYPE_UINT64):
        bits = 31 if kind in (F.TYPE_INT32, F.TYPE_UINT32) else 63
        low = 0 if kind in (F.TYPE_UINT32, F.TYPE_UINT64) else -(2 ** bits)
        return rng.choice([0, 1, 7, 2 ** bits - 1, low, rng.randrange(low, 2 ** bits)])
    if kind == F.TYPE_BOOL:
        return rng.random() < 0.5
    if kind == F.TYPE_DOUBLE:
        return rng.choice([0.0, 2.0, -0.1, 1e300, 5e-324, rng.random()])
    if kind == F.TYPE_FLOAT:
        return rng.choice([0.0, 0.5, 1.5, 3.25e9])
    if kind == F.TYPE_ENUM:
        return rng.choice([value.number for value in field.enum_type.values] + [12345])
    if kind == F.TYPE_BYTES:
        return rng.randbytes(rng.choice([0, 1, 2, 3, 50]))
    return rng.choice(WORDS)


def fill_time(rng, message, exact):
    seconds = rng.choice([0, 1, 60, 86399, 1764000000, 4102444800])
    # A table holds milliseconds in a double: whole microseconds survive it, not every nanosecond.
    nanos = rng.choice([0, 1000, 500000000, 999999000]) if exact else rng.choice([0, 1, 120, 120000, 999999999])
    negative = message.DESCRIPTOR.name == "Duration" and rng.random() < 0.3
    message.seconds, message.nanos = (-seconds, -nanos) if negative else (seconds, nanos)


def fill(rng, message, exact, depth=0):
    """Random values in about half of the fields. exact: only what a Lua table holds without loss."""
    name = message.DESCRIPTOR.full_name
    if name in ("google.protobuf.Duration", "google.protobuf.Timestamp"):
        return fill_time(rng, message, exact)
    if name == "google.protobuf.Any":
        held = message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(
            rng.choice(["temporal.api.update.v1.Acceptance", "google.protobuf.Duration", "google.protobuf.Any"][:2 if depth > 3 else 3])))()
        fill(rng, held, exact, depth + 1)
        if held.DESCRIPTOR.name != "Any" or held.type_url:
            message.Pack(held)
        return None
    if name == "google.protobuf.FieldMask":
        message.paths.extend(rng.sample(["workflow_id", "priority.fairness_key", "a"], rng.randrange(3)))
        return None
    for field in message.DESCRIPTOR.fields:
        if rng.random() < 0.5 or (field.message_type and depth > 6):
            continue
        if field.message_type and field.message_type.GetOptions().map_entry:
            for _ in range(rng.randrange(3)):
                key = random_scalar(rng, field.message_type.fields_by_name["key"])
                value = field.message_type.fields_by_name["value"]
                if value.message_type:
                    fill(rng, getattr(message, field.name)[key], exact, depth + 1)
                else:
                    getattr(message, field.name)[key] = random_scalar(rng, value)
        elif field.is_repeated and field.message_type:
            for _ in range(rng.randrange(3)):
                fill(rng, getattr(message, field.name).add(), exact, depth + 1)
        elif field.is_repeated:
            getattr(message, field.name).extend(random_scalar(rng, field) for _ in range(rng.randrange(3)))
        elif field.message_type:
            getattr(message, field.name).SetInParent()
            fill(rng, getattr(message, field.name), exact, depth + 1)
        else:
            setattr(message, field.name, random_scalar(rng, field))
    return None


TYPES = list(message_types())


def test_there_are_many_types():
    assert len(TYPES) > 400


@pytest.mark.parametrize("verb", ["read", "write", "lua"])
def test_random_messages_of_every_type_survive(driver, verb):
    rng = random.Random(20261124)
    for descriptor in TYPES:
        message_class = message_factory.GetMessageClass(descriptor)
        for _ in range(4):
            message = message_class()
            fill(rng, message, exact=verb == "lua")
            name = descriptor.full_name
            if verb == "read":
                text = json_format.MessageToJson(message, preserving_proto_field_name=rng.random() < 0.3)
                again = message_class.FromString(driver.ask("read", name, text.encode()))
            elif verb == "write":
                again = json_format.Parse(driver.ask("write", name, message.SerializeToString()), message_class())
            else:
                again = message_class.FromString(driver.ask("lua", name, message.SerializeToString()))
            assert again == message
