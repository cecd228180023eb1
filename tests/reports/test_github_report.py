"""Annotations of GitHub Actions, read back as the runner reads them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from handmade import HOSTILE, hostile_report, tally

from dsprep.model.finding import Finding, Severity, Tally
from dsprep.model.location import Location, row_key
from dsprep.model.meta import RuleMeta
from dsprep.model.report import EngineError, Funnel, Report, RuleSummary
from dsprep.model.source import InputInfo
from dsprep.reports import github

_COMMAND = re.compile(r"::(?P<name>error|warning|notice)(?: (?P<properties>.*?))?::(?P<message>.*)")


def _commands(report: Report) -> list[tuple[str, dict[str, str], str]]:
    """Name, properties and message of each command, unescaped as the runner's ActionCommand does it."""
    out = []
    for line in github.dumps(report).decode().split("\n")[:-1]:
        found = _COMMAND.fullmatch(line)
        assert found, line
        properties = {}
        for pair in found["properties"].split(","):
            key, _, value = pair.partition("=")
            for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
                value = value.replace(code, character)
            properties[key] = value
        message = found["message"].replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
        out.append((found["name"], properties, message))
    return out


def _many(rules: int, each: int) -> Report:
    summaries = []
    for number in range(rules):
        meta = RuleMeta(f"XXX{number:03}", f"fault-{number}", Severity.WARNING, "fault {n}", "A fault.")
        found = [
            Finding(meta.code, Severity.WARNING, Location("a.jsonl", line), row_key(0, line - 1), {"n": line})
            for line in range(1, each + 1)
        ]
        summaries.append(RuleSummary(meta, Tally(each).extend(found)))
    return Report("dsprep 1", [InputInfo("a.jsonl", "jsonl")], {}, summaries, {}, Funnel(each))


def test_an_annotation(report: Report) -> None:
    name, properties, message = _commands(report)[0]
    assert name == "error"
    assert properties == {"file": "train.jsonl", "line": "3", "title": "dsprep: SCH005 unknown-role"}
    said = "role `human` is not one of system, user, assistant, tool (at /messages/0/role)"
    assert message == f'{said}\n"role": "human"'


def test_infos_are_notices_and_no_file_is_made_up(report: Report) -> None:
    report.summaries[-2].tally.findings[0] = replace(
        report.summaries[-2].tally.findings[0], location=Location("(all inputs)")
    )
    (notice,) = [one for one in _commands(report) if one[0] == "notice"]
    assert notice[1] == {"title": "dsprep: SET004 no-validation-split"}


@pytest.mark.parametrize(("rules", "each"), [(1, 1), (1, 500), (3, 2), (3, 500), (10, 3), (11, 3), (40, 500)])
def test_no_more_than_github_keeps_and_nothing_goes_unsaid(rules: int, each: int) -> None:
    commands = _commands(_many(rules, each))
    assert len(commands) <= github.MOST
    assert len(commands) == min(rules * each, github.MOST)
    said = "\n".join(properties["title"] + message for _, properties, message in commands)
    assert all(f"XXX{number:03}" in said for number in range(rules))
    shown = Counter(
        properties["title"].split()[1] for _, properties, _ in commands if properties["title"].startswith("dsprep: XXX")
    )
    for code, n in shown.items():
        if each > n:
            assert f"… and {each - n:,} more of {code}" in said
    for code in {f"XXX{number:03}" for number in range(rules)} - set(shown):
        assert re.search(rf"{code} fault-\d+ \({each}\)", said)


def test_each_level_has_its_own_room(report: Report) -> None:
    levels = Counter(name for name, _, _ in _commands(report))
    assert levels["error"] >= 3
    assert levels["warning"] <= github.MOST
    assert levels["notice"] == 1


def test_rules_that_failed_come_first_and_leave_room() -> None:
    report = replace(_many(1, 50), errors=[EngineError(f"ZZZ{i:03}", "a.jsonl", "boom") for i in range(30)])
    errors = [one for one in _commands(report) if one[0] == "error"]
    assert len(errors) == 3
    assert "ZZZ000 failed on a.jsonl" in errors[0][2]
    assert "ZZZ029" in errors[2][2]


@pytest.mark.parametrize("text", [HOSTILE, "100%0A::error::x", "a,b:c=d\r\n::add-mask::x", "##[error]x", "x::y,z"])
def test_hostile_text_neither_begins_a_command_nor_ends_a_property(text: str) -> None:
    for _, properties, message in _commands(hostile_report(text)):
        assert set(properties) <= {"file", "line", "col", "title"}
        assert not re.search(r"^\s*::", message, re.MULTILINE) or "\n" not in message
        assert "\x1b" not in message + properties.get("file", "")
    assert all(line.startswith("::") for line in github.dumps(hostile_report(text)).decode().splitlines())


def test_a_path_with_marks_of_its_own_comes_back_whole() -> None:
    path = "da,ta/100%: x.jsonl"
    meta = RuleMeta("XXX001", "x", Severity.ERROR, "bad", "Bad.")
    found = Finding("XXX001", Severity.ERROR, Location(path, 2, column="14"), row_key(0, 1))
    report = Report("dsprep 1", [InputInfo(path, "jsonl")], {}, [RuleSummary(meta, tally(found))], {}, Funnel())
    assert _commands(report) == [
        ("error", {"file": path, "line": "2", "col": "14", "title": "dsprep: XXX001 x"}, "bad")
    ]


def test_nothing_found_is_no_command(clean: Report) -> None:
    assert github.dumps(clean) == b""


def test_the_whole(report: Report, snapshot: Callable[[str, str | bytes], None]) -> None:
    snapshot("annotations.txt", github.dumps(report))
