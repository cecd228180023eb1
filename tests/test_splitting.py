"""The laws of splits: a partition, stable under appending, groups and duplicates whole, classes in proportion."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsprep import api
from dsprep.engine.splitting import SplitPlan, assign, units

PLAN = SplitPlan.parse("0.8/0.1/0.1", seed=3)


def _assigned(
    content: list[int], labels: list[int], unit: list[int] | None = None, plan: SplitPlan = PLAN
) -> list[int]:
    n = len(content)
    return assign(
        plan,
        unit=np.array(unit if unit is not None else range(n), np.int64),
        stratum=np.array(labels, np.int64),
        content=np.array(content, np.uint64),
    ).tolist()


rows = st.lists(st.tuples(st.integers(1, 2**63), st.integers(0, 3)), min_size=1, max_size=300)


@given(rows, rows)
def test_appended_rows_move_no_old_ones(old: list[tuple[int, int]], new: list[tuple[int, int]]) -> None:
    before = _assigned([c for c, _ in old], [s for _, s in old])
    after = _assigned([c for c, _ in old + new], [s for _, s in old + new])
    assert after[: len(old)] == before


@given(st.integers(0, 50), st.integers(1000, 3000), st.integers(1, 5))
@settings(max_examples=20)
def test_every_class_keeps_its_shares(seed: int, n: int, classes: int) -> None:
    drawn = np.random.default_rng(seed)
    labels = drawn.integers(0, classes, n)
    plan = SplitPlan.parse("0.8/0.1/0.1", seed)
    parts = np.array(_assigned(drawn.integers(1, 2**63, n).tolist(), labels.tolist(), plan=plan))
    for label in range(classes):
        mine = parts[labels == label]
        for part, share in enumerate(plan.shares.values()):
            assert abs((mine == part).sum() - share * len(mine)) <= 6


@given(st.lists(st.integers(0, 20), min_size=1, max_size=200), st.integers(0, 9))
def test_units_never_straddle(groups: list[int], seed: int) -> None:
    key = np.array(groups, np.uint64)
    unit = units(len(groups), [key])
    parts = _assigned(
        list(range(1, len(groups) + 1)), [0] * len(groups), unit.tolist(), SplitPlan.parse("0.5/0.5", seed)
    )
    seen: dict[int, set[int]] = {}
    for group, part in zip(groups, parts, strict=True):
        if group:  # 0 belongs to nobody
            seen.setdefault(group, set()).add(part)
    assert all(len(parts) == 1 for parts in seen.values())


def test_units_are_tied_by_any_key_and_named_by_their_first_row() -> None:
    a = np.array([1, 2, 1, 3, 0, 0], np.uint64)
    b = np.array([7, 8, 9, 9, 5, 0], np.uint64)
    assert units(6, [a, b]).tolist() == [0, 1, 0, 0, 4, 5]


def test_a_class_of_two_is_in_both_splits() -> None:
    parts = _assigned(list(range(1, 41)), [0] * 38 + [1] * 2, plan=SplitPlan.parse("0.9/0.1"))
    assert sorted(parts[38:]) == [0, 1]


@pytest.mark.parametrize("text", ["0.9", "0.9/0.2", "a/b", "1/0", "0.5/0.2/0.2/0.1", "nan/0.1", "-1/2", ""])
def test_a_split_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no split"):
        SplitPlan.parse(text)


def _examples(path: Path, n: int, group: bool = False) -> list[bytes]:
    lines = []
    for i in range(n):
        record = {
            "messages": [
                {"role": "user", "content": f"question {i} about {'abcdefg'[i % 7] * 5} and nothing else at all today"},
                {"role": "assistant", "content": ["yes", "no"][i % 2]},
            ]
        }
        if group:
            record["group"] = f"g{i % 13}"  # type: ignore[assignment]
        lines.append(json.dumps(record).encode())
    path.write_bytes(b"\n".join(lines) + b"\n")
    return lines


def _parts(folder: Path) -> dict[str, list[bytes]]:
    return {name: (folder / f"{name}.jsonl").read_bytes().splitlines() for name in ("train", "validation", "rejected")}


def test_split_is_a_partition_byte_for_byte(tmp_path: Path) -> None:
    lines = [*_examples(tmp_path / "data.jsonl", 200), b"{broken", b"", b'{"any": "object"}', b"17"]
    (tmp_path / "data.jsonl").write_bytes(b"\n".join(lines))
    result = api.split([tmp_path / "data.jsonl"], tmp_path / "out", workers=1)
    parts = _parts(tmp_path / "out")
    kept = Counter(parts["train"] + parts["validation"])
    assert kept == Counter(line for line in lines if line not in (b"", b"{broken"))
    assert [json.loads(line)["raw"] for line in parts["rejected"]] == ["{broken"]
    assert result.funnel.reconciles
    assert result.funnel.rows_in == 203


def test_appending_to_a_file_moves_no_row(tmp_path: Path) -> None:
    lines = _examples(tmp_path / "data.jsonl", 300)
    (tmp_path / "data.jsonl").write_bytes(b"\n".join(lines[:200]) + b"\n")
    api.split([tmp_path / "data.jsonl"], tmp_path / "before", workers=1)
    (tmp_path / "data.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    api.split([tmp_path / "data.jsonl"], tmp_path / "after", workers=1)
    before, after = _parts(tmp_path / "before"), _parts(tmp_path / "after")
    assert set(before["train"]) <= set(after["train"])
    assert set(before["validation"]) <= set(after["validation"])


def test_groups_stay_together(tmp_path: Path) -> None:
    _examples(tmp_path / "data.jsonl", 300, group=True)
    api.split([tmp_path / "data.jsonl"], tmp_path / "out", split="0.7/0.3", workers=1)
    parts = _parts(tmp_path / "out")
    groups = {name: {json.loads(line)["group"] for line in parts[name]} for name in ("train", "validation")}
    assert groups["train"]
    assert groups["validation"]
    assert not groups["train"] & groups["validation"]
