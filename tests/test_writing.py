"""Outputs are whole or not there; litter of killed runs goes away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dsprep.engine.writing import AtomicFile, encoded


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    file.write_bytes(b"old")

    def fails() -> None:
        with AtomicFile(file) as out:
            out.write(b"new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert file.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["out.jsonl"]


def test_a_killed_write_leaves_the_old_file_and_the_next_run_tidies_up(tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    file.write_bytes(b"old")
    code = (
        "import sys, time\nfrom dsprep.engine.writing import AtomicFile\n"
        f"with AtomicFile({str(file)!r}) as out:\n    out.write(b'half')\n    print(1, flush=True)\n    time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\n"
        process.send_signal(signal.SIGKILL)
    time.sleep(0.05)
    assert file.read_bytes() == b"old"
    assert len(os.listdir(tmp_path)) == 2
    with AtomicFile(file) as out:
        out.write(b"new")
    assert os.listdir(tmp_path) == ["out.jsonl"]
    assert file.read_bytes() == b"new"


def test_the_mode_of_a_file_stays(tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    file.write_bytes(b"old")
    file.chmod(0o640)
    with AtomicFile(file) as out:
        out.write(b"new")
    assert file.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("value", [2**70, "\ud800", {"a": [1.5, None, True]}, "\u2028", float("1e300")])
def test_any_json_value_is_written_so_that_it_reads_back(value: object) -> None:
    import json

    data = encoded(value)
    assert b"\n" not in data
    assert json.loads(data) == value
