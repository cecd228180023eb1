"""The findings as JSON lines: the objects of the JSON report's `findings`, one a line, for `jq` and log shippers."""

from __future__ import annotations

from collections.abc import Iterator

from dsprep.model.report import Report
from dsprep.reports import encoded, finding_as_dict, listed_findings


def lines(report: Report) -> Iterator[bytes]:
    """One listed finding after the other, each with its newline, in the order of the report."""
    for summary, finding, content in listed_findings(report):
        yield encoded(finding_as_dict(finding, summary.meta, content)) + b"\n"


def dumps(report: Report) -> bytes:
    """All lines; empty for a report without findings."""
    return b"".join(lines(report))
