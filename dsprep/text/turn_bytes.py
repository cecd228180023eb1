"""The texts of a batch as one run of bytes: searched once for all of them, instead of once for each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsprep.model.batch import Batch, Feature


@dataclass(frozen=True, slots=True)
class TurnBytes:
    """The texts of `batch.turns` in UTF-8, a line feed behind each.

    `starts` has one entry per text: the offset in `data` of its first byte (int64, ascending). Lone surrogates stand
    as the three bytes that UTF-8 would give them, so no text is left out.
    """

    data: bytes
    starts: NDArray[np.int64]

    def holding(self, pattern: re.Pattern[bytes]) -> list[int]:
        """The texts in which `pattern` matches: their indices in `batch.turns`, ascending.

        The pattern must not match across a line feed, or a match may reach from one text into the next. It is fast if
        it begins with a literal byte.
        """
        return self.at([match.start() for match in pattern.finditer(self.data)])

    def at(self, offsets: list[int] | NDArray[np.int64]) -> list[int]:
        """The texts that hold these offsets of `data`: their indices in `batch.turns`, ascending, each once."""
        if len(offsets) == 0:
            return []
        found: list[int] = np.flatnonzero(np.bincount(np.searchsorted(self.starts, offsets, side="right") - 1)).tolist()
        return found


def _joined(batch: Batch) -> TurnBytes:
    encoded = [text.encode("utf-8", "surrogatepass") for text in batch.turns.text]
    lengths = np.fromiter(map(len, encoded), np.int64, len(encoded)) + 1
    encoded.append(b"")
    return TurnBytes(b"\n".join(encoded), np.cumsum(lengths) - lengths)


#: The texts of a batch, joined.
TURN_BYTES: Final = Feature("turn-bytes", _joined)
