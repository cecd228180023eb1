"""The cache: a second run says what a first one would, does only what is new, and trusts nobody else's entries."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import pickle
import random
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

import dsprep
from dsprep.api.destinations import SPLIT_FOLDS
from dsprep.api.session import Input, open_session
from dsprep.catalog.registry import rule_references
from dsprep.config import ConfigError, Settings, load_settings
from dsprep.engine.caching import WORTH_KEEPING
from dsprep.engine.fingerprints import Fingerprint, UnknowableError
from dsprep.engine.folding import Folded, fold
from dsprep.engine.store import Store, clean, user_key
from dsprep.engine.writing import encoded
from dsprep.executors.processes import ProcessExecutor
from dsprep.executors.serial import SerialExecutor
from dsprep.folds.statistics import StatisticsFold
from dsprep.model.executor import Executor
from dsprep.model.report import Report
from dsprep.reports import json as as_json
from dsprep.testing import check_moving
from dsprep.text.borders import Borders

T = TypeVar("T")
R = TypeVar("R")

#: About so many bytes to a shard in these tests.
SHARD = 4000


def _row(number: int, drawn: random.Random) -> bytes:
    words = "the red fox jumps over a lazy dog while seven quick sailors mend old nets near the harbour wall"
    text = " ".join(drawn.choice(words.split()) for _ in range(drawn.choice([3, 12, 40])))
    answer = drawn.choice(["positive", "negative", f" {text}\x07<br> &amp;", f"{text} {number}"])
    messages = [{"role": "user", "content": text}, {"role": "assistant", "content": answer}]
    return encoded({"messages": messages, **({"label": "x"} if number % 5 == 0 else {})})


def _rows(n: int = 150, seed: int = 0) -> list[bytes]:
    drawn = random.Random(seed)
    return [b"" if number % 41 == 40 else b"{" if number % 53 == 52 else _row(number, drawn) for number in range(n)]


def _settings(**more: Any) -> Settings:
    return Settings.model_validate({"select": ("ALL",), "workers": 1, **more})


def _store(folder: Path, limit: int = 1 << 30) -> Store:
    key = user_key()
    assert key is not None
    store = Store(folder, key, limit)
    assert store.prepare()
    return store


class Counting(Executor):
    """Runs in this process, and counts what it runs in pass one."""

    name = "counting"
    workers = 1

    def __init__(self) -> None:
        self.called = 0

    def run(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        for item in items:
            self.called += type(task).__name__ in ("MapShard", "MakeAndKeep")
            yield pickle.loads(pickle.dumps(task))(pickle.loads(pickle.dumps(item)))


def _folded(
    files: list[Path],
    store: Store | None,
    executor: Executor | None = None,
    splits: list[str] | None = None,
    **more: Any,
) -> tuple[str, Folded, int]:
    """All that a run over `files` says, what it is made of, and how many shards were mapped."""
    inputs = [
        Input(str(file), split, file.name) for file, split in zip(files, splits or [None] * len(files), strict=True)
    ]
    session = open_session(inputs, _settings(**more))
    counting = Counting()
    statistics = StatisticsFold(session.context)
    folded = fold(
        session.pipeline,
        session.rules,
        executor or counting,
        folds={"statistics": statistics, **SPLIT_FOLDS},
        shard_bytes=SHARD,
        cache=store,
    )
    assert not folded.errors
    said = {
        "tallies": {
            code: [tally.total, sorted(map(str, tally.counts.items())), list(map(repr, tally.sorted()))]
            for code, tally in folded.tallies.items()
        },
        "statistics": statistics.finish(folded.states["statistics"]),
        "rows": [folded.table.key.tolist(), folded.table.line.tolist(), folded.table.offset.tolist()],
        "fate": folded.fate.tolist(),
        "keys": Fingerprint().of([sorted(map(_of_row, folded.states["split-keys"]))]).hex(),
        "inputs": [repr(source.info) for source in session.pipeline.sources],
    }
    return json.dumps(said), folded, counting.called


def _of_row(columns: Any) -> list[tuple[str, list[Any]]]:
    return [(name, column.tolist()) for name, column in sorted(columns.items(), key=lambda item: item[0] != "row")]


def _write(path: Path, rows: list[bytes]) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_bytes(b"".join(row + b"\n" for row in rows))
    return path


# --- borders ----------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=3000), st.integers(1, 300), st.integers(1, 700))
def test_pieces_are_whole_lines_and_do_not_depend_on_blocks(data: bytes, size: int, block: int) -> None:
    data = data.replace(b"a", b"\n")

    def cut(blocks: list[bytes]) -> list[tuple[int, int, bytes]]:
        borders = Borders(size)
        return [tuple(p) for part in blocks for p in borders.feed(part)] + [tuple(p) for p in [borders.rest()] if p]

    pieces = cut([data[at : at + block] for at in range(0, len(data), block)])
    start = 0
    for number, (end, lines, digest) in enumerate(pieces):
        piece = data[start:end]
        assert piece
        assert piece.count(b"\n") == lines
        assert hashlib.sha256(piece).digest() == digest
        assert piece.endswith(b"\n") or number == len(pieces) - 1
        # Only as much longer than asked for as its last line is.
        assert len(piece.rstrip(b"\n").rpartition(b"\n")[0]) <= 2 * size
        assert len(piece) >= size // 4 or number == len(pieces) - 1
        start = end
    assert start == len(data)
    assert cut([data]) == pieces


@pytest.mark.parametrize("alike", [False, True])
def test_a_changed_line_changes_the_pieces_around_it_alone(alike: bool) -> None:
    drawn = random.Random(0)
    lines = [b"x" * 99 if alike else drawn.randbytes(drawn.randrange(20, 400)).hex().encode() for _ in range(4000)]

    def pieces(rows: list[bytes]) -> list[bytes]:
        borders = Borders(20_000)
        found = [*borders.feed(b"\n".join(rows) + b"\n"), borders.rest()]
        return [piece.digest for piece in found if piece]

    before = pieces(lines)
    sizes = sum(map(len, lines)) / len(before)
    assert 10_000 < sizes < 30_000
    for at in () if alike else range(0, 4000, 371):
        for changed in (
            [*lines[:at], b"new", *lines[at:]],
            [*lines[:at], *lines[at + 1 :]],
            [*lines[:at], b"new", *lines[at + 1 :]],
        ):
            assert len(set(pieces(changed)) - set(before)) <= 4


# --- moving -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", list(rule_references()))
def test_states_that_are_moved_are_those_of_the_new_place(code: str, tmp_path: Path) -> None:
    # The same is tested with the cases of each rule, see dsprep.testing.check_case.
    file = _write(tmp_path / "data.jsonl", _rows(60))
    check_moving(Input(str(file)), _settings(select=(code,), max_findings=20), tmp_path)


def test_states_of_folds_move_too(tmp_path: Path) -> None:
    file = _write(tmp_path / "data.jsonl", _rows(60))
    statistics = StatisticsFold(open_session([Input(str(file))], _settings()).context)
    check_moving(Input(str(file)), _settings(), tmp_path, {"statistics": statistics, **SPLIT_FOLDS})


# --- shards -----------------------------------------------------------------------------------------------------------


def test_a_second_run_says_the_same_and_reads_only_what_is_new(tmp_path: Path) -> None:
    store = _store(tmp_path / "cache")
    rows = _rows()
    file = _write(tmp_path / "data.jsonl", rows)
    fresh, folded, mapped = _folded([file], None)
    shards = len(folded.shards)
    assert shards >= 6
    assert mapped == shards
    assert _folded([file], store)[::2] == (fresh, shards)
    assert _folded([file], store)[::2] == (fresh, 0)
    edits: dict[str, list[bytes]] = {
        "appended": [*rows, _row(900, random.Random(9))],
        "at the beginning": [_row(901, random.Random(9)), *rows],
        "in the middle": [*rows[:70], _row(902, random.Random(9)), *rows[70:]],
        "an empty line": [*rows[:20], b"", *rows[20:]],
        "changed": [*rows[:70], _row(903, random.Random(9)), *rows[71:]],
        "removed": [*rows[:70], *rows[71:]],
    }
    for edit, now in edits.items():
        _write(file, now)
        fresh = _folded([file], None)[0]
        said, _, mapped = _folded([file], store)
        assert said == fresh, edit
        assert 1 <= mapped <= 3, edit


def test_the_same_rows_are_known_in_another_file_and_in_another_place_of_the_run(tmp_path: Path) -> None:
    store = _store(tmp_path / "cache")
    one, two = _write(tmp_path / "one.jsonl", _rows()), _write(tmp_path / "two.jsonl", _rows(80, 1))
    _, folded, _ = _folded([one, two], store)
    assert _folded([two, one], store)[::2] == (_folded([two, one], None)[0], 0)
    other = tmp_path / "elsewhere" / "three.jsonl"
    other.parent.mkdir()
    shutil.copyfile(one, other)
    assert _folded([other], store)[::2] == (_folded([other], None)[0], 0)
    together = _write(tmp_path / "both.jsonl", [*_rows(80, 1), *_rows()])
    said, _, mapped = _folded([together], store)
    assert said == _folded([together], None)[0]
    assert mapped < len(folded.shards) / 2


@pytest.mark.parametrize(
    "more",
    [
        {"target": "openai:gpt-4o"},
        {"max_findings": 3},
        {"encoding": "o200k_base"},
        {"severity": {"untrimmed-text": "error"}},
        {"rules": {"near-duplicate": {"threshold": 0.5}}},
        {"ignore": ("TXT",)},
        {"splits": ["validation"]},
    ],
)
def test_what_decides_the_result_decides_what_is_known(more: dict[str, Any], tmp_path: Path) -> None:
    store = _store(tmp_path / "cache")
    file = _write(tmp_path / "data.jsonl", _rows())
    _folded([file], store)
    fresh = _folded([file], None, **more)[0]
    said, folded, mapped = _folded([file], store, **more)
    assert said == fresh
    assert mapped == len(folded.shards)


def test_a_mark_at_the_beginning_and_other_formats_are_told_apart(tmp_path: Path) -> None:
    store = _store(tmp_path / "cache")
    rows = _rows(40)
    plain = b"".join(row + b"\n" for row in rows)
    contents = [
        plain,
        b"\xef\xbb\xbf" + plain,
        plain.decode().encode("utf-16"),
        plain.removesuffix(b"\n"),
        b"[" + b",".join(row for row in rows if len(row) > 1) + b"]",
        b"question,answer\n" + b"".join(b"q %d,a\n" % n for n in range(30)),
        b"question;answer\n" + b"".join(b"q %d,a\n" % n for n in range(30)),
        b"",
        b"\n\n",
    ]
    for _ in range(2):
        for content in contents:
            file = tmp_path / "data.jsonl"
            file.write_bytes(content)
            assert _folded([file], store)[0] == _folded([file], None)[0], content[:40]


_EDITS = st.lists(
    st.tuples(st.sampled_from(["insert", "remove", "change", "copy"]), st.integers(0, 200), st.integers(0, 5)),
    max_size=6,
)


@given(edits=_EDITS)
@effort(max_examples=25)
def test_after_any_edits_a_run_with_the_cache_says_what_a_run_without_says(
    edits: list[tuple[str, int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("edits")
    store = _store(folder / "cache")
    rows = _rows(60)
    file = _write(folder / "data.jsonl", rows)
    _folded([file], store)
    for kind, place, what in edits:
        at = place % (len(rows) + 1)
        if kind == "insert":
            rows.insert(at, [b"", b"{", b"null", b'{"messages": []}', _row(7, random.Random(place)), b"\xff"][what])
        elif kind == "copy":
            rows[at:at] = rows[: 10 * what]
        elif rows:
            at = min(at, len(rows) - 1)
            rows[at : at + 1] = [] if kind == "remove" else [_row(what, random.Random(place))]
        _write(file, rows)
        assert _folded([file], store)[0] == _folded([file], None)[0]


def test_workers_keep_what_they_make_and_runs_may_be_many_at_once(tmp_path: Path) -> None:
    store = _store(tmp_path / "cache")
    file = _write(tmp_path / "data.jsonl", _rows(300))
    fresh, folded, _ = _folded([file], None)
    said: list[str] = []
    threads = [threading.Thread(target=lambda: said.append(_folded([file], store)[0])) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == [fresh] * 3
    shutil.rmtree(store.place)
    store.prepare()
    assert _folded([file], store, ProcessExecutor(2))[0] == fresh
    assert len(list(store.place.glob("shard-*"))) == len(folded.shards)
    assert _folded([file], store)[::2] == (fresh, 0)


class _Raises:
    """A pickle of it makes a folder when it is loaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.folder,)


