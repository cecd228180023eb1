"""Fixes that can be undone: what a fix has changed is in the ledger, and undoing it gives the file back to the byte."""

from __future__ import annotations

import base64
import json
import os
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from dsprep import api
from dsprep.api.linting import folded_of
from dsprep.api.session import Input, open_session
from dsprep.cli.main import app
from dsprep.config import ConfigError, Settings, load_settings
from dsprep.engine.folding import fold
from dsprep.engine.ledger import SUFFIX, Ledger
from dsprep.engine.repairing import Repair
from dsprep.engine.rewriting import Rewriting
from dsprep.executors.serial import SerialExecutor
from dsprep.model.executor import Executor
from dsprep.model.fix import Applicability, DropRow
from dsprep.model.patch import difference, patched, same
from dsprep.model.source import InputError
from dsprep.testing import ShuffledExecutor
from dsprep.text.content import content_key
from dsprep.text.labels import relabelled


def _chat(user: Any, assistant: Any, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}], **more}


def _write(file: Path, *rows: Any, end: bytes = b"\n") -> bytes:
    data = b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + end for row in rows)
    file.write_bytes(data)
    return data


def _ledger(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(f"{file}{SUFFIX}").read_bytes().splitlines()]


# --- patches ----------------------------------------------------------------------------------------------------------

scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4), st.just("\ud800"))
keys = st.sampled_from(["a", "b", "", "~", "/", "0", "a/b", "-", "~1"])
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=4))


@given(values, values)
def test_a_patch_leads_from_one_value_to_the_other(a: Any, b: Any) -> None:
    before = json.dumps(a)
    assert same(patched(a, difference(a, b)), b)
    assert same(patched(b, difference(b, a)), a)
    assert json.dumps(a) == before
    assert not difference(a, a)


@given(values, st.integers(0, 5))
def test_a_patch_says_nothing_of_what_stays(value: Any, at: int) -> None:
    long = [*range(at), *range(at + 1, 9)]
    assert difference({"x": value, "y": list(range(9))}, {"x": value, "y": long}) == [
        {"op": "remove", "path": f"/y/{at}"}
    ]


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/b"},
        {"op": "replace", "path": "/a/7", "value": 1},
        {"op": "replace", "path": "/a/01", "value": 1},
        {"op": "add", "path": "/a/3", "value": 1},
        {"op": "add", "path": "/a/0/x", "value": 1},
        {"op": "move", "from": "/a", "path": "/b"},
        {"op": "remove", "path": "a"},
    ],
)
def test_a_patch_that_does_not_fit_is_an_error(operation: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"patch|operation|pointer"):
        patched({"a": [1, 2]}, [operation])


# --- fix, then undo ---------------------------------------------------------------------------------------------------

blanks = [" ", "\n", "\r\n", "\n\n\n\n", "\x07", "\x92", "\u200b", "\x1b[31m", "\ud800", "<br>", "&amp;", "<|im_end|>"]
texts = st.lists(st.sampled_from(["hello", "ok.", "caf\u00e9", "\U0001f600", "\u2028", *blanks]), max_size=6).map(
    "".join
)
roles = st.sampled_from(["system", "user", "assistant", "User", "human", "gpt", "tool", 3])
message = st.fixed_dictionaries(
    {"role": roles, "content": st.one_of(texts, texts, st.none(), st.just([{"type": "text", "text": " a "}]))},
    optional={"weight": st.sampled_from([0, 1, 2, 1.5e300]), "extra": st.integers(-(2**70), 2**70)},
)
record = st.one_of(
    st.fixed_dictionaries(
        {"messages": st.lists(message, max_size=4)},
        optional={
            "id": st.sampled_from([1, 2**65, 1e16, -0.0, float("nan")]),
            "label": st.sampled_from(["x", "X", "y"]),
        },
    ),
    st.fixed_dictionaries({"prompt": texts, "completion": texts}),
    st.fixed_dictionaries({"instruction": texts, "output": texts}),
    st.just({"conversations": [{"from": "human", "value": " q "}, {"from": "gpt", "value": "a "}]}),
    st.sampled_from([None, 3, {"text": "x"}]),
)
#: How people write lines: compactly, with blanks, with letters as they are or as escapes.
spellings = [
    partial(json.dumps, separators=(",", ":")),
    json.dumps,
    partial(json.dumps, ensure_ascii=False),
    partial(json.dumps, sort_keys=True, separators=(" , ", " : ")),
]


