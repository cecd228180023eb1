"""Rows that may be at fault, and how many there are of what they are to be compared with.

For rules that can tell a suspect by itself but not whether it is one: that depends on how the rest of the data does it.
The state has some ten bytes for every suspect and a number for each kind of thing that is counted; no text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from dsprep.model.moving import Shift
from dsprep.model.rule import Columns, FoldRule, Rows, gathered


@dataclass(slots=True)
class Suspects:
    """`counts` of whatever the rule counts, and `pieces`: columns of equal length, of which `row` has the keys of rows
    that are suspected. A row may have several entries, if they come from one batch; they stay in their order."""

    counts: Counter[int] = field(default_factory=Counter)
    pieces: list[Columns] = field(default_factory=list)

    def columns(self, rows: Rows) -> dict[str, NDArray[Any]]:
        """All columns, sorted by row; empty if nothing is suspected."""
        return gathered(self.pieces, rows.room) if self.pieces else {}


class SuspectsRule(FoldRule[Suspects]):
    """Base of such rules: write `map`, by way of `suspects`, and `finish`."""

    def empty(self) -> Suspects:
        return Suspects()

    def merge(self, a: Suspects, b: Suspects) -> Suspects:
        return Suspects(a.counts + b.counts, [*a.pieces, *b.pieces])

    def moved(self, state: Suspects, shift: Shift) -> Suspects | None:
        return Suspects(state.counts, shift.pieces(state.pieces))


def suspects(counts: Mapping[int, int], columns: Columns) -> Suspects:
    """The state of one batch. Nothing is kept of counts that are 0, or of columns without an entry."""
    return Suspects(+Counter(counts), [columns] if len(columns["row"]) else [])