def _exchange(files: list[Path]) -> None:
    data = [file.read_bytes() for file in files]
    for file, other in zip(files, [*data[1:], data[0]], strict=True):
        file.write_bytes(other)


@pytest.mark.parametrize(
    "harm",
    [
        lambda files, trap: [file.write_bytes(pickle.dumps(_Raises(trap))) for file in files],
        lambda files, trap: [file.write_bytes(file.read_bytes()[:32] + pickle.dumps(_Raises(trap))) for file in files],
        lambda files, trap: [file.write_bytes(file.read_bytes()[:-1]) for file in files],
        lambda files, trap: [file.write_bytes(b"") for file in files],
        lambda files, trap: [
            file.write_bytes(data[:99] + bytes([data[99] ^ 1]) + data[100:])
            for file, data in ((file, file.read_bytes()) for file in files)
        ],
        lambda files, trap: _exchange(files),
    ],
    ids=["foreign", "foreign with a digest", "cut off", "empty", "one bit", "exchanged"],
)
def test_entries_that_this_user_has_not_written_so_are_never_loaded(
    harm: Callable[[list[Path], Path], object], tmp_path: Path
) -> None:
    store = _store(tmp_path / "cache")
    file = _write(tmp_path / "data.jsonl", _rows())
    fresh, folded, _ = _folded([file], store)
    entries = sorted(store.place.glob("shard-*"))
    harm(entries, tmp_path / "trap")
    assert _folded([file], store)[::2] == (fresh, len(folded.shards))
    assert not (tmp_path / "trap").exists()
    # They have been replaced by sound ones.
    assert _folded([file], store)[::2] == (fresh, 0)


