"""Time `lint` on two Ray nodes of this machine against two processes, on one corpus, in turns; and what a row costs.

    python benchmarks/ray_nodes.py [--examples 50000] [--runs 3] [--nodes 2] [--groups 1] [--data FILE]

The nodes are started here, with a CPU each, and their start is timed apart, as is that of the workers: importing dsprep
and loading vocabularies, which is done once, on a file of a few lines. `--groups` divides what the workers keep into so
many groups, as it would be with gigabytes of it; then the exchange goes through all its stages (engine/shuffling.py).
Run it on a machine that does nothing else, with at least as many cores as nodes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray.cluster_utils import Cluster

from dsprep.api.linting import linted
from dsprep.api.session import Session, chosen_executor, inputs_from, open_session
from dsprep.config import Settings
from dsprep.engine import shuffling
from dsprep.executors.ray import RayExecutor, disconnect
from dsprep.reports import json as as_json

HERE = Path(__file__).parent
TICKS = os.sysconf("SC_CLK_TCK")
#: What the tasks of an executor are for, by the name of their class.
STAGES = {
    "_Keep": "map",
    "_Alone": "exchange",
    "Spread": "exchange: spread",
    "Meet": "exchange: meet",
    "Narrow": "exchange: narrow",
    "_Plain": "finish",
}


def cpu_seconds() -> float:
    """CPU seconds of this process and of all that it has started, directly or not, alive or gone."""
    total = 0
    waiting = [os.getpid()]
    while waiting:
        process = waiting.pop()
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15]))
            for task in Path(f"/proc/{process}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except (OSError, ValueError):
            continue
    return total / TICKS


@dataclass
class Cost:
    """What a stage has cost."""

    calls: int = 0
    wall: float = 0.0
    cpu: float = 0.0
    kept: int = 0


class Watched(RayExecutor):
    """A RayExecutor that notes what its stages cost. What the driver does with a result is part of the stage."""

    def __init__(self, address: str) -> None:
        super().__init__(address=address)
        self.costs: dict[str, Cost] = {}

    def exchange(self, task: Any, calls: Iterable[Any], parts: int) -> Iterator[tuple[int, Any, Sequence[Any]]]:
        cost = self.costs.setdefault(STAGES[type(task).__name__], Cost())
        wall, cpu = time.perf_counter(), cpu_seconds()
        for number, result, handles in super().exchange(task, calls, parts):
            cost.calls += 1
            if handles:
                places = ray.experimental.get_object_locations(list(handles))
                cost.kept += sum(place["object_size"] or 0 for place in places.values())
            yield number, result, handles
        cost.wall += time.perf_counter() - wall
        cost.cpu += cpu_seconds() - cpu


def session_of(data: Path) -> Session:
    inputs, notes = inputs_from(data)
    return open_session(inputs, Settings(), notes=notes)


def timed(function: Callable[[], Any]) -> tuple[Any, float, float]:
    """What `function` returns, wall seconds, CPU seconds."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    result = function()
    return result, time.perf_counter() - wall, cpu_seconds() - cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--groups", type=int, default=1)
    parser.add_argument("--data", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = args.data or Path(folder) / "corpus.jsonl"
        if args.data is None:
            subprocess.run([sys.executable, HERE / "corpus.py", data, "--examples", str(args.examples)], check=True)
        small = Path(folder) / "small.jsonl"
        with data.open("rb") as file:
            small.write_bytes(b"".join(line for _, line in zip(range(200), file, strict=False)))
        node = {"num_cpus": 1, "object_store_memory": 1 << 30, "include_dashboard": False}

        def start() -> Cluster:
            made = Cluster(initialize_head=True, head_node_args=node)
            for _ in range(args.nodes - 1):
                made.add_node(**node)
            return made

        cluster, wall, cpu = timed(start)
        print(f"start of {args.nodes} nodes: {wall:.1f} s, {cpu:.1f} CPU s")
        try:
            compare(data, small, args, cluster.address)
        finally:
            disconnect()
            cluster.shutdown()


def compare(data: Path, small: Path, args: argparse.Namespace, address: str) -> None:
    def on(executor: Any, file: Path) -> bytes:
        session = session_of(file)
        session.executor = executor
        return as_json.dumps(linted(session))

    def warm() -> None:
        executor = RayExecutor(address=address)
        list(executor.run(Warm(str(small)), range(4 * args.nodes)))

    _, wall, cpu = timed(warm)
    driver = 0.0
    print(f"start of the workers: {wall:.1f} s, {cpu:.1f} CPU s")
    walls: dict[str, list[float]] = {"processes": [], "ray": []}
    watched = Watched(address)
    with data.open("rb") as file:
        rows = sum(1 for _ in file)
    if args.groups > 1:
        # Some 270 bytes are kept of a row.
        shuffling.GROUP_BYTES = shuffling.PART_BYTES = 270 * rows // args.groups
    for _ in range(args.runs):
        expected, wall, cpu = timed(lambda: on(chosen_executor("processes", workers=args.nodes), data))
        walls["processes"].append(wall)
        print(f"processes  {wall:7.2f} s  {cpu:7.2f} CPU s")
        watched = Watched(address)
        driver = time.process_time()
        found, wall, cpu = timed(lambda: on(watched, data))  # noqa: B023 - called at once
        driver = time.process_time() - driver
        walls["ray"].append(wall)
        print(f"ray        {wall:7.2f} s  {cpu:7.2f} CPU s")
        if found != expected:
            raise SystemExit("the reports differ")
    ratio = statistics.median(walls["ray"]) / statistics.median(walls["processes"])
    print(f"ray / processes, medians of {args.runs}: {ratio:.2f}")
    print(f"{rows:,} rows of {data.stat().st_size / rows:,.0f} bytes; of the last run:")
    print(f"of all stages, in the driver: {driver:.2f} CPU s, {driver / rows * 1e6:.1f} CPU s per million rows")
    for stage, cost in watched.costs.items():
        print(
            f"{stage:17s} {cost.calls:5d} tasks {cost.wall:6.2f} s {cost.cpu:7.2f} CPU s "
            f"{cost.cpu / rows * 1e6:7.1f} CPU s per million rows, kept {cost.kept / rows:6.1f} bytes a row"
        )


@dataclass
class Warm:
    """Lints a small file in a worker, so that all that is loaded once is loaded."""

    path: str

    def __call__(self, item: int) -> int:
        session = open_session(inputs_from(self.path)[0], Settings(workers=1))
        linted(session)
        time.sleep(0.2)  # so that no worker does the work of all
        return item


if __name__ == "__main__":
    main()