def _spelled(value: Any, spelling: Any) -> bytes:
    return str(spelling(value)).encode("utf-8", "surrogatepass")


lines = st.lists(
    st.one_of(
        st.builds(_spelled, record, st.sampled_from(spellings)),
        st.builds(_spelled, record, st.sampled_from(spellings)),
        st.sampled_from(
            [
                *(b"", b"  ", b"\r", b"{", b"[1]", b"\xff", b'{"messages": [{"role": "user", "content": "caf\xe9 "}]}'),
                b'{"messages": [{"role": "user", "content": "a "}], "messages": [{"role": "User", "content": " b"}]}',
            ]
        ),
    ),
    max_size=10,
)
manners = st.tuples(
    st.sampled_from([b"", b"\xef\xbb\xbf"]), st.sampled_from([b"\n", b"\r\n"]), st.sampled_from([b"", b"\n", b"\r"])
)


@pytest.mark.parametrize("unsafe", [False, True])
@given(lines=lines, manner=manners)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_undoing_a_fix_gives_the_file_back(
    unsafe: bool, lines: list[bytes], manner: tuple[bytes, bytes, bytes], tmp_path: Path
) -> None:
    start, between, last = manner
    _fixed_and_undone(tmp_path / "data.jsonl", start + between.join(lines) + last, unsafe)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32"])
@given(rows=st.lists(record, min_size=1, max_size=5))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_undoing_gives_other_encodings_back(encoding: str, rows: list[Any], tmp_path: Path) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\r\n" for row in rows)
    _fixed_and_undone(tmp_path / "data.jsonl", text.encode(encoding, "surrogatepass"), unsafe=True)


@given(rows=st.lists(record, min_size=2, max_size=5), indent=st.sampled_from([None, 1]), array=st.booleans())
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_undoing_gives_json_back_that_was_not_in_lines(
    rows: list[Any], indent: int | None, array: bool, tmp_path: Path
) -> None:
    text = json.dumps(rows, indent=indent) if array else "\n".join(json.dumps(row, indent=2) for row in rows)
    _fixed_and_undone(tmp_path / "data.jsonl", text.encode(), unsafe=False)


def _fixed_and_undone(file: Path, data: bytes, unsafe: bool) -> None:
    file.write_bytes(data)
    try:
        result = api.fix([file], unsafe_fixes=unsafe, workers=1)
    except InputError:
        assume(False)
    changed = file.read_bytes()
    assert bool(result.ledgers) == (changed != data)
    if changed == data:
        assert not Path(f"{file}{SUFFIX}").exists()
        return
    [done] = api.undo(f"{file}{SUFFIX}")
    assert file.read_bytes() == data
    assert done.runs == (1,)
    assert not Path(f"{file}{SUFFIX}").exists()


