"""The index of near-duplicates: what is in it is found, nothing else is, and nothing of it is trusted or lost."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasketch import MinHashLSH
from hypothesis import given, settings
from hypothesis import strategies as st

from dsprep import api
from dsprep.cli.failures import reported
from dsprep.cli.index import app
from dsprep.folds import index as store
from dsprep.folds.buckets import MOST_CANDIDATES, MOST_IN_BUCKET, Buckets, sketch
from dsprep.folds.index import packed, unpacked
from dsprep.model.match import Comparison, MatchKind
from dsprep.model.source import InputError
from dsprep.text.minhash import BANDS, PERMUTATIONS, agreement, signatures
from dsprep.text.shingles import distinct, shingles

WORDS = [a + b for a in "bcdfghklmnprst" for b in ("a", "en", "ig", "olo", "umi", "ar")]


def chat(question: str, answer: str = "yes", **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": messages, **more}


def written(file: Path, rows: Sequence[Any]) -> Path:
    file.write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    return file


def sentence(seed: int, length: int = 40) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=length))


def grams(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}


def planted(n: int, seed: int) -> list[str]:
    """`n` different texts; many of them are earlier ones with a few words changed, so that all similarities occur."""
    drawn = random.Random(seed)
    out: list[str] = []
    while len(out) < n:
        text = (
            drawn.choice(out).split() if out and drawn.random() < 0.6 else drawn.choices(WORDS, k=drawn.randint(20, 80))
        )
        for _ in range(drawn.randint(0, 3)):
            text[drawn.randrange(len(text))] = drawn.choice(WORDS)
        if " ".join(text) not in out:
            out.append(" ".join(text))
    return out


def lines_of(comparison: Comparison) -> dict[int | None, tuple[str, int | None]]:
    return {match.location.line: (str(match.kind), match.known_at.line) for match in comparison.matches}


def dsprep(*arguments: str | Path) -> int:
    """The exit code of `dsprep index` with these arguments, in this process."""
    try:
        with reported():
            app([str(argument) for argument in arguments])
    except SystemExit as done:
        return int(done.code or 0)
    raise AssertionError("the command has not ended by itself")


@pytest.fixture
def known(tmp_path: Path) -> Path:
    """An index of ten rows of old.jsonl."""
    written(tmp_path / "old.jsonl", [chat(sentence(i)) for i in range(10)])
    api.index_add(tmp_path / "seen.idx", tmp_path / "old.jsonl", workers=1)
    return tmp_path / "seen.idx"


# --- what is found -----------------------------------------------------------------------------------------------


def test_rows_are_found_by_degree_of_likeness_with_both_places(known: Path, tmp_path: Path) -> None:
    near = sentence(7).split()
    near[-1] = "other"
    rows = [
        chat(sentence(100)),
        chat(sentence(3)),
        chat(f"  {sentence(4).upper()} "),
        chat(" ".join(near)),
        chat(sentence(5), label="a"),
    ]
    found = api.index_query(known, written(tmp_path / "new.jsonl", rows), workers=1)
    assert lines_of(found) == {2: ("exact", 4), 3: ("normalized", 5), 4: ("near", 8), 5: ("near", 6)}
    assert [match.known_at.path for match in found.matches] == [str(tmp_path / "old.jsonl")] * 4
    a, b = grams(sentence(7) + " yes"), grams(" ".join(near) + " yes")
    assert found.matches[2].similarity == len(a & b) / len(a | b)
    assert found.matches[3].similarity == 1.0  # the same text with a label is another example
    assert (found.rows, found.new, found.unusable) == (5, 1, 0)


def test_the_closest_row_is_named_and_of_equal_ones_the_first(tmp_path: Path) -> None:
    text = sentence(1).split()
    rows = [
        chat(" ".join([*text[:-2], "p", "q"])),
        chat(" ".join([*text[:-1], "p"])),
        chat(" ".join([*text[:-1], "r"])),
    ]
    index = tmp_path / "seen.idx"
    api.index_add(index, written(tmp_path / "b.jsonl", rows), workers=1)
    api.index_add(index, written(tmp_path / "a.jsonl", [chat(sentence(2)), rows[2]]), workers=1)
    found = api.index_query(index, written(tmp_path / "new.jsonl", [chat(" ".join(text)), rows[2]]), workers=1)
    assert [match.known_at.place for match in found.matches] == [f"{tmp_path / 'a.jsonl'}:2"] * 2


@settings(max_examples=12)
@given(st.integers(0, 10**6), st.sampled_from([0.7, 0.8, 0.9]))
def test_exactly_those_rows_are_found_that_comparing_all_with_all_finds(
    tmp_path_factory: pytest.TempPathFactory, seed: int, threshold: float
) -> None:
    folder = tmp_path_factory.mktemp("index")
    texts = planted(60, seed)
    old, new = texts[::2], texts[1::2]
    wanted = {}
    for i, text in enumerate(new):
        sets = [grams(f"{one} yes") for one in old]
        mine = grams(f"{text} yes")
        similarity = max(len(mine & other) / len(mine | other) for other in sets)
        if similarity >= threshold:
            wanted[i + 1] = similarity
    written(folder / "new.jsonl", [chat(text) for text in new])
    results = []
    for number, order in enumerate((old, old[::-1])):
        # Lines are the same whatever the order of adding.
        files = [written(folder / f"{old.index(text)}.jsonl", [chat(text)]) for text in order]
        index = folder / f"{number}.idx"
        half = len(files) // 2
        api.index_add(index, files[:half], workers=1)
        api.index_add(index, files[half:], workers=1)
        results.append(api.index_query(index, folder / "new.jsonl", threshold=threshold, workers=1).matches)
    assert {match.location.line: match.similarity for match in results[0]} == wanted
    assert results[0] == results[1]


def test_a_table_and_the_conversations_made_of_it_are_the_same(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("text,sentiment\n" + "".join(f"{sentence(i)},{'good' if i % 2 else 'bad'}\n" for i in range(30)))
    api.convert(table, tmp_path / "chat.jsonl", workers=1)
    api.index_add(tmp_path / "a.idx", table, workers=1)
    found = api.index_query(tmp_path / "a.idx", tmp_path / "chat.jsonl", workers=1)
    assert found.found[MatchKind.EXACT] == 30
    assert found.matches[0].known_at.place == f"{table}:2"
    new = tmp_path / "new.jsonl"
    api.index_query(_index_of_nothing(tmp_path), table, new=new, workers=1)
    assert new.read_bytes() == (tmp_path / "chat.jsonl").read_bytes()


def _index_of_nothing(folder: Path) -> Path:
    (folder / "nothing.jsonl").write_bytes(b"")
    api.index_add(folder / "nothing.idx", folder / "nothing.jsonl", workers=1)
    return folder / "nothing.idx"


def test_texts_without_words_are_known_by_their_keys_alone(tmp_path: Path) -> None:
    rows = [chat("?", "!"), chat("...", "!!"), chat("🙂", "")]
    index = tmp_path / "a.idx"
    api.index_add(index, written(tmp_path / "old.jsonl", rows), workers=1)
    found = api.index_query(index, written(tmp_path / "new.jsonl", [chat("?!", "!"), rows[1]]), workers=1)
    assert lines_of(found) == {2: ("exact", 2)}
    assert api.index_remove(index, tmp_path / "old.jsonl").rows == 3


def test_a_low_threshold_says_what_is_missed(known: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "new.jsonl", [chat("a b c")])
    assert api.index_query(known, file, threshold=0.8, workers=1).notes == []
    assert api.index_query(known, file, threshold=0.5, workers=1).notes == [
        "of pairs that are no more than 0.5 alike, 13% are missed"
    ]
    with pytest.raises(InputError, match="above 0 and up to 1"):
        api.index_query(known, file, threshold=0, workers=1)


# --- adding and removing -----------------------------------------------------------------------------------------


def test_adding_again_changes_nothing(known: Path, tmp_path: Path) -> None:
    before = known.read_bytes()
    again = api.index_add(known, tmp_path / "old.jsonl", workers=1)
    assert (again.rows, again.added, again.repeated, again.known) == (10, 0, 0, 10)
    assert known.read_bytes() == before


def test_rows_are_counted_as_added_repeated_known_or_unusable(known: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "more.jsonl", [chat(sentence(1)), chat("x"), chat("x"), {"messages": []}, [], chat("X")])
    with file.open("ab") as stream:
        stream.write(b"\n{broken\n")
    done = api.index_add(known, file, workers=1)
    assert (done.rows, done.added, done.repeated, done.known, done.unusable) == (7, 2, 1, 1, 3)
    info = api.index_info(known)
    assert (info.examples, info.units) == (12, 11)
    assert info.rows == {str(tmp_path / "more.jsonl"): 3, str(tmp_path / "old.jsonl"): 10}


def test_what_a_file_alone_had_leaves_with_it(known: Path, tmp_path: Path) -> None:
    other = written(tmp_path / "other.jsonl", [chat(sentence(1)), chat(sentence(200))])
    api.index_add(known, other, workers=1)
    (tmp_path / "old.jsonl").rename(tmp_path / "query.jsonl")
    done = api.index_remove(known, tmp_path / "." / "old.jsonl")
    assert (done.rows, done.kept) == (10, 1)
    found = api.index_query(known, tmp_path / "query.jsonl", workers=1)
    assert lines_of(found) == {2: ("exact", 1)}
    assert api.index_remove(known, other).rows == 2
    with sqlite3.connect(known) as connection:
        for table in ("sources", "places", "examples", "units", "buckets"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    api.index_add(known, tmp_path / "query.jsonl", workers=1)
    assert api.index_query(known, tmp_path / "query.jsonl", workers=1).found[MatchKind.EXACT] == 10


def test_removing_what_is_unknown_removes_nothing(known: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no rows of elsewhere/old.jsonl; did you mean .*/old.jsonl\?"):
        api.index_remove(known, "elsewhere/old.jsonl")
    with pytest.raises(InputError, match=r"has no rows of zzz; `dsprep index info .*` lists what it has"):
        api.index_remove(known, [tmp_path / "old.jsonl", "zzz"])
    assert api.index_info(known).examples == 10


def test_workers_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsprep.api.indexing.SHARD_BYTES", 4096)
    old = written(tmp_path / "old.jsonl", [chat(text) for text in planted(150, 3)])
    new = written(tmp_path / "new.jsonl", [chat(text) for text in planted(150, 3)[::2] + planted(80, 4)])
    made = []
    for workers in (1, 2):
        index, fresh = tmp_path / f"{workers}.idx", tmp_path / f"{workers}.jsonl"
        api.index_add(index, old, workers=workers)
        found = api.index_query(index, new, new=fresh, workers=workers)
        made.append((index.read_bytes(), fresh.read_bytes(), found.matches))
    assert made[0] == made[1]
    assert len(made[0][2]) >= 75


_KILLED = """
import os, signal, sys
from dsprep import api
from dsprep.api import indexing
from dsprep.folds import index

