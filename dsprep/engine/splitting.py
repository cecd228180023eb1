"""Which split each row goes to: stratified, stable under appending, and never through the middle of a unit.

A unit is a set of rows that must stay together: near-duplicates, equal prompts, one group. Rows are decided in reading
order. The first row of a unit decides for it: a number drawn from its content and the seed is held against the
fractions, shifted a little by how far its stratum is from its quota so far. So shares keep within a row or two of what
was asked, in every class, and a row appended later cannot change what was decided before it (unless it ties two
earlier units together).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsprep.text.clusters import components

#: How strongly a stratum's deficit moves the next draw. The deficit is then a stationary process with a standard
#: deviation of sqrt(p(1-p) / (2g - g^2)) rows: 0.7 rows for p = 0.1 and g = 0.1.
GAIN = 0.1

SPLIT_NAMES = ("train", "validation", "test")


class SplitError(ValueError):
    """Shares that are none. The message says what is wrong and how to write them."""


@dataclass(frozen=True)
class SplitPlan:
    """Names of the splits with the share of rows that each gets; the shares sum to 1."""

    shares: Mapping[str, float]
    seed: int = 0

    @classmethod
    def parse(cls, text: str, seed: int = 0) -> SplitPlan:
        """`0.9/0.1` or `0.8/0.1/0.1` (train/validation/test); percent and any positive weights will do.

        Raises SplitError.
        """
        example = "write it as 0.9/0.1 (train/validation) or 0.8/0.1/0.1 (train/validation/test)"
        try:
            weights = [float(part) for part in text.split("/")]
        except ValueError:
            raise SplitError(f"{text!r} is no split: {example}") from None
        if not 2 <= len(weights) <= 3 or not all(0 < w < float("inf") for w in weights):
            raise SplitError(f"{text!r} is no split: two or three positive shares are needed; {example}")
        total = sum(weights)
        if not any(abs(total - whole) < 1e-6 for whole in (1.0, 100.0)):
            raise SplitError(f"{text!r} is no split: the shares sum to {total:g}, not to 1; {example}")
        return cls({name: w / total for name, w in zip(SPLIT_NAMES, weights, strict=False)}, seed)


def assign(
    plan: SplitPlan,
    *,
    unit: NDArray[np.int64],
    stratum: NDArray[np.int64],
    content: NDArray[np.uint64],
) -> NDArray[np.uint8]:
    """The index of the split (in the order of `plan.shares`) of each row, uint8[n].

    Rows are in reading order. `unit[i]` numbers the unit of row i, `stratum[i]` its class, `content[i]` is a hash of
    what the row says. The first unit of each stratum goes to the first split, the second to the second and the third
    to the third, so that no class with as many units is missing from a split, and none from the first.
    """
    shares = np.array(list(plan.shares.values()))
    parts = len(shares)
    chosen: dict[int, int] = {}
    rows_in: dict[int, int] = {}
    units_in: dict[int, int] = {}
    counts: dict[int, list[int]] = {}
    out = np.empty(len(unit), np.uint8)
    salt = hashlib.blake2b(str(plan.seed).encode(), digest_size=16).digest()
    for i, (u, s, c) in enumerate(zip(unit.tolist(), stratum.tolist(), content.tolist(), strict=True)):
        have = counts.setdefault(s, [0] * parts)
        if u not in chosen:
            nth = units_in.get(s, 0)
            units_in[s] = nth + 1
            if nth < parts:
                chosen[u] = nth
            else:
                chosen[u] = _drawn(shares, have, rows_in.get(s, 0), _uniform(salt, c))
        part = chosen[u]
        out[i] = part
        have[part] += 1
        rows_in[s] = rows_in.get(s, 0) + 1
    return out


def units(n: int, keys: Sequence[NDArray[np.uint64]]) -> NDArray[np.int64]:
    """Number the units of `n` rows: rows that are equal in any of `keys` (uint64[n], 0: belongs to nobody) belong
    together, and whoever belongs to one of them. The number of a unit is the index of its first row. int64[n]."""
    left: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    right: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    for key in keys:
        order = np.argsort(key, kind="stable")
        ordered = key[order]
        same = (ordered[1:] == ordered[:-1]) & (ordered[1:] != 0)
        left.append(order[:-1][same])
        right.append(order[1:][same])
    return components(n, np.concatenate(left), np.concatenate(right))


def _uniform(salt: bytes, content: int) -> float:
    digest = hashlib.blake2b(content.to_bytes(8, "little"), digest_size=8, salt=salt).digest()
    return int.from_bytes(digest, "little") / 2**64


def _drawn(shares: NDArray[np.float64], have: Sequence[int], rows: int, number: float) -> int:
    """The split for a draw of `number` in [0, 1), the chances shifted towards the splits that lack rows."""
    chance = np.clip(shares + GAIN * (shares * rows - np.array(have)), 0.0, 1.0)
    total = float(chance.sum())
    edges = np.cumsum(chance / total if total > 0 else shares)
    return min(int(np.searchsorted(edges, number, side="right")), len(shares) - 1)
