"""BAL005 label-drift."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from dsprep.folds.chisquare import compare
from dsprep.folds.labels import LabelsRule, LabelState, label_table
from dsprep.folds.splits import TRAIN
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Rows, RuleMeta, RuleOptions
from dsprep.text.labels import quoted

#: So many classes are shown, those that differ most first.
SHOWN = 5


class LabelDriftOptions(RuleOptions):
    """Options of label-drift."""

    max_p: float = Field(0.01, gt=0, lt=1, description="The difference must be less likely by chance than this.")
    min_distance: float = Field(
        0.1, ge=0, le=1, description="The share of examples that must be in another class, at least."
    )


class LabelDrift(LabelsRule):
    """The labels of two splits are distributed differently, and not by chance.

    ## What it does
    Compares the classes of the training split with those of each other split by Pearson's chi-square test. Rare
    classes are pooled until at least five examples of each are expected. A finding needs both a difference that
    chance hardly explains (`max_p`) and one that is large (`min_distance`, the total variation distance: the share of
    examples that would have to change class). The first alone would report any trifle in a large set, the second
    any accident in a small one. Spellings of one label count as one class.

    ## Why it matters
    If the validation data has another mix of classes than the training data, its score says little about either. It
    usually means that the file was sorted and then cut, or that the parts were collected at different times.

    ## Example
    `train.jsonl` is half `positive`, `validation.jsonl` nine tenths.

    ## Fix
    None by machine. Shuffle and split again, stratified by label (`dsprep split` does so), unless the difference is
    meant.

    ## Source
    NIST/SEMATECH e-Handbook of Statistical Methods, chi-square test:
    <https://www.itl.nist.gov/div898/handbook/eda/section3/eda35f.htm>; Cochran, W. G. (1954), Some methods for
    strengthening the common chi-square tests, Biometrics 10.
    """

    meta = RuleMeta(
        code="BAL005",
        name="label-drift",
        severity=Severity.WARNING,
        message=(
            "labels of {split} differ from those of {base} beyond chance "
            "(p = {p:.1g}, {percent} % of examples): {differences}"
        ),
        summary="the label distributions of two splits differ beyond chance",
        about=("split",),
    )
    Options = LabelDriftOptions

    def finish(self, state: LabelState, rows: Rows) -> Iterator[Finding]:
        table = label_table(state)
        if TRAIN not in table.counts:
            return
        base = table.classes(TRAIN)
        for split in table.counts:
            if split == TRAIN:
                continue
            other = table.classes(split)
            names = sorted(set(base) | set(other))
            result = compare([base.get(name, 0) for name in names], [other.get(name, 0) for name in names])
            if result is None or result.p > self.options.max_p or result.distance < self.options.min_distance:
                continue
            n, m = sum(base.values()), sum(other.values())
            shares = [(name, base.get(name, 0) / n, other.get(name, 0) / m) for name in names]
            shares.sort(key=lambda item: (-abs(item[1] - item[2]), item[0]))
            shown = [f"{quoted(name)} {100 * a:.1f} % -> {100 * b:.1f} %" for name, a, b in shares[:SHOWN]]
            yield self.finding(
                rows.dataset,
                args={
                    "split": split,
                    "base": TRAIN,
                    # Rounded: the last digits of exp() and lgamma() depend on the platform.
                    "statistic": float(f"{result.statistic:.4g}"),
                    "freedom": result.freedom,
                    "p": float(f"{result.p:.2g}"),
                    "distance": float(f"{result.distance:.4g}"),
                    "percent": round(100 * result.distance),
                    "differences": ", ".join(shown),
                    "shares": [[name, round(a, 4), round(b, 4)] for name, a, b in shares[:SHOWN]],
                    "label_source": table.source,
                },
                rows=m,
            )
