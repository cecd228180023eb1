"""Several examples of each row."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from dsprep.formats.table.mapping import Mapping as ColumnMapping
from dsprep.formats.table.mapping import RowsNormaliser, TableNormaliser
from dsprep.model.record import Example, Record
from dsprep.model.source import Shard, Source


class SeveralNormaliser(RowsNormaliser):
    """Each row to as many examples as `mapping.examples` has. Which of them a record is, its ordinal says."""

    def __init__(self, mapping: ColumnMapping, columns: Collection[str] | None = None) -> None:
        self.mapping = mapping
        self._each = []
        for exchange in mapping.examples:
            own = {name: said for name, said in exchange.model_dump().items() if said is not None}
            self._each.append(TableNormaliser(mapping.model_copy(update={**own, "examples": ()}), columns))

    def arranged(self, source: Source) -> Source:
        """See `Normaliser.arranged`."""
        return SeveralSource(source, len(self._each))

    def example(self, record: Record) -> Example | None:
        """See `Normaliser.example`."""
        return self._each[record.ordinal % len(self._each)].example(record)


class SeveralSource(Source):
    """The rows of another source, each of them `times` times, one after the other; what is no row is there once."""

    format: ClassVar[str] = "several"

    def __init__(self, inner: Source, times: int) -> None:
        super().__init__(inner.path, index=inner.index, display=inner.display, split=inner.split)
        self.inner = inner
        self.times = times
        self.info = inner.info
        self.packing = inner.packing

    @property
    def reading(self) -> Mapping[str, Any]:
        """See `Source.reading`."""
        return {"several": dict(self.inner.reading), "times": self.times}

    def plan(self, shard_bytes: int) -> Iterator[Shard]:
        """See `Source.plan`."""
        for shard in self.inner.plan(shard_bytes):
            yield replace(shard, ordinal=shard.ordinal * self.times, digest=b"")

    def read(self, shard: Shard) -> Iterator[Record]:
        """See `Source.read`. What was wrong with a row is said of the first of its records alone."""
        for record in self.inner.read(replace(shard, ordinal=shard.ordinal // self.times)):
            first = record.ordinal * self.times
            yield replace(record, ordinal=first)
            if type(record.value) is dict:
                for number in range(1, self.times):
                    yield replace(record, ordinal=first + number, faults=())

    @property
    def arrangement(self) -> str | None:
        """See `Source.arrangement`."""
        return f"each row of {self.display} gives {self.times} examples"

    def rows_of(self, record: Record) -> int:
        """See `Source.rows_of`."""
        return 0 if record.ordinal % self.times else 1
