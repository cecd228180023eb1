"""Keys under which examples are equal but for spelling: for normalised duplicates."""

from __future__ import annotations

from dsprep.folds.keyed import SharedKeyedRule, noted_column, split_column
from dsprep.folds.narrowing import ByKey
from dsprep.model.batch import Batch
from dsprep.model.rule import Columns, Meeting
from dsprep.text.normal import EXACT_KEYS, FORMS


class NormalKeysRule(SharedKeyedRule):
    """Base of rules about examples that are equal but for spelling: columns `row`, `key` and `exact` (uint64 of shape
    (n, 2)), `noted` and `split`."""

    fold = "normal-keys"

    @property
    def meeting(self) -> Meeting | None:
        return ByKey()

    def emit(self, batch: Batch) -> Columns | None:
        forms = batch.get(FORMS)
        return {
            "row": batch.keys[forms.index],
            "key": forms.normal,
            "exact": batch.get(EXACT_KEYS),
            "noted": noted_column(batch, forms.index),
            "split": split_column(batch, forms.index),
        }
