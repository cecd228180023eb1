"""BAL003 class-missing-from-split."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from dsprep.folds.labels import LabelsRule, LabelState, label_table, listed_labels
from dsprep.folds.splits import TRAIN
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Rows, RuleMeta

#: If a random split would leave a class out of the held-out part more often than this, it is no error there.
LIKELY = 0.05


class ClassMissingFromSplit(LabelsRule):
    """A class of one split does not occur in another.

    ## What it does
    Compares the labels, as they are spelled, of the training split with those of each other split, both ways. One
    finding per pair of splits lists all classes that are missing. A class of the training split that is so rare that
    a random split would keep all of it there in more than one case in twenty is a warning instead of an error.

    ## Why it matters
    A class that only the validation data has cannot be learnt: every such row counts as a mistake, whatever the
    training does. A class that only the training data has is learnt and never measured.

    ## Example
    `train.jsonl` has `positive`, `negative` and `neutral`; `validation.jsonl` has `positive` and `negative` alone.

    ## Fix
    None by machine. Split again, stratified by label: `dsprep split` does so by itself. Should the class be a
    misspelling, see label-spelling-variants (BAL004).

    ## Source
    scikit-learn, stratified splits: <https://scikit-learn.org/stable/modules/cross_validation.html#stratification>.
    """

    meta = RuleMeta(
        code="BAL003",
        name="class-missing-from-split",
        severity=Severity.ERROR,
        message="classes of {present} that {absent} lacks: {distribution}",
        summary="a class of one split is absent from another",
        about=("present", "absent"),
    )

    def finish(self, state: LabelState, rows: Rows) -> Iterator[Finding]:
        table = label_table(state)
        for present, absent in permutations(table.counts, 2):
            if TRAIN not in (present, absent):
                continue
            here, there = table.counts[present], table.counts[absent]
            size, other = sum(here.values()), sum(there.values())
            missing = {label: n for label, n in here.items() if label not in there}
            # The chance that none of the n examples falls into the other part. Nothing excuses a lack in training.
            stays = size / (size + other)
            by_chance = {label for label, n in missing.items() if present == TRAIN and stays**n > LIKELY}
            for excused in (False, True):
                labels = {label: n for label, n in missing.items() if (label in by_chance) is excused}
                if not labels:
                    continue
                chosen = self.meta.code in self.context.severities
                yield self.finding(
                    rows.dataset,
                    args={
                        "present": present,
                        "absent": absent,
                        "distribution": listed_labels(labels),
                        "counts": [[label, n] for label, n in list(labels.items())[:20]],
                        "classes": len(labels),
                        "by_chance": excused,
                        "label_source": table.source,
                    },
                    related=[table.first[label][1] for label in list(labels)[:20]],
                    rows=sum(labels.values()),
                    severity=Severity.WARNING if excused and not chosen else None,
                )
