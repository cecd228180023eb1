"""MinHash signatures (Broder, 1997) of whole batches of shingle sets.

A permutation is the multiplication of a 32-bit shingle hash by an odd number modulo 2^32; the usual added constant
changes neither bias nor spread when the input is hashed already, and costs a third of the time. Of each minimum the low
eight bits are kept (Li and König, b-Bit Minwise Hashing, 2010): its high bits are nearly all zero, and two different
minima agree in the low ones once in 256. Equal minima stay equal, so no pair is lost by it; a few more are looked at.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsprep.text.mixing import numbers
from dsprep.text.shingles import Shingles

#: Permutations and bands by default. 32 bands of 4 find two texts of Jaccard similarity s with a probability of
#: 1 - (1 - s^4)^32, which is 1 - 5e-8 at 0.8.
PERMUTATIONS, BANDS = 128, 32

# Shingles worked on at once: a block and its products stay in the second-level cache, and the fixed costs of numpy's
# calls are spread over some 300 texts of 1 kB. Measured from 4k to 64k; twice as many is no faster.
_BLOCK = 49_152


def signatures(shingles: Shingles, permutations: int = PERMUTATIONS) -> NDArray[np.uint8]:
    """The signatures of n texts, uint8 of shape (n, permutations). A text without shingles has a row of zeros.

    Two signatures agree in about as large a share of their places as the sets of shingles have in common.
    """
    factors = np.array([x | 1 for x in numbers(128, permutations)], np.uint64).astype(np.uint32)
    out = np.zeros((len(shingles.offsets) - 1, permutations), np.uint8)
    filled = np.flatnonzero(shingles.counts)
    # Empty texts take no room, so the others follow each other without a gap.
    bounds = np.append(shingles.offsets[filled], len(shingles.hashes))
    start = 0
    while start < len(filled):
        stop = int(np.searchsorted(bounds, bounds[start] + _BLOCK, side="right")) - 1
        stop = min(max(stop, start + 1), len(filled))
        block = shingles.hashes[bounds[start] : bounds[stop]]
        segments = bounds[start:stop] - bounds[start]
        product = np.empty_like(block)
        minima = np.empty((permutations, stop - start), np.uint32)
        for factor, row in zip(factors, minima, strict=True):
            np.multiply(block, factor, out=product)
            np.minimum.reduceat(product, segments, out=row)
        out[filled[start:stop]] = minima.T
        start = stop
    return out


def band_keys(signatures: NDArray[np.uint8], bands: int = BANDS) -> NDArray[Any]:
    """One number per band of equally many permutations, of shape (n, bands): equal bands have equal numbers.

    For bands of four, or eight, this is a view of the signatures: uint32, or uint64. Others are mixed into uint64.
    """
    n, permutations = signatures.shape
    rows = permutations // bands
    if rows * bands == permutations and rows in (4, 8):
        return np.ascontiguousarray(signatures).view(np.uint32 if rows == 4 else np.uint64)
    factors = np.array([x | 1 for x in numbers(32, rows)], np.uint64)
    keys = np.zeros((n, bands), np.uint64)
    for place, factor in enumerate(factors):
        keys += signatures[:, place::rows][:, :bands].astype(np.uint64) + np.uint64(1)
        keys *= factor
        keys ^= keys >> np.uint64(32)
    return keys


def agreement(
    signatures: NDArray[np.uint8], left: NDArray[np.int64], right: NDArray[np.int64], chunk: int = 8192
) -> NDArray[np.int64]:
    """In how many places the signatures of each pair agree, int64 per pair of `left` and `right`."""
    out = np.empty(len(left), np.int64)
    for start in range(0, len(left), chunk):
        piece = slice(start, start + chunk)
        out[piece] = np.count_nonzero(signatures[left[piece]] == signatures[right[piece]], axis=1)
    return out