class Killer:
    def begin(self, stage, total): self.left = 20
    def advance(self, amount):
        self.left -= 1
        if not self.left: os.kill(os.getpid(), signal.SIGKILL)

indexing.SHARD_BYTES = 8192
index.CACHE_KIB = 10  # so that the file is written to long before the end
api.index_add(sys.argv[1], sys.argv[2], workers=1, progress=Killer())
"""


@pytest.mark.parametrize("there", [True, False])
def test_a_killed_run_leaves_the_index_as_it_was(there: bool, tmp_path: Path) -> None:
    index, fresh = tmp_path / "seen.idx", written(tmp_path / "new.jsonl", [chat(sentence(i, 80)) for i in range(700)])
    old = written(tmp_path / "old.jsonl", [chat(sentence(5000))])
    if there:
        api.index_add(index, old, workers=1)
    before = index.read_bytes() if there else b""
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, index, fresh], capture_output=True, timeout=120, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert index.stat().st_size > len(before), "it was killed too early to tell"
    if there:
        assert len(api.index_query(index, [old, fresh], workers=1).matches) == 1
    else:
        with pytest.raises(InputError, match=r"is empty; `dsprep index add .* makes it an index"):
            api.index_query(index, fresh, workers=1)
    assert index.read_bytes() == before
    assert [file.name for file in tmp_path.glob("seen*")] == ["seen.idx"]
    assert api.index_add(index, fresh, workers=1).added == 700


def test_a_failure_half_way_adds_nothing_and_leaves_no_new_file(
    known: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise KeyboardInterrupt

    file = written(tmp_path / "new.jsonl", [chat(sentence(i)) for i in range(20, 30)])
    before = known.read_bytes()
    monkeypatch.setattr(Buckets, "insert", refuse)
    for index in (known, tmp_path / "other.idx"):
        with pytest.raises(KeyboardInterrupt):
            api.index_add(index, file, workers=1)
    assert known.read_bytes() == before
    assert not (tmp_path / "other.idx").exists()
    with pytest.raises(InputError, match="no such file"):
        api.index_add(tmp_path / "other.idx", tmp_path / "missing.jsonl", workers=1)
    assert not (tmp_path / "other.idx").exists()


# --- the new rows ------------------------------------------------------------------------------------------------


def test_new_rows_are_written_with_their_bytes(known: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        b'{"messages": [{"role":"user","content":"\\u00e9 \xc3\xa9"},{"role":"assistant","content":"y"}],  "id": 1.0}',
        json.dumps(chat(sentence(2))).encode(),
        b"",
        b'{"prompt": "one", "completion": "two"}',
    ]
    (tmp_path / "new.jsonl").write_bytes(b"\r\n".join(lines))
    fresh = tmp_path / "fresh.jsonl"
    assert dsprep("query", known, tmp_path / "new.jsonl", "--new", fresh) == 0
    assert fresh.read_bytes() == lines[0] + b"\n" + lines[3] + b"\n"
    assert f"2 new rows written to {fresh}" in capsys.readouterr().out
    assert dsprep("query", known, tmp_path / "new.jsonl", "--new", fresh) == 2
    assert "is there already" in capsys.readouterr().err
    assert dsprep("query", known, tmp_path / "new.jsonl", "--new", fresh, "--force", "--fail-on", "exact", "-q") == 1
    assert capsys.readouterr() == ("", "")
    assert dsprep("add", known, fresh) == 0
    capsys.readouterr()
    assert dsprep("query", known, tmp_path / "new.jsonl") == 1
    assert "3 of 3 rows are in" in capsys.readouterr().out


def test_new_rows_never_replace_what_is_read(known: Path, tmp_path: Path) -> None:
    new = written(tmp_path / "new.jsonl", [chat("x")])
    for file in (new, known):
        with pytest.raises(InputError, match="is read in this run"):
            api.index_query(known, new, new=file, workers=1)


# --- the command line --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "codes"),
    [
        (chat(sentence(1)), {None: 1, "exact": 1, "normalized": 1, "near": 1, "never": 0}),
        (chat(sentence(1).title()), {None: 1, "exact": 0, "normalized": 1, "near": 1, "never": 0}),
        (chat(sentence(1) + " more"), {None: 1, "exact": 0, "normalized": 0, "near": 1, "never": 0}),
        (chat(sentence(99)), {None: 0, "exact": 0, "normalized": 0, "near": 0, "never": 0}),
        ({"nothing": 1, "messages": 2}, {None: 1, "exact": 1, "near": 1, "never": 0}),
    ],
)
def test_the_exit_code_says_what_was_asked(
    row: dict[str, Any], codes: dict[str | None, int], known: Path, tmp_path: Path
) -> None:
    new = written(tmp_path / "new.jsonl", [row])
    for name, code in codes.items():
        more = ["--fail-on", name] if name else []
        assert dsprep("query", known, new, "--quiet", "-j", "1", *more) == code, name


def test_what_is_printed_names_both_places_and_is_escaped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    hostile = "\x1b[2J one two three four five six \u202e seven eight"
    rows = [chat(hostile), chat(hostile.upper()), chat(f"{hostile} nine ten eleven twelve thirteen", "yes and no")]
    written(Path("a\x1b[31m.jsonl"), rows[:1])
    written(Path("new.jsonl"), rows)
    assert dsprep("add", "seen.idx", "a\x1b[31m.jsonl") == 0
    assert dsprep("info", "seen.idx") == 0
    for form in ("full", "concise", "json", "jsonl"):
        assert dsprep("query", "seen.idx", "new.jsonl", "--threshold", "0.3", "--output-format", form) == 1
    assert dsprep("remove", "seen.idx", "b\x1b[31m.jsonl") == 2
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "1 row read: 1 added to seen.idx"
    assert "  new.jsonl:1  equal to a\\x1b[31m.jsonl:1" in out
    assert "new.jsonl:2 normalized a\\x1b[31m.jsonl:1" in out
    assert "3 of 3 rows are in seen.idx already (1 exact, 1 normalized, 1 near); 0 are new." in out
    for shown in (out, err):
        assert "\x1b" not in shown
        assert "\u202e" not in shown


def test_json_has_all_there_is(known: Path, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    new = written(tmp_path / "new.jsonl", [chat(sentence(1)), chat("new"), 3])
    report = tmp_path / "report.json"
    assert dsprep("query", known, new, "--output-format", "json", "-o", report) == 1
    value = json.loads(report.read_bytes())
    assert {name: value[name] for name in ("rows", "new", "unusable", "found", "threshold")} == {
        "rows": 3,
        "new": 1,
        "unusable": 1,
        "found": {"exact": 1, "normalized": 0, "near": 0},
        "threshold": 0.8,
    }
    (match,) = value["matches"]
    assert (match["kind"], match["similarity"]) == ("exact", 1.0)
    assert (match["location"]["line"], match["known_at"]["line"]) == (1, 2)
    assert dsprep("query", known, new, "--output-format", "jsonl", "--fail-on", "never") == 0
    assert json.loads(capsysbinary.readouterr().out) == match
    assert dsprep("info", known, "--output-format", "json") == 0
    info = json.loads(capsysbinary.readouterr().out)
    assert info["sources"] == [{"path": str(tmp_path / "old.jsonl"), "rows": 10}]
    assert info["parameters"]["permutations"] == PERMUTATIONS


def test_help_loads_nothing_heavy() -> None:
    code = "import sys; import dsprep.cli.index; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert {"scipy", "datasketch", "numpy", "sqlite3"} & set(done.stdout.split()) == set()


# --- what is no index --------------------------------------------------------------------------------------------


def _edited(index: Path, *statements: str) -> None:
    connection = sqlite3.connect(index)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE meta SET value = '64' WHERE name = 'permutations'", r"other parameters \(permutations 64, here 128\)"),
        ("UPDATE meta SET value = '\"x\"' WHERE name = 'probe'", "told texts apart in another way"),
        ("UPDATE meta SET value = '{' WHERE name = 'probe'", "is damaged"),
        ("DELETE FROM meta", "made with other parameters"),
        ("PRAGMA user_version = 2", "made with another version"),
        ("PRAGMA application_id = 5", "is no index of dsprep"),
        ("CREATE TRIGGER evil AFTER INSERT ON places BEGIN DELETE FROM units; END", "its tables are not those"),
        ("CREATE VIEW evil AS SELECT * FROM units", "its tables are not those"),
        ("DROP INDEX places_of_source", "its tables are not those"),
    ],
)
def test_an_index_of_another_kind_is_refused(statement: str, says: str, known: Path, tmp_path: Path) -> None:
    _edited(known, statement)
    before = known.read_bytes()
    with pytest.raises(InputError, match=says):
        api.index_query(known, tmp_path / "old.jsonl", workers=1)
    with pytest.raises(InputError, match=says):
        api.index_add(known, tmp_path / "old.jsonl", workers=1)
    assert known.read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE units SET shingles = x'00ff'",
        "UPDATE units SET shingles = zeroblob(3)",
        "UPDATE units SET shingles = 'text'",
        "DELETE FROM places",
        "DELETE FROM sources",
    ],
)
def test_what_does_not_fit_is_said(statement: str, known: Path, tmp_path: Path) -> None:
    _edited(known, statement)
    new = written(tmp_path / "new.jsonl", [chat(sentence(1) + " more")])
    with pytest.raises(InputError, match="is damaged"):
        api.index_query(known, new, workers=1)


def test_a_row_that_claims_to_be_huge_is_not_unpacked(known: Path, tmp_path: Path) -> None:
    _edited(known, "UPDATE units SET size = 1000000000")
    new = written(tmp_path / "new.jsonl", [chat(sentence(1) + " more")])
    assert api.index_query(known, new, workers=1).matches == []
    with pytest.raises(InputError, match="is damaged"):
        api.index_remove(known, tmp_path / "old.jsonl")


@pytest.mark.parametrize("size", [50, 4096, 20_000])
def test_a_file_that_is_cut_short_is_refused(size: int, known: Path, tmp_path: Path) -> None:
    assert known.stat().st_size > size
    os.truncate(known, size)
    with pytest.raises(InputError, match=r"is damaged|is no index"):
        api.index_query(known, tmp_path / "old.jsonl", workers=1)


def test_other_files_are_left_alone(known: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.jsonl"
    other = tmp_path / "other.db"
    _edited(other, "CREATE TABLE mine (a)")
    before = old.read_bytes(), other.read_bytes()
    for file in (old, other):
        with pytest.raises(InputError, match="is no index of dsprep"):
            api.index_add(file, written(tmp_path / "new.jsonl", [chat("x")]), workers=1)
    assert (old.read_bytes(), other.read_bytes()) == before
    with pytest.raises(InputError, match="is no file"):
        api.index_add(tmp_path, old, workers=1)
    with pytest.raises(InputError, match="there is no such folder"):
        api.index_add(tmp_path / "no" / "a.idx", old, workers=1)
    for call in (api.index_info, lambda file: api.index_remove(file, old), lambda file: api.index_query(file, old)):
        with pytest.raises(InputError, match="there is no such index; `dsprep index add"):
            call(tmp_path / "none.idx")
    assert not (tmp_path / "none.idx").exists()


def test_an_index_in_use_is_a_sentence_and_exit_code_2(
    known: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(store, "LOCK_SECONDS", 0.05)
    other = sqlite3.connect(known, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    for verb in ("add", "query", "remove"):
        assert dsprep(verb, known, tmp_path / "old.jsonl") == 2
        assert capsys.readouterr().err == f"error: {known} is in use by another process; try again when that is done\n"
    other.execute("ROLLBACK")
    # Who only reads disturbs neither other readers nor, before the end, a writer.
    other.execute("BEGIN")
    other.execute("SELECT * FROM units").fetchone()
    assert dsprep("query", known, tmp_path / "old.jsonl") == 1
    monkeypatch.setattr(store, "COMMIT_SECONDS", 0.05)
    assert dsprep("add", known, written(tmp_path / "new.jsonl", [chat("x")])) == 2
    other.close()
    assert dsprep("add", known, tmp_path / "new.jsonl") == 0


# --- what it costs -----------------------------------------------------------------------------------------------


def test_a_query_does_not_read_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite counts the steps of its virtual machine: about as many for an index of ten times the size."""
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    connected = store._connected

    def watched(name: str, create: bool) -> sqlite3.Connection:
        connection = connected(name, create)
        connection.set_progress_handler(step, 1)
        return connection

    near = [*sentence(3).split(), "more"]
    new = written(tmp_path / "new.jsonl", [chat(sentence(3)), chat(" ".join(near)), chat(sentence(5000))])
    counts = []
    for n in (150, 1500):
        old = written(tmp_path / f"{n}.jsonl", [chat(sentence(i)) for i in range(n)])
        api.index_add(tmp_path / f"{n}.idx", old, workers=1)
        monkeypatch.setattr(store, "_connected", watched)
        steps = 0
        assert len(api.index_query(tmp_path / f"{n}.idx", new, workers=1).matches) == 2
        counts.append(steps)
        monkeypatch.setattr(store, "_connected", connected)
    assert counts[1] < 1.1 * counts[0]
    assert counts[1] < 3000


