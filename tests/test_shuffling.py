"""Keyed states that stay with the workers: rules find the same, and only rows that meet others come home."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dsprep import api
from dsprep.api.session import Input, open_session
from dsprep.catalog.registry import rule_class, rule_references
from dsprep.config import Settings
from dsprep.engine import shuffling
from dsprep.engine.folding import MapShard, fold
from dsprep.engine.shuffling import mapped
from dsprep.engine.writing import encoded
from dsprep.folds.narrowing import ByBands, ByKey
from dsprep.model.rule import Columns, KeyedRule
from dsprep.reports import json as as_json
from dsprep.testing import ShuffledExecutor

CODES = list(rule_references())
#: Keyed rules to which every row can matter, and which find nothing here.
WHOLE = {"LNG001", "LBL001"}


@pytest.fixture
def many_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kilobytes are exchanged as gigabytes would be."""
    monkeypatch.setattr(shuffling, "LEAST_BYTES", 1)
    monkeypatch.setattr(shuffling, "GROUP_BYTES", 40_000)
    monkeypatch.setattr(shuffling, "PART_BYTES", 30_000)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows in two splits, a third of which are equal, nearly equal, equally asked or in one group with another."""
    drawn = random.Random(7)
    words = [f"{a}{b}" for a in ("mar", "tin", "sol") for b in ("a", "ek", "ion", "ulis", "op", "et")]
    rows: list[dict[str, Any]] = []
    for number in range(600):
        asked = " ".join(drawn.choices(words, k=drawn.choice([1, 9, 30])))
        said = " ".join(drawn.choices(words, k=drawn.choice([1, 12, 40])))
        if rows and drawn.random() < 0.35:
            asked, said = (message["content"] for message in drawn.choice(rows)["messages"])
            kind = drawn.randrange(5)
            asked = asked.upper() if kind == 0 else asked
            said = f"{said} indeed" if kind == 1 else words[drawn.randrange(5)] if kind == 2 else said
        row: dict[str, Any] = {
            "messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": said}],
            "split": drawn.choice(["train", "train", "validation"]),
        }
        if number % 9 == 0:
            row["group"] = f"g{drawn.randrange(60)}"
        rows.append(row)
    for number in range(40):
        asked, said = (message["content"] for message in drawn.choice(rows)["messages"][:2])
        turns = [asked, said, f"And {words[number % 18]}?", f"No {words[number % 5]}."]
        if number % 3 == 0:
            turns = [f"Why {words[number % 18]} {number}?", f"That is {words[3]}. " * 9]
        elif number % 3 == 1:
            passage = f"There are {words[number % 2]} and " + " ".join(words) + " in the house on the hill."
            turns = [f"{passage}\nWhat is {drawn.choice(words)}, then?", drawn.choice("AB")]
        roles = ("user", "assistant") * 2
        messages = [{"role": role, "content": text} for role, text in zip(roles, turns, strict=False)]
        rows.insert(drawn.randrange(len(rows)), {"messages": messages, "split": "train"})
    for number in range(24):
        one, two = [{"role": "assistant", "content": "Yes."}], [{"role": "assistant", "content": "No, never."}]
        asked = [{"role": "user", "content": f"Is it {words[number // 3 if number < 12 else number % 18]}?"}]
        chosen, rejected = (one, two) if number % 3 else (two, one)
        rows.append({"prompt": asked, "chosen": chosen, "rejected": rejected, "split": "train"})
    file = tmp_path_factory.mktemp("shuffle") / "data.jsonl"
    file.write_bytes(b"".join(encoded(row) + b"\n" for row in rows))
    return file


def _found(data: Path, executor: Any, settings: dict[str, Any]) -> bytes:
    session = open_session([Input(str(data))], Settings.model_validate({"workers": 1, **settings}))
    session.executor = executor or session.executor
    folded = fold(session.pipeline, session.rules, session.executor, shard_bytes=3_000)
    assert not folded.errors
    return json.dumps(
        {
            code: [tally.total, *((f.location.as_dict(), dict(f.args), f.rows) for f in tally.sorted())]
            for code, tally in folded.tallies.items()
        },
        default=str,
    ).encode()


OPTIONS: list[dict[str, Any]] = [
    {},
    {"near-duplicate": {"keep": "best", "threshold": 0.6}, "near-overlap": {"bands": 16}},
    {"near-duplicate": {"permutations": 96, "bands": 24}, "near-overlap": {"permutations": 64, "bands": 32}},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_rules_find_the_same_however_their_states_are_exchanged(
    options: dict[str, Any], data: Path, many_groups: None
) -> None:
    settings = {"select": CODES, "rules": options}
    expected = _found(data, None, settings)
    for seed, workers in ((1, 1), (2, 3), (3, 50)):
        assert _found(data, ShuffledExecutor(seed, workers), settings) == expected
    totals = {code: found[0] for code, found in json.loads(expected).items()}
    keyed = {code for code in CODES if issubclass(rule_class(code), KeyedRule)} - WHOLE
    # A law that holds because nothing is found says little.
    assert all(totals[code] for code in keyed), totals


@pytest.mark.parametrize("code", [code for code in CODES if issubclass(rule_class(code), KeyedRule)])
def test_each_rule_by_itself_finds_the_same(code: str, data: Path, many_groups: None) -> None:
    assert _found(data, ShuffledExecutor(4, 4), {"select": (code,)}) == _found(data, None, {"select": (code,)})


def test_prepare_and_split_write_the_same(data: Path, many_groups: None, tmp_path: Path) -> None:
    from dsprep.api import session as sessions

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(fold.__kwdefaults__, "shard_bytes", 3_000)
        for name in ("one", "many"):
            if name == "many":
                patch.setattr(sessions, "chosen_executor", lambda *_, **__: ShuffledExecutor(5, 3))
            api.prepare(data, tmp_path / name, dedupe="near", split="0.7/0.2/0.1", workers=1)
            api.split(data, tmp_path / f"{name}-split", workers=1)
            (tmp_path / f"{name}-split/lint.json").write_bytes(as_json.dumps(api.lint(data, workers=1)))
    for kind in ("", "-split"):
        one, many = (
            {file.name: file.read_bytes() for file in (tmp_path / f"{name}{kind}").iterdir()}
            for name in ("one", "many")
        )
        assert one.keys() == many.keys()
        assert one == many


def test_only_rows_that_meet_others_come_home(data: Path, many_groups: None) -> None:
    codes = tuple(code for code in CODES if issubclass(rule_class(code), KeyedRule) and code not in WHOLE)
    session = open_session([Input(str(data))], Settings.model_validate({"select": codes, "workers": 1}))
    task = MapShard(session.pipeline, session.rules)
    assert set(task.meetings) == {rule.fold_key for rule in session.rules}
    shards = list(session.pipeline.sources[0].plan(3_000))

    def rows_of(states: Sequence[dict[str, Any]], key: str) -> list[int]:
        return sorted(
            row for state in states for piece in state.get(key, ()) for row in np.asarray(piece["row"]).tolist()
        )

    whole = [task(shard).states for shard in shards]
    home = [
        result.states
        for result in mapped(
            ShuffledExecutor(6, 4), task, shards, task.meetings, task.movers, lambda states: _Only(states)
        )
    ]
    for key, meetings in task.meetings.items():
        pieces = [piece for state in whole for piece in state[key]]
        numbers = np.concatenate([np.hstack([meeting(piece) for meeting in meetings]) for piece in pieces])
        row = np.concatenate([piece["row"] for piece in pieces])
        assert rows_of(home, key) == sorted(row[_meet(numbers)].tolist())
        assert len(rows_of(home, key)) < 0.8 * len(rows_of(whole, key)), key


class _Only:
    def __init__(self, states: dict[str, Any]) -> None:
        self.states = states


def _meet(numbers: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which rows have a number in some place that another row has there, found the slow way."""
    out = np.zeros(len(numbers), np.bool_)
    for place in numbers.T:
        _, inverse, counts = np.unique(place, return_inverse=True, return_counts=True)
        out |= counts[inverse] > 1
    return out


