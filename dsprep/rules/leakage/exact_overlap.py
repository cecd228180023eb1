"""LEK001 exact-overlap."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dsprep.folds.exact_keys import ExactKeysRule
from dsprep.folds.keyed import DROP, group_numbers, held_out_twins, split_numbers
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Columns, FixAvailability, Rows, RuleMeta


class ExactOverlap(ExactKeysRule):
    """An example of one split that is also in another.

    ## What it does
    Compares everything that is learnt from an example, as DUP001 does, across splits. The finding stands on the
    training example that is also in validation or test (on the validation example, if it is in test), and points to its
    twin there. Rows of no named split count as training data.

    ## Why it matters
    A model that has seen the question with its answer is not measured by asking it again. The score looks better than
    the model is.

    ## Example
    ```console
    $ dsprep lint --train train.jsonl --validation validation.jsonl
    train.jsonl:17: the same example is in validation: validation.jsonl:3
    ```

    ## Fix
    Drops the training example (the validation example, if its twin is in test), so that the yardstick stays what it
    was. Unsafe, because it takes rows out.

    ## Source
    Lee et al., 2022, https://arxiv.org/abs/2107.06499, section 6.2: more than 4 % of a validation
    set was in its training set.
    """

    meta = RuleMeta(
        code="LEK001",
        name="exact-overlap",
        severity=Severity.ERROR,
        message="the same example is in {other}: {twin}",
        summary="an example of one split that is also in another",
        fix=FixAvailability.ALWAYS,
    )

    def resolve(self, columns: Columns, rows: Rows) -> Iterator[Finding]:
        split, names = split_numbers(columns)
        if len(names) < 2:
            return
        twin = held_out_twins(group_numbers(columns["key"]), split, len(names))
        at = np.flatnonzero(twin >= 0)
        row, there = columns["row"], twin[at]
        yield from self.pointing(
            rows,
            row[at],
            row[there],
            lambda i: {"split": names[split[at[i]]], "other": names[split[there[i]]]},
            fix=DROP,
        )
