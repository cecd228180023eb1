"""Suppressions beside the data, rules that say nothing of some files, and what they mean to fixes and to `prepare`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dsprep import api
from dsprep.api.accepted import read_suppressions
from dsprep.api.session import Input, open_session
from dsprep.catalog.registry import Rulebook, UnknownNameError
from dsprep.cli.main import app
from dsprep.config import SIDECAR, Settings, load_settings
from dsprep.engine.folding import fold
from dsprep.engine.writing import encoded
from dsprep.executors.serial import SerialExecutor
from dsprep.model.source import InputError
from dsprep.testing import ShuffledExecutor


def _chat(user: Any, assistant: Any, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}], **more}


def _write(file: Path, rows: Sequence[Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"".join((row if isinstance(row, bytes) else encoded(row)) + b"\n" for row in rows))


def _sidecar(file: Path) -> Path:
    return Path(f"{file}{SIDECAR}")


def _found(paths: Any, **more: Any) -> list[tuple[str, int | None]]:
    report = api.lint(paths, workers=1, **more)
    return [(finding.code, finding.location.line) for finding in report.findings]


# --- suppressing ------------------------------------------------------------------------------------------------------


def test_what_is_suppressed_is_not_shown_wherever_the_row_goes(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    rows = [_chat("a", "b "), _chat("c", "d\x07 "), _chat("e", "f ")]
    _write(file, rows)
    done = api.suppress(file, ("TXT009", "control-character"), line=2, reason="it: 'is' meant \u2713", workers=1)
    assert done.path == f"{file}{SIDECAR}"
    assert ([entry.code for entry in done.entries], done.findings) == (["TXT003", "TXT009"], 2)
    assert {entry.reason for entry in done.entries} == {"it: 'is' meant \u2713"}
    _write(file, [rows[2], _chat("new", "row"), rows[0], json.dumps(rows[1], indent=None).encode()])
    chosen = {"select": ("TXT003", "TXT009")}
    assert _found([file], **chosen) == [("TXT009", 1), ("TXT009", 3)]
    report = api.lint([file], workers=1, **chosen)
    assert report.hidden.suppressed == {"TXT003": 1, "TXT009": 1}
    assert any("2 findings are suppressed" in note for note in report.notes)
    _write(file, [_chat("c", "d\x07  ")])
    assert _found([file], **chosen) == [("TXT003", 1), ("TXT009", 1)]


def test_all_findings_of_a_rule_are_suppressed_without_a_line(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    _write(file, [_chat(f"q{i % 3}", "b ") for i in range(9)])
    done = api.suppress(file, "TXT009", reason="so", workers=1, max_findings=1)
    # Equal rows share an entry.
    assert (len(done.entries), done.findings) == (3, 9)
    assert _found([file], select="TXT009") == []
    with pytest.raises(InputError, match="not suppressed already"):
        api.suppress(file, "TXT009", reason="again", workers=1)


def test_findings_of_the_whole_file_can_be_suppressed(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + encoded(_chat("a", "b")) + b"\n")
    api.suppress(file, ("ENC002", "SET001"), reason="a fixture", workers=1)
    assert _found([file], select=("ENC002", "SET001")) == []


def test_rules_about_overlap_are_told_of_the_other_files(tmp_path: Path) -> None:
    train, validation = tmp_path / "train.jsonl", tmp_path / "validation.jsonl"
    _write(train, [_chat("a", "b"), _chat("c", "d")])
    _write(validation, [_chat("e", "f"), _chat("c", "d")])
    with pytest.raises(InputError, match="find nothing there"):
        api.suppress(train, "LEK001", reason="so", workers=1)
    api.suppress(train, "LEK001", line=2, reason="so", train=train, validation=validation, workers=1)
    report = api.lint(train=train, validation=validation, workers=1, select="LEK001")
    assert report.findings == []
    assert report.hidden.errors == {"LEK001": 1}


def test_entries_are_put_behind_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    _write(file, [_chat("a", "b "), _chat("c", "d ")])
    own = "# by hand\n- code: TXT003   # why not\n  hash: '" + "0" * 32 + "'\n  reason: |\n    many\n    lines"
    _sidecar(file).write_text(own)
    api.suppress(file, "TXT009", line=1, reason="", workers=1)
    text = _sidecar(file).read_text()
    assert text.startswith(own + "\n")
    entries = read_suppressions(str(_sidecar(file)), "x", Rulebook())
    assert [(entry.code, entry.reason) for entry in entries] == [("TXT003", "many\nlines"), ("TXT009", "")]
    _sidecar(file).write_text("[]\n")
    with pytest.raises(InputError, match="do it by hand"):
        api.suppress(file, "TXT009", reason="so", workers=1)
    assert _sidecar(file).read_text() == "[]\n"


def test_suppressions_that_match_nothing_are_named(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    _write(file, [_chat("a", "b "), _chat("c", "d ")])
    api.suppress(file, "TXT009", reason="so", workers=1)
    _write(file, [_chat("a", "b ")])
    report = api.lint([file], workers=1, select="TXT009")
    assert (report.hidden.suppressed["TXT009"], report.hidden.unused) == (1, 1)
    [note] = [note for note in report.notes if "nothing any more" in note]
    gone = read_suppressions(str(_sidecar(file)), "x", Rulebook())[1]
    assert note == f"{file}{SIDECAR}: a suppression matches nothing any more and can go: TXT009 {gone.key.hex()}"
    # A rule that does not run is not looked for, nor one that says nothing of the file.
    assert api.lint([file], workers=1, select="TXT003").hidden.unused == 0
    ignores = {f"{tmp_path}/*.jsonl": ("TXT",)}
    assert api.lint([file], workers=1, select="TXT009", per_path_ignores=ignores).hidden.unused == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- {code: TXT009", r"data.jsonl.dsprep.yaml:\d is not valid YAML"),
        ("code: TXT009\n", "no list"),
        ("- TXT009\n", "entry 1 is no mapping"),
        ("- {code: TXT009}\n", "entry 1 is no mapping"),
        ("- {code: TXT009, hash: zz}\n", "entry 1: the hash is"),
        (f"- {{code: TXT009, hash: '{'A' * 32}'}}\n", "entry 1: the hash is"),
        (f"- {{code: html-residu, hash: '{'0' * 32}'}}\n", "did you mean 'html-residue'"),
        (f"- {{code: TXT009, hash: '{'0' * 32}', line: 3}}\n", "entry 1 is no mapping"),
        ("- !!python/object/apply:os.system [ls]\n", "not valid YAML"),
        ("\x00", "not valid YAML"),
    ],
)
def test_a_file_of_suppressions_that_cannot_be_used_is_an_error(text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    _write(file, [_chat("a", "b")])
    _sidecar(file).write_text(text)
    with pytest.raises(InputError, match=says):
        api.lint([file], workers=1)


def test_a_code_that_this_run_does_not_know_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    _write(file, [_chat("a", "b")])
    _sidecar(file).write_text(f"- {{code: ACM001, hash: '{'0' * 32}', reason: of a pack}}\n")
    assert api.lint([file], workers=1, select="TXT009").hidden.unused == 0


def test_it_is_exact_beyond_what_is_listed_and_for_any_shards(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    rows = [_chat(f"question {i}", f"{'a b c d e ' * 8}{i % 7}{' ' * (i % 3)}") for i in range(60)]
    _write(file, [*rows, *rows[:20]])
    rules = ("TXT009", "DUP001", "DUP003")
    for line in (2, 5, 62, 70):
        api.suppress(file, rules, line=line, reason="so", workers=1)
    said = set()
    for executor, size in ((SerialExecutor(), 1 << 20), (ShuffledExecutor(1), 1), (ShuffledExecutor(2), 900)):
        session = open_session(
            [Input(str(file))], Settings(select=rules, workers=1, max_findings=3), accepting="suppressions"
        )
        folded = fold(session.pipeline, session.rules, executor, hiding=session.hiding, shard_bytes=size)
        assert folded.sieve is not None
        assert folded.sieve.hidden.suppressed.total() >= 4
        said.add(
            json.dumps(
                [
                    sorted(folded.sieve.hidden.suppressed.items()),
                    *([code, tally.total, list(map(repr, tally.sorted()))] for code, tally in folded.tallies.items()),
                ]
            )
        )
    assert len(said) == 1


def test_the_cache_takes_notice(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    _write(file, [_chat("a", "b "), _chat("c", "d ")])
    run = {"select": "TXT009", "cache": True, "cache_dir": tmp_path / "cache"}
    assert len(_found([file], **run)) == 2
    api.suppress(file, "TXT009", line=1, reason="so", workers=1)
    assert _found([file], **run) == [("TXT009", 2)]
    assert _found([file], **run) == [("TXT009", 2)]
    _sidecar(file).unlink()
    assert len(_found([file], **run)) == 2


# --- fixing -----------------------------------------------------------------------------------------------------------


def test_fixes_leave_alone_what_is_suppressed_and_suppressions_follow_their_rows(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    original = [_chat("a", "b\x07 "), _chat("a", "b\x07 "), _chat("e", "f ")]
    _write(file, original)
    before = file.read_bytes()
    api.suppress(file, "TXT009", line=1, reason="so", workers=1)
    sidecar = _sidecar(file).read_bytes()
    result = api.fix([file], workers=1, select=("TXT003", "TXT009"))
    assert result.fixed == {"TXT003": 2, "TXT009": 1}
    wanted = [_chat("a", "b "), _chat("a", "b "), _chat("e", "f")]
    assert [json.loads(line) for line in file.read_bytes().splitlines()] == wanted
    # The row says something else now, and is known all the same.
    assert result.report.findings == []
    assert result.report.hidden.suppressed == {"TXT009": 2}
    assert result.report.hidden.unused == 0
    assert _sidecar(file).read_bytes() != sidecar
    api.undo(file)
    assert file.read_bytes() == before
    assert _sidecar(file).read_bytes() == sidecar


def test_a_suppressed_duplicate_stays(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    _write(file, [_chat("a", "b"), _chat("a", "b"), _chat("c", "d"), _chat("c", "d")])
    api.suppress(file, "DUP001", line=2, reason="so", workers=1)
    assert api.fix([file], workers=1, select="DUP001", unsafe_fixes=True).fixed == {"DUP001": 1}
    assert len(file.read_bytes().splitlines()) == 3


# --- prepare ----------------------------------------------------------------------------------------------------------


def test_prepare_keeps_rows_that_somebody_has_accepted_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    rows = [_chat(f"question {i}", f"answer {i}") for i in range(20)]
    _write(file, [*rows, _chat("silence", ""), _chat("more silence", ""), rows[3], rows[4]])
    rules = ("SCH", "CNV", "DUP", "LEK")
    api.suppress(file, ("SCH007", "DUP001"), line=21, reason="silence is golden", workers=1)
    api.suppress(file, "DUP001", line=23, reason="twice on purpose", workers=1)
    said = {}
    for workers in (1, 2):
        out = tmp_path / f"out{workers}"
        result = api.prepare([file], out, workers=workers, select=rules)
        said[workers] = {path.name: path.read_bytes() for path in out.iterdir()}
    assert said[1] == said[2]
    written = [json.loads(line) for name in ("train", "validation") for line in said[1][f"{name}.jsonl"].splitlines()]
    assert _chat("silence", "") in written
    assert _chat("more silence", "") not in written
    assert written.count(rows[3]) == 2
    assert written.count(rows[4]) == 1
    assert result.remaining == 0
    assert result.report.hidden.suppressed == {"DUP001": 1, "SCH007": 1}
    assert result.manifest["suppressed"] == {"DUP001": 1, "SCH007": 1}
    assert any("1 of them is an error" in note for note in result.report.notes)
    assert result.report.funnel.reconciles
    # The suppressions went along, each with its row.
    report = api.lint(sorted(out.glob("[tv]*.jsonl")), workers=1, select=rules)
    assert not [finding for finding in report.findings if finding.code in ("SCH007", "DUP001")]
    assert report.hidden.suppressed["SCH007"] == 1
    _sidecar(file).unlink()
    result = api.prepare([file], out, workers=1, select=rules)
    assert not list(out.glob(f"*{SIDECAR}"))
    assert result.report.hidden.total == 0


def test_prepare_knows_no_baseline(tmp_path: Path) -> None:
    file, baseline = tmp_path / "data.jsonl", tmp_path / "b.json"
    _write(file, [*(_chat(f"question {i}", f"answer {i}") for i in range(12)), _chat("x", "")])
    api.write_baseline([file], baseline, workers=1, select="SCH")
    result = api.prepare([file], tmp_path / "out", workers=1, select="SCH", baseline=baseline)
    assert result.rows["rejected"] == 1


# --- per path ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("raw/*.jsonl", {"raw/a.jsonl"}),
        ("raw/**", {"raw/a.jsonl", "raw/deep/b.jsonl"}),
        ("**/b.jsonl", {"raw/deep/b.jsonl"}),
        ("a.jsonl", {"raw/a.jsonl", "a.jsonl"}),
        ("./a.jsonl", {"a.jsonl"}),
        ("*.jsonl", {"raw/a.jsonl", "raw/deep/b.jsonl", "a.jsonl", "[x].jsonl"}),
        ("raw/[ab].jsonl", {"raw/a.jsonl"}),
        ("raw/[!b].jsonl", {"raw/a.jsonl"}),
        ("raw/?.jsonl", {"raw/a.jsonl"}),
        ("[[]x].jsonl", {"[x].jsonl"}),
        ("RAW/*", set()),
        ("*", {"raw/a.jsonl", "raw/deep/b.jsonl", "a.jsonl", "[x].jsonl"}),
    ],
)
def test_rules_say_nothing_of_files_that_a_pattern_fits(pattern: str, matches: set[str], tmp_path: Path) -> None:
    folder = tmp_path / "odd [name] *"  # patterns are in what the file says, not in where it lies
    names = ["raw/a.jsonl", "raw/deep/b.jsonl", "a.jsonl", "[x].jsonl"]
    for name in names:
        _write(folder / name, [_chat(name, "b ")])
    config = folder / "dsprep.toml"
    config.write_text(f"select = ['TXT009', 'TXT003']\n[per-path-ignores]\n{json.dumps(pattern)} = ['TXT']\n")
    settings, _ = load_settings([str(config)])
    report = api.lint([folder / name for name in names], settings=settings, workers=1)
    shown = {str(Path(finding.location.path).relative_to(folder)) for finding in report.findings}
    assert shown == set(names) - matches
    assert report.hidden.total == 0


def test_what_is_ignored_is_neither_fixed_nor_a_reason_to_put_a_row_aside(tmp_path: Path) -> None:
    file = tmp_path / "raw" / "data.jsonl"
    rows = [_chat(f"question {i}", f"answer {i} ") for i in range(12)]
    _write(file, [*rows, _chat("x", ""), rows[0]])
    ignores = {str(tmp_path / "raw" / "*"): ("untrimmed-text", "SCH007", "DUP001")}
    before = file.read_bytes()
    chosen = {"workers": 1, "per_path_ignores": ignores, "select": ("TXT", "SCH", "DUP001"), "unsafe_fixes": True}
    assert not api.fix([file], **chosen).fixed
    assert file.read_bytes() == before
    result = api.prepare([file], tmp_path / "out", **chosen)
    assert result.rows["rejected"] == 0
    # What is written lies elsewhere, and is looked at as anything else.
    assert result.remaining == 1


def test_a_rule_that_nobody_knows_is_an_error_even_if_no_file_fits(tmp_path: Path) -> None:
    _write(tmp_path / "data.jsonl", [_chat("a", "b")])
    with pytest.raises(UnknownNameError, match="untrimmed-text"):
        api.lint([tmp_path / "data.jsonl"], workers=1, per_path_ignores={"x": ("untrimed-text",)})


def test_ignores_and_the_cache(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    _write(file, [_chat(f"q{i} {'x' * 400}", "b ") for i in range(3000)])
    run = {"select": "TXT009", "cache": True, "cache_dir": tmp_path / "cache", "max_findings": 1}
    assert len(_found([file], **run)) == 1
    assert _found([file], **run, per_path_ignores={str(file): ("TXT009",)}) == []
    assert len(_found([file], **run, per_path_ignores={"other.jsonl": ("TXT009",)})) == 1


# --- on the command line ----------------------------------------------------------------------------------------------


def test_suppressing_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _write(Path("data.jsonl"), [_chat("a", "b "), _chat("c", "d ")])

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, list(arguments))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    assert run("suppress", "data.jsonl:2", "TXT009")[0] == 2  # without a reason
    code, said = run("suppress", "data.jsonl:2", "TXT009", "--reason", "so")
    assert (code, said) == (0, f"1 entry added to data.jsonl{SIDECAR}, for 1 finding\n")
    # A place as findings print it.
    assert run("suppress", "data.jsonl:1:/messages/1/content", "TXT009", "-m", "so")[0] == 0
    code, said = run("lint", "data.jsonl", "--select", "TXT009")
    assert "2 findings are suppressed and not counted: TXT009 2" in said


def test_the_settings_can_be_printed_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dsprep.toml").write_text('max-warnings = 3\n[per-path-ignores]\n"raw/*.jsonl" = ["TXT"]\n')
    printed = CliRunner().invoke(app, ["config", "show"]).output
    (tmp_path / "again").mkdir()
    Path("again/dsprep.toml").write_text(printed)
    first, again = (load_settings([name])[0] for name in ("dsprep.toml", "again/dsprep.toml"))
    assert again.per_path_ignores == first.per_path_ignores
    assert again.max_warnings == 3
