"""From signatures to pairs of texts that are alike, and to clusters of them; the work grows almost linearly with n.

Units (texts that are the same already are one unit) are numbered 0 … n-1 in reading order. A pair is two arrays of
units, `left` < `right`, one entry per pair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from dsprep.text.minhash import agreement, band_keys
from dsprep.text.mixing import numbers
from dsprep.text.shingles import Shingles

Units = NDArray[np.int64]
#: Gives the sets of shingles of some units (sorted, unique), in that order; see `text.shingles.distinct`.
Load = Callable[[Units], Shingles]
#: Gives the exact similarity of each pair, float64.
Verify = Callable[[Units, Units], NDArray[np.float64]]
A = TypeVar("A")
B = TypeVar("B")


class Spread(Protocol):
    """Calls a function on each item and gives the results in order, perhaps on several cores."""

    def __call__(self, function: Callable[[A], B], items: Sequence[A], /) -> Iterable[B]: ...


#: Buckets of up to so many units are compared all with all.
SMALL_BUCKET = 16
#: How often a larger bucket is divided again, each time by one more band.
DIVISIONS = 3
#: Of more candidates, a unit keeps those with the best estimates: so many in its own part of the data, and so many
#: elsewhere.
MOST_PARTNERS = 16
#: Clusters of up to so many units know all their pairs, those of more only the candidates'.
SMALL_CLUSTER = 32
#: How many standard deviations below the threshold an estimate must be to be rejected without a look at the texts.
DEVIATIONS = 3.5
#: So many bands are looked through at a time: what is found in one of them is mostly found in the others, too.
BANDS_AT_ONCE = 4
#: Fewer units than this are not worth other processes.
WORTH_SPREADING = 20_000

_AT_ONCE = 1 << 20
_32 = np.uint64(32)
_MIX = np.uint64(numbers(64, 1)[0] | 1)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of units that are alike: `similarity` (float64) is the Jaccard similarity of their sets of shingles."""

    left: Units
    right: Units
    similarity: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.left)


def alike(
    signatures: NDArray[np.uint8],
    sizes: NDArray[np.int64],
    verify: Verify,
    *,
    threshold: float,
    bands: int,
    part: NDArray[np.int64] | None = None,
    spread: Spread = map,
) -> Pairs:
    """All pairs of units whose Jaccard similarity is at least `threshold`, as `verify` says (see `similarities`).

    `signatures` is uint8 of shape (n, permutations), `sizes` how many shingles each unit has (those with none are
    like nobody), `part` the part of the data (split) that a unit stands in. Of units that have very many others like
    them (templates with a word filled in), not all pairs are found: each keeps its best few, and the clusters are whole
    all the same. Sorted by left, then right, whatever `spread` does.
    """
    n, permutations = signatures.shape
    deviation = (threshold * (1 - threshold) / permutations) ** 0.5
    floor = max(1, int(np.ceil((threshold - DEVIATIONS * deviation) * permutations)))
    if part is None:
        part = np.zeros(n, np.int64)
    codes = _candidates(signatures, np.flatnonzero(sizes > 0), bands, floor, part, spread)
    left, right = _uncoded(_completed(signatures, codes, floor))
    similarity = verify(left, right)
    held = similarity >= threshold
    return Pairs(left[held], right[held], similarity[held])


def _uncoded(codes: NDArray[np.uint64]) -> tuple[Units, Units]:
    return (codes >> _32).astype(np.int64), (codes & np.uint64(0xFFFFFFFF)).astype(np.int64)


def _coded(a: Units, b: Units) -> NDArray[np.uint64]:
    low, high = np.minimum(a, b), np.maximum(a, b)
    return (low.astype(np.uint64) << _32) | high.astype(np.uint64)


