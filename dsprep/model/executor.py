"""The contract of executors: what runs the fold."""

from __future__ import annotations

import gc
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class ExecutorError(RuntimeError):
    """An executor that cannot be started, or that cannot go on. The message says why, and what to do."""


class Executor(ABC):
    """Calls a function on items, somewhere. `workers` is how many calls may run at once."""

    name: ClassVar[str]
    workers: int

    @abstractmethod
    def run(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Yield `task(item)` for each item, in whatever order they finish. `task` and the items are picklable; `items`
        may be a generator and is not read far ahead of the work. An exception in a task is raised here."""


class ExchangingExecutor(Executor):
    """An executor on several machines: its workers keep what they make, and hand it to each other, so that it need not
    pass through the calling process, nor fit into its memory."""

    @abstractmethod
    def exchange(
        self,
        task: Callable[[T, Sequence[Any]], tuple[R, Sequence[Any]]],
        calls: Iterable[tuple[T, Sequence[Any]]],
        parts: int,
    ) -> Iterator[tuple[int, R, Sequence[Any]]]:
        """Call `task(item, values) -> (result, kept)` for each `(item, handles)` of `calls`, where `values` are what
        the handles stand for, and `kept` are `parts` values that stay with the workers.

        Yields `(number of the call, result, handles of what was kept)`, in whatever order calls finish. What a handle
        stands for is there as long as the handle is, is read-only, and is made again if a machine is lost. Otherwise as
        `run`.
        """


def available_cores() -> int:
    """Cores that this process may use, which in a container is less than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def collect_seldom() -> None:
    """Called once by a worker. Batches are made of very many small objects without circles: collecting them often costs
    a quarter of the time."""
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)
