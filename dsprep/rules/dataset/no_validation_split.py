"""SET004 no-validation-split."""

from __future__ import annotations

from collections.abc import Iterator

from dsprep.folds.sizes import SizesRule, SizeState
from dsprep.folds.splits import TEST, TRAIN
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Rows, RuleMeta


class NoValidationSplit(SizesRule):
    """There is training data and no validation data.

    ## What it does
    Reports data of which no row belongs to a validation split, if there are as many examples as the target advises:
    from fewer, none can be spared.

    ## Why it matters
    Without validation data nothing shows that the training starts to learn the examples by heart, and the choice of
    epochs is a guess.

    ## Example
    `dsprep lint data.jsonl` with 2,000 examples.

    ## Fix
    None by this rule. `dsprep split` or `dsprep prepare` makes one; `--validation FILE` names one that exists.

    ## Source
    OpenAI, Fine-tuning best practices, "Training and testing datasets":
    <https://developers.openai.com/api/docs/guides/fine-tuning-best-practices>.
    """

    meta = RuleMeta(
        code="SET004",
        name="no-validation-split",
        severity=Severity.INFO,
        message="no validation split beside {examples:,} training examples",
        summary="no validation data",
    )

    def finish(self, state: SizeState, rows: Rows) -> Iterator[Finding]:
        if any(n for split, n in state.examples.items() if split not in (TRAIN, TEST)):
            return
        if state.training < self.context.target.recommended_examples.value:
            return
        yield self.finding(rows.dataset, args={"examples": state.training}, rows=state.training)
