"""One process per core on this machine."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from dsprep.model.executor import Executor, available_cores, collect_seldom

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")
R = TypeVar("R")

_task: Callable[[Any], Any] | None = None


class ProcessExecutor(Executor):
    """Worker processes that keep the task between items, so that vocabularies and models load once per worker.

    A worker that dies (killed for memory, say) raises concurrent.futures.process.BrokenProcessPool in `run` rather
    than hanging it.
    """

    name = "processes"

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers if workers and workers > 0 else available_cores()

    def run(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        pending = iter(items)
        first = list(islice(pending, 2))
        if self.workers == 1 or len(first) < 2:
            # One piece of work is not worth a process.
            for item in (*first, *pending):
                yield task(item)
            return
        import multiprocessing
        from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait

        # Forked workers share what the parent has loaded; elsewhere than on Linux forking is unsafe or unknown.
        method = "fork" if sys.platform == "linux" else "spawn"
        pool = ProcessPoolExecutor(
            self.workers, mp_context=multiprocessing.get_context(method), initializer=_start, initargs=(task,)
        )
        try:
            running: set[Future[R]] = {pool.submit(_call, item) for item in first}
            # Two items per worker in flight keep everyone busy without reading the plan far ahead.
            running |= {pool.submit(_call, item) for item in islice(pending, 2 * self.workers - len(running))}
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                running |= {pool.submit(_call, item) for item in islice(pending, len(done))}
                for future in done:
                    yield future.result()
            # All is done: the workers go before whoever called does. Otherwise nobody waits for what is given up.
            pool.shutdown()
        finally:
            with contextlib.suppress(Exception):
                pool.shutdown(wait=False, cancel_futures=True)


def _start(task: Callable[[Any], Any]) -> None:
    global _task
    collect_seldom()
    # Ctrl-C goes to the whole group; the parent alone decides what to do about it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _task = task


def _call(item: Any) -> Any:
    if _task is None:
        raise RuntimeError("the worker was not started with a task")
    return _task(item)