def test_texts_without_number_in_one_bucket_are_not_all_looked_at(tmp_path: Path) -> None:
    body = sentence(1, 120)
    rows = [chat(f"{body} {word} {other}") for word in WORDS[:30] for other in WORDS[:30]]
    index = tmp_path / "a.idx"
    api.index_add(index, written(tmp_path / "old.jsonl", rows), workers=1)
    with store.opened(index) as opened:
        signed = signatures(distinct(shingles([f"{body} new new yes".encode()])))
        found = opened._buckets.candidates(signed[0])
    assert MOST_IN_BUCKET <= len(found) <= MOST_CANDIDATES
    new = written(tmp_path / "new.jsonl", [chat(f"{body} new new")])
    (match,) = api.index_query(index, new, workers=1).matches
    assert match.similarity > 0.9


@given(st.lists(st.integers(0, 2**32 - 1), unique=True, max_size=400))
def test_what_is_packed_is_unpacked(numbers: list[int]) -> None:
    members = np.sort(np.array(numbers, np.uint32))
    blob = packed(members)
    assert len(blob) <= 4 * len(members)
    assert unpacked(blob, len(members)).tolist() == members.tolist()


# --- datasketch --------------------------------------------------------------------------------------------------


def test_datasketch_estimates_the_same_from_our_signatures() -> None:
    texts = planted(60, 8)
    signed = signatures(distinct(shingles([text.encode() for text in texts])))
    left, right = (side.astype(np.int64) for side in np.triu_indices(len(texts), 1))
    agreed = agreement(signed, left, right) / PERMUTATIONS
    errors = []
    for a, b, share in zip(left.tolist(), right.tolist(), agreed.tolist(), strict=True):
        estimate = sketch(signed[a]).jaccard(sketch(signed[b]))
        assert estimate == share
        one, two = grams(texts[a]), grams(texts[b])
        exact = len(one & two) / len(one | two)
        if exact > 0.1:
            errors.append(estimate - exact)
    assert len(errors) > 30
    # The standard deviation of an estimate by 128 permutations is 0.044 at most.
    assert np.abs(errors).mean() < 0.044
    assert abs(np.mean(errors)) < 0.02