def test_another_users_entries_are_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = _write(tmp_path / "data.jsonl", _rows())
    _, folded, _ = _folded([file], _store(tmp_path / "cache"))
    monkeypatch.setenv("DSPREP_CACHE_KEY", "of somebody else")
    store = _store(tmp_path / "cache")
    assert _folded([file], store)[2] == len(folded.shards)
    assert len(list(store.place.glob("shard-*"))) == 2 * len(folded.shards)


def test_the_key_is_made_once_for_the_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DSPREP_CACHE_KEY")
    monkeypatch.setenv("LOCALAPPDATA" if sys.platform == "win32" else "XDG_STATE_HOME", str(tmp_path / "state"))
    key = user_key()
    assert key is not None
    assert len(key) == 32
    assert user_key() == key
    file = tmp_path / "state" / "dsprep" / "cache-key"
    if sys.platform != "win32":
        assert file.stat().st_mode & 0o777 == 0o600
        file.chmod(0o644)
        assert user_key() is None
        file.chmod(0o600)
    file.write_bytes(b"short")
    assert user_key() is None


def test_no_more_is_kept_than_allowed_and_the_oldest_goes_first(tmp_path: Path) -> None:
    store = _store(tmp_path / "cache")

    def size() -> int:
        return sum(file.stat().st_size for file in store.place.iterdir())

    def kept(n: int) -> Path:
        return _write(tmp_path / f"{n}.jsonl", _rows(100, n))

    _folded([kept(0)], store)
    one = size()
    _folded([kept(1)], store)
    for age, entry in enumerate(sorted(store.place.iterdir())):
        os.utime(entry, (10_000 + age, 10_000 + age))
    _folded([kept(1)], store)  # used again
    store.limit = int(2.5 * one)
    _folded([kept(2)], store)
    assert size() <= store.limit
    assert _folded([kept(1)], store)[2] == 0
    assert _folded([kept(2)], store)[2] == 0
    assert _folded([kept(0)], None)[2] >= _folded([kept(0)], store)[2] > 0
    # A run that is larger than the bound keeps a part and does not push itself out.
    store.limit = one // 2
    _folded([kept(3)], store)
    assert 0 < size() <= store.limit
    assert _folded([kept(3)], store)[2] < _folded([kept(3)], None)[2]


