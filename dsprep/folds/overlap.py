"""What splits have in common, pair by pair, out of what the rules about leakage have found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any, Final

from dsprep.folds.splits import ordered
from dsprep.model.finding import Tally

#: Kinds of overlap: the rule that finds them, and whether they are those of its findings of similarity 1 (None: all).
KINDS: Final[Mapping[str, tuple[str, bool | None]]] = {
    "exact": ("LEK001", None),
    "normalized": ("LEK002", True),
    "near": ("LEK002", False),
    "prompt": ("LEK003", None),
    "group": ("LEK004", None),
}
#: Of more splits than this there is no matrix.
MOST_SPLITS: Final = 6


def overlap(tallies: Mapping[str, Tally], splits: Iterable[str]) -> list[dict[str, Any]]:
    """Plain JSON data, an entry per pair of splits: `{split, other}` and by kind (see KINDS) how many rows of `split`
    are in `other` too; None if the rule did not run. Nothing for fewer than two splits.

    A row counts once, towards the last split that it is in.
    """
    names = ordered(splits)
    if not 2 <= len(names) <= MOST_SPLITS:
        return []
    return [
        {"split": split, "other": other, **{kind: _found(tallies, kind, split, other) for kind in KINDS}}
        for split, other in combinations(names, 2)
    ]


def _found(tallies: Mapping[str, Tally], kind: str, split: str, other: str) -> int | None:
    code, same = KINDS[kind]
    tally = tallies.get(code)
    if tally is None:
        return None
    return sum(n for (a, b, alike), n in tally.between.items() if (a, b) == (split, other) and same in (None, alike))
