"""Which row of one version of the data is which of another: the same, changed, or not there at all.

Rows are paired in rounds, the surest sign first; what is paired takes no part in later rounds. Of several rows with one
key, the first of one version goes with the first of the other, and so on, so that every row is in one pair at most: the
counts always add up. Nothing depends on the order of anything but the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsprep.folds.keyed import group_numbers

#: If more rows than this are left, nobody looks whether those in the same place are alike: both would be read again.
MOST_READ: Final = 200_000
#: Of more rows than this nobody looks which of them are alike wherever they stand.
MOST_LIKENED: Final = 5_000
#: Where this share of rows or more has an id, and no two have the same, it tells rows apart.
_WITH_ID: Final = 0.5

Rows = NDArray[np.int64]


class Sign(IntEnum):
    """By what two rows are taken to be versions of one."""

    CONTENT = 1  #: They say the same: the row is unchanged.
    ID = 2  #: They have the same id.
    LEARNT = 3  #: Their conversations are the same; what differs stands beside them.
    SPELLING = 4  #: They ask and answer the same but for case, white space and Unicode form.
    PROMPT = 5  #: They ask the same in the same setting; the answer differs.
    QUESTION = 6  #: Their users say the same; the system message, or earlier answers, differ.
    ANSWER = 7  #: They answer the same, which no other row does.
    PLACE = 8  #: They stand in the same place between rows that are matched, and share most of their words.
    WORDS = 9  #: They stand anywhere, share most of their words, and no rows that are left are more alike.


@dataclass
class Matched:
    """Pairs of rows, as indexes of the old and the new version (in order of the old), and by which sign. `gone` and
    `come` are the rows in no pair. `ids` says whether ids were used, `placed` whether rows in the same place were
    looked at."""

    old: Rows
    new: Rows
    sign: NDArray[np.uint8]
    gone: Rows
    come: Rows
    ids: bool = False
    placed: bool = True

    def of(self, *signs: Sign) -> NDArray[np.bool_]:
        """Which pairs are by one of the signs."""
        return np.isin(self.sign, signs)


@dataclass
class _Open:
    """The rows that are in no pair yet, and the pairs."""

    old: Mapping[str, NDArray[Any]]
    new: Mapping[str, NDArray[Any]]
    pairs: list[tuple[Rows, Rows, Sign]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.free_old = np.ones(len(self.old["row"]), np.bool_)
        self.free_new = np.ones(len(self.new["row"]), np.bool_)

    def by(self, sign: Sign, *names: str, alone: bool = False) -> None:
        """Pair free rows that agree in all columns of `names`, none of which may be zero; with `alone`, only those that
        agree with one row of each version."""
        i, j = np.flatnonzero(self.free_old), np.flatnonzero(self.free_new)
        keys = [name for name in names if self.old[name].ndim == 2]
        for name in keys:
            i, j = i[self.old[name][i].any(axis=1)], j[self.new[name][j].any(axis=1)]
        if not len(i) or not len(j):
            return
        first, *others = (np.concatenate([self.old[name][i], self.new[name][j]]) for name in names)
        more = [column for other in others for column in (other.T if other.ndim == 2 else [other])]
        group = group_numbers(first, *more)
        a, b = _paired(group[: len(i)], group[len(i) :], alone)
        self.take(i[a], j[b], sign)

    def take(self, i: Rows, j: Rows, sign: Sign) -> None:
        self.free_old[i] = False
        self.free_new[j] = False
        self.pairs.append((i, j, sign))


def match(
    old: Mapping[str, NDArray[Any]],
    new: Mapping[str, NDArray[Any]],
    alike: Callable[[Rows, Rows], NDArray[np.bool_]],
    likest: Callable[[Rows, Rows], tuple[Rows, Rows]],
    *,
    trusted: bool = False,
) -> Matched:
    """Pair the rows of two versions, each as columns of `RowIdentitiesFold` in order of reading.

    `alike(i, j)` says of pairs of rows whether they share most of their words; `likest(i, j)` gives pairs of those rows
    that do, no row twice, the likest first. Ids decide before all else but the
    content if they are `trusted`, since somebody has named the member; else they come after signs that are seen in the
    text, if no two rows share one.
    """
    work = _Open(old, new)
    work.by(Sign.CONTENT, "content", "split")
    work.by(Sign.CONTENT, "content")
    ids = trusted or (_tells_apart(old["id"]) and _tells_apart(new["id"]))
    if ids:
        if not trusted:
            # Ids that are numbers of rows shift when a row goes: what the rows say counts first.
            work.by(Sign.LEARNT, "learnt", "id")
            work.by(Sign.LEARNT, "learnt")
            work.by(Sign.SPELLING, "prompt", "answer", "id")
            work.by(Sign.PROMPT, "prompt", "id")
            work.by(Sign.QUESTION, "question", "id")
        work.by(Sign.ID, "id")
    work.by(Sign.LEARNT, "learnt")
    work.by(Sign.SPELLING, "prompt", "answer")
    work.by(Sign.PROMPT, "prompt")
    work.by(Sign.QUESTION, "question")
    work.by(Sign.ANSWER, "telling", alone=True)
    left = int(work.free_old.sum()), int(work.free_new.sum())
    placed = max(left) <= MOST_READ
    if placed and all(left):
        for backwards in (False, True):
            i, j = _in_place(work, backwards=backwards)
            same = alike(i, j)
            work.take(i[same], j[same], Sign.PLACE)
        i, j = np.flatnonzero(work.free_old), np.flatnonzero(work.free_new)
        if min(len(i), len(j)) > 0 and max(len(i), len(j)) <= MOST_LIKENED:
            work.take(*likest(i, j), Sign.WORDS)
    return _done(work, ids, placed)


def _tells_apart(key: NDArray[np.uint64]) -> bool:
    known = key[key.any(axis=1)]
    return len(known) > 0 and len(known) >= _WITH_ID * len(key) and len(np.unique(known, axis=0)) == len(known)


def _paired(a: NDArray[np.int64], b: NDArray[np.int64], alone: bool) -> tuple[Rows, Rows]:
    """Indexes into `a` and `b`, which hold numbers of groups: the n-th of a group in one with the n-th in the other."""
    first, second = numbers_in_groups(a), numbers_in_groups(b)
    if alone:
        once_a, once_b = (np.bincount(side, minlength=int(max(a.max(), b.max())) + 1) == 1 for side in (a, b))
        chosen = once_a & once_b
        keep_a, keep_b = np.flatnonzero(chosen[a]), np.flatnonzero(chosen[b])
    else:
        keep_a, keep_b = np.arange(len(a)), np.arange(len(b))
    # Group and number in one; there are fewer than 2^31 of either.
    _, i, j = np.intersect1d(
        (a[keep_a] << 32) | first[keep_a], (b[keep_b] << 32) | second[keep_b], assume_unique=True, return_indices=True
    )
    return keep_a[i], keep_b[j]


def numbers_in_groups(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of each row, how many rows of its group come before it."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    sizes = np.diff(np.append(starts, len(group)))
    out = np.empty(len(group), np.int64)
    out[order] = np.arange(len(group)) - np.repeat(starts, sizes)
    return out


def _in_place(work: _Open, *, backwards: bool) -> tuple[Rows, Rows]:
    """Free rows that are as far behind (or before) the same pair in both versions; before the first pair, as far behind
    the beginning."""
    n, m = len(work.free_old), len(work.free_new)
    partner = np.full(n, -1, np.int64)
    for i, j, _ in work.pairs:
        partner[i] = j
    at = np.arange(n)
    if backwards:
        anchor = np.minimum.accumulate(np.where(partner >= 0, at, n)[::-1])[::-1]
        there = np.append(partner, m)[anchor]
    else:
        anchor = np.maximum.accumulate(np.where(partner >= 0, at, -1))
        there = np.append(partner, -1)[anchor]
    there = there + (at - anchor)
    good = work.free_old & (there >= 0) & (there < m)
    i = at[good]
    j = there[good]
    free = work.free_new[j]
    i, j = i[free], j[free]
    j, first = np.unique(j, return_index=True)
    return i[first], j


def _done(work: _Open, ids: bool, placed: bool) -> Matched:
    old = np.concatenate([i for i, _, _ in work.pairs] or [np.empty(0, np.int64)])
    new = np.concatenate([j for _, j, _ in work.pairs] or [np.empty(0, np.int64)])
    sign = np.concatenate([np.full(len(i), s, np.uint8) for i, _, s in work.pairs] or [np.empty(0, np.uint8)])
    order = np.argsort(old, kind="stable")
    return Matched(
        old[order],
        new[order],
        sign[order],
        np.flatnonzero(work.free_old),
        np.flatnonzero(work.free_new),
        ids,
        placed,
    )
