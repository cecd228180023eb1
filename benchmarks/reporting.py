"""How a script that is measured says what it did: one JSON object, written to the file that its last argument names.

Members: `seconds` and `cpu`, from texts in memory to the answer; `taken_out`, the lines (1-based) of examples that a
deduplication would take out; and others that the comparison shows.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any


class Stopwatch:
    """Wall and CPU seconds of this process since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, float]:
        return {"seconds": time.perf_counter() - self._wall, "cpu": time.process_time() - self._cpu}


def report(**members: Any) -> None:
    Path(sys.argv[-1]).write_text(json.dumps(members), "utf-8")


def taken_out(pairs: list[tuple[int, int]], n: int) -> list[int]:
    """Of every cluster of 0-based pairs, all but the first one; as lines."""
    root = list(range(n))

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for a, b in pairs:
        x, y = find(a), find(b)
        if x != y:
            root[max(x, y)] = min(x, y)
    return [i + 1 for i in range(n) if find(i) != i]
