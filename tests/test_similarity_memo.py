"""What an earlier run has compared is not compared again, and nothing is taken for it that is not it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dsprep.folds import similarity_memo
from dsprep.folds.similarity_memo import remembering


class MemoryMemo:
    def __init__(self) -> None:
        self.kept: dict[str, dict[str, NDArray[Any]]] = {}

    def get(self, name: str) -> dict[str, NDArray[Any]] | None:
        return self.kept.get(name)

    def put(self, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        self.kept[name] = dict(arrays)


class Rows:
    """Texts by content; `asked` counts what was compared."""

    def __init__(self, texts: list[int]) -> None:
        self.texts = np.array(texts, np.uint64)
        self.asked = 0

    def keys(self, units: NDArray[np.int64]) -> NDArray[np.uint64]:
        return np.stack([self.texts[units] // np.uint64(3), self.texts[units]], axis=1)

    def verify(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
        self.asked += len(left)
        a, b = self.texts[left].astype(float), self.texts[right].astype(float)
        similarity: NDArray[np.float64] = (1 + np.minimum(a, b)) / (1 + np.maximum(a, b))
        return similarity


@pytest.fixture(autouse=True)
def _worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity_memo, "WORTH_KEEPING", 1)


PAIRS = st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), min_size=1, max_size=40)


@pytest.mark.parametrize("collide", [False, True])
@given(st.lists(st.lists(st.integers(0, 9), min_size=20, max_size=20), min_size=1, max_size=4), PAIRS)
def test_similarities_are_the_same_whatever_is_remembered(
    collide: bool, runs: list[list[int]], pairs: list[tuple[int, int]]
) -> None:
    memo = MemoryMemo()
    left, right = np.array(pairs, np.int64).T
    with pytest.MonkeyPatch.context() as patch:
        if collide:
            patch.setattr(similarity_memo, "_FACTORS", np.zeros(4, np.uint64))
        for texts in runs:
            rows = Rows(texts)
            found = remembering(memo, rows.keys, rows.verify)(left, right)
            assert np.array_equal(found, Rows(texts).verify(left, right))


def test_only_what_is_new_is_compared_wherever_it_stands() -> None:
    memo = MemoryMemo()
    first = Rows([1, 2, 3, 4])
    remembering(memo, first.keys, first.verify)(np.array([0, 1, 2]), np.array([1, 2, 3]))
    moved = Rows([9, 4, 3, 2, 1])
    remembering(memo, moved.keys, moved.verify)(np.array([0, 1, 2, 3]), np.array([1, 2, 3, 4]))
    assert (first.asked, moved.asked) == (3, 1)
    again = Rows([9, 4, 3, 2, 1])
    remembering(memo, again.keys, again.verify)(np.array([0, 1]), np.array([1, 2]))
    assert again.asked == 0
