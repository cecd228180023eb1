"""From a shard to batches: read, normalise, and, where a run repairs rows before it judges them, repair."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from dsprep.engine.repairing import Repair, Repaired
from dsprep.model.batch import Batch
from dsprep.model.record import Example, Fault, Record
from dsprep.model.source import Normaliser, Shard, Source

#: Enough rows for vectorised work to pay, few enough for a batch and its features to stay in the tens of megabytes.
BATCH_ROWS = 4096


@dataclass(frozen=True)
class Pipeline:
    """How shards become batches. Picklable: every worker gets one.

    `normalisers` has one entry per source. `repair`, where given, mends each batch before the folds over the whole
    data see it.
    """

    sources: Sequence[Source]
    normalisers: Sequence[Normaliser]
    repair: Repair | None = None

    def read(self, shard: Shard, wanted: Container[int] | None = None) -> Iterator[Batch]:
        """The batches of `shard` as they are in the source; with `wanted`, only records of those ordinals."""
        source = self.sources[shard.source]
        normaliser = self.normalisers[shard.source]
        records = source.read(shard)
        if wanted is not None:
            records = (record for record in records if record.ordinal in wanted)
        faults = shard.faults if wanted is None else ()
        while chunk := list(islice(records, BATCH_ROWS)):
            yield self.batch(shard.source, chunk, [normaliser.example(record) for record in chunk], faults)
            faults = ()
        if faults:
            yield self.batch(shard.source, [], [], faults)

    def mend(self, batch: Batch) -> Repaired:
        """`batch` with this run's fixes. Raises TypeError in a run without repairs."""
        if self.repair is None:
            raise TypeError("this run repairs nothing")
        return self.repair(batch, self.normalisers[batch.source])

    def batch(
        self, source: int, records: Sequence[Record], examples: Sequence[Example | None], faults: Sequence[Fault] = ()
    ) -> Batch:
        """A batch of `records` of the source with that index."""
        of = self.sources[source]
        return Batch(
            source=source,
            path=of.display,
            records=records,
            examples=examples,
            faults=faults,
            split=of.split,
        )
