"""Who equals whom: groups of equal keys, numbered by their first rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsprep.folds import keyed
from dsprep.folds.keyed import firsts, group_numbers, split_numbers


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 2)), max_size=60), st.booleans())
def test_groups_are_numbered_by_their_first_rows(rows: list[tuple[int, int, int]], collide: bool) -> None:
    keys = np.array([row[:2] for row in rows], np.uint64).reshape(-1, 2)
    more = np.array([row[2] for row in rows], np.int64)
    numbers: dict[tuple[int, int, int], int] = {}
    expected = [numbers.setdefault(row, len(numbers)) for row in rows]
    with pytest.MonkeyPatch.context() as patch:
        if collide:
            # All rows get one and the same mixed number: what is sorted by it must be found out.
            patch.setattr(keyed, "_MIX", np.uint64(0))
        found = group_numbers(keys, more)
    assert found.tolist() == expected
    assert firsts(found).tolist() == [expected.index(number) for number in expected]


@given(st.lists(st.sampled_from([b"train", b"test", b"validation", b"zoo", b"\xff"]), max_size=20))
def test_splits_are_numbered_in_their_order(names: list[bytes]) -> None:
    number, found = split_numbers({"split": np.array(names, "S10")})
    assert [found[i] for i in number.tolist()] == [name.decode("utf-8", "replace") for name in names]
    known = [name for name in ("train", "validation", "test") if name in found]
    assert found[: len(known)] == known