def test_what_a_killed_process_has_left_is_removed(tmp_path: Path) -> None:
    store = _store(tmp_path / "cache")
    left = store.place / f"shard-{'0' * 40}.{'0' * 16}.tmp"
    left.write_bytes(b"half")
    store.trim()
    assert left.exists()  # perhaps somebody is at it
    os.utime(left, (1, 1))
    store.trim()
    assert not left.exists()


def test_without_a_place_to_keep_anything_a_run_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "dsprep.cache")
    (tmp_path / "cache").write_text("a file where the folder should be")
    file = _write(tmp_path / "data.jsonl", _rows(6000))
    assert file.stat().st_size > WORTH_KEEPING
    report = dsprep.lint(file, cache=True, cache_dir=tmp_path / "cache", workers=1)
    assert as_json.dumps(report) == as_json.dumps(dsprep.lint(file, workers=1))
    assert "no cache" in caplog.text
    store = _store(tmp_path / "other")
    shutil.rmtree(store.place)
    caplog.clear()
    assert _folded([file], store, SerialExecutor())[0] == _folded([file], None)[0]
    assert caplog.text.count("nothing more is kept") == 1


def test_results_of_a_rule_that_raised_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dsprep.rules.text.untrimmed_text import UntrimmedText

    file = _write(tmp_path / "data.jsonl", _rows(6000))
    given: dict[str, Any] = {"cache": True, "cache_dir": tmp_path / "cache", "workers": 1}

    def broken(self: object, batch: object) -> Iterator[Any]:
        raise ValueError("broken")

    with monkeypatch.context() as patched:
        patched.setattr(UntrimmedText, "find", broken)
        assert dsprep.lint(file, **given).errors
    assert not dsprep.lint(file, **given).errors


