"""Keyed states on several machines: they stay with the workers, and only rows that meet others come here.

A keyed state has some hundred bytes for every row of the data, and most rows are like no other. So an executor whose
workers can hand things to each other keeps the pieces where they were made, and works in three stages:

1. *spread*: the numbers by which rows meet (see `model.rule.Meeting`) are divided among parts by a hash of the number;
   of each, a part gets 32 bits and the index of its row, eight bytes;
2. *meet*: a part has all rows that could share its numbers, and says which of them do;
3. *narrow*: these rows, and no others, are taken out of the pieces and come to the calling process.

Two different numbers whose 32 bits are the same let a row through that would not have had to come, which changes
nothing but what it costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from dsprep.model.executor import ExchangingExecutor, Executor
from dsprep.model.rule import Columns, Meeting

T = TypeVar("T")

#: How much of what is kept one task of the stages `spread` and `narrow` reads, and how much one of `meet`, in bytes.
GROUP_BYTES, PART_BYTES = 512 << 20, 256 << 20
#: Of less than this, it is not worth to make more groups, so that all workers have one.
LEAST_BYTES = 16 << 20

#: The increment and the factors of SplitMix64 (Steele, Lea, Flood, 2014), which spreads neighbouring numbers.
_GOLDEN, _FIRST, _SECOND = (np.uint64(x) for x in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
_32 = np.uint64(32)

#: Keyed states: by their name, the pieces.
Kept = Mapping[str, Sequence[Columns]]


class Result(Protocol):
    """What a task makes of a shard, as far as it matters here."""

    states: dict[str, Any]


R = TypeVar("R", bound=Result)


class Merger(Protocol):
    """A rule or fold whose state is a list of columns."""

    def empty(self) -> Any: ...
    def merge(self, a: Any, b: Any) -> Any: ...


def mapped(
    executor: Executor,
    task: Callable[[T], R],
    items: Iterable[T],
    meetings: Mapping[str, Sequence[Meeting]],
    mergers: Mapping[str, Merger],
    rest: Callable[[dict[str, Any]], R],
) -> Iterator[R]:
    """Yield `task(item)` for each item, as `executor.run` does; with an executor that exchanges, without the states
    that `meetings` names, and then `rest(states)`, several times, for the rows of those that meet others."""
    if not meetings or not isinstance(executor, ExchangingExecutor):
        yield from executor.run(task, items)
        return
    held: list[tuple[int, int, Any]] = []
    calls: Iterator[tuple[T, Sequence[Any]]] = ((item, ()) for item in items)
    for number, (result, size), handles in executor.exchange(_Keep(task, tuple(meetings)), calls, 1):
        if size:
            held.append((number, size, handles[0]))
        yield result
    # Neighbours in the data have more in common, and the order of the work need not depend on that of the answers.
    held.sort(key=lambda piece: piece[0])
    for narrowed in _narrowed(executor, held, meetings):
        yield rest({key: mergers[key].merge(mergers[key].empty(), [columns]) for key, columns in narrowed.items()})


def _narrowed(
    executor: ExchangingExecutor, held: Sequence[tuple[int, int, Any]], meetings: Mapping[str, Sequence[Meeting]]
) -> Iterator[dict[str, Columns]]:
    """The rows of what is held that meet others, from each group of pieces."""
    total = sum(size for _, size, _ in held)
    if not total:
        return
    least = -(-total // GROUP_BYTES)
    groups = _grouped(held, max(least, min(executor.workers, -(-total // LEAST_BYTES))))
    if len(groups) == 1:
        # All of it fits into one task.
        for _, narrowed, _ in executor.exchange(_Alone(meetings), [(None, groups[0])], 0):
            yield narrowed
        return
    parts = max(-(-total // PART_BYTES), min(executor.workers, len(groups)))
    spread: dict[int, list[Any]] = {}
    for number, _, handles in executor.exchange(Spread(meetings, parts), ((None, group) for group in groups), parts):
        spread[number] = list(handles)
    met: dict[int, Sequence[Any]] = {}
    of_part = ((None, [spread[group][part] for group in range(len(groups))]) for part in range(parts))
    for number, _, handles in executor.exchange(Meet(), of_part, len(groups)):
        met[number] = handles
        for group in range(len(groups)):
            # What nobody has a handle to any more makes room for other things.
            spread[group][number] = None
    last = (
        (len(group), [*group, *(met[part][number] for part in range(parts))]) for number, group in enumerate(groups)
    )
    for _, narrowed, _ in executor.exchange(Narrow(), last, 0):
        yield narrowed


def _grouped(held: Sequence[tuple[int, int, Any]], groups: int) -> list[list[Any]]:
    """The handles of what is held in about so many groups of about the same size, in order, none of them empty."""
    total = sum(size for _, size, _ in held)
    out: list[list[Any]] = [[] for _ in range(groups)]
    before = 0
    for _, size, handle in held:
        out[min(groups - 1, before * groups // total)].append(handle)
        before += size
    return [group for group in out if group]


@dataclass
class _Keep(Generic[T, R]):
    """The task, which keeps some of the states of its result, and says how large they are."""

    task: Callable[[T], R]
    keys: Sequence[str]

    def __call__(self, item: T, values: Sequence[Any]) -> tuple[tuple[R, int], Sequence[Kept]]:
        result = self.task(item)
        kept = {key: [dict(piece) for piece in result.states.pop(key)] for key in self.keys if key in result.states}
        size = sum(column.nbytes for pieces in kept.values() for piece in pieces for column in piece.values())
        return (result, size), [kept]


class Numbers(NamedTuple):
    """Numbers of a part, those of one place after those of another: 32 bits of each (uint32), the index of its row in
    the pieces of its group (uint32), and how many there are of each place."""

    tag: NDArray[np.uint32]
    row: NDArray[np.uint32]
    counts: tuple[int, ...]


@dataclass
class Spread:
    """Stage one, for a group of pieces: their numbers, divided among the parts."""

    meetings: Mapping[str, Sequence[Meeting]]
    parts: int

    def __call__(self, item: None, values: Sequence[Kept]) -> tuple[None, list[dict[str, Numbers]]]:
        out: list[dict[str, Numbers]] = [{} for _ in range(self.parts)]
        for key, meetings in self.meetings.items():
            pieces = _pieces(values, key)
            if not pieces:
                continue
            tags: list[list[NDArray[np.uint32]]] = [[] for _ in range(self.parts)]
            rows: list[list[NDArray[np.uint32]]] = [[] for _ in range(self.parts)]
            for meeting in meetings:
                numbers = np.concatenate([meeting(piece) for piece in pieces])
                for place in range(numbers.shape[1]):
                    self._divide(_mixed(numbers[:, place]), tags, rows)
            for part, (some, of) in enumerate(zip(tags, rows, strict=True)):
                out[part][key] = Numbers(np.concatenate(some), np.concatenate(of), tuple(map(len, some)))
        return None, out

    def _divide(
        self, number: NDArray[np.uint64], tags: list[list[NDArray[np.uint32]]], rows: list[list[NDArray[np.uint32]]]
    ) -> None:
        tag = number.astype(np.uint32)
        row = np.arange(len(number), dtype=np.uint32)
        if self.parts == 1:
            tags[0].append(tag)
            rows[0].append(row)
            return
        # The high bits decide on the part, the low ones are the tag. Few numbers are sorted by counting, if short.
        part = ((number >> _32) * np.uint64(self.parts) >> _32).astype(
            np.uint16 if self.parts <= 1 << 16 else np.uint32
        )
        order = np.argsort(part, kind="stable")
        edges = np.cumsum(np.bincount(part, minlength=self.parts))[:-1]
        for to, some, of in zip(
            range(self.parts), np.split(tag[order], edges), np.split(row[order], edges), strict=True
        ):
            tags[to].append(some)
            rows[to].append(of)


class Meet:
    """Stage two, for a part: from the numbers of each group, the indexes of the rows that meet another row."""

    def __call__(
        self, item: None, values: Sequence[Mapping[str, Numbers]]
    ) -> tuple[None, list[dict[str, NDArray[np.uint32]]]]:
        out: list[dict[str, NDArray[np.uint32]]] = [{} for _ in values]
        for key in sorted({key for numbers in values for key in numbers}):
            there = [group for group, numbers in enumerate(values) if key in numbers]
            found: dict[int, list[NDArray[np.uint32]]] = {group: [] for group in there}
            places = [_by_place(values[group][key]) for group in there]
            for place in zip(*places, strict=True):
                at = _twice(np.concatenate([tag for tag, _ in place]))
                edges = np.searchsorted(at, np.cumsum([len(tag) for tag, _ in place])[:-1])
                first = 0
                for group, (tag, row), local in zip(there, place, np.split(at, edges), strict=True):
                    found[group].append(row[local - first])
                    first += len(tag)
            for group, rows in found.items():
                out[group][key] = np.unique(np.concatenate(rows))
        return None, out


class Narrow:
    """Stage three, for a group of pieces, the first `item` of the values: the rows that the others, one of each part,
    name."""

    def __call__(self, item: int, values: Sequence[Any]) -> tuple[dict[str, Columns], Sequence[Any]]:
        kept, met = values[:item], values[item:]
        out: dict[str, Columns] = {}
        for key in sorted({key for rows in met for key in rows}):
            rows = np.unique(np.concatenate([some[key] for some in met if key in some]))
            pieces = _pieces(kept, key)
            edges = np.cumsum([len(piece["row"]) for piece in pieces])
            local = np.split(rows, np.searchsorted(rows, edges[:-1]))
            begins = edges - [len(piece["row"]) for piece in pieces]
            if len(rows):
                out[key] = {
                    name: np.concatenate(
                        [
                            piece[name][some - np.uint32(begin)]
                            for piece, some, begin in zip(pieces, local, begins, strict=True)
                        ]
                    )
                    for name in pieces[0]
                }
        return out, ()


@dataclass
class _Alone:
    """All stages at once, where there is one group."""

    meetings: Mapping[str, Sequence[Meeting]]

    def __call__(self, item: None, values: Sequence[Kept]) -> tuple[dict[str, Columns], Sequence[Any]]:
        _, (numbers,) = Spread(self.meetings, 1)(None, values)
        _, (rows,) = Meet()(None, [numbers])
        return Narrow()(len(values), [*values, rows])


def _pieces(values: Sequence[Kept], key: str) -> list[Columns]:
    return [piece for kept in values for piece in kept.get(key, ())]


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    out = numbers + _GOLDEN
    out = (out ^ (out >> np.uint64(30))) * _FIRST
    out = (out ^ (out >> np.uint64(27))) * _SECOND
    return np.asarray(out ^ (out >> np.uint64(31)))


def _by_place(numbers: Numbers) -> list[tuple[NDArray[np.uint32], NDArray[np.uint32]]]:
    edges = np.cumsum(numbers.counts)[:-1]
    return list(zip(np.split(numbers.tag, edges), np.split(numbers.row, edges), strict=True))


def _twice(tags: NDArray[np.uint32]) -> NDArray[np.int64]:
    """The indexes, ascending, of what is there more than once."""
    packed = (tags.astype(np.uint64) << _32) | np.arange(len(tags), dtype=np.uint64)
    packed.sort()
    same = np.zeros(len(packed) + 1, np.bool_)
    high = packed >> _32
    same[1:-1] = high[1:] == high[:-1]
    several = same[1:] | same[:-1]
    return np.sort((packed[several] & np.uint64(0xFFFFFFFF)).astype(np.int64))
