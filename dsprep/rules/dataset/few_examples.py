"""SET002 few-examples."""

from __future__ import annotations

from collections.abc import Iterator

from dsprep.folds.sizes import SizesRule, SizeState
from dsprep.folds.splits import TRAIN
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Rows, RuleMeta


class FewExamples(SizesRule):
    """There are fewer training examples than are advised for the target.

    ## What it does
    Counts the examples of the training split and compares them with the number that the target advises. It says
    nothing where too-few-examples (SET001) does, nor where only other splits are given.

    ## Why it matters
    Below it, training rarely changes the model for the better: it learns the wording of the few examples.

    ## Example
    A file of 12 conversations for `openai`, which advises 50 to 100 to begin with.

    ## Fix
    None by machine. Collect more examples; 50 good ones show whether more will help.

    ## Source
    The target's file names it: `source` and `as_of` of `recommended_examples` in `rules/targets/`. For OpenAI:
    <https://developers.openai.com/api/docs/guides/fine-tuning-best-practices>.
    """

    meta = RuleMeta(
        code="SET002",
        name="few-examples",
        severity=Severity.WARNING,
        message="training examples: {examples}; for {target} {recommended} or more are advised",
        summary="fewer training examples than advised",
    )

    def finish(self, state: SizeState, rows: Rows) -> Iterator[Finding]:
        target = self.context.target
        if not state.rows[TRAIN]:
            return
        if not target.min_examples.value <= state.training < target.recommended_examples.value:
            return
        yield self.finding(
            rows.dataset,
            args={
                "examples": state.training,
                "recommended": target.recommended_examples.value,
                "target": target.name,
                "source": target.recommended_examples.source,
            },
            severity=self.under([target.recommended_examples]),
            rows=state.training,
        )