def test_a_file_that_is_written_to_meanwhile_leaves_nothing_wrong(tmp_path: Path) -> None:
    store = _store(tmp_path / "cache")
    rows = _rows()
    file = _write(tmp_path / "data.jsonl", rows)

    class Meddling(Counting):
        def run(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
            planned = list(items)
            data = file.read_bytes()
            file.write_bytes(data.replace(b"fox", b"cat"))
            yield from super().run(task, planned)

    _folded([file], store, Meddling())
    _write(file, rows)
    assert _folded([file], store)[0] == _folded([file], None)[0]


# --- fingerprints -----------------------------------------------------------------------------------------------------


def test_fingerprints_are_of_content(tmp_path: Path) -> None:
    def of(value: Any) -> bytes:
        return Fingerprint().of(value)

    text = "".join(["a", "b"])
    assert of(["ab", text]) == of([text, text]) == of(["ab", "ab"])
    assert of({1, 2, 3}) == of({3, 2, 1})
    assert of(np.arange(3)) == of(np.arange(6)[:3])
    values = [0, False, 0.0, "0", b"0", None, (), [], {}, set(), (0,), [0], -0.0, re.compile("0"), Path("0"), [[]]]
    values += [re.compile("0", re.I), np.zeros(1), np.zeros(1, np.int8), partial(int, 0), partial(int, "0"), int, str]
    values += [_settings(seed=1), _settings(seed=2), ["ab"], ["a", "b"], {"a": 1, "b": 2}, {"a": 2, "b": 1}]
    prints = [of(value) for value in values]
    assert len(set(prints)) == len(prints)
    for unknowable in (lambda: None, threading.Lock(), (x for x in ())):
        with pytest.raises(UnknowableError):
            of([unknowable])


def test_fingerprints_do_not_depend_on_the_hash_seed() -> None:
    code = """
from dsprep.api.session import make_rules, RuleContext, load_target, target_texts
from dsprep.config import Settings
from dsprep.engine.fingerprints import Fingerprint, own_code, surroundings
target = load_target("openai:gpt-4o", target_texts())
settings = Settings(select=("ALL",))
rules = make_rules(settings, RuleContext(target, "o200k_base", splits=("a", "b")), {}, lambda code: True)
print(Fingerprint().of(rules, frozenset("abcdef"), own_code(), surroundings()).hex())
"""
    said = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1


# --- reports ----------------------------------------------------------------------------------------------------------


def _lint(*files: Path, cache: Path, **more: Any) -> Report:
    return dsprep.lint(files, cache=True, cache_dir=cache, workers=1, **more)


def _kinds(cache: Path) -> set[str]:
    return {file.name.partition("-")[0] for file in cache.rglob("*-*")}


def test_if_nothing_has_changed_the_report_is_known(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "dsprep.cache")
    cache = tmp_path / "cache"
    rows = _rows(30)
    train, validation = _write(tmp_path / "train.jsonl", rows), _write(tmp_path / "dev.jsonl", rows[::2])

    def said(**more: Any) -> tuple[bytes, bool]:
        caplog.clear()
        report = _lint(train, validation, cache=cache, **more)
        fresh = dsprep.lint([train, validation], workers=1, **more)
        assert as_json.dumps(report) == as_json.dumps(fresh)
        return as_json.dumps(report), "the report is known" in caplog.text

    first, known = said()
    assert not known
    assert said() == (first, True)
    assert _kinds(cache) == {"report"}  # so little is not worth more
    assert not said(max_findings=1)[1]
    assert not said(target="openai:gpt-4o")[1]
    assert said(output_format="concise", fail_on="never")[1]
    os.utime(train, (1, 1))
    assert said() == (first, True)
    assert said() == (first, True)
    _write(train, rows[:-1])
    assert not said()[1]
    _write(train, rows)
    assert said() == (first, True)
    # The same size, and the same time: what git calls racy.
    about = train.stat()
    train.write_bytes(train.read_bytes().replace(b"the", b"our", 1))
    os.utime(train, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert not said()[1]


def test_files_that_options_name_count(tmp_path: Path) -> None:
    from dsprep.api.remembering import Run

    file = _write(tmp_path / "data.jsonl", _rows(30))
    pack = tmp_path / "pack.yaml"
    pack.write_text("select: [TXT]\n")
    settings = _settings(select=None, pack=str(pack), cache=True, cache_dir=tmp_path / "cache")
    assert dsprep.lint(file, settings=settings).rules_run
    run = Run.over(file, settings=settings)
    assert run is not None
    assert run.report() is not None
    pack.write_text("select: [DUP]\n")
    run = Run.over(file, settings=settings)
    assert run is not None
    assert run.report() is None


def test_standard_input_and_repeated_files_are_not_remembered(tmp_path: Path) -> None:
    from dsprep.api.remembering import Run

    settings = _settings(cache=True, cache_dir=tmp_path / "cache")
    file = _write(tmp_path / "data.jsonl", _rows(3))
    assert Run.over("-", settings=settings) is None
    assert Run.over([file, tmp_path / "." / "data.jsonl"], settings=settings) is None
    assert Run.over(tmp_path / "missing.jsonl", settings=settings) is None
    assert Run.over([], settings=settings) is None


def test_functions_keep_nothing_unless_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache_folder: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    file = _write(tmp_path / "data.jsonl", _rows(6000))
    dsprep.lint(file, workers=1)
    assert sorted(tmp_path.iterdir()) == [file]
    assert not cache_folder.exists()
    dsprep.lint(file, workers=1, cache=True)
    assert _kinds(cache_folder) >= {"report", "shard"}
    monkeypatch.delenv("DSPREP_CACHE_DIR")
    dsprep.lint(file, workers=1, cache=True)
    assert _kinds(tmp_path / ".dsprep_cache") >= {"report", "shard"}


def test_fixing_with_the_cache_fixes_the_same(tmp_path: Path) -> None:
    rows = _rows(6000)
    files = [_write(tmp_path / name / "data.jsonl", rows) for name in ("a", "b")]
    _lint(files[0], cache=tmp_path / "cache")
    done = [
        dsprep.fix(file, workers=1, unsafe_fixes=True, cache=cache, cache_dir=tmp_path / "cache")
        for file, cache in zip(files, (True, False), strict=True)
    ]
    assert done[0].fixed == done[1].fixed
    assert sum(done[0].fixed.values()) > 100
    assert files[0].read_bytes() == files[1].read_bytes()
    assert done[0].report.stats == done[1].report.stats


def test_preparing_with_the_cache_prepares_the_same(tmp_path: Path) -> None:
    file = _write(tmp_path / "data.jsonl", _rows(6000))
    for name in ("first", "second", "without"):
        cache = name != "without"
        dsprep.prepare(file, tmp_path / name, workers=1, cache=cache, cache_dir=tmp_path / "cache")
    assert "shard" in _kinds(tmp_path / "cache")
    for made in ("train.jsonl", "validation.jsonl", "rejected.jsonl"):
        data = {(tmp_path / name / made).read_bytes() for name in ("first", "second", "without")}
        assert len(data) == 1, made


def test_what_rules_remember_is_there_in_the_next_run(tmp_path: Path) -> None:
    store = _store(tmp_path / "cache")
    file = _write(tmp_path / "data.jsonl", _rows())
    assert _folded([file], None)[1].table.memo is None
    memo = _folded([file], store)[1].table.memo
    assert memo is not None
    assert memo.get("similarities") is None
    memo.put("similarities", {"pair": np.arange(6).reshape(3, 2), "is": np.ones(3)})
    _write(file, _rows(20))
    again = _folded([file], store)[1].table.memo
    assert again is not None
    found = again.get("similarities")
    assert found is not None
    assert {name: column.tolist() for name, column in found.items()} == {
        "pair": [[0, 1], [2, 3], [4, 5]],
        "is": [1, 1, 1],
    }
    other = _folded([file], store, max_findings=3)[1].table.memo
    assert other is not None
    assert other.get("similarities") is None


# --- command line -----------------------------------------------------------------------------------------------------


def _dsprep(*arguments: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    kept = {name: value for name, value in os.environ.items() if name != "DSPREP_CACHE_DIR"}
    return subprocess.run(
        [sys.executable, "-m", "dsprep", *map(str, arguments)],
        cwd=cwd,
        env={**kept, "NO_COLOR": "1", **environment},
        capture_output=True,
        check=False,
    )


def test_commands_keep_results_beside_the_configuration_and_clean_removes_them(tmp_path: Path) -> None:
    (tmp_path / "dsprep.toml").write_text("seed = 1\n")
    inner = tmp_path / "data"
    file = _write(inner / "data.jsonl", _rows(30))
    first = _dsprep("lint", file.name, "--verbose", cwd=inner)
    folder = tmp_path / ".dsprep_cache"
    assert (folder / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")
    assert "*" in (folder / ".gitignore").read_text().split()
    second = _dsprep("lint", file.name, "--verbose", cwd=inner)
    assert (first.returncode, first.stdout) == (second.returncode, second.stdout)
    assert b"the report is known" in second.stderr
    assert b"the report is known" not in first.stderr
    (folder / "mine.txt").write_text("not dsprep's")
    assert _dsprep("clean", cwd=inner).returncode == 0
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    (folder / "mine.txt").unlink()
    assert _dsprep("lint", file.name, "--isolated", cwd=inner).stdout
    assert (inner / ".dsprep_cache").is_dir()
    removed = _dsprep("clean", "--isolated", cwd=inner)
    assert removed.stdout.startswith(b"removed ")
    assert not (inner / ".dsprep_cache").exists()
    assert b"nothing to remove" in _dsprep("clean", "--isolated", cwd=inner).stdout


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [(["--no-cache"], {}), (["--config", "cache=false"], {}), ([], {"DSPREP_NO_CACHE": "1"})],
)
def test_no_cache_writes_nothing(arguments: list[str], environment: dict[str, str], tmp_path: Path) -> None:
    file = _write(tmp_path / "data.jsonl", _rows(30))
    done = _dsprep("lint", file.name, *arguments, cwd=tmp_path, **environment)
    assert done.returncode == 1
    assert list(tmp_path.iterdir()) == [file]


def test_flags_say_where_and_a_file_cannot_point_out_of_its_folder(tmp_path: Path) -> None:
    file = _write(tmp_path / "data.jsonl", _rows(30))
    _dsprep("lint", file.name, "--cache-dir", "kept", cwd=tmp_path, DSPREP_CACHE_DIR=str(tmp_path / "other"))
    assert _kinds(tmp_path / "kept") == {"report"}
    _dsprep("lint", file.name, cwd=tmp_path, DSPREP_CACHE_DIR=str(tmp_path / "other"))
    assert _kinds(tmp_path / "other") == {"report"}
    config = tmp_path / "project" / "dsprep.toml"
    config.parent.mkdir()
    config.write_text('cache-dir = "build/cache"\n')
    inside = load_settings(start=config.parent)[0].cache_dir
    assert inside == (config.parent / "build" / "cache").resolve()
    for outside in ("..", ".", "../other", str(tmp_path), "build/../.."):
        config.write_text(f"cache-dir = {json.dumps(outside)}\n")
        with pytest.raises(ConfigError, match="below the folder of the file"):
            load_settings(start=config.parent)


def test_clean_removes_nothing_that_is_not_its_own(tmp_path: Path) -> None:
    mine = ["0.1.0/notes.txt", "0.1.0/shard-mine", "src/shard-" + "0" * 40, ".gitignore", "CACHEDIR.TAG"]
    for name in mine:
        _write(tmp_path / name, [b"mine"])
    store = _store(tmp_path)
    store.put("shard", b"key", 1)
    assert clean(tmp_path) > 0
    assert store.get("shard", b"key") is None
    assert all((tmp_path / name).read_bytes() == b"mine\n" for name in mine)
