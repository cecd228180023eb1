"""Pearson's chi-square test of homogeneity, and how far two distributions lie apart, in plain Python."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

#: The approximation by the chi-square distribution needs about so many expected examples in each cell (Cochran's rule).
FEWEST_EXPECTED = 5.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two samples over the same classes, rare classes pooled.

    `statistic` is Pearson's chi-square with `freedom` degrees of freedom, `p` the chance of one at least as large if
    both samples come from one distribution, `distance` the total variation distance: the share of examples, 0 to 1,
    that would have to change class to make the two distributions equal.
    """

    statistic: float
    freedom: int
    p: float
    distance: float


def compare(a: Sequence[int], b: Sequence[int]) -> Comparison | None:
    """Whether the samples with counts `a` and `b` per class (equal lengths) differ beyond chance.

    Classes of which fewer than FEWEST_EXPECTED examples are expected in either sample are pooled. None if fewer than
    two classes are left, or a sample is empty: then the test has nothing to say.
    """
    pairs = _pooled(a, b)
    n, m = sum(x for x, _ in pairs), sum(y for _, y in pairs)
    if len(pairs) < 2 or not n or not m:
        return None
    statistic = 0.0
    for x, y in pairs:
        for seen, size in ((x, n), (y, m)):
            expected = size * (x + y) / (n + m)
            statistic += (seen - expected) ** 2 / expected
    distance = sum(abs(x / n - y / m) for x, y in pairs) / 2
    freedom = len(pairs) - 1
    return Comparison(statistic, freedom, chance(statistic, freedom), distance)


def chance(statistic: float, freedom: int) -> float:
    """The chance that a chi-square variable of `freedom` degrees of freedom is at least `statistic`.

    It is the regularised upper incomplete gamma function Q(freedom / 2, statistic / 2): by its series below the mean,
    by its continued fraction (Lentz's method) above, as in Numerical Recipes, section 6.2.
    """
    a, x = freedom / 2, statistic / 2
    if x <= 0:
        return 1.0
    scale = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        n = a
        while abs(term) > abs(total) * 1e-15:
            n += 1
            term *= x / n
            total += term
        return min(1.0, max(0.0, 1 - scale * total))
    tiny = 1e-300
    b = x + 1 - a
    c, d = 1 / tiny, 1 / b
    h = d
    for i in range(1, 10_000):
        step = -i * (i - a)
        b += 2
        d = 1 / (step * d + b or tiny)
        c = b + step / c or tiny
        h *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return min(1.0, scale * h)


def _pooled(a: Sequence[int], b: Sequence[int]) -> list[tuple[int, int]]:
    """The counts per class, with classes too rare for the test in one class; it takes in the rarest of the others as
    long as it is too rare itself."""
    pairs = sorted(((x, y) for x, y in zip(a, b, strict=True) if x + y), key=lambda pair: (sum(pair), pair))
    n, m = sum(x for x, _ in pairs), sum(y for _, y in pairs)
    if not n or not m:
        return pairs

    def rare(pair: tuple[int, int]) -> bool:
        return sum(pair) * min(n, m) / (n + m) < FEWEST_EXPECTED

    kept = list(pairs)
    while len(kept) > 1 and rare(kept[0]):
        first, second, *rest = kept
        kept = sorted([(first[0] + second[0], first[1] + second[1]), *rest], key=lambda pair: (sum(pair), pair))
    return kept
