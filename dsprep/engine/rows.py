"""The rows of a run: twenty-eight bytes each, enough to say where a row is and to read it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dsprep.engine.pipeline import Pipeline
from dsprep.model.batch import Batch
from dsprep.model.executor import Executor
from dsprep.model.location import ORDINAL_BITS, ORDINAL_MASK, Location
from dsprep.model.moving import Shift
from dsprep.model.rule import Memo, Rows
from dsprep.model.source import Shard

A = TypeVar("A")
B = TypeVar("B")

#: Where more than this share of a shard's rows is wanted, reading it whole is cheaper than seeking row by row.
DENSE = 1 / 8


@dataclass(frozen=True)
class RowPiece:
    """The rows of one batch: `key` uint64, `offset`, `line`, `row` int64 (-1 where unknown)."""

    key: NDArray[np.uint64]
    offset: NDArray[np.int64]
    line: NDArray[np.int64]
    row: NDArray[np.int64]

    @classmethod
    def of(cls, batch: Batch) -> RowPiece:
        """The piece of `batch`."""
        records, n = batch.records, len(batch)
        return cls(
            batch.keys,
            np.fromiter((r.offset for r in records), np.int64, n),
            np.fromiter((-1 if r.line is None else r.line for r in records), np.int64, n),
            np.fromiter((-1 if r.row is None else r.row for r in records), np.int64, n),
        )

    def moved(self, shift: Shift) -> RowPiece:
        """The piece of the same rows at another place."""
        return RowPiece(
            shift.keys(self.key),
            self.offset + (shift.new.offset - shift.old.offset),
            np.where(self.line < 0, self.line, self.line + (shift.new.line - shift.old.line)),
            self.row,
        )


class RowTable(Rows):
    """All rows of a run, sorted by key. What is asked of a copy in a worker is worked out there."""

    def __init__(
        self,
        pieces: Sequence[RowPiece],
        shards: Sequence[Shard],
        pipeline: Pipeline,
        executor: Executor | None = None,
        room: Callable[[tuple[int, ...], Any], NDArray[Any]] = np.empty,
        memo: Memo | None = None,
    ) -> None:
        ordered = sorted(pieces, key=lambda piece: int(piece.key[0]) if len(piece.key) else -1)
        self.key: NDArray[np.uint64] = _joined([p.key for p in ordered], np.uint64)
        self.offset: NDArray[np.int64] = _joined([p.offset for p in ordered], np.int64)
        self.line: NDArray[np.int64] = _joined([p.line for p in ordered], np.int64)
        self.row: NDArray[np.int64] = _joined([p.row for p in ordered], np.int64)
        self.shards = sorted(shards, key=lambda shard: (shard.source, shard.ordinal, shard.start))
        self.pipeline = pipeline
        self.executor = executor
        self._room = room
        self._memo = memo
        self.firsts = np.array([(s.source << ORDINAL_BITS) | s.ordinal for s in self.shards], np.uint64)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "executor": None, "_room": np.empty, "_memo": None}

    def __len__(self) -> int:
        return len(self.key)

    @property
    def dataset(self) -> Location:
        """The only input, or all of them by name."""
        names = [source.display for source in self.pipeline.sources]
        return Location(names[0] if len(names) == 1 else "(all inputs)")

    def locate(self, keys: Sequence[int] | NDArray[np.uint64]) -> list[Location]:
        wanted = np.asarray(keys, np.uint64)
        at = np.searchsorted(self.key, wanted)
        out: list[Location] = []
        for key, i in zip(wanted.tolist(), at.tolist(), strict=True):
            line, row = int(self.line[i]), int(self.row[i])
            out.append(
                Location(
                    self.pipeline.sources[key >> ORDINAL_BITS].display,
                    line if line >= 0 else None,
                    row if row >= 0 else None,
                    int(self.offset[i]),
                )
            )
        return out

    def batches(self, keys: NDArray[np.uint64]) -> Iterator[Batch]:
        """See `model.rule.Rows.batches`: the rows as the folds saw them, repaired if the run repairs."""
        yield from self._read(keys, repaired=True)

    def originals(self, keys: NDArray[np.uint64]) -> Iterator[Batch]:
        """As `batches`, the rows as they stand in their source."""
        yield from self._read(keys, repaired=False)

    def portions(self, keys: NDArray[np.uint64]) -> list[NDArray[np.uint64]]:
        """See `model.rule.Rows.portions`: those of one shard together."""
        of_shard = np.searchsorted(self.firsts, keys, side="right")
        return [part for part in np.split(keys, np.flatnonzero(np.diff(of_shard)) + 1) if len(part)]

    def room(self, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """See `model.rule.Rows.room`."""
        return self._room(shape, dtype)

    @property
    def memo(self) -> Memo | None:
        """See `model.rule.Rows.memo`."""
        return self._memo

    def spread(self, function: Callable[[A], B], items: Sequence[A]) -> Iterator[B]:
        """See `model.rule.Rows.spread`."""
        if self.executor is None:
            yield from map(function, items)
            return
        waiting: dict[int, B] = {}
        due = 0
        for number, result in self.executor.run(partial(_numbered, function), list(enumerate(items))):
            waiting[number] = result
            while due in waiting:
                yield waiting.pop(due)
                due += 1

    def _read(self, keys: NDArray[np.uint64], *, repaired: bool) -> Iterator[Batch]:
        for portion in self.portions(keys):
            shard = int(np.searchsorted(self.firsts, portion[0], side="right")) - 1
            for batch in self._of_shard(shard, portion):
                yield self.pipeline.mend(batch).batch if repaired and self.pipeline.repair else batch

    def _of_shard(self, number: int, keys: NDArray[np.uint64]) -> Iterator[Batch]:
        shard = self.shards[number]
        source = self.pipeline.sources[shard.source]
        followed = number + 1 < len(self.firsts)
        begin = int(np.searchsorted(self.key, self.firsts[number]))
        end = int(np.searchsorted(self.key, self.firsts[number + 1])) if followed else len(self.key)
        ordinals = (keys & np.uint64(ORDINAL_MASK)).tolist()
        if not source.addressable or len(keys) > DENSE * (end - begin):
            yield from self.pipeline.read(shard, frozenset(ordinals))
            return
        pieces: list[Shard] = []
        at = np.searchsorted(self.key, keys)
        for ordinal, i in zip(ordinals, at.tolist(), strict=True):
            stop = int(self.offset[i + 1]) if i + 1 < end else shard.end
            line, row = int(self.line[i]), int(self.row[i])
            start = int(self.offset[i])
            pieces.append(Shard(shard.source, start, stop, ordinal, max(line, 1), rows=max(row - 1, 0)))
        records = list(source.read_rows(pieces))
        normaliser = self.pipeline.normalisers[shard.source]
        yield self.pipeline.batch(shard.source, records, [normaliser.example(r) for r in records])


def _numbered(function: Callable[[A], B], item: tuple[int, A]) -> tuple[int, B]:
    return item[0], function(item[1])


def _joined(parts: Sequence[NDArray[Any]], dtype: Any) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.empty(0, dtype)
