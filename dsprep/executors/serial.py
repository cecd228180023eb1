"""Everything in this process, one item after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from dsprep.model.executor import Executor

T = TypeVar("T")
R = TypeVar("R")


class SerialExecutor(Executor):
    """Runs in the calling process: nothing to start, nothing to pickle."""

    name = "serial"
    workers = 1

    def run(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        for item in items:
            yield task(item)
