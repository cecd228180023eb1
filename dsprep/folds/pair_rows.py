"""Which rows are preference records: what a run has to know before it writes conversations."""

from __future__ import annotations

import numpy as np

from dsprep.model.batch import Batch
from dsprep.model.moving import Shift
from dsprep.model.rule import Columns


class PairRowsFold:
    """The column `row` (row keys, uint64) of the preference records. The state is a list of such pieces, as a
    KeyedRule's."""

    name = "pair-rows"

    def empty(self) -> list[Columns]:
        return []

    def map(self, batch: Batch) -> list[Columns]:
        paired = [i for i, example in enumerate(batch.examples) if example is not None and example.rejected is not None]
        return [{"row": batch.keys[np.array(paired, np.int64)]}] if paired else []

    def merge(self, a: list[Columns], b: list[Columns]) -> list[Columns]:
        return a + b

    def moved(self, state: list[Columns], shift: Shift) -> list[Columns]:
        return shift.pieces(state)
