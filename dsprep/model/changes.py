"""What has changed between two versions of a data set: the one result that `diff` renders in every format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dsprep.model.location import Location
from dsprep.model.report import EngineError, RuleChange


@dataclass(slots=True)
class Version:
    """One of the two versions: its files as the user named them, its rows by split, and how many are conversations."""

    files: list[str]
    rows: int = 0
    examples: int = 0
    splits: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class ChangedRow:
    """A row that says something else now. `sign` says by what it was known again: `id`, `learnt`, `spelling`, `prompt`,
    `question`, `answer`, `place` or `words` (see folds.row_matching). `before` and `now` are the records, or the
    conversations in them if the versions are of different formats, as JSON values in which what is sensitive is masked;
    `old` and `new` say where they stand."""

    sign: str
    old: Location
    new: Location
    before: Any = None
    now: Any = None


@dataclass(slots=True)
class SingleRow:
    """A row that was added or removed: where it stands, and the beginning of what it says, masked."""

    location: Location
    excerpt: str = ""


@dataclass(slots=True)
class FindingsChange:
    """How the findings of a rule have changed, told apart one by one by what their rows say; `places` are those of the
    first new ones."""

    rule: RuleChange
    places: list[Location] = field(default_factory=list)


@dataclass(slots=True)
class DataComparison:
    """What has changed from `old` to `new`.

    old.rows = unchanged + changed + removed, and new.rows = unchanged + changed + added: `reconciles`. `signs` counts
    the changed rows by `ChangedRow.sign`. `moved` counts rows in both, changed or not, that are in another split now:
    (split before, split now) to how many; it is None if the versions do not both name splits. `reordered` says whether
    unchanged rows stand in another order.

    `changes`, `additions` and `removals` are the first of each, in order of reading. `tokens`, `turns`, `labels`,
    `languages`, `formats` and `shapes` are plain JSON data (see folds.drift), empty where there is nothing to compare.
    """

    tool: str
    old: Version
    new: Version
    settings: dict[str, Any]
    unchanged: int = 0
    changed: int = 0
    added: int = 0
    removed: int = 0
    signs: dict[str, int] = field(default_factory=dict)
    moved: dict[tuple[str, str], int] | None = None
    reordered: bool = False
    changes: list[ChangedRow] = field(default_factory=list)
    additions: list[SingleRow] = field(default_factory=list)
    removals: list[SingleRow] = field(default_factory=list)
    findings: list[FindingsChange] = field(default_factory=list)
    rules_run: tuple[str, ...] = ()
    tokens: dict[str, Any] = field(default_factory=dict)
    turns: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, Any] = field(default_factory=dict)
    languages: dict[str, Any] = field(default_factory=dict)
    formats: dict[str, Any] = field(default_factory=dict)
    shapes: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    errors: list[EngineError] = field(default_factory=list)

    @property
    def differs(self) -> bool:
        """Whether any row is not the same, or in another split. The order of rows does not count."""
        return bool(self.changed or self.added or self.removed or self.moves)

    @property
    def moves(self) -> int:
        """How many rows are in another split."""
        return sum((self.moved or {}).values())

    @property
    def reconciles(self) -> bool:
        """Whether every row is counted once."""
        stay = self.unchanged + self.changed
        return self.old.rows == stay + self.removed and self.new.rows == stay + self.added

    @property
    def new_findings(self) -> int:
        """How many findings are new."""
        return sum(change.rule.new for change in self.findings)

    @property
    def gone_findings(self) -> int:
        """How many findings are gone."""
        return sum(change.rule.gone for change in self.findings)
