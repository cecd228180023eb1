"""Runs of n words as 64-bit hashes, for whole batches of texts: to look texts up in others, not to compare all pairs.

Words are those of `text.shingles`. The hashes are made for speed, not against an adversary.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dsprep.text.mixing import numbers

#: The longest run.
MOST_WORDS = 64

_PLACES = np.array([x | 1 for x in numbers(224, MOST_WORDS)], np.uint64)
_FINISH = np.uint64(numbers(225, 1)[0] | 1)
_32 = np.uint64(32)


def runs(words: NDArray[np.uint64], counts: NDArray[np.int64], n: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The hash of each run of `n` words that lies in one text, uint64, in order; and the index of that text, int64.

    `words` are hashes of words, `counts` how many each text has; see `text.shingles.word_hashes`. `n` is at most
    MOST_WORDS.
    """
    places = max(0, len(words) - n + 1)
    text = np.repeat(np.arange(len(counts)), counts)
    if not places:
        return np.empty(0, np.uint64), np.empty(0, np.int64)
    inside = text[:places] == text[n - 1 :]
    sums = np.zeros(places, np.uint64)
    for place in range(n):
        sums += words[place : place + places] * _PLACES[place]
    return _mixed(sums[inside]), text[:places][inside]


def wholes(words: NDArray[np.uint64], counts: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The hash of all words of each text, uint64; 0 for texts without any, or with more than MOST_WORDS."""
    out = np.zeros(len(counts), np.uint64)
    ends = np.cumsum(counts)
    place = np.arange(len(words)) - np.repeat(ends - counts, counts)
    fits = (counts > 0) & (counts <= MOST_WORDS)
    kept = np.repeat(fits, counts)
    products = words[kept] * _PLACES[place[kept]]
    some = counts[fits]
    if len(some):
        sums: NDArray[np.uint64] = np.add.reduceat(products, np.cumsum(some) - some)
        out[fits] = _mixed(sums ^ some.astype(np.uint64)) | np.uint64(1)
    return out


def _mixed(sums: NDArray[np.uint64]) -> NDArray[np.uint64]:
    out = sums ^ (sums >> _32)
    out *= _FINISH
    return np.asarray(out ^ (out >> _32))
