"""Bad input gets a finding or a clear sentence, the right exit code, and never a traceback."""

from __future__ import annotations

import gzip
import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

CHAT = b'{"messages":[{"role":"user","content":"hello there"},{"role":"assistant","content":"hi"}]}\n'


def dsprep(*arguments: str | Path, stdin: bytes | None = None, **more: object) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        [sys.executable, "-m", "dsprep", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=300,
        **more,  # type: ignore[call-overload]
    )
    for stream in (done.stdout, done.stderr):
        assert b"Traceback" not in stream, stream.decode("utf-8", "replace")
    return done


def codes(done: subprocess.CompletedProcess[bytes]) -> set[str]:
    return {finding["code"] for finding in json.loads(done.stdout)["findings"]}


@pytest.mark.parametrize(
    "verb", [("lint",), ("prepare", "--out", "OUT"), ("convert", "-o", "OUT"), ("split", "--out", "OUT"), ("stats",)]
)
@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("binary.jsonl", bytes(range(256)) * 64, "binary"),
        ("gzip.jsonl.gz", gzip.compress(CHAT * 20, mtime=0)[:-20], "gzip"),
        ("missing.jsonl", None, "no such file"),
        ("folder.jsonl", "directory", "a folder without files of data"),
    ],
)
def test_what_cannot_be_read_is_a_sentence_and_exit_code_2(
    verb: tuple[str, ...], name: str, content: bytes | str | None, says: str, tmp_path: Path
) -> None:
    file = tmp_path / name
    if content == "directory":
        file.mkdir()
    elif isinstance(content, bytes):
        file.write_bytes(content)
    words = [str(tmp_path / "out") if word == "OUT" else word for word in verb]
    done = dsprep(words[0], file, *words[1:])
    assert done.returncode == 2, done.stderr.decode()
    assert says in done.stderr.decode()
    assert str(file) in done.stderr.decode()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "ENC009"),
        (b"\n\n", "ENC009"),
        ((CHAT * 12).decode().encode("utf-16"), "ENC001"),
        (CHAT * 12 + CHAT[:40], "ENC008"),
        (CHAT * 12 + b"[" * 100_000 + b"]" * 100_000 + b"\n", "ENC010"),
        (CHAT * 12 + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"\n", "ENC010"),
        (b"[" + CHAT.strip() + b"]", "ENC004"),
        (b"\xef\xbb\xbf" + CHAT * 12, "ENC002"),
        (CHAT * 12 + b"null\n", "SCH001"),
    ],
)
def test_what_can_be_read_in_part_is_a_finding(content: bytes, code: str, tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    file.write_bytes(content)
    done = dsprep("lint", "--isolated", file, "--output-format", "json")
    assert code in codes(done), done.stdout[:2000]
    assert done.returncode == (0 if code == "ENC002" else 1)


def test_a_gigabyte_on_one_line_is_a_finding_in_bounded_memory(tmp_path: Path) -> None:
    file = tmp_path / "huge.jsonl"
    with file.open("wb") as out:
        out.write(CHAT * 12 + b'{"messages":[{"role":"user","content":"')
        for _ in range(1024):
            out.write(b"a" * (1 << 20))
        out.write(b'"}]}\n' + CHAT)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))

    done = dsprep("lint", "--isolated", "--workers", "1", file, "--output-format", "json", preexec_fn=limited)
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert [f["location"]["line"] for f in report["findings"] if f["code"] == "ENC010"] == [13]
    assert report["funnel"]["rows_in"] == 14


def test_standard_input_is_read(tmp_path: Path) -> None:
    done = dsprep("lint", "--isolated", "-", stdin=CHAT * 12 + b"{", cwd=tmp_path)
    assert done.returncode == 1
    assert b"-:13" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["lint"],
        ["lint", "x.jsonl", "--select", "TOK999"],
        ["lint", "x.jsonl", "--target", "opnai"],
        ["lint", "x.jsonl", "--config", "nope.toml"],
        ["lint", "x.jsonl", "--config", "fail-onn='error'"],
        ["lint", "x.jsonl", "--config", "rules.near-duplicate.treshold=0.5"],
        ["lint", "x.jsonl", "--no-such-flag"],
        ["rule", "too-many-tokns"],
        ["prepare", "x.jsonl", "--out", "out", "--split", "0.5/0.1"],
        ["prepare", "x.jsonl", "--out", "x.jsonl"],
        ["convert", "x.jsonl", "--to", "chatt", "-o", "y.jsonl"],
    ],
)
def test_a_wrong_command_line_is_a_sentence_and_exit_code_2(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_bytes(CHAT * 12)
    done = dsprep(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stdout.decode() + done.stderr.decode()
    assert done.stderr.strip()


def test_a_misspelled_setting_gets_a_suggestion(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_bytes(CHAT * 12)
    (tmp_path / "dsprep.toml").write_text('fail-onn = "error"\n')
    done = dsprep("lint", "x.jsonl", cwd=tmp_path)
    assert done.returncode == 2
    assert b"did you mean 'fail-on'" in done.stderr


def test_a_rule_that_raises_is_reported_with_its_place_and_loses_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dsprep import api
    from dsprep.model.batch import Batch
    from dsprep.rules.text.untrimmed_text import UntrimmedText

    def broken(self: UntrimmedText, batch: Batch) -> list[object]:
        if any(b"boom" in record.raw for record in batch.records):
            raise ZeroDivisionError("boom")
        return []

    monkeypatch.setattr(UntrimmedText, "find", broken)
    file = tmp_path / "x.jsonl"
    file.write_bytes(CHAT * 11 + CHAT.replace(b"hello", b"boom"))
    report = api.lint([file], workers=1)
    assert [(e.code, e.path) for e in report.errors] == [("TXT009", f"{file}:12")]
    assert report.exit_code(None) == 2
    assert report.funnel.rows_in == 12
