"""BAL001 class-imbalance."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from dsprep.folds.labels import LabelsRule, LabelState, label_table, listed_labels
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Rows, RuleMeta, RuleOptions
from dsprep.text.labels import quoted


class ClassImbalanceOptions(RuleOptions):
    """Options of class-imbalance."""

    max_ratio: float = Field(
        10.0, ge=1, description="How many times as large as the smallest class the largest may be."
    )


class ClassImbalance(LabelsRule):
    """The largest class has far more examples than the smallest one.

    ## What it does
    Counts the labels of the training data, spellings of one label together (see label-spelling-variants), and
    compares the largest class with the smallest. The labels are those of the label field; in chat whose answers are
    few and short, the answers. Without a training split all rows count.

    ## Why it matters
    A model that is trained on 950 positive and 50 negative reviews is right in 95 % of cases if it always says
    "positive", and training drives it there. The rare class, often the one of interest, is then hardly ever predicted.

    ## Example
    950 examples with the answer `positive`, 50 with `negative`: a ratio of 19.

    ## Fix
    None by machine. Collect more of the rare classes, drop some of the largest, or accept it because it is the
    distribution that the model will meet, and measure each class by itself. `max_ratio` moves the threshold.

    ## Source
    OpenAI, Fine-tuning best practices, "Consider the balance and diversity of data":
    <https://developers.openai.com/api/docs/guides/fine-tuning-best-practices>.
    """

    meta = RuleMeta(
        code="BAL001",
        name="class-imbalance",
        severity=Severity.WARNING,
        message=(
            "class {largest_quoted} has {ratio:g} times as many examples as class {smallest_quoted}: {distribution}"
        ),
        summary="the largest class has far more examples than the smallest",
    )
    Options = ClassImbalanceOptions

    def finish(self, state: LabelState, rows: Rows) -> Iterator[Finding]:
        table = label_table(state)
        counts = table.training
        if len(counts) < 2:
            return
        # The counts come in order of size.
        largest, *_, smallest = counts
        if counts[largest] <= self.options.max_ratio * counts[smallest]:
            return
        yield self.finding(
            rows.dataset,
            args={
                "ratio": float(f"{counts[largest] / counts[smallest]:.3g}"),
                "largest": largest[:80],
                "smallest": smallest[:80],
                "largest_quoted": quoted(largest),
                "smallest_quoted": quoted(smallest),
                "max_ratio": self.options.max_ratio,
                "distribution": listed_labels(counts, shares=True),
                "counts": [[label, n] for label, n in list(counts.items())[:20]],
                "classes": len(counts),
                "label_source": table.source,
            },
            rows=sum(counts.values()),
        )
