"""The contract of a rule, and the three helpers that make writing one short."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity, Tally
from dsprep.model.fix import Fix
from dsprep.model.location import Location

# Part of the contract, for authors of rules; apart from it because a report needs them and none of the rest.
from dsprep.model.meta import FixAvailability as FixAvailability
from dsprep.model.meta import RuleMeta as RuleMeta
from dsprep.model.moving import Shift
from dsprep.model.target import Target

S = TypeVar("S")
A = TypeVar("A")
B = TypeVar("B")

Columns = Mapping[str, NDArray[Any]]

#: The numbers by which rows meet, of the columns of a keyed state: uint64 of shape (n, k). Two rows meet if they have
#: the same number in the same one of the k places. Picklable; of two that are equal only one is asked.
Meeting = Callable[[Columns], NDArray[np.uint64]]


class RuleOptions(BaseModel):
    """Base of a rule's options: frozen, unknown names refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class RuleContext:
    """What a rule may know of the run: the target, the token encoding, the seed, which splits the caller named, how
    many findings to keep per rule, and severities that the user changed (by code)."""

    target: Target
    encoding: str
    seed: int = 0
    splits: tuple[str, ...] = ()
    max_findings: int = 10_000
    severities: Mapping[str, Severity] = field(default_factory=dict)
    #: The secret from which redaction makes pseudonyms; None: it writes labels.
    pseudonym_key: str | None = field(default=None, repr=False)


