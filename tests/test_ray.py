"""The executor ray: the same report as everywhere else, on two nodes of a real cluster, whatever dies on the way."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
import ray
from ray import cloudpickle
from ray.cluster_utils import Cluster
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from dsprep import api
from dsprep.api.linting import linted
from dsprep.api.session import Input, Session, chosen_executor, inputs_from, open_session
from dsprep.config import ConfigError, Settings, load_settings
from dsprep.engine import shuffling
from dsprep.engine.folding import fold
from dsprep.engine.writing import encoded
from dsprep.executors import ray as ray_executor
from dsprep.executors.ray import RayExecutor, disconnect
from dsprep.model.executor import ExecutorError
from dsprep.model.source import InputError, Shard
from dsprep.reports import json as as_json

_NOTICING = {"initial_delay_ms": 0, "period_ms": 200, "timeout_ms": 1000, "failure_threshold": 3}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes with a CPU each."""
    # The tasks below are no part of what is installed on the nodes.
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    small = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}
    # That a node is gone is noticed within a second rather than within a quarter of a minute.
    noticing = {f"health_check_{name}": value for name, value in _NOTICING.items()}
    made = Cluster(initialize_head=True, head_node_args={**small, "_system_config": noticing})
    made.add_node(**small)
    yield made
    disconnect()
    made.shutdown()


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few kilobytes are several shards, and states that are exchanged in several groups and parts."""
    monkeypatch.setitem(fold.__kwdefaults__, "shard_bytes", 20_000)
    monkeypatch.setattr(shuffling, "LEAST_BYTES", 1)
    monkeypatch.setattr(shuffling, "GROUP_BYTES", 100_000)
    monkeypatch.setattr(shuffling, "PART_BYTES", 100_000)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Chats of some 250 kB, with rows of the first shards again, exactly and nearly, in the last ones."""
    drawn = random.Random(3)
    words = [f"{a}{b}" for a in ("mar", "tin", "sol", "qua", "ver", "lum") for b in ("a", "ek", "ion", "ulis", "op")]

    def text(n: int) -> str:
        return " ".join(drawn.choices(words, k=n))

    rows: list[dict[str, Any]] = [
        {
            "messages": [
                {"role": "user", "content": text(drawn.choice([8, 25]))},
                {"role": "assistant", "content": text(30)},
            ]
        }
        for _ in range(700)
    ]
    for row in rows[:40]:
        question, answer = (dict(message) for message in row["messages"])
        kind = drawn.randrange(4)
        if kind == 0:
            question["content"] = question["content"].upper()
        elif kind == 1:
            answer["content"] += " almost"
        elif kind == 2:
            answer["content"] = text(12)
        rows.append({"messages": [question, answer]})
    lines = [encoded(row) for row in rows]
    lines[100] = b'{"messages": ['
    lines[400] = b'{"messages": [{"role": "User", "content": " Hi "}, {"role": "assistant", "content": ""}]}'
    file = tmp_path_factory.mktemp("ray") / "data.jsonl"
    file.write_bytes(b"".join(line + b"\n" for line in lines))
    return file


@pytest.fixture(scope="module")
def expected(data: Path) -> bytes:
    """The report of one process."""
    return as_json.dumps(api.lint(data, executor="serial"))


def test_lint_says_the_same_to_the_byte(cluster: Any, data: Path, expected: bytes) -> None:
    report = api.lint(data, executor="ray", address=cluster.address)
    assert as_json.dumps(report) == expected
    found = {summary.meta.code for summary in report.summaries}
    assert {"DUP001", "DUP002", "DUP003", "DUP004"} <= found
    nodes = {node["NodeID"] for node in ray.nodes() if node["Alive"]}
    assert len(nodes) == 2


