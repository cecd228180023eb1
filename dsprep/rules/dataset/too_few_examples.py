"""SET001 too-few-examples."""

from __future__ import annotations

from collections.abc import Iterator

from dsprep.folds.sizes import SizesRule, SizeState
from dsprep.folds.splits import TRAIN
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Rows, RuleMeta


class TooFewExamples(SizesRule):
    """There are fewer training examples than the target takes.

    ## What it does
    Counts the examples of the training split and compares them with the target's minimum. Rows that could not be
    decoded, or are no conversations, are no examples; rows of no named split count as training data. Where only other
    splits are given, it says nothing. A minimum that is unverified only warns.

    ## Why it matters
    The backend refuses the file.

    ## Example
    A file of 7 conversations for `openai`, which takes no fewer than 10.

    ## Fix
    None by machine. Collect more examples, or take the rejected rows back by mending them.

    ## Source
    The target's file names it: `source` and `as_of` of `min_examples` in `rules/targets/`. For OpenAI:
    <https://developers.openai.com/api/docs/guides/fine-tuning-best-practices>.
    """

    meta = RuleMeta(
        code="SET001",
        name="too-few-examples",
        severity=Severity.ERROR,
        message="training examples: {examples}; {target} needs at least {minimum}",
        summary="fewer training examples than the target takes",
    )

    def finish(self, state: SizeState, rows: Rows) -> Iterator[Finding]:
        target = self.context.target
        limit = target.min_examples
        # No training row at all is another case: an empty file, or validation data looked at alone.
        if not state.rows[TRAIN] or state.training >= limit.value:
            return
        yield self.finding(
            rows.dataset,
            args={
                "examples": state.training,
                "minimum": limit.value,
                "target": target.name,
                "source": limit.source,
                "unverified": limit.unverified,
            },
            severity=self.under([limit]),
            rows=state.training,
        )
