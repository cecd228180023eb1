"""The contract of executors: what runs the fold."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Executor(ABC):
    """Calls a function on items, somewhere. `workers` is how many calls may run at once."""

    name: ClassVar[str]
    workers: int

    @abstractmethod
    def run(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Yield `task(item)` for each item, in whatever order they finish. `task` and the items are picklable; `items`
        may be a generator and is not read far ahead of the work. An exception in a task is raised here."""
