"""The JSON report inside the page: for programs, for the search, and to be saved.

It stands there as plain text, not compressed, so that any program finds it with a line of code. Where it would not fit,
each rule lists fewer findings, all rules alike, just as `max_findings` does it; `listed` and a note say so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from markupsafe import Markup

from dsprep.model.report import Report, RuleSummary
from dsprep.reports import as_json, counted, encoded, finding_as_dict
from dsprep.reports.html.commands import lint_command

#: A page has at most so many bytes.
LARGEST: Final = 2_000_000
#: Room for what the page says of the JSON report, and some to spare.
_MARGIN: Final = 20_000
_BETWEEN: Final = b",\n"


@dataclass(frozen=True, slots=True)
class Embedded:
    """The JSON report, ready to stand in a `<script>` element; empty if not even its head fits. `left_out` is how many
    listed findings are not in it."""

    text: Markup
    bytes: int
    listed: int
    left_out: int
    command: str


def embedded(report: Report, size: int) -> Embedded:
    """The JSON report for a page that has `size` bytes without it."""
    found = [(summary.meta, summary.tally.sorted()) for summary in report.summaries]
    most = max((len(listed) for _, listed in found), default=0)
    # The head is measured as it would be at its longest.
    left = LARGEST - _MARGIN - size - len(_head(report, most, cut=True))
    fits = left >= 0
    lines: list[list[bytes]] = [[] for _ in found]
    kept = 0
    while left >= 0 and kept < most:
        for column, (meta, listed) in zip(lines, found, strict=True):
            if kept < len(listed):
                column.append(_inert(encoded(finding_as_dict(listed[kept], meta))))
                left -= len(column[-1]) + len(_BETWEEN)
        kept += left >= 0
    whole = sum(len(listed) for _, listed in found)
    if not fits:
        text, there = b"", 0
    else:
        chosen = [line for column in lines for line in column[:kept]]
        text, there = _head(report, kept, cut=kept < most) + _BETWEEN.join(chosen) + b"\n]}", len(chosen)
    return Embedded(
        # Nothing of it can end the element that it stands in, nor begin another one.
        text=Markup(text.decode()),  # noqa: S704 - `_inert` has escaped whatever means something to HTML
        bytes=len(text),
        listed=there,
        left_out=whole - there,
        command=lint_command(report, "--output-format", "json", "--output-file", "report.json"),
    )


def _head(report: Report, kept: int, *, cut: bool) -> bytes:
    """The JSON report up to its findings, if it lists at most `kept` of each rule; `cut`: that these are not all."""
    note = f"this copy lists {counted(kept, 'finding')} of each rule at most; all are counted"
    bare = [
        RuleSummary(summary.meta, replace(summary.tally, findings=[]), summary.fixed, summary.documentation)
        for summary in report.summaries
    ]
    data = as_json(replace(report, summaries=bare, notes=[*report.notes, note] if cut else report.notes))
    del data["findings"]
    for rule, summary in zip(data["summary"]["rules"], report.summaries, strict=True):
        rule["listed"] = min(kept, len(summary.tally.sorted()))
    return _inert(encoded(data)[:-1] + b',\n"findings": [\n')


def _inert(json: bytes) -> bytes:
    """JSON that means nothing to HTML: these characters stand in strings alone, where an escape is as good."""
    return json.replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")