@given(
    pieces=st.lists(
        st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2**64 - 1) | st.integers(0, 3)), max_size=8), max_size=8
    ),
    groups=st.integers(1, 9),
    workers=st.integers(1, 5),
    seed=st.integers(0, 99),
)
def test_any_pieces_in_any_groups(pieces: list[list[tuple[int, int]]], groups: int, workers: int, seed: int) -> None:
    first = 0
    states: list[list[Columns]] = []
    for piece in pieces:
        numbers = np.array(piece, np.uint64).reshape(-1, 2)
        states.append([{"row": np.arange(first, first + len(piece), dtype=np.uint64), "numbers": numbers}])
        first += len(piece)
    total = sum(24 * len(piece) for piece in pieces)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shuffling, "GROUP_BYTES", max(1, total // groups))
        patch.setattr(shuffling, "PART_BYTES", max(1, total // 3))
        patch.setattr(shuffling, "LEAST_BYTES", 1)
        executor = ShuffledExecutor(seed, workers)
        found = list(mapped(executor, _Given(states), range(len(states)), {"k": (_NUMBERS, _NUMBERS)}, _MERGERS, _Only))
    home = [piece for only in found for piece in only.states.get("k", ())]
    everything = np.array([pair for piece in pieces for pair in piece], np.uint64).reshape(-1, 2)
    wanted = np.flatnonzero(_meet(everything))
    row = np.concatenate([np.empty(0, np.uint64), *(piece["row"] for piece in home)])
    order = np.argsort(row)
    assert row[order].tolist() == wanted.tolist()
    if len(row):
        assert np.concatenate([piece["numbers"] for piece in home])[order].tolist() == everything[wanted].tolist()


def _NUMBERS(columns: Columns) -> NDArray[np.uint64]:  # noqa: N802 - a constant, which is a function to be picklable
    return columns["numbers"]


class _Given:
    """A task that hands out states."""

    def __init__(self, states: list[list[Columns]]) -> None:
        self.states = states

    def __call__(self, item: int) -> _Only:
        return _Only({"k": self.states[item], "other": item})


class _Lists:
    def empty(self) -> list[Columns]:
        return []

    def merge(self, a: list[Columns], b: list[Columns]) -> list[Columns]:
        return a + b


_MERGERS = {"k": _Lists()}


def test_rows_without_shingles_meet_by_their_key_alone() -> None:
    columns: Columns = {
        "row": np.array([0, 1, 2], np.uint64),
        "key": np.array([[5, 0], [5, 1], [6, 0]], np.uint64),
        "signature": np.zeros((3, 128), np.uint8),
        "size": np.zeros(3, np.int64),
    }
    assert _meet(ByBands(32)(columns)).tolist() == [True, True, False]
    assert not _meet(ByBands(32, keyed=False)(columns)).any()
    assert _meet(ByKey()(columns)).tolist() == [True, True, False]
    assert ByBands(32) == ByBands(32) != ByBands(16)
