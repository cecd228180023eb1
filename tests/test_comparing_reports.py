"""`--compare`: what has changed since an earlier report, whatever somebody has made of that report."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from dsprep import api
from dsprep.api.comparing_reports import compared, read_report
from dsprep.cli.main import app
from dsprep.config import Settings, load_settings
from dsprep.folds.drift import kolmogorov, of_shares, of_sizes, of_summaries
from dsprep.folds.statistics import histogram, summary
from dsprep.model.finding import Finding, Severity, fingerprint, numbered
from dsprep.model.location import Location
from dsprep.model.report import Report
from dsprep.model.source import InputError
from dsprep.reports import html
from dsprep.reports import json as as_json

ONE = Settings(workers=1)


def _chat(user: str, assistant: str, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}], **more}


def _write(file: Path, rows: Sequence[Any]) -> Path:
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    return file


def _run(*args: str) -> Any:
    return CliRunner().invoke(app, [*args, "--isolated", "--workers", "1"])


CLEAN = [_chat(f"What is the colour of lamp {i}?", f"The lamp number {i} is green.") for i in range(12)]
DIRTY = [_chat(f"Where is lamp {i}?", f"  It stands in room {i}.") for i in range(4)]


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """The report of a file with four findings of TXT009."""
    rows = _write(tmp_path / "old.jsonl", [*CLEAN, *DIRTY])
    report = api.lint(rows, settings=ONE, select=("TXT", "DUP"), output_format="json")
    file = tmp_path / "report.json"
    file.write_bytes(as_json.dumps(report))
    return file


def _lint(tmp_path: Path, rows: Sequence[Any], earlier: Path, **more: Any) -> Report:
    options = {"select": ("TXT", "DUP"), **more}
    return api.lint(_write(tmp_path / "new.jsonl", rows), settings=ONE, compare=earlier, **options)


def test_nothing_is_new_when_rows_move_and_files_are_renamed(tmp_path: Path, earlier: Path) -> None:
    change = _lint(tmp_path, [*reversed(DIRTY), *reversed(CLEAN)], earlier).comparison
    assert change is not None
    assert (change.new, change.gone, change.exact) == (0, 0, True)
    assert change.rules == []
    assert change.unchanged == 1


def test_new_and_gone_are_told_apart_one_by_one(tmp_path: Path, earlier: Path) -> None:
    rows = [*CLEAN, *DIRTY[:3], _chat("And lamp 9?", "No, that one is gone. "), CLEAN[0], _chat("oh", "well")]
    change = _lint(tmp_path, rows, earlier).comparison
    assert change is not None
    assert change.exact
    assert {(one.code, one.before, one.now, one.new, one.gone) for one in change.rules} == {
        ("TXT009", 4, 4, 1, 1),
        ("DUP001", 0, 1, 1, 0),
    }
    assert change.rows == (16, 18)
    assert change.counts["info"] == (4, 4)
    assert change.inputs == {str(tmp_path / "new.jsonl"): "added", str(tmp_path / "old.jsonl"): "removed"}
    assert change.verdict[0] != change.verdict[1]


def test_what_is_not_listed_is_compared_by_number(tmp_path: Path, earlier: Path) -> None:
    change = _lint(tmp_path, [*CLEAN, *DIRTY, _chat("a", " b"), _chat("c", " d")], earlier, max_findings=2).comparison
    assert change is not None
    assert [(one.code, one.new, one.gone, one.exact) for one in change.rules] == [("TXT009", 2, 0, False)]
    assert not change.exact
    assert change.settings["max_findings"] == (10_000, 2)


def test_rules_that_did_not_run_both_times_are_named(tmp_path: Path, earlier: Path) -> None:
    change = _lint(tmp_path, [*CLEAN, *DIRTY, _chat("", "x")], earlier, select=("SCH",)).comparison
    assert change is not None
    assert change.not_run == ("TXT009",)
    assert change.not_run_before == ("SCH007",)
    assert (change.new, change.gone) == (0, 0)
    assert "rules" not in change.settings


def test_options_that_differ_are_named(tmp_path: Path, earlier: Path) -> None:
    rules = {"near-duplicate": {"threshold": 0.9}}
    change = _lint(tmp_path, CLEAN, earlier, rules=rules, seed=3).comparison
    assert change is not None
    assert change.settings["options.DUP003.threshold"] == (None, 0.9)
    assert change.settings["seed"] == (0, 3)


def test_tokens_and_labels_drift(tmp_path: Path) -> None:
    def labelled(words: int, odd: str) -> list[Any]:
        return [_chat(f"text {i} " + "word " * words, odd if i % 2 else "no") for i in range(60)]

    old = tmp_path / "report.json"
    old.write_bytes(as_json.dumps(api.lint(_write(tmp_path / "a.jsonl", labelled(3, "yes")), settings=ONE)))
    report = api.lint(_write(tmp_path / "b.jsonl", labelled(40, "maybe")), settings=ONE, compare=old)
    change = report.comparison
    assert change is not None
    assert change.tokens["ks"] == 1
    assert change.tokens["beyond_chance"] is True
    assert change.labels["distance"] == 0.5
    other = api.lint(tmp_path / "b.jsonl", settings=ONE, compare=old, encoding="o200k_base").comparison
    assert other is not None
    assert other.tokens == {}
    assert any("another encoding" in note for note in other.notes)


def test_a_report_by_another_release_has_no_fingerprints(tmp_path: Path, earlier: Path) -> None:
    data = json.loads(earlier.read_text("utf-8"))
    data["tool"] = "dsprep 0.0.9"
    for finding in data["findings"]:
        del finding["fingerprint"], finding["content"]
    earlier.write_text(json.dumps(data), "utf-8")
    change = _lint(tmp_path, [*CLEAN, *DIRTY[:1]], earlier).comparison
    assert change is not None
    assert [(one.code, one.new, one.gone, one.exact) for one in change.rules] == [("TXT009", 0, 3, False)]
    assert any("dsprep 0.0.9" in note for note in change.notes)


def test_without_the_content_of_rows_findings_are_known_by_what_they_say(tmp_path: Path, earlier: Path) -> None:
    data = json.loads(earlier.read_text("utf-8"))
    for finding in data["findings"]:
        del finding["content"]
    earlier.write_text(json.dumps(data), "utf-8")
    rows = [*CLEAN, *DIRTY[:3], _chat("And lamp 9?", "No, that one is gone. ")]
    change = _lint(tmp_path, rows, earlier).comparison
    assert change is not None
    assert [(one.code, one.new, one.gone, one.exact) for one in change.rules] == [("TXT009", 1, 1, True)]


def test_a_finding_that_quotes_the_same_stays_while_its_row_changes(tmp_path: Path) -> None:
    old = tmp_path / "report.json"
    rows = _write(tmp_path / "a.jsonl", [*CLEAN, _chat("Is it green?", "Yes &amp; no, it depends.")])
    old.write_bytes(as_json.dumps(api.lint(rows, settings=ONE, select=("TXT001",), output_format="json")))
    edited = [*CLEAN, _chat("Is that one green?", "Yes &amp; no, it depends.")]
    change = _lint(tmp_path, edited, old, select=("TXT001",)).comparison
    assert change is not None
    assert (change.rules, change.unchanged) == ([], 1)


def test_a_finding_that_follows_the_same_stays_while_its_row_changes(tmp_path: Path, earlier: Path) -> None:
    edited = _chat("Where is lamp 1 now?", "  It stands in hall 1.")
    change = _lint(tmp_path, [_chat("a", "b"), *CLEAN, DIRTY[0], edited, *DIRTY[2:]], earlier).comparison
    assert change is not None
    assert (change.rules, change.unchanged) == ([], 1)
    change = _lint(tmp_path, [edited, *CLEAN, DIRTY[0], *DIRTY[2:]], earlier).comparison
    assert change is not None
    assert (change.new, change.gone) == (1, 1)


def test_a_setting_names_the_report_as_seen_from_its_file(tmp_path: Path, earlier: Path) -> None:
    (tmp_path / "dsprep.toml").write_text('compare = "report.json"\n')
    (tmp_path / "below").mkdir()
    found, _ = load_settings(start=tmp_path / "below")
    assert found.compare is not None
    assert (tmp_path / "below" / found.compare).resolve() == earlier.resolve()


def _emptied(data: dict[str, Any]) -> None:
    data.clear()


def _versioned(data: dict[str, Any]) -> None:
    data["version"] = "7"


def _negative(data: dict[str, Any]) -> None:
    data["summary"]["counts"]["error"] = -3


def _no_rules(data: dict[str, Any]) -> None:
    data["summary"]["rules"] = {"TXT009": 4}


def _texts(data: dict[str, Any]) -> None:
    data["findings"] = ["TXT009"]


def _bad_severity(data: dict[str, Any]) -> None:
    data["summary"]["rules"][0]["severity"] = "\x1b[31mfatal"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_emptied, "is no JSON report of dsprep"),
        (_versioned, "version '7'"),
        (_negative, "summary.counts.error"),
        (_no_rules, "summary.rules"),
        (_texts, "findings.0"),
        (_bad_severity, "summary.rules.0.severity"),
    ],
)
def test_a_spoilt_report_is_one_sentence(
    tmp_path: Path, earlier: Path, spoil: Callable[[dict[str, Any]], None], said: str
) -> None:
    data = json.loads(earlier.read_text("utf-8"))
    spoil(data)
    earlier.write_text(json.dumps(data), "utf-8")
    with pytest.raises(InputError) as caught:
        read_report(earlier)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"<!doctype html>", "HTML"),
        (b"[" * 100_000, "no JSON report"),
        (b'{"version": "1", "summary": {', "only the beginning"),
        (b"\xff\xfe\x00", "no JSON report"),
        (b"[]", "no JSON report of dsprep"),
    ],
)
def test_what_is_no_report_is_one_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "report.json"
    file.write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_report(file)


def test_a_report_cut_anywhere_is_one_sentence(earlier: Path) -> None:
    whole = earlier.read_bytes()
    for size in range(1, len(whole) - 2, max(1, len(whole) // 60)):
        earlier.write_bytes(whole[:size])
        with pytest.raises(InputError):
            read_report(earlier)


def test_no_report_at_all(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such report"):
        read_report(tmp_path / "nowhere.json")
    with pytest.raises(InputError, match="there is no such report"):
        read_report(tmp_path)


def test_a_hostile_report_does_nothing(tmp_path: Path, earlier: Path) -> None:
    bad = "\x1b]0;x\x07\u202e<script>alert(1)</script>{args}"
    data = json.loads(earlier.read_text("utf-8"))
    data["tool"] = bad
    data["summary"]["verdict"]["sentence"] = bad
    data["summary"]["rules"][0]["name"] = bad
    data["settings"][bad] = bad
    data["settings"]["options"] = bad
    data["settings"]["command"] = bad
    data["inputs"].append({"path": bad})
    data["stats"]["labels"] = {"source": bad, "splits": {bad: {bad: 3, "other": -1, "more": "many"}}}
    data["stats"]["languages"] = [bad]
    data["stats"]["histogram"] = {"edges": [3, 2, "x"], "counts": {"train": [1]}}
    data["stats"]["all"]["tokens"] = {"median": bad, "min": 1}
    earlier.write_text(json.dumps(data), "utf-8")
    report = _lint(tmp_path, CLEAN, earlier)
    assert report.comparison is not None
    assert report.comparison.tokens == {}
    page = html.dumps(report).decode()
    assert "<script>alert(1)" not in page
    shown = _run("lint", str(tmp_path / "new.jsonl"), "--no-cache", "--select", "TXT", "--compare", str(earlier)).output
    assert "gone since" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_the_json_report_holds_it(tmp_path: Path, earlier: Path) -> None:
    report = _lint(tmp_path, [*CLEAN, *DIRTY[2:], _chat("x", " y")], earlier)
    data = json.loads(as_json.dumps(report))
    jsonschema.validate(data, as_json.schema())
    change = data["summary"]["comparison"]
    assert (change["new"], change["gone"], change["exact"]) == (1, 2, True)
    assert change["rows"] == [16, 15]
    without = json.loads(as_json.dumps(api.lint(tmp_path / "new.jsonl", settings=ONE)))
    assert "comparison" not in without["summary"]


def test_a_known_report_is_compared_anew(tmp_path: Path, earlier: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = str(_write(tmp_path / "new.jsonl", [*CLEAN, *DIRTY[:1]]))
    first = _run("lint", file, "--select", "TXT,DUP", "--compare", str(earlier))
    again = _run("lint", file, "--select", "TXT,DUP", "--compare", str(earlier))
    assert "+0 new, 3 gone since" in first.output
    assert again.output == first.output
    assert "gone since" not in _run("lint", file, "--select", "TXT,DUP").output
    # The earlier one may be written over.
    args = ("lint", file, "--select", "TXT,DUP", "--output-format", "json", "--output-file", str(earlier))
    _run(*args, "--compare", str(earlier))
    assert json.loads(earlier.read_text("utf-8"))["summary"]["comparison"]["gone"] == 3


def test_prepare_compares_with_the_folder_that_it_writes(tmp_path: Path) -> None:
    file = _write(tmp_path / "data.jsonl", [*CLEAN, *DIRTY])
    out = str(tmp_path / "out")
    assert _run("prepare", str(file), "--out", out, "--quiet").exit_code == 0
    _write(file, [*CLEAN, *DIRTY[:1]])
    result = _run("prepare", str(file), "--out", out, "--compare", out)
    assert result.exit_code == 0
    assert "3 gone since" in result.output
    data = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert data["summary"]["comparison"]["rows"] == [16, 13]


def test_compare_is_about_what_is_found(tmp_path: Path, earlier: Path) -> None:
    result = _run("lint", str(_write(tmp_path / "a.jsonl", CLEAN)), "--diff", "--compare", str(earlier))
    assert result.exit_code == 2
    assert "--compare" in result.output


def test_a_report_compared_with_itself(earlier: Path, tmp_path: Path) -> None:
    report = api.lint(tmp_path / "old.jsonl", settings=ONE, select=("TXT", "DUP"))
    change = compared(*read_report(earlier), report)
    assert (change.rules, change.settings, change.inputs, change.notes) == ([], {}, {}, [])
    assert change.tokens == {} or change.tokens["ks"] == 0


# --- by what a finding is known again ---


def _finding(line: int, **args: Any) -> Finding:
    return Finding("TXT001", Severity.INFO, Location("a.jsonl", line, pointer="/messages/1/content"), line, args)


def test_a_fingerprint_knows_no_places() -> None:
    one = _finding(3, excerpt="a &amp; b", count=1, twin="line 7")
    two = Finding(
        "TXT001",
        Severity.ERROR,
        Location("b.json", 90, pointer="/4/messages/3/content"),
        90,
        {"excerpt": "a &amp; b", "count": 3, "twin": "line 8"},
    )
    assert fingerprint(two) != fingerprint(one)  # another field
    moved = Finding("TXT001", Severity.ERROR, Location("b.jsonl", 9, pointer="/messages/3/content"), 9, two.args)
    assert fingerprint(moved) == fingerprint(one)
    assert fingerprint(_finding(3, excerpt="other")) != fingerprint(one)
    assert len(fingerprint(one)) == 32


def test_a_finding_about_the_whole_is_known_by_what_it_is_about() -> None:
    def whole(**args: Any) -> Finding:
        return Finding("BAL005", Severity.WARNING, Location("(all inputs)"), None, args)

    assert fingerprint(whole(split="test", distance=0.1), ("split",)) == fingerprint(
        whole(split="test", distance=0.4), ("split",)
    )
    assert fingerprint(whole(split="test"), ("split",)) != fingerprint(whole(split="validation"), ("split",))


def test_equal_fingerprints_are_numbered() -> None:
    assert numbered(["a", "b", "a"]) == ["a:1", "b:1", "a:2"]


# --- drift ---

_SIZES = st.dictionaries(st.integers(0, 40), st.integers(1, 9), min_size=1, max_size=12)


@given(_SIZES, _SIZES)
def test_distances_are_distances(a: dict[int, int], b: dict[int, int]) -> None:
    drift, back = of_sizes(a, b), of_sizes(b, a)
    assert of_sizes(a, a)["ks"] == of_sizes(a, a)["moved"] == 0
    assert (drift["ks"], drift["moved"], drift["chance"]) == (back["ks"], back["moved"], back["chance"])
    assert 0 <= drift["ks"] <= 1
    assert 0 <= drift["chance"] <= 1
    # What the histograms show is at most what there is.
    binned = of_summaries(summary(a), summary(b), (histogram({"train": a}), histogram({"train": b})))
    assert binned["ks"] <= drift["ks"] + 1e-4
    assert binned["median"] == drift["median"]
    means = [sum(size * n for size, n in one.items()) / sum(one.values()) for one in (a, b)]
    assert drift["moved"] >= abs(means[0] - means[1]) - 0.01


def test_drift_against_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    a, b = Counter({3: 40, 5: 10, 9: 4}), Counter({3: 30, 6: 25, 12: 3})
    drift = of_sizes(a, b)
    first, second = list(a.elements()), list(b.elements())
    assert drift["ks"] == pytest.approx(stats.ks_2samp(first, second).statistic, abs=1e-4)
    assert drift["moved"] == pytest.approx(stats.wasserstein_distance(first, second), abs=0.01)
    assert kolmogorov(0.1, 3000, 2500) == pytest.approx(
        stats.kstwobign.sf(0.1 * math.sqrt(3000 * 2500 / 5500)), rel=0.05
    )


def test_shares_drift() -> None:
    drift = of_shares({"yes": 30, "no": 70}, {"yes": 60, "no": 20, "maybe": 20})
    assert drift["distance"] == 0.5
    assert [one["name"] for one in drift["changes"]] == ["no", "yes", "maybe"]
    assert drift["beyond_chance"] is True
    assert of_shares({}, {"yes": 1}) == {}
    assert of_shares({"yes": 2}, {"yes": 7})["distance"] == 0
