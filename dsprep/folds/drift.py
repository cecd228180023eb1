"""How far two samples lie apart: of sizes (tokens, turns) and of shares (labels, languages, shapes).

Everything is worked out from counts, in plain Python and whole numbers as far as possible, so that the same counts give
the same figures on every machine. What is given back is plain JSON data; a pair is before, now.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any, Final

from dsprep.folds.chisquare import compare
from dsprep.folds.statistics import summary

#: How many classes whose share has changed are listed, those that have changed most first.
MOST_CLASSES: Final = 20
#: Below this chance a difference is taken to be more than what drawing examples anew would give.
LEAST_CHANCE: Final = 0.01
_FIGURES: Final = ("min", "p5", "median", "mean", "p95", "max", "total")


def of_sizes(before: Mapping[int, int], now: Mapping[int, int]) -> dict[str, Any]:
    """Drift of sizes, each given as size to how many examples have it; empty if either sample is.

    `min`, `p5`, `median`, `mean`, `p95`, `max`, `total`: pairs (see folds.statistics.summary). `ks` is the statistic of
    Kolmogorov and Smirnov, the largest distance between the two distribution functions, 0 to 1; `chance` that of one at
    least as large if both samples come from one distribution (see `kolmogorov`), `beyond_chance` whether that is below
    LEAST_CHANCE; `moved` the distance of Wasserstein
    (earth mover's): by how many tokens, or turns, an example would have to change on average to make one distribution
    of the other. On a line that is the area between the distribution functions (Vallender 1974).
    """
    n, m = sum(before.values()), sum(now.values())
    if not n or not m:
        return {}
    farthest, area = 0.0, 0.0
    below = beneath = 0
    last: int | None = None
    for size in sorted({*before, *now}):
        if last is not None:
            apart = abs(below / n - beneath / m)
            farthest = max(farthest, apart)
            area += apart * (size - last)
        below += before.get(size, 0)
        beneath += now.get(size, 0)
        last = size
    return {
        **_pairs(summary(before), summary(now)),
        "ks": round(farthest, 4),
        **_tested(kolmogorov(farthest, n, m)),
        "moved": round(area, 2),
    }


def of_summaries(
    before: Mapping[str, Any], now: Mapping[str, Any], histograms: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> dict[str, Any]:
    """Drift of sizes of which summaries and histograms alone are known (see docs/json-report.md, `stats`).

    The same keys as `of_sizes`, without `moved`. `ks` is at least what is given: the two histograms have bins of their
    own, so the distribution functions are compared at the edges that both have.
    """
    figures = _pairs(before, now)
    if not figures:
        return {}
    first, second = (_distribution(one) for one in histograms)
    n, m = (max(one.values(), default=0) for one in (first, second))
    if not n or not m:
        return figures
    pairs = [(_below(first, edge), _below(second, edge)) for edge in first.keys() | second.keys()]
    farthest = max(abs(x / n - y / m) for x, y in pairs if x is not None and y is not None)
    return {**figures, "ks": round(farthest, 4), **_tested(kolmogorov(farthest, n, m))}


def of_shares(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, Any]:
    """Drift of classes, each given as class to how many examples are of it; empty if either sample is.

    `classes`: a pair of how many classes there are. `distance` is the total variation distance, 0 to 1: the share of
    examples that would have to change class to make the shares equal (Levin, Peres and Wilmer, "Markov Chains and
    Mixing Times", section 4.1). `chance` and `beyond_chance` are of Pearson's chi-square test (see folds.chisquare), or
    null where there are too few examples for it. `changes` are the classes whose count has changed, those with the
    largest change of share first, at most MOST_CLASSES: `name`, `before` and `now` (counts), `share_before`,
    `share_now`; `more` is how many others there are.
    """
    n, m = sum(before.values()), sum(now.values())
    if not n or not m:
        return {}
    names = sorted({*before, *now})
    pairs = [(before.get(name, 0), now.get(name, 0)) for name in names]
    tested = compare([x for x, _ in pairs], [y for _, y in pairs])
    changed = [(name, x, y) for name, (x, y) in zip(names, pairs, strict=True) if x != y]
    changed.sort(key=lambda one: (-abs(one[1] * m - one[2] * n), one[0]))
    return {
        "classes": [sum(x > 0 for x, _ in pairs), sum(y > 0 for _, y in pairs)],
        "distance": round(sum(abs(x * m - y * n) for x, y in pairs) / (2 * n * m), 4),
        **_tested(None if tested is None else tested.p),
        "changes": [
            {"name": name, "before": x, "now": y, "share_before": round(x / n, 4), "share_now": round(y / m, 4)}
            for name, x, y in changed[:MOST_CLASSES]
        ],
        "more": max(len(changed) - MOST_CLASSES, 0),
    }


def kolmogorov(distance: float, n: int, m: int) -> float:
    """The chance that two samples of `n` and `m` from one distribution lie as far apart as `distance`, or farther.

    The limiting distribution of Kolmogorov (1933) and Smirnov (1948), with the correction for small samples of Stephens
    (1970), as in Numerical Recipes, section 14.3: Q(t) = 2 Σ (-1)^(j-1) exp(-2 j² t²). Sizes are whole numbers with
    ties, for which the true chance is at most that.
    """
    root = math.sqrt(n * m / (n + m))
    t = (root + 0.12 + 0.11 / root) * distance
    if t < 0.2:  # the series converges slowly there, and is 1 to fifteen places
        return 1.0
    total = sum((-1.0) ** (j - 1) * math.exp(-2 * j * j * t * t) for j in range(1, 101))
    return min(1.0, max(0.0, 2 * total))


def _pairs(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    both = {name: [before.get(name), now.get(name)] for name in _FIGURES}
    return {} if any(_number(value) is None for pair in both.values() for value in pair) else both


def _distribution(histogram: Mapping[str, Any]) -> dict[float, int]:
    """How many examples are smaller than each edge; nothing for what is no histogram."""
    edges, counts = histogram.get("edges"), histogram.get("counts")
    parts = list(counts.values()) if isinstance(counts, Mapping) else []
    if not _ascending(edges) or not parts or any(not _counts(part, len(edges or ()) - 1) for part in parts):
        return {}
    sums = list(accumulate((sum(column) for column in zip(*parts, strict=True)), initial=0))
    return dict(zip(edges or (), sums, strict=True))


def _below(distribution: Mapping[float, int], edge: float) -> int | None:
    """How many examples are smaller than `edge`; None if nobody can tell."""
    if edge in distribution:
        return distribution[edge]
    return 0 if edge < min(distribution) else max(distribution.values()) if edge > max(distribution) else None


def _ascending(edges: Any) -> bool:
    known = isinstance(edges, Sequence) and len(edges) > 1 and all(_number(edge) is not None for edge in edges)
    return known and all(a < b for a, b in pairwise(edges))


def _counts(part: Any, size: int) -> bool:
    return isinstance(part, Sequence) and len(part) == size and all(type(n) is int and n >= 0 for n in part)


def _number(value: Any) -> float | int | None:
    return value if type(value) in (int, float) and math.isfinite(value) else None


def _tested(chance: float | None) -> dict[str, Any]:
    # Two significant digits: more would say more than an approximation knows.
    rounded = None if chance is None else float(f"{chance:.2g}")
    return {"chance": rounded, "beyond_chance": None if chance is None else chance < LEAST_CHANCE}
