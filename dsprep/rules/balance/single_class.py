"""BAL006 single-class."""

from __future__ import annotations

from collections.abc import Iterator

from dsprep.folds.labels import LabelsRule, LabelState, label_table
from dsprep.folds.splits import TRAIN
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Rows, RuleMeta
from dsprep.text.labels import quoted


class SingleClass(LabelsRule):
    """All training examples have the same label.

    ## What it does
    Reports a training set (without a training split: the whole set) in which there is only one class. Spellings of
    one label count as one class. Sets below the target's minimum of examples are left to too-few-examples (SET001).

    ## Why it matters
    There is nothing to tell apart: the model learns to give this answer to everything.

    ## Example
    2,000 examples, all with the answer `spam`.

    ## Fix
    None by machine. Most often a filter or a join on the way here lost the other classes, or the wrong column was
    taken for the label.

    ## Source
    scikit-learn refuses such data too: "This solver needs samples of at least 2 classes in the data",
    <https://github.com/scikit-learn/scikit-learn/blob/main/sklearn/linear_model/_logistic.py>.
    """

    meta = RuleMeta(
        code="BAL006",
        name="single-class",
        severity=Severity.WARNING,
        message="all {examples:,} labelled examples have the label {label_quoted}",
        summary="there is only one class",
        about=("label",),
    )

    def finish(self, state: LabelState, rows: Rows) -> Iterator[Finding]:
        table = label_table(state)
        classes = table.classes(TRAIN if TRAIN in table.counts else None)
        examples = sum(classes.values())
        if len(classes) != 1 or examples < self.context.target.min_examples.value:
            return
        label = next(iter(classes))
        yield self.finding(
            rows.dataset,
            args={
                "examples": examples,
                "label": label[:80],
                "label_quoted": quoted(label),
                "label_source": table.source,
            },
            rows=examples,
        )
