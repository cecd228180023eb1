"""Keys of prompts and of answers: for prompts that are answered in different ways."""

from __future__ import annotations

import numpy as np

from dsprep.folds.keyed import SharedKeyedRule, split_column
from dsprep.folds.narrowing import ByKey
from dsprep.model.batch import Batch
from dsprep.model.record import Example
from dsprep.model.rule import Columns, Meeting
from dsprep.text.normal import FORMS


class PromptKeysRule(SharedKeyedRule):
    """Base of rules about prompts: columns `row`, `key` (of the prompt) and `answer` (uint64 of shape (n, 2)), `said`
    (bytes of the answer, int32; see `text.normal.Forms`), `split`, and `paired` (bool), whether it is a preference
    record. Examples that ask nothing, or answer nothing, have no row."""

    fold = "prompt-keys"

    @property
    def meeting(self) -> Meeting | None:
        return ByKey()

    def emit(self, batch: Batch) -> Columns | None:
        forms = batch.get(FORMS)
        at = np.flatnonzero(forms.asks)
        index = forms.index[at]
        return {
            "row": batch.keys[index],
            "key": forms.prompt[at],
            "answer": forms.answer[at],
            "said": np.minimum(forms.said[at], np.iinfo(np.int32).max).astype(np.int32),
            "split": split_column(batch, index),
            "paired": np.fromiter((_paired(batch.examples[i]) for i in index.tolist()), np.bool_, len(index)),
        }


def _paired(example: Example | None) -> bool:
    return example is not None and example.rejected is not None
