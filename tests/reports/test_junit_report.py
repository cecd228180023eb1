"""JUnit XML: well-formed whatever is in the data, a case per file and rule, counts that add up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from dsprep.model.finding import Finding, Severity, Tally
from dsprep.model.location import Location, row_key
from dsprep.model.meta import RuleMeta
from dsprep.model.report import Funnel, Report, RuleSummary
from dsprep.model.source import InputInfo
from dsprep.reports import junit


def _parsed(report: Report, **options: Any) -> Any:
    return etree.fromstring(junit.dumps(report, **options)[0])


def _case(root: Any, path: str, code: str) -> Any:
    (found,) = [one for one in root.iter("testcase") if one.get("classname") == path and one.get("name")[:6] == code]
    return found


@pytest.mark.parametrize("name", ["report", "clean", "hostile"])
def test_the_shape_and_the_counts(name: str, request: pytest.FixtureRequest) -> None:
    root = _parsed(request.getfixturevalue(name))
    assert root.tag == "testsuites"
    totals = {"tests": 0, "failures": 0, "errors": 0}
    for suite in root:
        assert suite.tag == "testsuite"
        cases = list(suite)
        assert {case.tag for case in cases} <= {"testcase"}
        for case in cases:
            assert {child.tag for child in case} <= {"failure", "error", "system-out"}
            assert len(case) <= 1
        counts = {
            "tests": len(cases),
            "failures": len(suite.findall("testcase/failure")),
            "errors": len(suite.findall("testcase/error")),
        }
        assert {key: int(suite.get(key)) for key in counts} == counts
        for key, n in counts.items():
            totals[key] += n
    assert {key: int(root.get(key)) for key in totals} == totals


def test_a_failure_says_where(report: Report) -> None:
    case = _case(_parsed(report), "train.jsonl", "SCH005")
    assert case.get("name") == "SCH005 unknown-role"
    (failure,) = case
    assert failure.get("message").startswith("4 findings, first: train.jsonl:3: error: role `human`")
    assert failure.get("type") == "error"
    assert len(failure.text.splitlines()) == 4


def test_a_case_fails_if_the_command_would(report: Report) -> None:
    def failing(fail_on: Severity | None) -> set[str]:
        return {one.getparent().get("name")[:6] for one in _parsed(report, fail_on=fail_on).iter("failure")}

    assert failing(Severity.ERROR) == {"SCH005", "TOK001", "SET001"}
    assert failing(None) == set()
    assert failing(Severity.INFO) == {one.meta.code for one in report.summaries if one.tally.total}
    output = _case(_parsed(report), "train.jsonl", "DUP001")[0]
    assert output.tag == "system-out"
    assert output.text.startswith("train.jsonl:9: warning: the same example as train.jsonl:4")


def test_rules_that_found_nothing_pass_by_name(clean: Report) -> None:
    root = _parsed(clean, names={"SCH005": "unknown-role"})
    assert [one.get("name") for one in root.iter("testcase")] == ["SCH005 unknown-role", "TOK001"]
    assert not list(root.iter("failure", "error"))


def test_a_rule_that_failed_is_an_error_and_never_a_pass(hostile: Report) -> None:
    report = replace(hostile, rules_run=("TXT009", "TXT001"))
    cases = [one for one in _parsed(report).iter("testcase") if one.get("name").startswith("TXT009")]
    assert [[child.tag for child in case] for case in cases] == [["error"]]


def test_many_places_are_cut_and_it_says_so() -> None:
    meta = RuleMeta("XXX001", "x", Severity.ERROR, "bad", "Bad.")
    found = [Finding("XXX001", Severity.ERROR, Location("a", line), row_key(0, line)) for line in range(1, 101)]
    tally = Tally(50).extend(found)
    report = Report("dsprep 1", [InputInfo("a", "jsonl")], {}, [RuleSummary(meta, tally)], {}, Funnel())
    data, notes = junit.dumps(report)
    text = etree.fromstring(data).find(".//failure").text
    assert len(text.splitlines()) == junit.MOST_PLACES + 1
    assert text.endswith("… and 30 more")
    assert notes[0].startswith("XXX001 x: 100 findings, of which the first 50 are listed")


def test_with_very_many_files_there_are_no_passes_without_end() -> None:
    inputs = [InputInfo(f"{i}.jsonl", "jsonl") for i in range(junit.MOST_FILES + 1)]
    report = Report("dsprep 1", inputs, {}, [], {}, Funnel(), rules_run=("TOK001", "TOK002"))
    data, notes = junit.dumps(report)
    assert etree.fromstring(data).get("tests") == "0"
    assert notes


@given(st.text(st.characters()), st.text(st.characters()))
def test_any_text_is_well_formed(text: str, path: str) -> None:
    meta = RuleMeta("XXX001", "x", Severity.ERROR, "it is {what}", "Bad.")
    found = Finding("XXX001", Severity.ERROR, Location(path, 1, pointer=text), 0, {"what": text, "excerpt": text})
    report = Report(
        "dsprep 1", [InputInfo(path, "jsonl")], {}, [RuleSummary(meta, Tally(9).extend([found]))], {}, Funnel()
    )
    assert len(_parsed(report).findall(".//failure")) == 1


def test_the_whole(report: Report, snapshot: Callable[[str, str | bytes], None]) -> None:
    snapshot("junit.xml", junit.dumps(report)[0])
