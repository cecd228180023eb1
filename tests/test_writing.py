"""Outputs are whole or not there; litter of killed runs goes away."""

from __future__ import annotations

import os
import pickle
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dsprep.engine.writing import AtomicFile, Pieces, encoded


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


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    with AtomicFile(pipe) as file:
        file.write(b"all of it")
    reader.join(10)
    assert read == [b"all of it"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_pieces_come_back_in_order_however_many_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pieces, "HELD", 10)
    source = tmp_path / "source.jsonl"
    source.write_bytes(b'0123"5678\n')
    made = [Pieces(target) for target in (None, str(tmp_path / "out.jsonl"))]
    for pieces in made:
        pieces.extend([b"first", b" and second"])
        pieces.extend([(2, 7), b", third"])
        pieces.extend([b""])
        pieces.extend([b"the last"])
    expected = b'first and second23\\"56, thirdthe last'
    for pieces in pickle.loads(pickle.dumps(made)):
        assert b"".join(pieces.chunks(str(source))) == expected
    assert [path.name for path in tmp_path.iterdir()] == ["source.jsonl"]
