"""LEK003 prompt-overlap."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dsprep.folds.keyed import group_numbers, held_out_twins, split_numbers
from dsprep.folds.prompt_keys import PromptKeysRule
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Columns, FixAvailability, Rows, RuleMeta


class PromptOverlap(PromptKeysRule):
    """A prompt of one split that is also in another, with another answer.

    ## What it does
    Compares everything before the last assistant message, folded as for DUP002, across splits. The finding stands on
    the training example (on the validation example, if the other is in test). If the answers are the same too, it is
    LEK001 or LEK002 and not reported here. Prompts without any user text are left out.

    ## Why it matters
    The model is asked something in the test that it was taught to answer differently: either it repeats what it learnt
    and is marked wrong, or one of the two answers is.

    ## Example
    ```console
    $ dsprep lint --train train.jsonl --validation validation.jsonl
    train.jsonl:17: the prompt is in validation with another answer: validation.jsonl:3
    ```

    ## Fix
    None: which answer is right is for a person to say.

    ## Source
    Lewis et al., Question and Answer Test-Train Overlap in Open-Domain Question Answering Datasets, EACL 2021,
    https://arxiv.org/abs/2008.02637
    """

    meta = RuleMeta(
        code="LEK003",
        name="prompt-overlap",
        severity=Severity.WARNING,
        message="the prompt is in {other} with another answer: {twin}",
        summary="a prompt of one split that is also in another, with another answer",
        fix=FixAvailability.NEVER,
    )

    def resolve(self, columns: Columns, rows: Rows) -> Iterator[Finding]:
        split, names = split_numbers(columns)
        if len(names) < 2:
            return
        prompt = group_numbers(columns["key"])
        twin = held_out_twins(prompt, split, len(names))
        same = held_out_twins(group_numbers(columns["answer"], prompt), split, len(names)) >= 0
        at = np.flatnonzero((twin >= 0) & ~same)
        row, there = columns["row"], twin[at]
        yield from self.pointing(
            rows, row[at], row[there], lambda i: {"split": names[split[at[i]]], "other": names[split[there[i]]]}
        )
