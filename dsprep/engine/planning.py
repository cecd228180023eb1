"""Cutting sources into shards; on several machines, many sources at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dsprep.model.executor import ExchangingExecutor, Executor
from dsprep.model.source import InputInfo, Shard, Source


def shards_of(executor: Executor, sources: Sequence[Source], shard_bytes: int) -> Iterator[Shard]:
    """The shards of all sources, those of each in order; fills their `info`.

    A source is read from its start to its end to be planned, which one process does at some hundred megabytes a second.
    That is soon enough for all workers of one machine, but not of many, so there the workers do it.
    """
    if not isinstance(executor, ExchangingExecutor) or len(sources) < 2:
        for source in sources:
            yield from source.plan(shard_bytes)
        return
    for number, info, shards in executor.run(_Plan(shard_bytes), list(enumerate(sources))):
        sources[number].info = info
        yield from shards


@dataclass(frozen=True)
class _Plan:
    """The task of a worker: a source in, its shards and what is known of it out."""

    shard_bytes: int

    def __call__(self, item: tuple[int, Source]) -> tuple[int, InputInfo, list[Shard]]:
        number, source = item
        shards = list(source.plan(self.shard_bytes))
        return number, source.info, shards
