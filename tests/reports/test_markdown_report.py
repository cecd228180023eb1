"""Markdown, rendered by GitHub's own parser: what it shows, and that text of data does nothing in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from handmade import HOSTILE, hostile_report
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from dsprep.model.finding import Finding, Severity, Tally
from dsprep.model.location import Location, row_key
from dsprep.model.meta import RuleMeta
from dsprep.model.report import Comparison, Funnel, Report, RuleSummary
from dsprep.model.source import InputInfo
from dsprep.reports import markdown

#: All that the report itself is made of.
_TAGS = {"div", "h3", "p", "strong", "em", "code", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "br"} | {
    "details",
    "summary",
}
#: What GitHub makes links or pictures of in text that is no code.
_REFERENCES = re.compile(
    r"@\w|#\d|\bGH-\d|:[\w+-]+:|https?:|www\.|\$\S|\b[0-9a-f]{7,40}\b|\b[A-Za-z]\w*-\d", re.IGNORECASE
)


def _rendered(text: str) -> Any:
    out = cmarkgfm.github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE)
    return html.fromstring(f"<div>{out}</div>")


def _loose(root: Any) -> list[str]:
    """The pieces of text that are not code."""
    return [str(text) for text in root.xpath(".//text()[not(ancestor::code)]")]


def _check(data: bytes) -> Any:
    root = _rendered(data.decode())
    assert {one.tag for one in root.iter() if isinstance(one.tag, str)} <= _TAGS
    assert all(not _REFERENCES.search(text) for text in _loose(root)), [
        text for text in _loose(root) if _REFERENCES.search(text)
    ]
    return root


def test_what_it_says(report: Report) -> None:
    data, notes = markdown.dumps(report)
    root = _check(data)
    assert data.startswith(markdown.MARK.encode())
    assert root.find("h3").text_content() == "❌ dsprep: Would not be accepted by openai:gpt-3.5-turbo-0125"
    rows = [[cell.text_content() for cell in row] for row in root.iter("tr")]
    assert rows[0] == ["", "rule", "findings", "what it looks for"]
    assert rows[1] == ["error", "SCH005 unknown-role", "4", "A message has a role that the target does not know."]
    folded = [one.text_content() for one in root.iter("summary")]
    assert folded[0] == "SCH005 unknown-role: 4 errors"
    assert folded[-1] == "Notes"
    items = [one.text_content() for one in root.iter("li")]
    assert items[0].startswith("train.jsonl:3 /messages/0/role: role human is not one of system, user, assistant, tool")
    assert "… and 1,232 more" in items
    assert notes == []


def test_a_clean_report_is_short(clean: Report) -> None:
    data, _ = markdown.dumps(clean)
    root = _check(data)
    assert root.find("h3").text_content().startswith("✅ dsprep: Would be accepted")
    assert not list(root.iter("table", "details"))
    assert len(data) < 500


def test_what_has_changed_is_said(report: Report) -> None:
    then = Comparison(
        path="old|`x`.json",
        tool="dsprep 0",
        verdict=("pass", "fail"),
        accepted=(True, False),
        rows=(1, 2),
        rows_out=(1, 2),
        counts={},
    )
    data, _ = markdown.dumps(replace(report, comparison=then))
    assert "0 new, 0 gone" in _check(data).text_content()


NASTY = [
    HOSTILE,
    "@octocat #1 GH-2 owner/repo#3 owner/repo@deadbeef1 JIRA-123",
    "![x](http://evil.example/a.png) [y](javascript:alert(1)) <http://evil.example>",
    "www.evil.example https://evil.example mail@evil.example evil.example",
    "`` ` `code` ``` ```` end`",
    "</details><details open><summary>x</summary><img src=x onerror=alert(1)>",
    "| a | b |\n|---|---|\n| c | d |",
    "# heading\n\n---\n* list\n1. one\n> quote\n```\nfence",
    "$x^2$ $$y$$ $`z`$ :smile: **bold** _em_ ~~gone~~ [^1]",
    "a" * 5_000,
    "`" * 200,
    "\\| \\\\| \\` \\",
    "deadbeef deadbeefdeadbeef 1234567 DEADBEEF1",
    "&lt;b&gt; &#64;octocat &commat;octocat",
    "  leading and trailing  ",
    "=== --- === \t x",
    "`|`|`$",
    "`a``b` `c`#1`d`",
]


@pytest.mark.parametrize("text", NASTY)
def test_hostile_text_does_nothing(text: str) -> None:
    report = hostile_report(text)
    report.summaries[0].meta = replace(
        report.summaries[0].meta, name=text, summary=text, message="found `{excerpt}` in {excerpt}"
    )
    _check(markdown.dumps(report)[0])


@pytest.mark.parametrize("text", NASTY)
def test_text_comes_out_as_it_went_in(text: str) -> None:
    shown = _check(markdown.inline(text).encode()).text_content().strip()
    plain = text.replace("\n", r"\n").replace("\t", r"\t")
    if "`" not in text and "\x1b" not in text:
        assert shown == plain.strip(" ")


_ALPHABET = st.sampled_from(
    [*"`|\\*_#@:<>[]()!$~^&;=-+.1aF \n\t", "http://", "www.", "GH-1", "</details>", "<!--", "]]>"]
)


@given(st.lists(_ALPHABET, max_size=30).map("".join) | st.text(max_size=40))
def test_no_text_does_anything(text: str) -> None:
    meta = RuleMeta("XXX001", "some-rule", Severity.ERROR, "it is {what}", text)
    found = Finding("XXX001", Severity.ERROR, Location(text, 1, pointer=text), 0, {"what": text, "excerpt": text})
    summary = RuleSummary(meta, Tally(9).extend([found]))
    report = Report("dsprep 1", [InputInfo(text, "jsonl")], {"target": text}, [summary], {}, Funnel(1), [text])
    root = _check(markdown.dumps(report)[0])
    assert len(list(root.iter("details"))) == 2
    assert len(list(root.iter("tr"))) == 2
    assert len(list(root.iter("li"))) == 2


def _many(rules: int) -> Report:
    summaries = []
    for number in range(rules):
        meta = RuleMeta(f"XXX{number:03}", f"fault-number-{number}", Severity.WARNING, "{what}", "It is 😀 " * 40)
        found = [
            Finding(meta.code, Severity.WARNING, Location("a.jsonl", line), row_key(0, line), {"what": "😀x " * 90})
            for line in range(1, 9)
        ]
        summaries.append(RuleSummary(meta, Tally(99).extend(found)))
    return Report("dsprep 1", [InputInfo("a.jsonl", "jsonl")], {}, summaries, {}, Funnel(9))


@pytest.mark.parametrize("rules", [5, 30, 60, 400])
def test_it_fits_a_comment_and_says_what_does_not(rules: int) -> None:
    data, notes = markdown.dumps(_many(rules))
    text = data.decode()
    assert len(text.encode("utf-16-le")) // 2 <= markdown.MOST_CHARACTERS
    root = _check(data)
    table, folded = len(list(root.iter("tr"))) - 1, len(list(root.iter("details")))
    if table < rules:
        assert f"{rules - table} rules with findings left out of the table, for want of room" in notes
    if folded < rules:
        assert any(note.startswith("the examples of") for note in notes)
    assert all(note in root.text_content() for note in notes)
    assert table >= folded > 0 or rules == 400


def test_the_whole(report: Report, snapshot: Callable[[str, str | bytes], None]) -> None:
    snapshot("report.md", markdown.dumps(report)[0])
