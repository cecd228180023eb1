"""What all rules about equal rows share: a state that is gathered once, splits as a column, and who equals whom."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from dsprep.folds.splits import ordered, split_name
from dsprep.model.batch import Batch, Feature
from dsprep.model.finding import Finding
from dsprep.model.fix import Applicability, DropRow, Fix
from dsprep.model.location import Location
from dsprep.model.moving import Shift
from dsprep.model.rule import Columns, KeyedRule, Rows, gathered
from dsprep.text.mixing import numbers
from dsprep.text.sensitive.showing import beginning

T = TypeVar("T")

#: At most so many bytes of a split's name are kept per row.
SPLIT_NAME_BYTES = 64

#: Offending text is shown up to so many characters.
EXCERPT_CHARS = 80

#: The fix of a row that need not, or must not, be there.
DROP = Fix(Applicability.UNSAFE, (DropRow(),))

#: Which one of some duplicates stays: the first in reading order, the one with the longest text, the first with the
#: answer that most of them give, or the one on which other rules find least.
Keep = Literal["first", "longest", "most-common-answer", "fewest-findings"]

#: Fewer rows than this are read again by this process alone.
WORTH_SPREADING = 2_000

_AT_ONCE = 4096
_MIX = np.uint64(numbers(96, 1)[0] | 1)


class Gathered(dict[str, NDArray[Any]]):
    """The columns of a keyed state, sorted by row, with what rules have worked out from them."""

    def __init__(self, columns: Columns) -> None:
        super().__init__(columns)
        self._worked_out: dict[Hashable, Any] = {}

    def once(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The result of `compute`, called for `key` only the first time that any rule asks."""
        if key not in self._worked_out:
            self._worked_out[key] = compute()
        return cast(T, self._worked_out[key])


class Pieces(list[Columns]):
    """A keyed state. It is gathered once, for all rules that share it; only the pieces travel between workers."""

    _gathered: Gathered | None = None

    def gathered(self, rows: Rows) -> Gathered:
        """All pieces as one set of columns. There must be at least one piece."""
        if self._gathered is None:
            self._gathered = Gathered(gathered(self, rows.room, consume=True))
            # One piece says the same, and the memory of the others is free again.
            self[:] = [self._gathered]
        return self._gathered

    def __reduce__(self) -> tuple[Any, ...]:
        return Pieces, ([dict(piece) for piece in self],)


def moved_pieces(state: list[Columns], shift: Shift) -> Pieces:
    """A keyed state at another place; see `model.rule.Rule.moved`."""
    return Pieces(shift.pieces(state))


class SharedKeyedRule(KeyedRule):
    """Base of keyed rules that share a fold: the pieces are gathered once for all of them."""

    def empty(self) -> Pieces:
        return Pieces()

    def map(self, batch: Batch) -> Pieces:
        return Pieces(super().map(batch))

    def merge(self, a: list[Columns], b: list[Columns]) -> Pieces:
        return Pieces((*a, *b))

    def moved(self, state: list[Columns], shift: Shift) -> Pieces | None:
        return moved_pieces(state, shift)

    def finish(self, state: list[Columns], rows: Rows) -> Iterator[Finding]:
        if state:
            pieces = state if isinstance(state, Pieces) else Pieces(state)
            yield from self.resolve(pieces.gathered(rows), rows)

    def pointing(
        self,
        rows: Rows,
        keys: NDArray[np.uint64],
        twins: NDArray[np.uint64],
        args: Callable[[int], Mapping[str, Any]],
        *,
        fix: Fix | None = None,
    ) -> Iterator[Finding]:
        """A finding at each row of `keys` that points to the row of the same place in `twins`.

        `args(i)` gives what the i-th finding says beside `twin`, which says where the other row is, as a person in
        the same file would.
        """
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            here = rows.locate(some)
            there = rows.locate(twins[start : start + _AT_ONCE])
            for i, (key, location, twin) in enumerate(zip(some.tolist(), here, there, strict=True), start):
                yield self.finding(
                    location, key=key, args={"twin": place(twin, location), **args(i)}, related=(twin,), fix=fix
                )


def place(location: Location, seen_from: Location) -> str:
    """`location` in words, shorter where it is in the same file as `seen_from`: `line 3`, `other.jsonl:3`; where both
    are on one line, as the items of a JSON array may be, by row."""
    if location.path != seen_from.path:
        return str(location)
    if location.line is None or (location.line == seen_from.line and location.row is not None):
        return f"row {location.row}"
    return f"line {location.line}"


def excerpt(text: str) -> str:
    """The beginning of `text` as findings show it."""
    return beginning(text, EXCERPT_CHARS)


def _split_names(batch: Batch) -> NDArray[np.bytes_]:
    names = [split_name(batch.split_of(i)) for i in range(len(batch))]
    known = {name: name.encode("utf-8", "backslashreplace")[:SPLIT_NAME_BYTES] for name in set(names)}
    return np.array([known[name] for name in names], np.bytes_)


_SPLIT_NAMES: Feature[NDArray[np.bytes_]] = Feature("split-names", _split_names)


