"""What brings rows together: the numbers that a shuffle compares, so that rows which meet no other can stay away.

Each is a `model.rule.Meeting`: the columns of a keyed state in, uint64 of shape (n, k) out. Two rows meet if they have
the same number in the same one of the k places.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsprep.model.rule import Columns
from dsprep.text.minhash import band_keys

_NOBODY = np.uint64(1 << 63)


@dataclass(frozen=True, slots=True)
class ByKey:
    """Rows meet whose `key` (hashes, uint64 of shape (n,), or (n, 2) for the halves of a longer one) is the same: what
    only looks at groups of equal key."""

    def __call__(self, columns: Columns) -> NDArray[np.uint64]:
        # Half of a key brings together all that the whole does, and hardly anybody else.
        key = columns["key"]
        return (key[:, :1] if key.ndim > 1 else key[:, None]).astype(np.uint64, copy=False)


@dataclass(frozen=True, slots=True)
class ByBands:
    """Rows meet whose signatures share a band, as `text.clusters.alike` looks for them; with `keyed`, those of equal
    `key`, too, which are one unit even where they have no shingle to be signed; with `contexts`, those that share a
    context (see `text.contexts`), which are counted."""

    bands: int
    keyed: bool = True
    contexts: bool = False

    def __call__(self, columns: Columns) -> NDArray[np.uint64]:
        numbers = band_keys(columns["signature"], self.bands).astype(np.uint64)
        unsigned = columns["size"] == 0
        # No row key is that large, and no two are the same.
        numbers[unsigned] = (columns["row"][unsigned] | _NOBODY)[:, None]
        if self.keyed:
            numbers = np.hstack((numbers, columns["key"][:, :1]))
        if self.contexts:
            context = np.where(columns["context"] == 0, columns["row"] | _NOBODY, columns["context"])
            numbers = np.hstack((numbers, context[:, None]))
        return numbers
