#!/usr/bin/env python3
"""Compares zone.c with Python's zoneinfo: every zone of the system, random times and those around changes.

    zone_compare.py PROGRAM     PROGRAM: zone_table
"""

import datetime
import pathlib
import random
import subprocess
import sys
import zoneinfo

FOLDER = pathlib.Path("/usr/share/zoneinfo")
EPOCH = datetime.datetime(1970, 1, 1)
UTC = datetime.timezone.utc


def names():
    wanted = sys.argv[2:] or sorted(zoneinfo.available_timezones())
    return [name for name in wanted if (FOLDER / name).is_file()]


def changes(zone, rng):
    """Instants near changes of the offset, found by halving between random instants."""
    low = rng.randrange(-2_000_000_000, 7_000_000_000)
    high = low + rng.randrange(86400 * 300)

    def offset(t):
        return datetime.datetime.fromtimestamp(t, UTC).astimezone(zone).utcoffset()
    if offset(low) == offset(high):
        return [low]
    while high - low > 1:
        middle = (low + high) // 2
        if offset(middle) == offset(low):
            low = middle
        else:
            high = middle
    seconds = int(offset(low).total_seconds())
    return [low, high, high + seconds - 1, high + seconds, high + seconds + 1799, high + seconds + 3600, high + seconds - 3600]


def expected(zone, t):
    there = datetime.datetime.fromtimestamp(t, UTC).astimezone(zone).utcoffset()
    local = (EPOCH + datetime.timedelta(seconds=t)).replace(tzinfo=zone)
    return int(there.total_seconds()), int((local.astimezone(UTC).replace(tzinfo=None) - EPOCH).total_seconds())


def main():
    rng = random.Random(1)
    asked = [(name, t) for name in names() for _ in range(25) for t in changes(zoneinfo.ZoneInfo(name), rng)]
    lines = "".join(f"{name} {t}\n" for name, t in asked)
    answers = subprocess.run([sys.argv[1]], input=lines, capture_output=True, text=True, check=True).stdout.splitlines()
    wrong = 0
    for (name, t), line in zip(asked, answers, strict=True):
        ours = tuple(map(int, line.split()))
        python = expected(zoneinfo.ZoneInfo(name), t)
        if ours != python:
            wrong += 1
            print(f"{name} {t}: ours {ours}, Python's {python}")
    print(f"{len(asked)} times in {len(names())} zones, {wrong} differ")
    return wrong != 0


if __name__ == "__main__":
    sys.exit(main())
