"""Keys under which examples are equal to the last byte: for exact duplicates and exact overlap."""

from __future__ import annotations

from dsprep.folds.keyed import SharedKeyedRule, noted_column, split_column
from dsprep.folds.narrowing import ByKey
from dsprep.model.batch import Batch
from dsprep.model.rule import Columns, Meeting
from dsprep.text.normal import EXACT_KEYS, FORMS


class ExactKeysRule(SharedKeyedRule):
    """Base of rules about equal examples: columns `row`, `key` (uint64 of shape (n, 2)), `noted` and `split`."""

    fold = "exact-keys"

    @property
    def meeting(self) -> Meeting | None:
        return ByKey()

    def emit(self, batch: Batch) -> Columns | None:
        index = batch.get(FORMS).index
        return {
            "row": batch.keys[index],
            "key": batch.get(EXACT_KEYS),
            "noted": noted_column(batch, index),
            "split": split_column(batch, index),
        }
