"""Room beyond memory: what does not fit the budget goes to a file, and nothing else changes."""

from __future__ import annotations

import errno
import gc
import os
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dsprep import api
from dsprep.engine.storage import SEGMENT, SMALL, Storage
from dsprep.model.rule import gathered
from dsprep.model.source import InputError
from dsprep.reports import json


def _pieces(sizes: list[int]) -> list[dict[str, NDArray[Any]]]:
    out: list[dict[str, NDArray[Any]]] = []
    start = 0
    for size in sizes:
        row = np.arange(start, start + size, dtype=np.uint64)
        out.append({"row": row, "name": np.array([b"x" * (size % 3 + 1)] * size), "signature": np.outer(row, row[:9])})
        start += size
    return out


@given(st.lists(st.integers(9, 900), min_size=1, max_size=6), st.sampled_from([None, 1, 30_000]), st.randoms())
def test_columns_are_the_same_wherever_they_are(sizes: list[int], limit: int | None, drawn: Random) -> None:
    expected = gathered(_pieces(sizes))
    storage, pieces = Storage(limit), _pieces(sizes)
    drawn.shuffle(pieces)
    storage.keep(pieces)
    found = gathered(pieces, storage.room, consume=True)
    assert found.keys() == expected.keys()
    for name, column in expected.items():
        assert np.array_equal(column, found[name])
        assert column.dtype == found[name].dtype
    assert not any(pieces), "the pieces are emptied on the way"


def test_arrays_beyond_the_budget_are_in_a_file_and_are_counted_while_they_live() -> None:
    storage = Storage(10 * SMALL)
    first = storage.room((8, SMALL), np.uint8)
    assert (storage.in_memory, storage.on_disk) == (8 * SMALL, 0)
    second = storage.room((8 * SMALL,), np.uint8)
    assert (storage.in_memory, storage.on_disk) == (8 * SMALL, 8 * SMALL)
    large = storage.room((SEGMENT + 8,), np.uint8)
    second[:], large[:] = 7, 9
    assert first.shape == (8, SMALL)
    assert second.sum() == 7 * len(second)
    del first
    gc.collect()
    assert storage.in_memory == 0
    assert storage.room((8, SMALL), np.uint8).nbytes == 8 * SMALL


def test_what_pieces_share_stays_shared() -> None:
    shared = np.arange(10_000)
    state = [{"row": np.arange(10_000), "key": shared, "again": shared}]
    Storage(1).keep(state)
    assert state[0]["key"] is state[0]["again"]
    assert np.array_equal(state[0]["key"], shared)


def test_a_full_disk_is_said_and_does_not_kill(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int, start: int, size: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(InputError, match=r"no room for .* bytes .*No space left on device; set TMPDIR"):
        Storage(1).room((SMALL,), np.uint8)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("corpus") / "data.jsonl"
    drawn = np.random.default_rng(4)
    words = [f"word{i}" for i in range(500)]
    lines: list[str] = []
    for number in range(6000):
        text = " ".join(words[i] for i in drawn.integers(0, 500, 12))
        line = f'{{"messages": [{{"role": "user", "content": "{text}"}}, {{"role": "assistant", "content": "yes"}}]}}'
        lines.append(lines[number // 3] if number % 9 == 8 else line)
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return file


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_within_little_memory_says_the_same(corpus: Path, workers: int) -> None:
    whole = json.dumps(api.lint(corpus, workers=workers))
    assert json.dumps(api.lint(corpus, workers=workers, memory_limit="10KB")) == whole


def test_no_litter_is_left_in_the_temporary_folder(corpus: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dsprep", "lint", str(corpus), "--isolated", "--memory-limit", "10KB", "-q"]
    subprocess.run(command, env={**os.environ, "TMPDIR": str(tmp_path)}, check=False, capture_output=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a limit on what cannot be put aside")
def test_the_budget_bounds_what_cannot_be_put_aside() -> None:
    """80 MB of columns in a process that may have 40 MB more than it has."""
    script = """
import resource, sys
import numpy as np
from dsprep.engine.storage import Storage
from dsprep.model.rule import gathered
data = int(next(line for line in open('/proc/self/status') if line.startswith('VmData')).split()[1]) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (data + 40_000_000, data + 40_000_000))
storage, pieces = Storage(8_000_000), []
for start in range(0, 400_000, 4000):
    row = np.arange(start, start + 4000, dtype=np.uint64)
    piece = [{"row": row, "signature": np.repeat(row.astype(np.uint8), 200).reshape(-1, 200)}]
    storage.keep(piece)
    pieces += piece
found = gathered(pieces, storage.room, consume=True)
assert found["signature"].shape == (400_000, 200) and found["signature"][300_000, 3] == 300_000 % 256
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    without = script.replace("Storage(8_000_000)", "Storage(None)")
    done = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True, check=False)
    assert "MemoryError" in done.stderr
