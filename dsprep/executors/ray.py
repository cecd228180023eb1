"""Ray: the cores of many machines, by plain tasks over shards."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import pickle
import re
import socket
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from dsprep.model.executor import ExchangingExecutor, ExecutorError, available_cores, collect_seldom
from dsprep.model.source import InputError
from dsprep.version import VERSION

T = TypeVar("T")
R = TypeVar("R")

#: How often a piece of work is done anew when the worker or the machine that does it is lost.
RETRIES = 5

#: How long to wait for a cluster to answer at all.
_REACHING_SECONDS = 10.0
#: How long to wait for the nodes to say which dsprep they have. Busy ones say it with their first piece of work.
_ASKING_SECONDS = 60.0
#: How often to look how large the cluster is, which may grow and shrink.
_LOOKING_SECONDS = 5.0

#: The connection that this module made, if it made one: its address (None: an instance of our own) and its workers.
_ours: tuple[str | None, int | None] | None = None
#: In a worker: the task at hand, with the number that Ray gave it.
_task: tuple[str, Any] | None = None


class RayExecutor(ExchangingExecutor):
    """Tasks of a Ray cluster.

    `address` names a running cluster (`auto`, `host:6379`, `ray://host:10001`); without it, the environment variable
    RAY_ADDRESS does; without that, Ray is started on this machine alone, when there is something to do. `workers` says
    how many tasks run at once; by default as many as the cluster has CPUs. A process that is connected to Ray already
    stays so. The connection is kept for later runs of this process and ends with it, or with `disconnect`.

    Work of a lost worker or machine is done again, up to RETRIES times. Raises ExecutorError if Ray is not installed,
    cannot be reached, or gives up, and if a node has another version of dsprep.
    """

    name = "ray"

    def __init__(self, workers: int | None = None, address: str | None = None) -> None:
        self._ray = _imported()
        self._address = address or os.environ.get("RAY_ADDRESS") or None
        self._limit = workers if workers and workers > 0 else None
        self._looked = -_LOOKING_SECONDS
        self._cpus = self._limit or available_cores()
        if self._address is not None or self._ray.is_initialized():
            self._connect()

    @property
    def workers(self) -> int:  # type: ignore[override]  # a cluster grows and shrinks
        return self._limit or self._cpus

    def run(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        pending = iter(items)
        first = list(islice(pending, 2))
        if len(first) < 2:
            # One piece of work is not worth a cluster.
            yield from map(task, first)
            return

        def calls() -> Iterator[tuple[T, Sequence[Any]]]:
            for item in first:
                yield item, ()
            for item in pending:
                yield item, ()

        for _, result, _ in self.exchange(_Plain(task), calls(), 0):
            yield result

    def exchange(
        self,
        task: Callable[[T, Sequence[Any]], tuple[R, Sequence[Any]]],
        calls: Iterable[tuple[T, Sequence[Any]]],
        parts: int,
    ) -> Iterator[tuple[int, R, Sequence[Any]]]:
        self._connect()
        ray = self._ray
        work = ray.remote(_worked).options(
            num_cpus=1, num_returns=1 + parts, max_retries=RETRIES, retry_exceptions=False
        )
        # The task travels once per machine. In a list it is not unpacked for each call, but once per worker.
        sent = [ray.put(task)]
        waiting = enumerate(calls)
        running: dict[Any, tuple[int, Sequence[Any]]] = {}
        try:
            while True:
                for number, (item, handles) in islice(waiting, max(0, self._most() - len(running))):
                    made = work.remote(sent, VERSION, parts, item, *handles)
                    result, kept = (made[0], made[1:]) if parts else (made, ())
                    running[result] = (number, kept)
                if not running:
                    return
                ray.wait(list(running), num_returns=1)
                done, _ = ray.wait(list(running), num_returns=len(running), timeout=0)
                for ref in done:
                    number, kept = running.pop(ref)
                    yield number, self._result(ref), kept
        finally:
            for ref in running:
                with contextlib.suppress(Exception):
                    ray.cancel(ref)

    def _most(self) -> int:
        """How many tasks may be on their way: two per CPU keep every one busy without reading the plan far ahead."""
        if self._limit is not None and self._address is not None:
            return self._limit
        if time.monotonic() - self._looked >= _LOOKING_SECONDS:
            self._looked = time.monotonic()
            with contextlib.suppress(Exception):
                # At least one, so that a cluster without machines is asked for some, and grows.
                self._cpus = max(1, int(self._ray.cluster_resources().get("CPU", 0)))
        return 2 * self.workers

    def _result(self, ref: Any) -> Any:
        ray = self._ray
        try:
            data = ray.get(ref)
        except ray.exceptions.RayTaskError as error:
            # Not an exception of the task, which is handed back: the worker could not so much as load it.
            said = str(error.cause or error).strip().rpartition("\n")[2]
            raise ExecutorError(
                f"a worker of the Ray cluster cannot run this: {said}. Install dsprep {VERSION}, with the same "
                "plugins, on all nodes"
            ) from error
        except ray.exceptions.OutOfMemoryError as error:
            raise ExecutorError(
                f"Ray ended a worker for lack of memory, and {RETRIES} more on the same piece of work; use machines "
                "with more memory per CPU, or fewer --workers"
            ) from error
        except ray.exceptions.WorkerCrashedError as error:
            raise ExecutorError(
                f"a worker of the Ray cluster died, and {RETRIES} more on the same piece of work, most likely for lack "
                "of memory; use machines with more memory per CPU, or fewer --workers"
            ) from error
        except ray.exceptions.RayError as error:
            said = _line(error)
            raise ExecutorError(f"the Ray cluster cannot go on: {type(error).__name__}: {said}") from error
        outcome = pickle.loads(data)  # noqa: S301 - made by our own workers
        if isinstance(outcome, _Raised):
            raise self._as_it_was(outcome)
        return outcome

    def _as_it_was(self, raised: _Raised) -> Exception:
        error = raised.error
        if isinstance(error, InputError) and raised.node != _node():
            return InputError(
                f"{error} (so says node {raised.node}: workers read the input themselves, so it must be on storage "
                "that all nodes share, or be named by a URL)"
            )
        error.add_note(raised.traceback)
        return error

    def _connect(self) -> None:
        global _ours
        ray = self._ray
        mine = (self._address, None if self._address is not None else self._limit)
        if ray.is_initialized():
            if _ours is None or _ours == mine:
                return
            # What was started for another run is of no use to this one.
            disconnect()
        with warnings.catch_warnings(), _quiet_ray():
            warnings.simplefilter("ignore")
            try:
                if self._address is None:
                    ray.init(
                        address="local",
                        num_cpus=self._limit or available_cores(),
                        include_dashboard=False,
                        log_to_driver=False,
                        logging_level=logging.ERROR,
                        namespace="dsprep",
                    )
                else:
                    _look_for(self._address)
                    ray.init(
                        address=self._address, log_to_driver=False, logging_level=logging.ERROR, namespace="dsprep"
                    )
            except Exception as error:
                said = (error.strerror if isinstance(error, OSError) else "") or _line(error)
                place = "on this machine" if self._address is None else f"at {self._address}"
                doing = "started" if self._address is None else "reached"
                raise ExecutorError(f"Ray cannot be {doing} {place}: {said or type(error).__name__}") from error
        _ours = mine
        self._looked = -_LOOKING_SECONDS
        if self._address is not None:
            try:
                self._ask_versions()
            except ExecutorError:
                disconnect()
                raise
        self._most()

    def _ask_versions(self) -> None:
        """Raises ExecutorError if a node has no dsprep, or another one than this process."""
        ray = self._ray

        def asked() -> str | None:
            # A function inside of a function travels with its code: it runs where there is no dsprep, too.
            try:
                from dsprep.version import VERSION as THEIRS
            except ImportError:
                return None
            return THEIRS

        nodes = {node["NodeID"]: node.get("NodeManagerAddress", "") for node in ray.nodes() if node["Alive"]}
        strategy = importlib.import_module("ray.util.scheduling_strategies").NodeAffinitySchedulingStrategy
        remote = ray.remote(asked)
        asking = {
            remote.options(num_cpus=0, max_retries=0, scheduling_strategy=strategy(node, soft=False)).remote(): address
            for node, address in nodes.items()
        }
        answered, _ = ray.wait(list(asking), num_returns=len(asking), timeout=_ASKING_SECONDS)
        for ref in answered:
            with contextlib.suppress(ray.exceptions.RayError):
                theirs = ray.get(ref)
                if theirs != VERSION:
                    have = "no dsprep" if theirs is None else f"dsprep {theirs}"
                    raise ExecutorError(
                        f"node {asking[ref]} of the Ray cluster has {have}, and this machine {VERSION}; install the "
                        "same version on all nodes"
                    )


def disconnect() -> None:
    """Leave the cluster, or end the Ray of this machine, if this module connected to it or started it."""
    global _ours
    if _ours is not None:
        _ours = None
        _imported().shutdown()


class _Plain:
    """A task that takes and keeps nothing, as one that exchanges."""

    def __init__(self, task: Callable[[Any], Any]) -> None:
        self.task = task

    def __call__(self, item: Any, values: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
        return self.task(item), ()


class _Raised:
    """An exception of a task, on its way back."""

    def __init__(self, error: Exception, node: str) -> None:
        self.traceback = "".join(traceback.format_exception(error))
        self.node = node
        try:
            pickle.loads(pickle.dumps(error))  # noqa: S301 - some exceptions cannot travel
            self.error = error
        except Exception:
            self.error = RuntimeError(f"{type(error).__name__}: {error}")


def _worked(sent: Sequence[Any], version: str, parts: int, item: Any, *values: Any) -> Any:
    """In a worker: the outcome of a call as bytes, and what is kept.

    Bytes, because arrays that Ray hands over are read-only, and hold its memory as long as they live.
    """
    task = _loaded(sent[0], version)
    kept: Sequence[Any] = [None] * parts
    try:
        outcome, kept = task(item, values)
    except Exception as error:
        outcome = _Raised(error, _node())
    data = pickle.dumps(outcome, pickle.HIGHEST_PROTOCOL)
    return (data, *kept) if parts else data


def _loaded(ref: Any, version: str) -> Any:
    """The task, loaded once per worker, so that vocabularies and models are, too."""
    global _task
    name = ref.hex()
    if _task is None or _task[0] != name:
        if version != VERSION:
            # A node that came later than the connection was made.
            raise RuntimeError(f"node {_node()} has dsprep {VERSION}")
        if _task is None:
            collect_seldom()
        _task = (name, _imported().get(ref))
    return _task[1]


@contextlib.contextmanager
def _quiet_ray() -> Iterator[None]:
    """Ray says nothing while it starts, and tells nobody that it is used."""
    wanted = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    log = logging.getLogger("ray")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(max(level, logging.ERROR))
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _look_for(address: str) -> None:
    """Raises OSError if nothing listens at `address`: Ray itself would go on trying for more than ten minutes."""
    place = re.fullmatch(r"(?:ray://)?(?P<host>\[[^\]]+\]|[^:/]+)(?::(?P<port>\d+))?/?", address)
    if place is None or (place["port"] is None and not address.startswith("ray://")):
        return  # `auto`, or something that Ray alone understands
    with socket.create_connection((place["host"].strip("[]"), int(place["port"] or 10001)), _REACHING_SECONDS):
        pass


def _line(error: BaseException) -> str:
    """The line that says the most of what Ray says."""
    lines = str(error).strip().splitlines() or [""]
    return lines[-1 if lines[0].endswith(":") else 0].strip()


def _node() -> str:
    """The address of this machine in the cluster."""
    return str(_imported().util.get_node_ip_address())


def _imported() -> Any:
    try:
        import ray
    except ImportError as error:
        raise ExecutorError("the executor ray needs the package ray: pip install 'dsprep[ray]'") from error
    return ray
