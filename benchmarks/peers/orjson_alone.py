"""Decoding lines and nothing else: the floor of whatever hands decoded records on. One thread.

python benchmarks/peers/orjson_alone.py DATA.jsonl REPORT.json
"""

from __future__ import annotations

import sys
from pathlib import Path

import orjson
from reporting import Stopwatch, report


def main() -> None:
    path = Path(sys.argv[1])
    path.read_bytes()
    watch = Stopwatch()
    bad: list[int] = []
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                orjson.loads(line)
            except orjson.JSONDecodeError:
                bad.append(number)
    report(**watch.read(), undecodable=len(bad))


if __name__ == "__main__":
    main()