def test_the_tables_of_the_file_are_as_good_as_those_in_memory(tmp_path: Path) -> None:
    """The same LSH with datasketch's own storage, and with ours: queries, counts, membership, removal."""
    texts = planted(80, 9)
    signed = signatures(distinct(shingles([text.encode() for text in texts])))
    theirs = MinHashLSH(num_perm=PERMUTATIONS, params=(BANDS, PERMUTATIONS // BANDS))
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE units (id INTEGER PRIMARY KEY)")
    connection.execute("CREATE TABLE buckets (bucket INTEGER, unit INTEGER, PRIMARY KEY (bucket, unit)) WITHOUT ROWID")
    ours = Buckets(connection, lambda members: signed[list(members)], permutations=PERMUTATIONS, bands=BANDS)
    assert ours.lsh.is_empty()
    members = range(1, 60)
    connection.executemany("INSERT INTO units VALUES (?)", ((member,) for member in members))
    ours.insert(members, signed[1:60])
    for member in members:
        theirs.insert(member, sketch(signed[member]))

    def same() -> None:
        for signature in signed:
            assert set(ours.candidates(signature)) == set(theirs.query(sketch(signature)))
            assert ours.candidates(signature) == sorted(
                ours.candidates(signature), key=lambda member: -_shared(signed[member], signature)
            )
        for mine, other in zip(ours.lsh.get_counts(), theirs.get_counts(), strict=True):
            assert sorted(mine.values()) == sorted(other.values())
        for table in ours.lsh.hashtables:
            assert len(table) == len(list(table)) == len(table.itemcounts())
            assert all(key in table for key in table)

    same()
    ours.lsh.insert(60, sketch(signed[60]))
    connection.execute("INSERT INTO units VALUES (60)")
    theirs.insert(60, sketch(signed[60]))
    assert (60 in ours.lsh, 61 in ours.lsh) == (True, False)
    assert sorted(ours.lsh.keys) == [*members, 60]
    assert set(ours.lsh.keys.itemcounts().values()) == {BANDS}
    same()
    ours.remove(list(members)[::2])
    for member in list(members)[::2]:
        theirs.remove(member)
        connection.execute("DELETE FROM units WHERE id = ?", (member,))
    assert len(ours.lsh.keys) == len(theirs.keys)
    same()


def _shared(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> int:
    return int((a.reshape(BANDS, -1) == b.reshape(BANDS, -1)).all(axis=1).sum())
