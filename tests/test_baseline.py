"""Baselines: what is known does not count; what is new does, wherever it stands, and exactly that."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from dsprep import api
from dsprep.api.accepted import read_baseline
from dsprep.api.linting import linted
from dsprep.api.session import Input, open_session
from dsprep.catalog.registry import rule_class
from dsprep.cli.main import app
from dsprep.config import ConfigError, Settings, load_settings
from dsprep.engine.folding import Folded, fold
from dsprep.engine.hiding import Hiding, digest_of_whole
from dsprep.engine.writing import encoded
from dsprep.executors.serial import SerialExecutor
from dsprep.model.executor import Executor
from dsprep.model.finding import Finding
from dsprep.model.record import UNDECODED, Fault, Record
from dsprep.model.report import Report
from dsprep.model.source import InputError
from dsprep.reports import html, terminal
from dsprep.reports import json as as_json
from dsprep.testing import ShuffledExecutor
from dsprep.text.content import content_key

RULES = ("ENC", "SCH", "TXT001", "TXT003", "TXT009", "DUP001", "DUP002", "DUP003", "DUP004", "BAL", "SET")


def _chat(user: Any, assistant: Any, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}], **more}


def _write(file: Path, rows: Sequence[Any]) -> None:
    file.write_bytes(b"".join((row if isinstance(row, bytes) else encoded(row)) + b"\n" for row in rows))


def _rows(seed: int, n: int = 60) -> list[bytes]:
    """Lines in which much is found, some of them equal."""
    drawn = random.Random(seed)
    words = [
        "the",
        "red",
        "fox",
        "jumps",
        "over",
        "a",
        "lazy",
        "dog",
        "while",
        "seven",
        "sailors",
        "mend",
        "old",
        "nets",
    ]
    rows: list[bytes] = []
    for number in range(n):
        text = " ".join(drawn.choice(words) for _ in range(drawn.choice([3, 14])))
        answer = drawn.choice(["yes", "no", "Yes", f" {text}\x07<br> &amp;", f"{text} {number}  "])
        rows.append(encoded(_chat(text, answer, **({"extra": 1} if number % 9 == 0 else {}))))
        if number % 4 == 0:
            rows.append(drawn.choice(rows))
    return [*rows, b"", b"{", b"", b"null", b'{"messages": []}', encoded({"prompt": "a", "completion": "b"})]


# --- the key of a record ----------------------------------------------------------------------------------------------


def _record(raw: bytes, value: Any = UNDECODED, ordinal: int = 0, *faults: Fault) -> Record:
    return Record(ordinal, ordinal + 1, 17 * ordinal, raw, value, None, faults)


def test_the_key_of_a_record_is_that_of_what_it_says() -> None:
    value = {"a": 1, "b": [1.5, None, "caf\u00e9"], "c": {"x": 2**70}}
    turned = {"c": {"x": 2**70}, "b": [1.5, None, "caf\u00e9"], "a": 1}
    key = content_key(_record(json.dumps(value).encode(), value))
    assert len(key) == 16
    assert content_key(_record(json.dumps(turned, indent=1).encode(), turned, 5)) == key
    others = [{**value, "a": 2}, {**value, "a": 1.0}, {**value, "a": True}, {**value, "b": [1.5, "caf\u00e9", None]}]
    keys = {content_key(_record(b"", other)) for other in (*others, None, "", [], {})}
    assert len(keys) == 8
    assert key not in keys
    assert content_key(_record(b"{ \r")) == content_key(_record(b"{", ordinal=9)) != content_key(_record(b"}"))
    long = [
        _record(b"", UNDECODED, i, Fault("invalid-json", {"reason": f"{n} bytes"}, line=i))
        for i, n in ((1, 5), (2, 5), (3, 6))
    ]
    assert content_key(long[0]) == content_key(long[1]) != content_key(long[2])


# --- what is hidden is exactly what is known --------------------------------------------------------------------------


def _folded(file: Path, hiding: Hiding | None, executor: Executor, size: int, limit: int) -> Folded:
    session = open_session([Input(str(file))], Settings(select=RULES, workers=1, max_findings=limit))
    out = fold(session.pipeline, session.rules, executor, hiding=hiding, shard_bytes=size)
    assert not out.errors
    return out


def _identity(finding: Finding, lines: Sequence[bytes]) -> tuple[str, bytes]:
    """What a finding is known by, worked out plainly."""
    if finding.key is None:
        about = rule_class(finding.code).meta.about
        return finding.code, digest_of_whole(finding, about, "data.jsonl")
    raw = lines[finding.key]
    try:
        return finding.code, content_key(_record(raw, json.loads(raw)))
    except ValueError:
        blank = (Fault("blank-line"),) if not raw else ()
        return finding.code, content_key(_record(raw, UNDECODED, 0, *blank))


def _places(findings: Sequence[Finding]) -> list[str]:
    return [
        f"{finding.key} {finding.location} {finding.severity} {json.dumps(dict(finding.args))}" for finding in findings
    ]


@given(seed=st.integers(0, 10_000), share=st.floats(0, 1), limit=st.sampled_from([1, 3, 10, 1000]))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_shown_is_what_is_not_in_the_baseline(seed: int, share: float, limit: int, tmp_path: Path) -> None:
    drawn = random.Random(seed)
    file = tmp_path / "data.jsonl"
    rows = _rows(seed % 5, 40)
    # The first row stays: by it the format of the file is told.
    rows[1:] = drawn.sample(rows[1:], len(rows) - 1)
    file.write_bytes(b"".join(row + b"\n" for row in rows))
    every = _folded(file, None, SerialExecutor(), 1 << 20, 100_000)
    baseline: dict[str, Counter[bytes]] = {}
    wanted: dict[str, list[Finding]] = {}
    known: Counter[str] = Counter()
    for code, tally in every.tallies.items():
        found = tally.sorted()
        for finding in found:
            if drawn.random() < share:
                baseline.setdefault(code, Counter())[_identity(finding, rows)[1]] += 1
        left = dict(baseline.get(code, {}))
        wanted[code] = []
        for finding in found:
            key = _identity(finding, rows)[1]
            if left.get(key):
                left[key] -= 1
                known[code] += 1
            else:
                wanted[code].append(finding)
    hiding = Hiding(content_key, ["data.jsonl"], _about(every), baseline=baseline)
    for executor, size in ((SerialExecutor(), 1 << 20), (ShuffledExecutor(seed), 1), (ShuffledExecutor(seed), 500)):
        shown = _folded(file, hiding, executor, size, limit)
        assert shown.sieve is not None
        assert shown.sieve.hidden.baseline == known
        assert not any(n for own in shown.sieve.left.values() for n in own.values())
        for code, tally in shown.tallies.items():
            assert tally.total == len(wanted[code])
            assert tally.counts == Counter((f.severity, f.fix.applicability if f.fix else None) for f in wanted[code])
            assert _places(tally.sorted()) == _places(wanted[code][:limit])


def _about(folded: Folded) -> Mapping[str, tuple[str, ...]]:
    return {code: about for code in folded.codes if (about := rule_class(code).meta.about)}


@given(seed=st.integers(0, 1000))
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_that_move_are_known_and_new_ones_are_not(seed: int, tmp_path: Path) -> None:
    drawn = random.Random(seed)
    file, baseline = tmp_path / "data.jsonl", tmp_path / "b.json"
    rules = ("ENC", "SCH", "TXT001", "TXT003", "TXT009")
    rows = _rows(seed % 7, 25)
    _write(file, rows)
    written = api.write_baseline([file], baseline, workers=1, select=rules)
    assert written.findings > 10
    new = encoded(_chat("something new", "with a blank at its end "))
    # The first row stays: by it the format of the file is told.
    rows[1:] = drawn.sample(rows[1:], len(rows) - 1)
    rows.insert(1 + drawn.randrange(len(rows)), new)
    respelled = [
        json.dumps(json.loads(row), sort_keys=True).encode() if row.startswith(b'{"m') else row for row in rows
    ]
    _write(file, respelled)
    report = api.lint([file], baseline=baseline, workers=1, select=rules)
    assert [(finding.code, finding.location.line) for finding in report.findings] == [("TXT009", rows.index(new) + 1)]
    assert report.hidden.baseline.total() == written.findings
    assert report.hidden.stale == 0


def test_a_row_that_is_edited_is_new_and_one_that_is_gone_leaves_a_stale_entry(tmp_path: Path) -> None:
    file, baseline = tmp_path / "data.jsonl", tmp_path / "b.json"
    _write(file, [_chat("a", "b "), _chat("c", "d "), _chat("e", "f ")])
    assert api.write_baseline([file], baseline, workers=1, select="TXT009").findings == 3
    _write(file, [_chat("a", "b "), _chat("c", "D ")])
    report = api.lint([file], baseline=baseline, workers=1, select="TXT009")
    assert [finding.location.line for finding in report.findings] == [2]
    assert (report.hidden.baseline["TXT009"], report.hidden.stale) == (1, 2)
    assert any("2 entries of the baseline match nothing any more" in note for note in report.notes)
    # Rules that did not run are not looked for.
    assert api.lint([file], baseline=baseline, workers=1, select="TXT003").hidden.stale == 0
    written = api.write_baseline([file], baseline, workers=1, select="TXT009")
    assert (written.findings, written.added, written.removed) == (2, 1, 2)
    assert api.lint([file], baseline=baseline, workers=1, select="TXT009").hidden.stale == 0


def test_of_equal_rows_as_many_are_known_as_the_baseline_has(tmp_path: Path) -> None:
    file, baseline = tmp_path / "data.jsonl", tmp_path / "b.json"
    row = _chat("a", "b ")
    _write(file, [row, row])
    api.write_baseline([file], baseline, workers=1, select=("TXT009", "DUP001"))
    _write(file, [_chat("x", "y"), row, row, row])
    report = api.lint([file], baseline=baseline, workers=1, select=("TXT009", "DUP001"))
    assert [(finding.code, finding.location.line) for finding in report.findings] == [("DUP001", 4), ("TXT009", 4)]
    _write(file, [row])
    report = api.lint([file], baseline=baseline, workers=1, select=("TXT009", "DUP001"))
    assert report.findings == []
    assert report.hidden.stale == 2


def test_findings_about_the_whole_are_known_by_what_they_are_about(tmp_path: Path) -> None:
    train, validation, baseline = (tmp_path / name for name in ("train.jsonl", "validation.jsonl", "b.json"))
    _write(train, [_chat(f"question {i}", "yes" if i % 2 else "no") for i in range(30)])
    _write(validation, [_chat("another", "yes")])
    chosen: dict[str, Any] = {"workers": 1, "select": ("SET", "BAL003")}
    written = api.write_baseline([], baseline, train=train, validation=validation, **chosen)
    assert written.findings >= 3
    # Counts change with every row; what is wrong is still the same.
    _write(train, [_chat(f"question {i}", "yes" if i % 3 else "no") for i in range(35)])
    report = api.lint(train=train, validation=validation, baseline=baseline, **chosen)
    assert report.findings == []
    # The same of another split is another thing.
    report = api.lint(train=train, test=validation, baseline=baseline, **chosen)
    assert "BAL003" in {finding.code for finding in report.findings}


def test_a_fault_of_one_file_is_not_that_of_another(tmp_path: Path) -> None:
    files = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for file in files:
        file.write_bytes(b"\xef\xbb\xbf" + encoded(_chat(file.name, "b")) + b"\n")
    baseline = tmp_path / "b.json"
    api.write_baseline([files[0]], baseline, workers=1, select="ENC")
    report = api.lint(files, baseline=baseline, workers=1, select="ENC")
    assert [finding.location.path for finding in report.findings] == [str(files[1])]


def test_a_run_over_some_of_the_files_neither_calls_the_rest_stale_nor_forgets_it(tmp_path: Path) -> None:
    files = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    baseline = tmp_path / "b.json"
    for file in files:
        _write(file, [_chat(file.name, "b ")])
    api.write_baseline(files, baseline, workers=1, select="TXT009")
    assert api.lint([files[0]], baseline=baseline, workers=1, select="TXT009").hidden.stale == 0
    _write(files[0], [_chat("new", "c ")])
    written = api.write_baseline([files[0]], baseline, workers=1, select="TXT009")
    assert (written.added, written.removed) == (1, 0)
    assert api.lint(files, baseline=baseline, workers=1, select="TXT009").findings == []
    # With all files and the rule, what is gone goes; rules that do not run keep what they have.
    api.write_baseline(files, baseline, workers=1, select="TXT003")
    assert read_baseline(baseline).entries == 3
    assert api.write_baseline(files, baseline, workers=1, select="TXT009").removed == 1


# --- the file ---------------------------------------------------------------------------------------------------------


def test_the_file_is_the_same_for_any_number_of_workers_and_holds_no_text(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    rows = [*_rows(3), *(encoded(_chat(f"question number {i}", f"private words {i} ")) for i in range(200))]
    _write(file, rows)
    written = {}
    for workers in (1, 2):
        baseline = tmp_path / f"{workers}.json"
        # All are written, not only those that are listed.
        result = api.write_baseline([file], baseline, workers=workers, select=RULES, max_findings=2)
        written[workers] = baseline.read_bytes()
        assert result.report.findings == []
        assert result.report.hidden.baseline["TXT009"] > 200
    assert written[1] == written[2]
    text = written[1].decode()
    assert not any(word in text for word in ("private", "question", "fox", "yes"))
    data = json.loads(text)
    assert data["inputs"] == ["data.jsonl"]
    assert list(data["findings"]) == sorted(data["findings"])
    assert all(list(own) == sorted(own) for own in data["findings"].values())
    assert len(text.splitlines()) == sum(len(own) + 2 for own in data["findings"].values()) + 8


def test_paths_are_seen_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "data.jsonl").write_bytes(b"\xef\xbb\xbf" + encoded(_chat("a", "b")) + b"\n")
    monkeypatch.chdir(tmp_path)
    api.write_baseline(["raw/data.jsonl"], "b.json", workers=1, select="ENC")
    monkeypatch.chdir(tmp_path / "raw")
    assert api.lint(["data.jsonl"], baseline="../b.json", workers=1, select="ENC").findings == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"dsprep-baseline": 1}',
        b'{"dsprep-baseline": 1, "inputs": [], "findings": {"TXT009": {"zz": 1}}}',
        b'{"dsprep-baseline": 1, "inputs": [], "findings": {"TXT009": {"00000000000000000000000000000000": 0}}}',
        b'{"dsprep-baseline": 1, "inputs": [], "findings": {"TXT009": {"00000000000000000000000000000000": true}}}',
        b'{"dsprep-baseline": 1, "inputs": [], "findings": []}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_baseline_is_neither_used_nor_written_over(content: bytes, tmp_path: Path) -> None:
    file, other = tmp_path / "data.jsonl", tmp_path / "other.json"
    _write(file, [_chat("a", "b ")])
    other.write_bytes(content)
    with pytest.raises(InputError, match="is no baseline"):
        api.lint([file], baseline=other, workers=1)
    with pytest.raises(InputError, match="is no baseline"):
        api.write_baseline([file], other, workers=1)
    assert other.read_bytes() == content
    other.write_bytes(b'{"dsprep-baseline": 2, "inputs": [], "findings": {}}')
    with pytest.raises(InputError, match="another version"):
        api.lint([file], baseline=other, workers=1)


def test_a_baseline_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    _write(tmp_path / "data.jsonl", [_chat("a", "b")])
    with pytest.raises(InputError, match="there is no such baseline; `--write-baseline"):
        api.lint([tmp_path / "data.jsonl"], baseline=tmp_path / "none.json", workers=1)


def test_a_configuration_file_names_a_baseline_below_itself(tmp_path: Path) -> None:
    config = tmp_path / "dsprep.toml"
    config.write_text('baseline = ".dsprep-baseline.json"\n')
    assert load_settings([str(config)])[0].baseline == (tmp_path / ".dsprep-baseline.json").resolve()
    config.write_text('baseline = "../elsewhere.json"\n')
    with pytest.raises(ConfigError, match="--baseline"):
        load_settings([str(config)])


# --- with everything else ---------------------------------------------------------------------------------------------


def test_nothing_is_written_if_a_rule_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, baseline = tmp_path / "data.jsonl", tmp_path / "b.json"
    _write(file, [_chat("a", "b ")])

    def broken(self: Any, batch: Any) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setattr(rule_class("TXT009"), "find", broken)
    written = api.write_baseline([file], baseline, workers=1, select="TXT009")
    assert written.report.errors
    assert not baseline.exists()


def test_the_cache_takes_notice_of_a_baseline(tmp_path: Path) -> None:
    file, baseline = tmp_path / "data.jsonl", tmp_path / "b.json"
    rows = [_chat(f"question {i} {'x' * 300}", f"answer {i} ") for i in range(4000)]
    _write(file, rows)  # more than a megabyte, so that shards are kept, too
    run = {"workers": 1, "select": ("TXT009", "DUP001"), "cache": True, "cache_dir": tmp_path / "cache"}

    def said(**more: Any) -> bytes:
        return as_json.dumps(api.lint([file], **run, **more))  # type: ignore[arg-type]

    plain = said()
    api.write_baseline([file], baseline, **run)  # type: ignore[arg-type]
    known = said(baseline=baseline)
    assert json.loads(known)["findings"] == []
    assert said(baseline=baseline) == known
    assert said() == plain
    # Another content of the same file counts at once.
    changed = read_baseline(baseline)
    gone = sorted(changed.findings["TXT009"])[0]
    del changed.findings["TXT009"][gone]
    changed.write()
    assert len(json.loads(said(baseline=baseline))["findings"]) == 1
    # And a row that comes in is found, where the shards of the others are known.
    _write(file, [_chat("new", "one "), *rows])
    assert len(json.loads(said(baseline=baseline))["findings"]) == 2


def test_fixes_leave_alone_what_is_known(tmp_path: Path) -> None:
    file, baseline = tmp_path / "data.jsonl", tmp_path / "b.json"
    known = [encoded(_chat("a", "b ")), encoded(_chat("c", "d\x07 "))]
    _write(file, known)
    api.write_baseline([file], baseline, workers=1, select="TXT009")
    _write(file, [*known, _chat("e", "f ")])
    # Another rule mends the second row, and what is known of it goes along.
    result = api.fix([file], baseline=baseline, workers=1, select=("TXT003", "TXT009"))
    assert result.fixed == {"TXT003": 1, "TXT009": 1}
    assert file.read_bytes().splitlines() == [known[0], encoded(_chat("c", "d ")), encoded(_chat("e", "f"))]
    assert result.report.findings == []
    assert (result.report.hidden.baseline["TXT009"], result.report.hidden.stale) == (2, 0)
    assert api.lint([file], baseline=baseline, workers=1, select="TXT009").findings == []
    # And back again.
    api.undo(file)
    report = api.lint([file], baseline=baseline, workers=1, select="TXT009")
    assert [finding.location.line for finding in report.findings] == [3]
    assert report.hidden.stale == 0


def test_every_report_says_how_much_is_hidden(tmp_path: Path) -> None:
    from io import StringIO

    from rich.console import Console

    file, baseline = tmp_path / "data.jsonl", tmp_path / "b.json"
    _write(file, [_chat("a", "b "), _chat("c", "")])
    api.write_baseline([file], baseline, workers=1, select=("TXT009", "SCH"))
    report: Report = api.lint([file], baseline=baseline, workers=1, select=("TXT009", "SCH"))
    assert report.exit_code(None) == 0
    data = as_json.as_json(report)["summary"]
    assert data["hidden"] == {
        "baseline": {"SCH007": 1, "TXT009": 1},
        "suppressed": {},
        "errors": 1,
        "stale": 0,
        "unused": 0,
    }
    assert "1 error not counted" in data["verdict"]["sentence"]
    assert any("2 findings are in the baseline" in note for note in data["notes"])
    assert "2 findings are in the baseline" in html.render(report)
    out = StringIO()
    terminal.render_full(report, Console(file=out, width=200))
    assert "2 findings are in the baseline" in out.getvalue()
    assert "0 findings; 2 more are hidden." in out.getvalue()


def test_what_is_hidden_is_not_accepted_for_fixing(tmp_path: Path) -> None:
    # Rules over all rows: a duplicate that is known stays.
    file, baseline = tmp_path / "data.jsonl", tmp_path / "b.json"
    _write(file, [_chat("a", "b"), _chat("a", "b")])
    api.write_baseline([file], baseline, workers=1, select="DUP001")
    _write(file, [_chat("a", "b"), _chat("a", "b"), _chat("c", "d"), _chat("c", "d")])
    result = api.fix([file], baseline=baseline, workers=1, select="DUP001", unsafe_fixes=True)
    assert result.fixed == {"DUP001": 1}
    assert len(file.read_bytes().splitlines()) == 3


def test_suppressed_findings_are_not_put_into_a_baseline(tmp_path: Path) -> None:
    file, baseline = tmp_path / "data.jsonl", tmp_path / "b.json"
    _write(file, [_chat("a", "b "), _chat("c", "d ")])
    api.suppress(file, "TXT009", line=1, reason="meant", workers=1)
    assert api.write_baseline([file], baseline, workers=1, select="TXT009").findings == 1


def test_baselines_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _write(Path("data.jsonl"), [_chat("a", ""), _chat("c", "d ")])
    Path("dsprep.toml").write_text('select = ["SCH007", "TXT009"]\nbaseline = "known.json"\n')

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["lint", "data.jsonl", *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    assert run("--no-baseline")[0] == 1
    code, said = run("--write-baseline", "known.json")
    assert code == 0
    assert "2 findings written to known.json (2 new, 0 gone)" in said
    code, said = run()
    assert code == 0
    assert "2 findings are in the baseline known.json and not counted: SCH007 1, TXT009 1" in said
    assert run("--no-baseline")[0] == 1
    assert run("--write-baseline", "x.json", "--fix")[0] == 2
    assert not Path("x.json").exists()


def test_max_warnings_and_severity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _write(Path("data.jsonl"), [_chat("a", "b\x07"), _chat("c", "d\x07")])

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["lint", "data.jsonl", "--select", "TXT003", *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    assert run()[0] == 0
    assert run("--max-warnings", "2")[0] == 0
    code, said = run("--max-warnings", "1")
    assert code == 1
    assert "2 warnings are more than the 1 allowed" in said
    assert run("--fail-on", "never", "--max-warnings", "1")[0] == 1
    assert run("--severity", "TXT003=error")[0] == 1
    assert run("--severity", "control-character=info", "--max-warnings", "0")[0] == 0
    Path("dsprep.toml").write_text('max-warnings = 1\n[severity]\nTXT003 = "info"\nTXT009 = "warning"\n')
    assert run()[0] == 0
    assert run("--severity", "TXT003=warning")[0] == 1
    for wrong in ("TXT003", "TXT003=bad", "=error"):
        assert run("--severity", wrong)[0] == 2


def test_what_is_hidden_can_be_asked_of_a_session(tmp_path: Path) -> None:
    file, baseline = tmp_path / "data.jsonl", tmp_path / "b.json"
    _write(file, [_chat("a", "b ")])
    api.write_baseline([file], baseline, workers=1, select="TXT009")
    chosen = Settings(select=("TXT009",), workers=1, baseline=baseline)
    session = open_session([Input(str(file))], chosen, accepting="everything")
    assert linted(session).findings == []
    assert session.accepted is not None
    session.accepted = replace(session.accepted, hiding=replace(session.accepted.hiding, baseline={}))
    assert len(linted(session).findings) == 1
    # Without being asked for, nothing is hidden: rules are tested on what they say.
    assert open_session([Input(str(file))], chosen).accepted is None