def _distinct(parts: Sequence[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    """All numbers of `parts`, sorted, each once. Sorting beats the hash table behind numpy's own `unique`."""
    out = np.concatenate([np.empty(0, np.uint64), *parts])
    out.sort()
    fresh = np.ones(len(out), np.bool_)
    np.not_equal(out[1:], out[:-1], out=fresh[1:])
    return out[fresh]


def _candidates(
    signatures: NDArray[np.uint8],
    units: Units,
    bands: int,
    floor: int,
    part: NDArray[np.int64],
    spread: Spread,
) -> NDArray[np.uint64]:
    """Pairs of `units` that share a band and whose signatures agree in `floor` places, coded and sorted: of each unit
    the best (see MOST_PARTNERS)."""
    find = partial(_of_bands, signatures, band_keys(signatures, bands), units, floor, part)
    groups = [range(start, min(start + BANDS_AT_ONCE, bands)) for start in range(0, bands, BANDS_AT_ONCE)]
    best = np.empty(0, np.uint64)
    for codes in (map if len(units) < WORTH_SPREADING else spread)(find, groups):
        # The best of all are the best of the best so far and the new ones: what is held stays bounded.
        best = _best(_distinct([best, codes]), signatures, part)
    return best


def _of_bands(
    signatures: NDArray[np.uint8],
    keys: NDArray[Any],
    units: Units,
    floor: int,
    part: NDArray[np.int64],
    bands: Iterable[int],
) -> NDArray[np.uint64]:
    """Those of `_candidates` that some bands give."""
    best = np.empty(0, np.uint64)
    waiting: list[NDArray[np.uint64]] = []
    held = 0

    def chosen() -> NDArray[np.uint64]:
        codes = _distinct(waiting)
        codes = codes[agreement(signatures, *_uncoded(codes)) >= floor]
        return _best(_distinct([best, codes]), signatures, part)

    for band in bands:
        found = _colliding(keys, units, band)
        waiting += found
        held += sum(map(len, found))
        if held > 2 * _AT_ONCE:
            best = chosen()
            waiting, held = [], 0
    return chosen()


def _colliding(keys: NDArray[Any], units: Units, band: int) -> list[NDArray[np.uint64]]:
    """Coded pairs of units that share `band`, near-linear in their number.

    Units of a small bucket are paired all with all. Those of a large one are paired with its first and with their
    neighbours, and then the bucket is divided by the next band: units that are truly alike meet again there.
    """
    out: list[NDArray[np.uint64]] = []
    key = _band(keys, units, band)
    for division in range(1, DIVISIONS + 1):
        order, begins, ends = _buckets(key)
        if not len(begins):
            break
        members = units[order]
        sizes = ends - begins
        small = sizes <= SMALL_BUCKET
        _all_with_all(members, begins[small], ends[small], out)
        begins, ends, sizes = begins[~small], ends[~small], sizes[~small]
        if not len(begins):
            break
        at = _ranges(begins, sizes)
        first = np.repeat(begins, sizes)
        out.append(_coded(members[at[at != first] - 1], members[at[at != first]]))
        out.append(_coded(members[first[at != first]], members[at[at != first]]))
        key = key[order][at]
        units = members[at]
        key ^= _band(keys, units, (band + division) % keys.shape[1]) * _MIX
        key *= _MIX
        key ^= key >> _32
    return out


def _band(keys: NDArray[Any], units: Units, band: int) -> NDArray[np.uint64]:
    """The keys of one band, uint64; short ones in the high bits."""
    key: NDArray[Any] = keys[units, band]
    return key if key.dtype == np.uint64 else key.astype(np.uint64) << _32


def _buckets(key: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """An order that puts equal keys side by side, and the ranges in it that hold two or more of a key.

    The low bits of a key make room for its index, so that plain numbers are sorted, which is several times as fast as
    argsort and always stable. With fewer bits two keys are taken for one now and then, which costs a comparison.
    """
    n = len(key)
    low = np.uint64((1 << max(1, int(n - 1).bit_length())) - 1)
    packed = (key & ~low) | np.arange(n, dtype=np.uint64)
    packed.sort()
    high = packed & ~low
    edges = np.concatenate(([0], np.flatnonzero(high[1:] != high[:-1]) + 1, [n]))
    several = np.flatnonzero(np.diff(edges) > 1)
    return (packed & low).astype(np.int64), edges[several], edges[several + 1]


def _all_with_all(members: Units, begins: Units, ends: Units, out: list[NDArray[np.uint64]]) -> None:
    sizes = ends - begins
    at = _ranges(begins, sizes)
    end = np.repeat(ends, sizes)
    for step in range(1, SMALL_BUCKET):
        inside = at + step < end
        at, end = at[inside], end[inside]
        if not len(at):
            return
        out.append(_coded(members[at], members[at + step]))


def _ranges(begins: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers from `begins[i]`, `sizes[i]` of them, for all i one after the other."""
    total = int(sizes.sum())
    return np.repeat(begins - (np.cumsum(sizes) - sizes), sizes) + np.arange(total)


def _best(codes: NDArray[np.uint64], signatures: NDArray[np.uint8], part: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Those of sorted pairs that are among the best of one of their two units (see MOST_PARTNERS)."""
    left, right = _uncoded(codes)
    m = len(codes)
    if not m or int(np.bincount(np.concatenate((left, right))).max()) <= MOST_PARTNERS:
        return codes
    agreed = agreement(signatures, left, right)
    permutations = signatures.shape[1]
    away = part[left] != part[right]
    # By unit, then part, then the worse the later; equally good pairs stay in order.
    rank = np.concatenate([(unit * 2 + away) * (permutations + 1) + (permutations - agreed) for unit in (left, right)])
    order = np.argsort(rank, kind="stable")
    group = rank[order] // (permutations + 1)
    begins = np.concatenate(([0], np.flatnonzero(group[1:] != group[:-1]) + 1))
    nth = np.arange(2 * m) - np.repeat(begins, np.diff(np.append(begins, 2 * m)))
    keep = np.zeros(m, np.bool_)
    keep[order[nth < MOST_PARTNERS] % m] = True
    return codes[keep]


def _completed(signatures: NDArray[np.uint8], codes: NDArray[np.uint64], floor: int) -> NDArray[np.uint64]:
    """The pairs; with them, in small clusters, all other pairs whose signatures agree in `floor` places, and in larger
    ones, those of the first unit. Coded and sorted."""
    if not len(codes):
        return codes
    left, right = _uncoded(codes)
    units, first, second = _renumbered(left, right)
    label = components(len(units), first, second)
    order = np.argsort(label, kind="stable")
    ordered = label[order]
    edges = np.concatenate(([0], np.flatnonzero(ordered[1:] != ordered[:-1]) + 1, [len(ordered)]))
    begins, ends = edges[:-1], edges[1:]
    sizes = ends - begins
    members = units[order]
    more: list[NDArray[np.uint64]] = []
    some = (sizes > 2) & (sizes <= SMALL_CLUSTER)
    at, end = _ranges(begins[some], sizes[some]), np.repeat(ends[some], sizes[some])
    for step in range(1, SMALL_CLUSTER):
        inside = at + step < end
        at, end = at[inside], end[inside]
        more.append(_coded(members[at], members[at + step]))
    many = sizes > SMALL_CLUSTER
    at = _ranges(begins[many] + 1, sizes[many] - 1)
    more.append(_coded(members[np.repeat(begins[many], sizes[many] - 1)], members[at]))
    new = _distinct(more)
    return _distinct([codes, new[agreement(signatures, *_uncoded(new)) >= floor]])


def _renumbered(left: Units, right: Units) -> tuple[Units, Units, Units]:
    """The units that stand in pairs, sorted, and the pairs as indexes into them."""
    stands = np.zeros(1 + max(int(left.max()), int(right.max())), np.bool_)
    stands[left] = stands[right] = True
    number = np.cumsum(stands) - 1
    return np.flatnonzero(stands), number[left], number[right]


def similarities(left: Units, right: Units, load: Load, spread: Spread = map) -> NDArray[np.float64]:
    """The Jaccard similarity of each pair: shingles in both over shingles in either, repeats not counted."""
    if not len(left):
        return np.zeros(0, np.float64)
    units, first, second = _renumbered(left, right)
    sets = load(units)
    bounds = np.zeros(len(first) + 1, np.int64)
    np.cumsum(sets.counts[first] + sets.counts[second], out=bounds[1:])
    pieces = [(first[start:stop], second[start:stop]) for start, stop in _stretches(bounds, _AT_ONCE)]
    return np.concatenate(list((map if len(pieces) < 4 else spread)(partial(_jaccard, sets), pieces)))


def _stretches(offsets: NDArray[np.int64], most: int) -> list[tuple[int, int]]:
    """Ranges of consecutive items of about `most` in all each, one item at least; `offsets` are their bounds."""
    out: list[tuple[int, int]] = []
    start, n = 0, len(offsets) - 1
    while start < n:
        stop = int(np.searchsorted(offsets, offsets[start] + most, side="right")) - 1
        stop = min(max(stop, start + 1), n)
        out.append((start, stop))
        start = stop
    return out


def _jaccard(sets: Shingles, pairs: tuple[Units, Units]) -> NDArray[np.float64]:
    """The similarity of pairs of sets, given by their numbers."""
    (left, right), counts = pairs, sets.counts
    size_left, size_right = counts[left], counts[right]
    number = np.arange(len(left), dtype=np.uint64) << _32
    a = np.repeat(number, size_left) | sets.hashes[_ranges(sets.offsets[left], size_left)]
    b = np.repeat(number, size_right) | sets.hashes[_ranges(sets.offsets[right], size_right)]
    # Both are sorted and without repeats, so what stands twice in the merged list is in both sets.
    merged = np.concatenate((a, b))
    merged.sort(kind="stable")
    twice = merged[1:][merged[1:] == merged[:-1]]
    both = np.bincount((twice >> _32).astype(np.int64), minlength=len(left))
    either: NDArray[np.int64] = np.maximum(1, size_left + size_right - both)
    return np.divide(both, either, dtype=np.float64)


def components(n: int, left: Units, right: Units) -> Units:
    """The connected components of a graph of `n` nodes: for each node the smallest node of its component, int64.

    Labels are handed to the root of the other side and paths are halved, until nothing changes: O(log n) rounds.
    """
    root = np.arange(n, dtype=np.int64)
    while len(left):
        a, b = root[left], root[right]
        apart = a != b
        left, right, a, b = left[apart], right[apart], a[apart], b[apart]
        np.minimum.at(root, np.maximum(a, b), np.minimum(a, b))
        while True:
            above = root[root]
            if np.array_equal(above, root):
                break
            root = above
    return root


def leaders(n: int, left: Units, right: Units, priority: Sequence[NDArray[np.int64]]) -> Units:
    """Who stands for whom: for each of `n` nodes the node that is kept for it, itself if it is kept. int64.

    Nodes are taken in order of `priority` (columns, the most important first; the smaller the earlier; ties by number).
    One that is like none of those kept so far is kept, any other is left to the first kept one that it is like: so
    no node is given up for one that it is only like by way of a third.
    """
    out = np.arange(n, dtype=np.int64)
    if not len(left):
        return out
    rank = np.empty(n, np.int64)
    rank[np.lexsort((np.arange(n), *reversed(priority)))] = np.arange(n)
    a, b = rank[left], rank[right]
    first, later = np.minimum(a, b), np.maximum(a, b)
    order = np.lexsort((later, first))
    first, later = first[order], later[order]
    edges = np.concatenate(([0], np.flatnonzero(first[1:] != first[:-1]) + 1, [len(first)]))
    kept: dict[int, int] = {}
    followers = later.tolist()
    bounds = edges.tolist()
    for node, begin, end in zip(first[edges[:-1]].tolist(), bounds, bounds[1:], strict=False):
        if node not in kept:
            for follower in followers[begin:end]:
                kept.setdefault(follower, node)
    node_at = np.empty(n, np.int64)
    node_at[rank] = np.arange(n)
    if kept:
        out[node_at[np.fromiter(kept.keys(), np.int64, len(kept))]] = node_at[
            np.fromiter(kept.values(), np.int64, len(kept))
        ]
    return out
