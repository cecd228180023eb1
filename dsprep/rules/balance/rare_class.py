"""BAL002 rare-class."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from dsprep.folds.labels import LabelsRule, LabelState, label_table, listed_labels
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Rows, RuleMeta, RuleOptions

#: So many of the rare classes are named, the rarest ones first.
SHOWN = 20


class RareClassOptions(RuleOptions):
    """Options of rare-class."""

    min_examples: int = Field(10, ge=1, description="A class with fewer training examples than this is rare.")


class RareClass(LabelsRule):
    """A class has too few examples to be learnt, or to be measured.

    ## What it does
    Counts the labels of the training data, spellings of one label together (see label-spelling-variants), and lists
    all classes below `min_examples` in one finding, with the first row of each. It says nothing of a set that is
    smaller as a whole than the target advises: there few-examples (SET002) has said it.

    ## Why it matters
    From a handful of examples a model learns their wording, not the class. Split off a tenth for validation, and none
    may be left to measure it by.

    ## Example
    300 examples with `positive`, 280 with `negative`, and 4 with `mixed`.

    ## Fix
    None by machine. Collect more, merge the class into a neighbour, or drop it. A rare class may also be a
    misspelling of another: see label-spelling-variants (BAL004).

    ## Source
    The default of 10 is the number of examples that OpenAI's fine-tuning asks for at least, here per class:
    <https://developers.openai.com/api/docs/guides/fine-tuning-best-practices>.
    """

    meta = RuleMeta(
        code="BAL002",
        name="rare-class",
        severity=Severity.WARNING,
        message="classes with fewer than {min_examples} examples: {distribution}",
        summary="a class has too few examples to be learnt",
    )
    Options = RareClassOptions

    def finish(self, state: LabelState, rows: Rows) -> Iterator[Finding]:
        table = label_table(state)
        counts = table.training
        if sum(counts.values()) < self.context.target.recommended_examples.value:
            return
        fewest = self.options.min_examples
        rare = {label: n for n, label in sorted((n, label) for label, n in counts.items() if n < fewest)}
        if not rare:
            return
        shown = list(rare)[:SHOWN]
        yield self.finding(
            rows.dataset,
            args={
                "classes": len(rare),
                "min_examples": fewest,
                "distribution": listed_labels(rare, SHOWN),
                "counts": [[label, rare[label]] for label in shown],
                "label_source": table.source,
            },
            related=[table.first[label][1] for label in shown],
            rows=sum(rare.values()),
        )