class Memo(Protocol):
    """What is remembered from one run over some files to the next one with equal settings, as far as it is still there.

    The data may have changed in between: whatever is remembered must be keyed by content, not by rows or places.
    """

    def get(self, name: str) -> dict[str, NDArray[Any]] | None:
        """What an earlier run has put down under `name`, or None. The arrays may be changed."""
        ...

    def put(self, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Put down arrays for the next run, in place of what is there under `name`."""
        ...


class Rows(Protocol):
    """What `finish` may ask about the rows of the run; the engine supplies it."""

    @property
    def dataset(self) -> Location:
        """The location to give to a finding about the data as a whole."""
        ...

    def locate(self, keys: Sequence[int] | NDArray[np.uint64]) -> list[Location]:
        """Where the rows with these keys are, in the order given."""
        ...

    def batches(self, keys: NDArray[np.uint64]) -> Iterator[Batch]:
        """The rows with these keys (sorted, unique), read again from their source, in batches, in order of key."""
        ...

    @property
    def memo(self) -> Memo | None:
        """What earlier runs remember; None if this run has no cache. It may not be used in a worker."""
        return None

    def portions(self, keys: NDArray[np.uint64]) -> list[NDArray[np.uint64]]:
        """`keys` (sorted, unique) cut into pieces, in order, that `batches` reads as cheaply apart as together."""
        return [keys] if len(keys) else []

    def spread(self, function: Callable[[A], B], items: Sequence[A]) -> Iterator[B]:
        """`function(item)` for each item, in their order, worked out by all cores of the run. `function`, the items and
        the results are picklable; these rows may be part of `function`."""
        return map(function, items)

    def room(self, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """An array to fill, of any content: in memory, or in a temporary file if the run holds too much already."""
        return np.empty(shape, dtype)


class Rule(ABC, Generic[S]):
    """Metadata, options and a fold.

    `map` is pure; `merge` is associative and order-free; `finish` yields findings in order of place. States are small
    or columnar, and picklable. The docstring of the class is the rule's page: sections What it does, Why it matters,
    Example, Fix, Source.

    Rules that need the same state name it in `fold`: the engine then maps and keeps it once and hands it to each of
    them. Such rules must share the implementation of empty, map and merge.
    """

    meta: ClassVar[RuleMeta]
    fold: ClassVar[str | None] = None
    Options: ClassVar[type[RuleOptions]] = RuleOptions

    def __init__(self, context: RuleContext, options: RuleOptions | None = None) -> None:
        self.context = context
        self.options: Any = options if options is not None else self.Options()

    @property
    def severity(self) -> Severity:
        """The severity that this rule's findings get in this run."""
        return self.context.severities.get(self.meta.code, self.meta.severity)

    @property
    def fold_key(self) -> str:
        """Which state this rule reads: its own, or one shared with others."""
        return self.fold or self.meta.code

    @abstractmethod
    def empty(self) -> S: ...

    @abstractmethod
    def map(self, batch: Batch) -> S: ...

    @abstractmethod
    def merge(self, a: S, b: S) -> S: ...

    @abstractmethod
    def finish(self, state: S, rows: Rows) -> Iterator[Finding]: ...

    @property
    def files(self) -> Sequence[str]:
        """The files beside the data that the options name, for `study`: paths or URLs, as the user wrote them."""
        return ()

    def study(self, batches: Iterable[Batch]) -> None:
        """Take in the rows of `files`, before anything else is asked of the rule; it is not called if there are none.

        Raises InputError if they are of no use. What is kept of them goes to every worker with the rule, and is part of
        what decides whether results of earlier runs are still good.
        """

    def moved(self, state: S, shift: Shift) -> S | None:
        """`state` as `map` would have made it of the same rows at another place; the old one is not changed.

        What is kept of a part of a file is of use after rows were put in before it only if this can be said. None, the
        default, means that it cannot, and then the rows are mapped again. A state in which no row key, line, offset or
        file is named stays as it is: `return state`.
        """
        return None

    def finding(
        self,
        location: Location,
        *,
        key: int | None = None,
        args: Mapping[str, Any] | None = None,
        related: Iterable[Location] = (),
        fix: Fix | None = None,
        rows: int = 1,
        severity: Severity | None = None,
    ) -> Finding:
        """A finding of this rule."""
        return Finding(self.meta.code, severity or self.severity, location, key, args or {}, tuple(related), fix, rows)

    def at(
        self,
        batch: Batch,
        i: int,
        pointer: str | None = None,
        *,
        args: Mapping[str, Any] | None = None,
        fix: Fix | None = None,
    ) -> Finding:
        """A finding of this rule at the i-th record of `batch`, or at `pointer` in its chat form."""
        return self.finding(batch.location(i, pointer), key=batch.key(i), args=args, fix=fix)

    @classmethod
    def documentation(cls) -> str:
        """The docstring, dedented: the source of the rule's page."""
        return inspect.cleandoc(cls.__doc__ or "")


class ExampleRule(Rule[Tally]):
    """A rule that looks at one record at a time: write `find` and nothing else.

    `find` gets a whole batch, so that a rule can test all its texts at once, but what it says of a record must depend
    on that record alone: the engine calls it again on single records when it applies fixes. Where the record is, only
    the location of a finding says, not its args: in the next run the record may stand elsewhere.
    """

    @abstractmethod
    def find(self, batch: Batch) -> Iterator[Finding]:
        """The findings of `batch`, in any order."""

    def empty(self) -> Tally:
        return Tally(self.context.max_findings)

    def map(self, batch: Batch) -> Tally:
        return self.empty().extend(self.find(batch))

    def merge(self, a: Tally, b: Tally) -> Tally:
        return a.merged(b)

    def moved(self, state: Tally, shift: Shift) -> Tally | None:
        return shift.tally(state)

    def finish(self, state: Tally, rows: Rows) -> Iterator[Finding]:
        yield from state.sorted()


class FoldRule(Rule[S]):
    """A rule about the data as a whole, with a small state: write `empty`, `map`, `merge` and `finish`."""


class KeyedRule(Rule[list[Columns]]):
    """A rule about rows that share a key: write `emit` and `resolve`.

    `emit` gives columns of equal first dimension, among them `row` (row keys, uint64, unique in a run; no other column
    names a place) and usually `key` (uint64; two-dimensional if a row has several keys). The state is a list of such
    pieces, so an executor with a shuffle may exchange them by key; here they are concatenated and sorted by row, which
    makes any order of merging the same.
    """

    @property
    def meeting(self) -> Meeting | None:
        """What brings rows together that can matter to each other: `resolve` finds the same if rows that meet no other
        row are left out. None, the default: every row can matter, so all of them must come to one place."""
        return None

    @abstractmethod
    def emit(self, batch: Batch) -> Columns | None:
        """The columns of `batch`, or None if it has no row to speak of."""

    @abstractmethod
    def resolve(self, columns: Columns, rows: Rows) -> Iterator[Finding]:
        """The findings, from the columns of all rows, sorted by row."""

    def empty(self) -> list[Columns]:
        return []

    def map(self, batch: Batch) -> list[Columns]:
        columns = self.emit(batch)
        return [] if columns is None or not len(columns["row"]) else [columns]

    def merge(self, a: list[Columns], b: list[Columns]) -> list[Columns]:
        return a + b

    def moved(self, state: list[Columns], shift: Shift) -> list[Columns] | None:
        return shift.pieces(state)

    def finish(self, state: list[Columns], rows: Rows) -> Iterator[Finding]:
        if not state:
            return
        yield from self.resolve(gathered(state, rows.room), rows)


def gathered(
    pieces: Sequence[Columns], room: Callable[[tuple[int, ...], Any], NDArray[Any]] = np.empty, *, consume: bool = False
) -> dict[str, NDArray[Any]]:
    """The pieces of a keyed state as one set of columns, sorted by row.

    `room(shape, dtype)` gives the arrays to fill. With `consume` the pieces are emptied on the way, so that no more
    than one of them is ever held twice.
    """
    filled = [piece for piece in pieces if len(piece["row"])] or pieces[:1]
    ordered = sorted(filled, key=lambda piece: int(piece["row"][0]) if len(piece["row"]) else 0)
    sizes = [len(piece["row"]) for piece in ordered]
    out: dict[str, NDArray[Any]] = {}
    for name in list(ordered[0]):
        kinds = {piece[name].dtype for piece in ordered}
        column = room((sum(sizes), *ordered[0][name].shape[1:]), np.result_type(*kinds))
        start = 0
        for piece, size in zip(ordered, sizes, strict=True):
            column[start : start + size] = piece[name]
            start += size
            if consume and isinstance(piece, dict):
                del piece[name]
        out[name] = column
    row = out["row"]
    if bool((row[1:] > row[:-1]).all()):
        return out
    # Pieces of what one worker saw do not interleave; those of a test may.
    order = np.argsort(row, kind="stable")
    return {name: column[order] for name, column in out.items()}
