#!/usr/bin/env python3
"""Our .proto files say what Temporal's say: every message, field, number, type, label, oneof, enum value and
service method that we have is compared with the descriptors that the PyPI package temporalio carries. What we
leave out is no drift; what we have and Temporal has not, or has otherwise, is.

proto_drift_test.py [VENV]: the environment with temporalio; else $SIGNALROOM_VENV, else this interpreter's own.
"""

import ast
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile

from google.protobuf import descriptor_pb2

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROTO = ROOT / "runtime/proto"
Field = descriptor_pb2.FieldDescriptorProto

# Temporal's Python package carries these two under other names than they have on the wire.
RENAMED = {"temporal.grpc.health.v1": "grpc.health.v1"}
SAME_AS = {"google.rpc.Status": "temporal.api.common.v1.GrpcStatus"}


def temporalio_package():
    venv = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SIGNALROOM_VENV")
    if not venv:
        spec = importlib.util.find_spec("temporalio")
        if not spec:
            sys.exit("proto_drift: no temporalio here; name an environment that has it")
        return pathlib.Path(spec.origin).parent
    found = list(pathlib.Path(venv).glob("lib/python*/site-packages/temporalio"))
    if not found:
        sys.exit(f"proto_drift: no temporalio in {venv}")
    return found[0]


def theirs(package):
    """The descriptors inside *_pb2.py, read without importing them (some need packages of Google's)."""
    for path in sorted(package.rglob("*_pb2.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "AddSerializedFile":
                yield descriptor_pb2.FileDescriptorProto.FromString(ast.literal_eval(node.args[0]))


def ours():
    files = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(["protoc", "-I.", "-I/usr/include", f"--descriptor_set_out={out.name}", *files], cwd=PROTO,
                       check=True)
        return descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(out.name).read_bytes()).file


def renamed(name):
    for old, new in RENAMED.items():
        if name.startswith(old + "."):
            return new + name[len(old):]
    return name


def facts_of_message(name, message, facts):
    facts[name] = "message"
    for field in message.field:
        kind = renamed(field.type_name.lstrip(".")) or Field.Type.Name(field.type)
        label = "repeated" if field.label == Field.LABEL_REPEATED else "single"
        oneof = message.oneof_decl[field.oneof_index].name if field.HasField("oneof_index") else "none"
        facts[f"{name}.{field.name}"] = (f"number {field.number}", f"type {kind}", label, f"oneof {oneof}",
                                         "optional" if field.proto3_optional else "plain")
    for nested in message.nested_type:
        if nested.options.map_entry:
            facts[f"{name}.{nested.name} (map)"] = "map"
        facts_of_message(f"{name}.{nested.name}", nested, facts)
    for enum in message.enum_type:
        facts_of_enum(f"{name}.{enum.name}", enum, facts)


def facts_of_enum(name, enum, facts):
    facts[name] = "enum"
    for value in enum.value:
        facts[f"{name}.{value.name}"] = f"number {value.number}"


def facts_of(files):
    """name -> what is true of it, for everything that has a name."""
    facts = {}
    for file in files:
        package = renamed(file.package + ".").rstrip(".")
        for message in file.message_type:
            facts_of_message(f"{package}.{message.name}", message, facts)
        for enum in file.enum_type:
            facts_of_enum(f"{package}.{enum.name}", enum, facts)
        for service in file.service:
            facts[f"{package}.{service.name}"] = "service"
            for method in service.method:
                facts[f"{package}.{service.name}/{method.name}"] = (
                    f"takes {renamed(method.input_type.lstrip('.'))}",
                    f"gives {renamed(method.output_type.lstrip('.'))}",
                    f"streams {method.client_streaming} {method.server_streaming}")
    return facts


def missing_enum_values(mine, upstream):
    """An enum of ours is whole: a value left out would be shown as a number."""
    enums = {name for name, fact in mine.items() if fact == "enum"}
    for name in upstream:
        if name.rpartition(".")[0] in enums and name not in mine:
            yield f"{name}: Temporal has this value and we have not"


def main():
    mine, upstream = facts_of(ours()), facts_of(theirs(temporalio_package()))
    for name, other in SAME_AS.items():
        for theirs_name in [n for n in upstream if n == other or n.startswith(other + ".")]:
            upstream[name + theirs_name[len(other):]] = upstream[theirs_name]
    faults = list(missing_enum_values(mine, upstream))
    for name, fact in mine.items():
        if name not in upstream:
            faults.append(f"{name}: Temporal has no such thing")
        elif fact != upstream[name]:
            faults.append(f"{name}: ours is {fact}, Temporal's is {upstream[name]}")
    for fault in faults:
        print(fault)
    kinds = [fact for fact in mine.values() if isinstance(fact, str)]
    print(f"proto_drift: {len(mine)} facts compared ({kinds.count('message')} messages, {kinds.count('enum')} enums, "
          f"{kinds.count('service')} services), {len(faults)} differ")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