def test_prepare_writes_the_same_to_the_byte(cluster: Any, data: Path, tmp_path: Path) -> None:
    for name, settings in (("one", {"executor": "serial"}), ("many", {"executor": "ray", "address": cluster.address})):
        api.prepare(data, tmp_path / name, dedupe="near", split="0.8/0.1/0.1", **settings)
    one, many = ({file.name: file.read_bytes() for file in (tmp_path / name).iterdir()} for name in ("one", "many"))
    assert {"train.jsonl", "validation.jsonl", "test.jsonl", "rejected.jsonl", "report.json"} <= set(one)
    assert many == one


def test_several_files_and_the_other_verbs_say_the_same(cluster: Any, data: Path, tmp_path: Path) -> None:
    lines = data.read_bytes().splitlines(keepends=True)
    train, validation = tmp_path / "train.jsonl", tmp_path / "validation.jsonl"
    train.write_bytes(b"".join(lines[:500]))
    validation.write_bytes(b"".join(lines[500:]))
    outcomes = []
    for name, settings in (("one", {"executor": "serial"}), ("many", {"executor": "ray", "address": cluster.address})):
        report = api.lint(train=train, validation=validation, **settings)
        api.split(data, tmp_path / name, **settings)
        converted = tmp_path / f"{name}.jsonl"
        api.convert(data, converted, to="alpaca", **settings)
        stats = api.stats(data, **settings).stats
        files = {file.name: file.read_bytes() for file in (tmp_path / name).iterdir()}
        outcomes.append((as_json.dumps(report), files, converted.read_bytes(), json.dumps(stats)))
    assert outcomes[0] == outcomes[1]
    assert b"LEK00" in outcomes[0][0]


class _Around(RayExecutor):
    """A RayExecutor whose tasks are put into another one first."""

    def __init__(self, around: Callable[[Any], Any], address: str) -> None:
        super().__init__(address=address)
        self.around = around

    def exchange(self, task: Any, calls: Iterable[Any], parts: int) -> Iterator[tuple[int, Any, Sequence[Any]]]:
        return super().exchange(self.around(task), calls, parts)


class _Dies:
    """A task whose worker dies in the middle of it, until a file is there that says that it did."""

    def __init__(self, task: Any, marker: Path) -> None:
        self.task, self.marker = task, marker

    def __call__(self, item: Any, values: Sequence[Any]) -> Any:
        done = self.task(item, values)
        try:
            self.marker.touch(exist_ok=False)
        except FileExistsError:
            return done
        os._exit(1)


class _Slow:
    """A task that takes long enough to be interrupted, and leaves a file for each time that it reads a shard.

    What it keeps of a shard is so large that it stays on the node; small things are with the driver, who is not lost.
    """

    def __init__(self, task: Any, folder: Path) -> None:
        self.task, self.folder = task, folder

    def __call__(self, item: Any, values: Sequence[Any]) -> Any:
        if isinstance(item, Shard):
            (self.folder / f"{item.start}-{uuid4()}").touch()
        time.sleep(0.2)
        result, kept = self.task(item, values)
        if isinstance(item, Shard):
            kept = [{**part, "padding": np.zeros(1 << 20, np.uint8)} for part in kept]
        return result, kept


def _session(data: Path, executor: RayExecutor) -> Session:
    session = open_session([Input(str(data))], Settings(), notes=inputs_from(data)[1])
    session.executor = executor
    return session


def test_work_of_a_killed_worker_is_done_again(cluster: Any, data: Path, expected: bytes, tmp_path: Path) -> None:
    marker = tmp_path / "died"
    session = _session(data, _Around(lambda task: _Dies(task, marker), cluster.address))
    assert as_json.dumps(linted(session)) == expected
    assert marker.exists()