def split_column(batch: Batch, index: NDArray[np.int64]) -> NDArray[np.bytes_]:
    """The names of the splits of these rows of `batch`, as bytes."""
    return batch.get(_SPLIT_NAMES)[index]


def noted_column(batch: Batch, index: NDArray[np.int64]) -> NDArray[np.uint8]:
    """How many findings stand on these rows of `batch`, as far as anybody has counted; see `Batch.noted`."""
    return np.zeros(len(index), np.uint8) if batch.noted is None else batch.noted[index]


def split_numbers(columns: Columns) -> tuple[NDArray[np.int64], list[str]]:
    """The split of each row as an index into a list of names, which stand in the order train, validation, test."""
    column = columns["split"]
    if len(column) and bool((column == column[0]).all()):
        return np.zeros(len(column), np.int64), [column[0].decode("utf-8", "replace")]
    raw, number = np.unique(column, return_inverse=True)
    names = [name.decode("utf-8", "replace") for name in raw.tolist()]
    in_order = ordered(names)
    return np.array([in_order.index(name) for name in names], np.int64)[number], in_order


def group_numbers(keys: NDArray[np.uint64], *more: NDArray[Any]) -> NDArray[np.int64]:
    """Number rows of equal key (uint64 of shape (n, 2)), and equal in all columns of `more`, alike: int64[n].

    Groups are numbered from 0 in order of their first rows.
    """
    columns = (keys[:, 0], keys[:, 1], *more)
    mixed = columns[0].copy()
    for column in columns[1:]:
        mixed += column.astype(np.uint64)
        mixed *= _MIX
        mixed ^= mixed >> np.uint64(32)
    # One number per row is sorted several times as fast as all columns; that it stands for them is checked.
    order = np.argsort(mixed, kind="stable")
    fresh = _changes(columns, order)
    if not np.array_equal(fresh, _changes((mixed,), order)):
        order = np.lexsort(columns[::-1])
        fresh = _changes(columns, order)
    # The sort is stable, so a group begins with its first row.
    first = order[fresh]
    begins = np.zeros(len(order), np.bool_)
    begins[first] = True
    number = np.cumsum(begins) - 1
    out = np.empty(len(order), np.int64)
    out[order] = number[first[np.cumsum(fresh) - 1]]
    return out


def _changes(columns: Sequence[NDArray[Any]], order: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a row, in this order, differs from the one before it in any column; the first one does."""
    fresh = np.zeros(len(order), np.bool_)
    fresh[:1] = True
    for column in columns:
        ordered = column[order]
        fresh[1:] |= ordered[1:] != ordered[:-1]
    return fresh


def firsts(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each row the index of the first row of its group, int64[n]. Groups are small numbers from 0."""
    first = np.zeros(int(group.max(initial=-1)) + 1, np.int64)
    # Of several assignments to one place the last one stays.
    first[group[::-1]] = np.arange(len(group) - 1, -1, -1)
    return first[group]


def kept_rows(group: NDArray[np.int64], columns: Columns, keep: Keep) -> NDArray[np.int64]:
    """For each row the index of the one of its group that stays, int64[n]: the first; for `fewest-findings`, the first
    of those that have the fewest findings of other rules. Rows of a group have the same text, so no other choice tells
    them apart. Groups are small numbers from 0."""
    first = firsts(group)
    if keep != "fewest-findings" or not columns["noted"].any():
        return first
    order = np.lexsort((np.arange(len(group)), columns["noted"], group))
    return order[np.searchsorted(group[order], group)]


def held_out_twins(group: NDArray[np.int64], split: NDArray[np.int64], splits: int) -> NDArray[np.int64]:
    """For each row the index of a row of its group in a later split, or -1: the first one in the last split of all.

    Later splits are the ones to measure with, so a row that has such a twin is the one that has to go.
    """
    # The first row of the last split of a group is the first of the smallest number, counted from the end.
    number = group * splits + (splits - 1 - split)
    of_split, first = np.unique(number, return_index=True)
    groups, at = np.unique(of_split // splits, return_index=True)
    twin = first[at][np.searchsorted(groups, group)]
    return np.where(split[twin] > split, twin, -1)


def listed(rows: Rows, keys: NDArray[np.uint64], read: Callable[[Batch, int], T]) -> dict[int, T]:
    """What `read(batch, i)` says of the rows with these keys (any order, repeats allowed), by row key. `read` and what
    it says are picklable."""
    out: dict[int, T] = {}
    for part in read_again(rows, np.array(sorted(set(keys.tolist())), np.uint64), partial(_read, rows, read)):
        out.update(part)
    return out


def read_again(rows: Rows, keys: NDArray[np.uint64], read: Callable[[NDArray[np.uint64]], T]) -> Iterable[T]:
    """What `read` says of each portion of `keys` (sorted, unique), in order, by all workers if there are many. `read`
    and what it says are picklable."""
    spread = rows.spread if len(keys) >= WORTH_SPREADING else map
    return spread(read, rows.portions(keys))


def _read(rows: Rows, read: Callable[[Batch, int], T], keys: NDArray[np.uint64]) -> dict[int, T]:
    return {
        batch.key(i): read(batch, i)
        for batch in rows.batches(keys)
        for i, example in enumerate(batch.examples)
        if example is not None
    }
