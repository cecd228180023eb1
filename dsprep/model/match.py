"""What of new data is in an index of older data already: the result of comparing the two."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from dsprep.model.location import Location
from dsprep.model.source import InputInfo


class MatchKind(StrEnum):
    """How much alike two rows are. The names are those that `--dedupe` has for the same degrees."""

    EXACT = "exact"
    NORMALIZED = "normalized"
    NEAR = "near"

    @property
    def rank(self) -> int:
        """0 for equal rows; the less alike, the higher."""
        return ("exact", "normalized", "near").index(self.value)


@dataclass(frozen=True, slots=True)
class Match:
    """A row that is in the index already, in this or a similar form.

    `location` is the row, `known_at` the row of the index that is most like it (of several, the first by path and
    line), as it was called when it was added. `similarity` is the Jaccard similarity of their word 5-grams, 1 unless
    they are near-duplicates. `excerpt` is the beginning of what the row says, unescaped.
    """

    kind: MatchKind
    similarity: float
    location: Location
    known_at: Location
    excerpt: str = ""


@dataclass(slots=True)
class Comparison:
    """New rows held against an index: `matches` in reading order, and where everything else went.

    `unusable` rows are no conversations, so they could not be compared. `new_file` is where the new rows were written
    to, if that was asked for.
    """

    tool: str
    index: str
    threshold: float
    inputs: list[InputInfo] = field(default_factory=list)
    rows: int = 0
    unusable: int = 0
    matches: list[Match] = field(default_factory=list)
    new_file: str | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def new(self) -> int:
        """How many rows are like none of the index."""
        return self.rows - self.unusable - len(self.matches)

    @property
    def found(self) -> dict[MatchKind, int]:
        """How many rows matched, by kind, those of which there are none included."""
        counts = Counter(match.kind for match in self.matches)
        return {kind: counts[kind] for kind in MatchKind}

    def exit_code(self, fail_on: MatchKind | None) -> int:
        """1 if rows could not be compared, or one matches at least as closely as `fail_on` (None: none counts)."""
        close = fail_on is not None and any(match.kind.rank <= fail_on.rank for match in self.matches)
        return int(close or self.unusable > 0)