def test_a_large_file_that_is_written_anew_comes_back_in_pieces(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    text = json.dumps([_chat(f"question {i}", f"answer {i} " + "\u00e9" * (i % 50)) for i in range(20_000)], indent=1)
    file.write_text(text)
    assert len(text) > 3 << 20
    api.fix([file], workers=1, select=("ENC", "TXT009"))
    assert sum("zlib_base64" in line for line in _ledger(file)) > 3
    [done] = api.undo(file)
    assert done.rules["ENC004"] == 1
    assert file.read_text() == text


def test_a_piece_that_unpacks_to_more_than_was_packed_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    file.write_text(json.dumps([_chat("a", "b "), _chat("c", "d")]))
    api.fix([file], workers=1, select=("ENC", "TXT009"))
    ledger = Path(f"{file}{SUFFIX}")
    lines = _ledger(file)
    lines[1]["zlib_base64"] = base64.b64encode(zlib.compress(bytes(64 << 20))).decode()
    ledger.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(InputError, match="a piece is too long"):
        api.undo(file)


@given(lines=lines)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_safe_fix_drops_a_row(lines: list[bytes], tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    file.write_bytes(b"\n".join(lines))
    session = open_session([Input(str(file))], Settings(select=("ALL",), workers=1))
    for tally in folded_of(session).tallies.values():
        for finding in tally.sorted():
            fix = finding.fix
            if fix is not None and fix.applicability is Applicability.SAFE:
                drops = any(isinstance(edit, DropRow) for edit in fix.edits)
                # An empty line is no row.
                assert not drops or finding.code == "ENC003"
                assert not drops or not lines[(finding.location.line or 1) - 1].strip()


def test_lines_keep_their_manner_and_those_without_fixes_their_bytes(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    odd = b'{ "messages" : [{"role":"user","content":"a"}, {"role":"assistant","content":"b"}] }'
    spaced = json.dumps(_chat("caf\u00e9", "trim "))
    compact = json.dumps(_chat("caf\u00e9", "trim "), ensure_ascii=False, separators=(",", ":"))
    _write(file, odd, spaced.encode(), compact.encode(), end=b"\r\n")
    api.fix([file], workers=1, select=("TXT009",))
    wanted = [odd, spaced.replace("trim ", "trim").encode(), compact.replace("trim ", "trim").encode(), b""]
    assert file.read_bytes().split(b"\r\n") == wanted


def test_the_ledger_says_what_changed_where_and_by_which_rules(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    odd = b'{"messages":[ {"role":"user","content":"c"},{"role":"assistant","content":"\\u0064 "}]}'
    before = _write(file, _chat("fine", "ok"), b"", _chat("a", "b\x07 "), odd)
    api.fix([file], workers=1, select=("ENC", "TXT003", "TXT009"))
    blank, third, fourth, closing = _ledger(file)
    assert blank["rules"] == ["ENC003"]
    assert blank["patch"] == [{"op": "remove", "path": ""}]
    assert third["rules"] == ["TXT003", "TXT009"]
    first = len(json.dumps(_chat("fine", "ok"))) + 1
    assert third["location"] == {"path": "data.jsonl", "line": 3, "offset": first + 1}
    old = json.loads(before.split(b"\n")[2])
    assert patched(old, third["patch"]) == _chat("a", "b")
    assert patched(_chat("a", "b"), third["inverse"]) == old
    offset, size = third["at"]
    assert json.loads(file.read_bytes()[offset : offset + size]) == _chat("a", "b")
    # What cannot be written again to the same bytes is kept as it was.
    assert third["style"] == "spaced"
    assert fourth["raw"].encode() == odd
    assert closing["run"] == 1
    assert closing["before"]["bytes"] == len(before)
    assert closing["after"]["bytes"] == file.stat().st_size


def test_runs_are_undone_one_by_one_or_all(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    original = _write(file, _chat("a", "b "), _chat("c", "d\x07"), _chat("c", "d"))
    states = [original]
    for rules in ("TXT009", "TXT003", "DUP001"):
        result = api.fix([file], workers=1, select=(rules,), unsafe_fixes=True)
        assert result.ledgers == [f"{file}{SUFFIX}"]
        states.append(file.read_bytes())
    assert len(set(states)) == 4
    api.undo(file)  # named by the file that it lies beside
    assert file.read_bytes() == states[2]
    # A fix after that is a new run.
    api.fix([file], workers=1, select=("DUP001",), unsafe_fixes=True)
    [done] = api.undo(f"{file}{SUFFIX}", everything=True)
    assert (done.runs, done.changes) == ((1, 2, 3), 3)
    assert file.read_bytes() == original
    assert os.listdir(tmp_path) == ["data.jsonl"]


def test_a_file_that_was_changed_since_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    _write(file, _chat("a", "b "))
    api.fix([file], workers=1)
    edited = file.read_bytes() + b"{}\n"
    file.write_bytes(edited)
    before = _ledger(file)
    with pytest.raises(InputError, match="not as run 1 left it: it was changed since"):
        api.undo(file)
    assert file.read_bytes() == edited
    assert _ledger(file) == before
    api.fix([file], workers=1, select=("TXT009",), unsafe_fixes=True)
    _write(file, _chat("a", "b "))
    api.fix([file], workers=1, select=("TXT009",))
    _break_first(file)
    with pytest.raises(InputError, match="without --all"):
        api.undo(file, everything=True)


def _break_first(file: Path) -> None:
    """As if somebody had edited the file between the first run and the next."""
    ledger = Path(f"{file}{SUFFIX}")
    lines = ledger.read_bytes().splitlines(keepends=True)
    closing = json.loads(lines[1])
    closing["after"]["sha256"] = "0" * 64
    closing["before"]["sha256"] = "1" * 64
    ledger.write_bytes(lines[0] + json.dumps(closing).encode() + b"\n" + b"".join(lines[2:]))


def test_a_run_that_was_killed_before_the_file_was_in_place_leaves_nothing_to_undo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "data.jsonl"
    original = _write(file, _chat("a", "b "))
    replace = os.replace

    def killed(source: str, target: str) -> None:
        # The ledger is in place first, so no changed file is ever without one.
        if target.endswith("data.jsonl"):
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        api.fix([file], workers=1)
    monkeypatch.undo()
    assert file.read_bytes() == original
    assert _ledger(file)[-1]["run"] == 1
    [done] = api.undo(file)
    assert done.runs == ()
    assert file.read_bytes() == original
    assert not Path(f"{file}{SUFFIX}").exists()


def test_one_ledger_for_several_files(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    files = [folder / "a.jsonl", folder / "b.jsonl"]
    originals = [_write(file, _chat(file.name, "x ")) for file in files]
    ledger = tmp_path / "changes.jsonl"
    result = api.fix(files, workers=1, ledger=ledger, select=("TXT009",))
    assert result.ledgers == [str(ledger)]
    names = [json.loads(line)["path"] for line in ledger.read_bytes().splitlines() if b'"run"' in line]
    assert names == ["data/a.jsonl", "data/b.jsonl"]
    assert [done.path for done in api.undo(ledger)] == list(map(str, files))
    assert [file.read_bytes() for file in files] == originals
    assert sorted(os.listdir(tmp_path)) == ["data"]


def test_a_ledger_says_nothing_of_files_elsewhere_unless_they_are_named(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    file = tmp_path / "data.jsonl"
    original = _write(file, _chat("a", "b "))
    ledger = tmp_path / "logs" / "changes.jsonl"
    api.fix([file], workers=1, ledger=ledger)
    fixed = file.read_bytes()
    with pytest.raises(InputError, match="not below the ledger's folder"):
        api.undo(ledger)
    assert file.read_bytes() == fixed
    api.undo(ledger, [file])
    assert file.read_bytes() == original


def test_a_link_in_the_ledgers_folder_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    victim = tmp_path / "victim.jsonl"
    link = tmp_path / "own" / "data.jsonl"
    _write(link, _chat("a", "b "))
    api.fix([link], workers=1)
    os.rename(link, victim)
    link.symlink_to(victim)
    fixed = victim.read_bytes()
    with pytest.raises(InputError, match="not below"):
        api.undo(f"{link}{SUFFIX}")
    assert victim.read_bytes() == fixed


@pytest.mark.parametrize("content", [b"", b"{}\n", b"\xff", b'{"patch": []}\n', b"[1]\n", b'{"run": 1}\n'])
def test_what_is_no_ledger_is_neither_undone_nor_written_over(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    original = _write(file, _chat("a", "b "))
    other = tmp_path / "other.txt"
    other.write_bytes(content)
    with pytest.raises(InputError, match="ledger"):
        api.undo(other)
    if content and b"run" not in content:
        with pytest.raises(InputError, match="no ledger of fixes, and is not written over"):
            api.fix([file], workers=1, ledger=other)
        assert other.read_bytes() == content
        assert file.read_bytes() == original


def test_a_damaged_ledger_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    _write(file, _chat("a", "b "), _chat("c", "d "))
    api.fix([file], workers=1, select=("TXT009",))
    fixed = file.read_bytes()
    ledger = Path(f"{file}{SUFFIX}")
    good = ledger.read_bytes()
    for damage in (
        good.replace(b'"b "', b'"x "'),
        good.replace(b'"style":"spaced"', b'"style":"compact"'),
        good.replace(b'"style":"spaced"', b'"style":"none"'),
        good.replace(b'"at":[0', b'"at":[900'),
        good.replace(b"/messages/1", b"/messages/9"),
    ):
        assert damage != good
        ledger.write_bytes(damage)
        with pytest.raises(InputError, match=r"damaged|does not lead back"):
            api.undo(ledger)
        assert file.read_bytes() == fixed
    ledger.write_bytes(good[:-5])
    with pytest.raises(InputError, match="no line of a ledger"):
        api.undo(ledger)


def test_the_ledger_does_not_depend_on_shards_or_the_order_of_work(tmp_path: Path) -> None:
    rows = [
        _chat(f"q{i % 7}", f"a{i}{' ' * (i % 3)}", **({"label": "X"} if i % 5 else {"label": "x"})) for i in range(40)
    ]
    said = set()
    for number, (executor, size) in enumerate(
        [(SerialExecutor(), 1 << 20), (ShuffledExecutor(1), 1), (ShuffledExecutor(2), 300)]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        file = folder / "data.jsonl"
        _write(file, *rows, b"", *rows[:3])
        said.add(_rewritten(file, executor, size))
    assert len(said) == 1


def _rewritten(file: Path, executor: Executor, size: int) -> tuple[bytes, bytes]:
    session = open_session([Input(str(file))], Settings(unsafe_fixes=True, workers=1, select=("DUP", "ENC", "TXT009")))
    policy = session.policy()
    folded = fold(session.pipeline, session.rules, executor, accept=policy.allows, shard_bytes=size)
    session.pipeline = type(session.pipeline)(
        session.pipeline.sources, session.pipeline.normalisers, Repair(session.singles, policy, relabelled=relabelled)
    )
    rewriting = Rewriting(session.pipeline, folded.shards, folded.accepted, executor, content_key)
    ledger = Ledger.at(f"{file}{SUFFIX}")
    assert rewriting.write(lambda source: ledger, {}).anything
    return file.read_bytes(), Path(ledger.path).read_bytes()


def test_a_configuration_file_names_only_a_ledger_below_itself(tmp_path: Path) -> None:
    config = tmp_path / "dsprep.toml"
    config.write_text('ledger = "logs/changes.jsonl"\n')
    assert load_settings([str(config)])[0].ledger == (tmp_path / "logs" / "changes.jsonl").resolve()
    for outside in ("../changes.jsonl", "/etc/changes.jsonl"):
        config.write_text(f"ledger = {json.dumps(outside)}\n")
        with pytest.raises(ConfigError, match="--ledger"):
            load_settings([str(config)])


# --- on the command line ----------------------------------------------------------------------------------------------


def _run(*arguments: Any) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_undo_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = Path("my data.jsonl")
    original = _write(file, _chat("a", "b "), b"")
    code, said = _run("lint", file, "--fix", "--select", "ENC,TXT009", "--isolated")
    assert code == 0
    assert "`dsprep undo 'my data.jsonl.changes'` takes it back" in said
    fixed = file.read_bytes()
    code, said = _run("undo", "my data.jsonl.changes", "--dry-run")
    assert (code, said) == (0, "my data.jsonl: 2 changes of run 1 would be undone (ENC003 1, TXT009 1)\n")
    assert file.read_bytes() == fixed
    code, said = _run("undo", "my data.jsonl.changes")
    assert (code, said) == (0, "my data.jsonl: 2 changes of run 1 undone (ENC003 1, TXT009 1)\n")
    assert file.read_bytes() == original
    with pytest.raises(InputError, match="there is no such file"):
        _run("undo", "my data.jsonl.changes")


# --- prepare ----------------------------------------------------------------------------------------------------------


def test_prepare_puts_down_what_it_mended(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    rows = [_chat(f"question {i}", f"answer {i}{' ' * (i % 2)}") for i in range(30)]
    rows[4]["messages"][1]["extra"] = 1
    _write(file, *rows, _chat("x", ""), {"prompt": "p", "completion": "c "})
    results = {}
    for workers in (1, 2):
        out = tmp_path / f"out{workers}"
        result = api.prepare([file], out, workers=workers, select=("SCH", "TXT009"))
        results[workers] = (out / "changes.jsonl").read_bytes()
        changes = [json.loads(line) for line in results[workers].splitlines()]
        assert result.manifest["changes"]["rows"] == len(changes)
        assert result.manifest["changes"]["rules"] == {"SCH008": 1, "SCH013": 1, "TXT009": 16}
    assert results[1] == results[2]
    written = {
        name: [json.loads(line) for line in (tmp_path / "out1" / name).read_bytes().splitlines()]
        for name in ("train.jsonl", "validation.jsonl")
    }
    assert [change["location"]["line"] for change in changes] == sorted({2 * i for i in range(1, 16)} | {5, 32})
    rows += [_chat("x", ""), {"prompt": "p", "completion": "c "}]
    for change in changes:
        before = rows[change["location"]["line"] - 1]
        after = patched(before, change["patch"])
        assert after in written[change["to"]]
        assert patched(after, change["inverse"]) == before
    assert [change["form"] for change in changes] == ["chat"] * 16 + ["record"]
    with pytest.raises(InputError, match="its input is as it was"):
        api.undo(tmp_path / "out1" / "changes.jsonl")
