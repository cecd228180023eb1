"""Code Quality of GitLab: what it asks for, and fingerprints that stay."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dsprep.model.report import Report
from dsprep.reports import gitlab


def _issues(report: Report, **options: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(gitlab.dumps(report, **options)[0])
    return found


@pytest.mark.parametrize("name", ["report", "hostile"])
def test_every_issue_has_what_gitlab_asks_for(name: str, request: pytest.FixtureRequest) -> None:
    issues = _issues(request.getfixturevalue(name))
    assert issues
    for issue in issues:
        assert {"description", "check_name", "fingerprint", "severity", "location"} <= issue.keys()
        assert issue["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert isinstance(issue["location"]["path"], str)
        assert issue["location"]["lines"]["begin"] >= 1
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)


def test_an_issue(report: Report) -> None:
    issue = _issues(report)[0]
    assert issue.pop("fingerprint")
    assert issue == {
        "type": "issue",
        "check_name": "SCH005 unknown-role",
        "description": "SCH005 unknown-role: role `human` is not one of system, user, assistant, tool "
        '(at /messages/0/role): "role": "human"',
        "categories": ["Bug Risk"],
        "severity": "critical",
        "location": {"path": "train.jsonl", "lines": {"begin": 3}},
    }


def test_paths_are_seen_from_the_root(report: Report, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path / "data")
    assert _issues(report, root=str(tmp_path))[0]["location"]["path"] == "data/train.jsonl"


def test_fingerprints_are_of_what_the_row_says(report: Report) -> None:
    key = report.findings[0].key
    assert key is not None
    plain, one, other = (
        _issues(replace(report, contents=contents)) for contents in ({}, {key: b"one"}, {key: b"other"})
    )
    assert len({issues[0]["fingerprint"] for issues in (plain, one, other)}) == 3
    assert one[-1] == other[-1]


def test_nothing_found_is_an_empty_list(clean: Report) -> None:
    assert gitlab.dumps(clean) == (b"[]\n", [])


def test_hostile_text_is_escaped(hostile: Report) -> None:
    data, _ = gitlab.dumps(hostile)
    assert b"\x1b" not in data
    assert "\u202e".encode() not in data
    assert all(line.startswith(b"{") for line in data.splitlines()[1:-1])


def test_the_whole(report: Report, snapshot: Callable[[str, str | bytes], None]) -> None:
    snapshot("code-quality.json", gitlab.dumps(report)[0])