@pytest.mark.parametrize("share", [0.4, 1.0], ids=["in the middle", "when all shards are mapped"])
def test_work_of_a_lost_node_is_done_again(
    cluster: Any, data: Path, expected: bytes, share: float, tmp_path: Path
) -> None:
    """With the node go the states that its workers keep, which others wait for."""
    # Connected to a node that stays.
    RayExecutor(address=cluster.address)
    lost = cluster.add_node(num_cpus=2, object_store_memory=80 << 20, include_dashboard=False)
    session = _session(data, _Around(lambda task: _Slow(task, tmp_path), cluster.address))
    there = NodeAffinitySchedulingStrategy(lost.node_id, soft=False)
    # Its workers are ready when the work begins.
    ray.get([ray.remote(_warms_up).options(scheduling_strategy=there).remote() for _ in range(2)])

    class Losing:
        left = [lost]
        due = data.stat().st_size * share

        def begin(self, stage: str, total: int) -> None: ...

        def advance(self, amount: int) -> None:
            self.due -= amount
            if self.left and self.due <= 0:
                cluster.remove_node(self.left.pop(), allow_graceful=False)

    session.progress = Losing()
    assert as_json.dumps(linted(session)) == expected
    assert not Losing.left
    times = Counter(file.name.partition("-")[0] for file in tmp_path.iterdir())
    assert max(times.values()) > 1, "nothing was lost"


def _warms_up() -> None:
    """A worker has imported what it needs, and meanwhile another one is started."""
    import dsprep.api.linting  # noqa: F401

    time.sleep(0.5)


def _always_dies(item: int) -> int:
    os._exit(1)


def _raises(item: int) -> int:
    raise LookupError(f"item {item}")


def _cannot_be_read(item: int) -> int:
    raise InputError("data.jsonl: there is no such file")


def test_what_dies_again_and_again_is_said_in_a_sentence(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_executor, "RETRIES", 0)
    with pytest.raises(ExecutorError, match=r"a worker of the Ray cluster died.*memory"):
        list(RayExecutor(address=cluster.address).run(_always_dies, range(3)))


def test_exceptions_of_tasks_are_raised_as_they_were(cluster: Any) -> None:
    with pytest.raises(LookupError) as raised:
        list(RayExecutor(address=cluster.address).run(_raises, range(3)))
    assert raised.value.args in {("item 0",), ("item 1",), ("item 2",)}
    assert "in _raises" in raised.value.__notes__[0]
    with pytest.raises(InputError, match="there is no such file"):
        list(RayExecutor(address=cluster.address).run(_cannot_be_read, range(3)))


def test_another_version_on_a_node_is_said_in_a_sentence(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    disconnect()
    monkeypatch.setattr(ray_executor, "VERSION", "9.9.9")
    with pytest.raises(ExecutorError, match=r"has dsprep \d.*this machine 9.9.9.*same version on all nodes"):
        RayExecutor(address=cluster.address)
    assert not ray.is_initialized()


def test_a_connection_of_the_caller_is_used_and_left_alone(cluster: Any) -> None:
    disconnect()
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    try:
        assert sorted(RayExecutor().run(abs, [-1, -2, -3])) == [1, 2, 3]
        disconnect()
        assert ray.is_initialized()
    finally:
        ray.shutdown()


def test_nobody_at_the_address() -> None:
    disconnect()
    with pytest.raises(ExecutorError, match=r"Ray cannot be reached at 127.0.0.1:1: Connection refused"):
        RayExecutor(address="127.0.0.1:1")


def test_an_address_is_for_ray_and_never_from_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--executor ray alone"):
        chosen_executor("processes", address="auto")
    file = tmp_path / "dsprep.toml"
    file.write_text('executor = "ray"\naddress = "ray://elsewhere:10001"\n')
    with pytest.raises(ConfigError, match="not taken from a file"):
        load_settings([str(file)])


def test_without_ray_a_sentence_says_what_to_install(data: Path) -> None:
    code = """
import sys
sys.modules["ray"] = None
sys.argv = ["dsprep", "lint", sys.argv[1], "--isolated", "--executor", "ray"]
from dsprep.cli import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(data)], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: the executor ray needs the package ray: pip install 'dsprep[ray]'\n"
