#!/usr/bin/env python3
"""Compares our JSON codec with Python's on random documents, in both directions, and on damaged ones.

    json_compare.py PROGRAM [COUNT [SEED]]      PROGRAM: json_round, which decodes and encodes again

A document that Python wrote must come back as the same value: numbers are compared as decimals, so a digit
that changes anywhere fails. A damaged one may be read only when Python reads it too, and to the same value;
refused only when Python refuses it or when it is something that Python lets pass and we do not on purpose.
"""

import decimal
import json
import random
import re
import subprocess
import sys

WORDS = ["", "id", "revenue", "Español", "日本", "😀", "a\"b\\c/", "tab\t\r\n\x00\x1f\x7f", "\u2028", "\U0010ffff", "é" * 40, "x" * 100]


class Refused(Exception):
    pass


def random_number(rng):
    kind = rng.randrange(8)
    if kind == 0:
        return rng.randrange(-1000, 1000)
    if kind == 1:
        return rng.choice([1, -1]) * (2 ** rng.randrange(1, 90) + rng.randrange(-2, 3))
    if kind == 2:
        return rng.randrange(10 ** rng.randrange(1, 40))
    if kind == 3:
        return round(rng.uniform(-1e6, 1e6), rng.randrange(0, 6))
    if kind == 4:
        return rng.random() * 10.0 ** rng.randrange(-320, 308)
    if kind == 5:
        return rng.choice([0.0, -0.0, 5e-324, 1.7976931348623157e308, 2.2250738585072014e-308, 1e22, 1e23, 9007199254740993.0])
    if kind == 6:
        return 2.0 ** rng.randrange(-1074, 1024)
    return decimal.Decimal(rng.randrange(10 ** rng.randrange(1, 25))).scaleb(rng.randrange(-30, 30))


def random_value(rng, depth=0):
    kind = rng.randrange(10 if depth < 5 else 7)
    if kind < 3:
        return random_number(rng)
    if kind < 5:
        return "".join(rng.choice(WORDS) for _ in range(rng.randrange(3)))
    if kind < 7:
        return rng.choice([True, False, None])
    if kind == 7:
        return [random_value(rng, depth + 1) for _ in range(rng.randrange(6))]
    return {rng.choice(WORDS) + str(rng.randrange(1000)): random_value(rng, depth + 1) for _ in range(rng.randrange(8))}


def written(value, rng):
    """The value as Python writes it; decimals as their own text, by way of a marked object."""
    def marked(v):
        if isinstance(v, decimal.Decimal):
            return {"\0": str(v)}
        if isinstance(v, list):
            return [marked(x) for x in v]
        if isinstance(v, dict):
            return {k: marked(x) for k, x in v.items()}
        return v

    text = json.dumps(marked(value), ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, None, 2, "\t"]),
                      separators=rng.choice([None, (",", ":"), (" , ", " :\r\n")]))
    return re.sub(r'\{\s*"\\u0000"\s*:\s*"([^"]*)"\s*\}', r"\1", text)


def pairs_once(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) < len(keys):
        raise Refused("a key twice")
    return dict(pairs)


def constant(word):
    raise Refused(word)


def exactly(literal):
    try:
        return decimal.Decimal(literal)
    except decimal.InvalidOperation:  # an exponent beyond what Python's decimals hold
        return literal


def read(text):
    return json.loads(text, parse_float=exactly, parse_int=decimal.Decimal, parse_constant=constant,
                      object_pairs_hook=pairs_once)


def has_surrogate(value):
    if isinstance(value, str):
        return any("\ud800" <= c <= "\udfff" for c in value)
    if isinstance(value, list):
        return any(map(has_surrogate, value))
    if isinstance(value, dict):
        return any(has_surrogate(k) or has_surrogate(v) for k, v in value.items())
    return False


def read_strictly(raw):
    """What Python makes of it, refusing what we refuse on purpose; raises Refused."""
    try:
        value = read(raw.decode("utf-8"))
    except (ValueError, RecursionError) as problem:
        raise Refused(str(problem)) from None
    if has_surrogate(value):
        raise Refused("a surrogate alone")
    return value


def same(a, b):
    """Equal, and true is not 1."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


def damaged(raw, rng):
    raw = bytearray(raw)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(raw) + 1)
        action = rng.randrange(3)
        if action == 0:
            raw[at:at + rng.randrange(4)] = b""
        elif action == 1:
            raw[at:at] = rng.choice([b"\"", b"\\", b"{", b"}", b"[", b"]", b",", b":", b"0", b".", b"e", b"-", b"\\ud83d",
                                     b"\xc3", b"\xed\xa0\x80", b"\x01", b"NaN", b"true", b" ", b"+"])
        elif raw and at < len(raw):
            raw[at] = rng.randrange(256)
    return bytes(raw)


class Codec:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def round(self, raw):
        self.process.stdin.write(b"%d\n" % len(raw) + raw)
        self.process.stdin.flush()
        word, size = self.process.stdout.readline().split()
        return word == b"ok", self.process.stdout.read(int(size))

    def close(self):
        self.process.stdin.close()
        return self.process.wait(10)


def keys_are_sorted(text):
    def check(pairs):
        keys = [key.encode() for key, _ in pairs]
        assert keys == sorted(keys), keys
        return dict(pairs)
    json.loads(text, object_pairs_hook=check)


def main():
    program = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    rng = random.Random(seed)
    codec = Codec(program)
    kept = refused = 0
    for number in range(count):
        raw = written(random_value(rng), rng).encode()
        ok, out = codec.round(raw)
        if not ok or not same(read_strictly(raw), read_strictly(out)):
            sys.exit(f"document {number}: {raw!r}\nbecame: {out!r}")
        keys_are_sorted(out)
        again = codec.round(out)
        if again != (True, out):
            sys.exit(f"document {number}: written {out!r}, and again {again!r}")
        raw = damaged(raw, rng)
        try:
            wanted = read_strictly(raw)
        except Refused as problem:
            wanted = problem
        ok, out = codec.round(raw)
        if ok == isinstance(wanted, Refused) or (ok and not same(wanted, read_strictly(out))):
            sys.exit(f"damaged document {number}: {raw!r}\nPython: {wanted!r}\nours: {out!r}")
        kept += ok
        refused += not ok
    if codec.close() != 0:
        sys.exit("the codec ended badly")
    print(f"{count} documents came back equal; of {count} damaged ones both read {kept} and refused {refused}")


if __name__ == "__main__":
    main()
