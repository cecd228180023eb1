"""Rows that stand elsewhere than before: what was worked out for them, said of their new place.

A shard whose bytes are the same as in an earlier run need not be looked at again, even if rows were put in before it.
What is kept of it says where its rows are: in row keys, lines, offsets and the name of the file. A `Shift` says how far
they have moved; `Rule.moved` makes of a state the one that `map` would have made at the new place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsprep.model.finding import Finding, Tally
from dsprep.model.location import ORDINAL_MASK, Location, row_key


@dataclass(frozen=True, slots=True)
class Place:
    """Where a shard stands in a run: the index and the name of its source, and the ordinal, the line and the byte
    offset of its first record."""

    source: int
    path: str
    ordinal: int
    line: int
    offset: int


@dataclass(frozen=True, slots=True)
class Shift:
    """The way from one place to another."""

    old: Place
    new: Place

    def __bool__(self) -> bool:
        """Whether anything is elsewhere than before."""
        return self.old != self.new

    def key(self, key: int) -> int:
        """A row key at the new place."""
        return row_key(self.new.source, (key & ORDINAL_MASK) + self.new.ordinal - self.old.ordinal)

    def keys(self, keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Row keys, uint64, at the new place."""
        by = row_key(self.new.source, self.new.ordinal) - row_key(self.old.source, self.old.ordinal)
        return keys + np.uint64(by % (1 << 64))

    def location(self, location: Location) -> Location:
        """A location in the shard's file at the new place."""
        line, offset = location.line, location.offset
        return Location(
            self.new.path,
            None if line is None else line + self.new.line - self.old.line,
            location.row,
            None if offset is None else offset + self.new.offset - self.old.offset,
            location.pointer,
            location.column,
        )

    def finding(self, finding: Finding) -> Finding:
        """A finding about rows of the shard, or about its file, at the new place. Its args say nothing of places."""
        return Finding(
            finding.code,
            finding.severity,
            self.location(finding.location),
            None if finding.key is None else self.key(finding.key),
            finding.args,
            tuple(map(self.location, finding.related)),
            finding.fix,
            finding.rows,
        )

    def tally(self, tally: Tally) -> Tally:
        """A tally at the new place; the old one is not changed."""
        return Tally(tally.limit, tally.total, tally.counts, list(map(self.finding, tally.findings)), tally.between)

    def columns(self, columns: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Columns of a keyed state whose column `row` alone holds row keys, at the new place."""
        return {name: self.keys(column) if name == "row" else column for name, column in columns.items()}

    def pieces(self, state: Iterable[Mapping[str, NDArray[Any]]]) -> list[Mapping[str, NDArray[Any]]]:
        """A keyed state, which is a list of such columns, at the new place."""
        return [self.columns(piece) for piece in state]
