"""Similarities that an earlier run has worked out: texts that have not changed need not be compared again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dsprep.model.rule import Memo
from dsprep.text.clusters import Units, Verify
from dsprep.text.mixing import numbers

NAME = "similarities"
#: So few pairs are worked out again sooner than put down.
WORTH_KEEPING = 1000

_FACTORS = np.array([x | 1 for x in numbers(160, 4)], np.uint64)


def remembering(
    memo: Memo | None, keys_of: Callable[[Units], NDArray[np.uint64]], verify: Verify, name: str = NAME
) -> Verify:
    """`verify`, asked only about pairs that `memo` does not have; it has them all in the end.

    `keys_of(units)` are the keys of what is compared: uint64 of shape (n, 2), equal for equal texts alone, whatever row
    they stand in. `name` says what is compared.
    """
    if memo is None:
        return verify

    def known_or_verified(left: Units, right: Units) -> NDArray[np.float64]:
        if len(left) < WORTH_KEEPING:
            return verify(left, right)
        pairs = _ordered(keys_of(left), keys_of(right))
        mixed = _mixed(pairs)
        known, similarity = _looked_up(memo, name, pairs, mixed)
        new = np.flatnonzero(~known)
        if len(new):
            similarity[new] = verify(left[new], right[new])
            order = np.argsort(mixed, kind="stable")
            memo.put(name, {"mixed": mixed[order], "pairs": pairs[order], "similarity": similarity[order]})
        return similarity

    return known_or_verified


def _ordered(one: NDArray[np.uint64], two: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Pairs of keys, uint64 of shape (n, 4), the smaller key first: rows may change places from run to run."""
    swap = (one[:, 0] > two[:, 0]) | ((one[:, 0] == two[:, 0]) & (one[:, 1] > two[:, 1]))
    return np.concatenate([np.where(swap[:, None], two, one), np.where(swap[:, None], one, two)], axis=1)


def _mixed(pairs: NDArray[np.uint64]) -> NDArray[np.uint64]:
    out: NDArray[np.uint64] = (pairs * _FACTORS).sum(axis=1, dtype=np.uint64)
    return out


def _looked_up(
    memo: Memo, name: str, pairs: NDArray[np.uint64], mixed: NDArray[np.uint64]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which pairs are known, and the similarities of those."""
    similarity = np.zeros(len(pairs), np.float64)
    found = memo.get(name)
    if found is None or not len(found["mixed"]):
        return np.zeros(len(pairs), np.bool_), similarity
    at = np.minimum(np.searchsorted(found["mixed"], mixed), len(found["mixed"]) - 1)
    # The mixed number only leads there; what counts are the keys themselves.
    known: NDArray[np.bool_] = (found["pairs"][at] == pairs).all(axis=1)
    similarity[known] = found["similarity"][at[known]]
    return known, similarity
