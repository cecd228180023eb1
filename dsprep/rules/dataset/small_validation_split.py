"""SET005 small-validation-split."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from dsprep.folds.sizes import SizesRule, SizeState, margin_of_error
from dsprep.folds.splits import TRAIN, ordered
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Rows, RuleMeta, RuleOptions


class SmallValidationSplitOptions(RuleOptions):
    """Options of small-validation-split."""

    min_examples: int = Field(30, ge=1, description="A validation or test split of fewer examples is small.")


class SmallValidationSplit(SizesRule):
    """The validation or test split is too small to measure with.

    ## What it does
    Reports each split but the training split that has fewer than `min_examples` examples, with the margin of error of
    an accuracy measured on it: half the width of its 95 % confidence interval at worst. It says nothing where
    too-few-examples (SET001) has the first word.

    ## Why it matters
    On 12 examples an accuracy of 50 % may as well be 25 % or 75 %. Two runs that differ by less than that cannot be
    told apart.

    ## Example
    `train.jsonl` with 900 examples, `validation.jsonl` with 12.

    ## Fix
    None by machine. Split again with a larger share for validation.

    ## Source
    Wilson, E. B. (1927), Probable inference, the law of succession, and statistical inference, Journal of the American
    Statistical Association 22: the score interval. The default of 30 examples leaves a margin of 17 points.
    """

    meta = RuleMeta(
        code="SET005",
        name="small-validation-split",
        severity=Severity.WARNING,
        message="{split} has {examples} examples: an accuracy measured on it is uncertain by ±{margin} points",
        summary="too few validation examples to measure with",
        about=("split",),
    )
    Options = SmallValidationSplitOptions

    def finish(self, state: SizeState, rows: Rows) -> Iterator[Finding]:
        if state.rows[TRAIN] and state.training < self.context.target.min_examples.value:
            return
        for split in ordered(state.rows):
            examples = state.examples[split]
            if split == TRAIN or not 0 < examples < self.options.min_examples:
                continue
            yield self.finding(
                rows.dataset,
                args={
                    "split": split,
                    "examples": examples,
                    "margin": round(100 * margin_of_error(examples)),
                    "min_examples": self.options.min_examples,
                },
                rows=examples,
            )
