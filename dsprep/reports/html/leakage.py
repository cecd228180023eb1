"""The section of the HTML report about what splits have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dsprep.model.report import Report
from dsprep.reports import counted, prepared
from dsprep.reports.html.view import short

_KINDS = {
    "exact": ("The same example", "LEK001"),
    "normalized": ("The same but for case, spaces, Unicode form", "LEK002"),
    "near": ("Nearly the same", "LEK002"),
    "prompt": ("The same prompt, another answer", "LEK003"),
    "group": ("The same group", "LEK004"),
}
#: More pairs of splits than this are left to the JSON report.
_MOST_PAIRS = 6


@dataclass(frozen=True, slots=True)
class Cell:
    """How many rows; `tone` is a class of the style."""

    count: str
    tone: str


@dataclass(frozen=True, slots=True)
class Leakage:
    """The matrix: a column per pair of splits, a row per kind of overlap, with the rule that looks for it."""

    lead: str
    pairs: list[tuple[str, str]]
    rows: list[tuple[str, str, list[Cell]]]


def leakage(report: Report) -> Leakage | None:
    """How many rows of a split are in another one, too; None if there are no two."""
    found = report.stats.get("overlap")
    if not isinstance(found, list) or not found:
        return None
    pairs = [pair for pair in found if isinstance(pair, Mapping)][:_MOST_PAIRS]
    rows = []
    for kind, (name, code) in _KINDS.items():
        cells = [_cell(pair.get(kind)) for pair in pairs]
        rows.append((name, code if any(cell.tone != "off" for cell in cells) else f"{code} did not run", cells))
    total = sum(n for pair in pairs for kind in _KINDS if isinstance(n := pair.get(kind), int))
    if total:
        lead = (
            f"{counted(total, 'row')} of one split {'is' if total == 1 else 'are'} known from another, so that a score "
            "measured there would be too good. A row counts once, towards the last split that it is in."
        )
    else:
        written = "the splits that were written" if prepared(report) else "the splits"
        lead = f"Nothing that was looked for is in two of {written}."
    return Leakage(lead, [(short(str(p.get("split")), 30), short(str(p.get("other")), 30)) for p in pairs], rows)


def _cell(n: Any) -> Cell:
    if not isinstance(n, int):
        return Cell("–", "off")
    return Cell(f"{n:,}", "leak" if n else "clean")
