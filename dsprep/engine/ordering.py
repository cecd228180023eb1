"""Results in the order of their shards, from an executor that hands them back as they finish."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from dsprep.model.executor import Executor
from dsprep.model.source import Shard

R = TypeVar("R")


@dataclass
class _Numbered(Generic[R]):
    task: Callable[[Shard], R]

    def __call__(self, item: tuple[int, Shard]) -> tuple[int, R]:
        number, shard = item
        return number, self.task(shard)


def in_order(executor: Executor, task: Callable[[Shard], R], shards: Iterable[Shard]) -> Iterator[R]:
    """Yield `task(shard)` for each shard, in order. Only results that overtook an earlier one are held."""
    waiting: dict[int, R] = {}
    following = 0
    for number, result in executor.run(_Numbered(task), enumerate(shards)):
        waiting[number] = result
        while following in waiting:
            yield waiting.pop(following)
            following += 1
