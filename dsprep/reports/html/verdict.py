"""The first screen of the HTML report: the verdict and why, and the numbers worth a glance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from dsprep.model.finding import Severity
from dsprep.model.report import EngineError, Report
from dsprep.reports import Verdict, counted, failures, fixable, judge, prepared, standing
from dsprep.reports.html import charts
from dsprep.reports.html.view import percent, rounded, short


@dataclass(frozen=True, slots=True)
class Tile:
    """A number worth a glance. `tone` is a css class: error, warning, info, ok or empty."""

    label: str
    value: str
    note: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """The verdict with its sign, why, what would be cut, what changed since the last report, rules that failed."""

    verdict: Verdict
    sign: Markup
    reason: str
    lengths: str
    change: str
    failures: list[tuple[EngineError, int]]


def head(report: Report) -> Head:
    """The verdict."""
    judged = judge(report)
    return Head(
        verdict=judged,
        sign=charts.icon(judged.status.value),
        reason=judged.reason[:1].upper() + judged.reason[1:],
        lengths=lengths(report),
        change=_change(report),
        failures=failures(report),
    )


def subject(report: Report) -> str:
    """What the report is about: the inputs, as far as a line holds them."""
    names = [short(info.path, 60) for info in report.inputs]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def lengths(report: Report) -> str:
    """Whether anything would be cut off for its length, in one sentence; empty if nothing is known."""
    whole, limit = report.stats.get("all"), report.stats.get("limit")
    if not isinstance(whole, Mapping) or not isinstance(limit, Mapping):
        return ""
    over, most, sizes = whole.get("over_limit"), limit.get("tokens"), whole.get("tokens")
    if not isinstance(over, int) or not isinstance(most, int):
        return ""
    if over:
        return f"{counted(over, 'example')} of more than {most:,} tokens would be cut or refused."
    longest = sizes.get("max") if isinstance(sizes, Mapping) else None
    return f"Nothing would be cut: the longest example has {longest:,} of {most:,} tokens." if longest else ""


def _change(report: Report) -> str:
    """What is new and gone since the report that this one was compared with; empty if it was compared with none."""
    change = report.comparison
    if change is None:
        return ""
    if not change.new and not change.gone:
        return "The findings are those of the previous report."
    return f"Since the previous report {counted(change.new, 'finding')} came and {change.gone:,} went."


def tiles(report: Report) -> list[Tile]:
    """The numbers of the first screen."""
    flow, stats = report.funnel, report.stats
    files = counted(len(report.inputs), "file")
    out = [Tile("Rows", f"{flow.rows_in:,}", files)]
    if flow.rejected:
        note = f"{percent(flow.rows_rejected / flow.rows_in)} of all" if flow.rows_in else ""
        out.append(Tile("Rejected", f"{flow.rows_rejected:,}", note, "error" if flow.rows_rejected else "ok"))
    for severity, label in ((Severity.ERROR, "Errors"), (Severity.WARNING, "Warnings"), (Severity.INFO, "Info")):
        found, left = report.count(severity), standing(report, severity)
        n = sum(left.values())
        if not found and severity is Severity.INFO:
            continue
        note = f"by {counted(len(left), 'rule')}" if n else "none"
        out.append(Tile(label, f"{n:,}", f"left of {found:,}" if n < found else note, str(severity) if n else "ok"))
    fixed = sum(summary.fixed for summary in report.summaries)
    pairs = [fixable(report, summary) for summary in report.summaries]
    safe, unsafe = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
    more = f"{unsafe:,} more unsafely" if unsafe else ""
    if prepared(report):
        out.append(Tile("Fixed", f"{fixed:,}", more))
    elif safe or unsafe:
        out.append(Tile("Safe fixes", f"{safe:,}", more))
    whole = stats.get("all")
    sizes = whole.get("tokens") if isinstance(whole, Mapping) else None
    if isinstance(sizes, Mapping) and isinstance(sizes.get("total"), int) and sizes["total"]:
        middle, longest = sizes.get("median"), sizes.get("max")
        note = f"median {middle:,.0f}, longest {longest:,.0f}" if _is_number(middle) and _is_number(longest) else ""
        out.append(Tile("Tokens", rounded(sizes["total"]), note))
    return out


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)
