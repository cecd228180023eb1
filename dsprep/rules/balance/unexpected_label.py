"""BAL007 unexpected-label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import Field, field_validator

from dsprep.folds.chisquare import compare
from dsprep.folds.labels import (
    MOST_LABELS,
    LabelsRule,
    LabelState,
    by_frequency,
    label_place,
    label_table,
    listed_labels,
)
from dsprep.folds.splits import TRAIN
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Rows, RuleMeta, RuleOptions
from dsprep.text.labels import LABEL_CHARS, folded_label, quoted

#: How likely by chance a distribution must be that is not reported: one in a hundred.
MAX_P = 0.01
#: An expected distribution is compared as a sample so large that its own chance is none.
_EXPECTED = 10**9
#: So many classes are shown, those that differ most first.
SHOWN = 5


class UnexpectedLabelOptions(RuleOptions):
    """Options of unexpected-label."""

    labels: tuple[str, ...] = Field(
        (), description="All labels that may occur, as they must be spelled; without it, any may."
    )
    expected: Mapping[str, float] = Field(
        default_factory=dict, description="Label to its share of the training data, or to any number in proportion."
    )
    max_distance: float = Field(
        0.1, ge=0, le=1, description="The share of examples that may be in another class than `expected` says."
    )

    @field_validator("expected")
    @classmethod
    def _shares(cls, value: Mapping[str, float]) -> Mapping[str, float]:
        if value and (min(value.values()) < 0 or not 0 < sum(value.values()) < float("inf")):
            raise ValueError("shares are numbers from 0 up, and not all of them 0")
        return value


class UnexpectedLabel(LabelsRule):
    """A label is none of those that there should be, or the labels are not distributed as they should be.

    ## What it does
    Says nothing unless you tell it what to expect. With `labels`, each other label is an error, reported once, at its
    first example, with the number of its rows; white space at the ends does not matter, case does. Examples without a
    label are counted, too. With `expected`, the classes of the training data are compared with the shares that you
    name: a finding needs both a difference that chance hardly explains (chi-square test, p below 0.01) and one that is
    large (`max_distance`, the share of examples that would have to change class). Labels are those of the label field,
    if half of the examples have one, else the short answers; if most answers are long, there is nothing to compare.

    ## Why it matters
    A label that the program behind the model does not know is an answer that nobody handles. And a set that was meant
    to be balanced, or to look like the traffic of last month, and is not, was drawn wrongly.

    ## Example
    ```toml
    [rules.unexpected-label]
    labels = ["positive", "negative", "neutral"]
    expected = { positive = 0.4, negative = 0.3, neutral = 0.3 }
    ```

    ## Fix
    None: which label was meant is for a person to say. Spellings of one label are unified by label-spelling-variants
    (BAL004).

    ## Source
    NIST/SEMATECH e-Handbook of Statistical Methods, chi-square goodness-of-fit test:
    <https://www.itl.nist.gov/div898/handbook/eda/section3/eda35f.htm>.
    """

    meta = RuleMeta(
        code="BAL007",
        name="unexpected-label",
        severity=Severity.ERROR,
        message="{what}",
        summary="a label outside of those expected, or a distribution away from the expected one",
        about=("kind",),
    )
    Options = UnexpectedLabelOptions

    def finish(self, state: LabelState, rows: Rows) -> Iterator[Finding]:
        options: UnexpectedLabelOptions = self.options
        if not options.labels and not options.expected:
            return
        # Whoever names labels says that there are some, whatever the data look like.
        source = label_place(state)
        if source is None:
            return
        table = label_table(state, source)
        spellings = state.fields if source == "field" else state.answers
        if spellings.overflow:
            what = f"there are more than {MOST_LABELS:,} different labels"
            yield self.finding(rows.dataset, args={"what": what, "kind": "many", "label_source": source})
            return
        if options.expected and (finding := self._distribution(table.training, rows)) is not None:
            yield finding
        if not options.labels:
            return
        if unlabelled := sum(table.unlabelled.values()):
            lack = "no label" if source == "field" else f"an answer that is no label of up to {LABEL_CHARS} characters"
            what = f"{unlabelled:,} {'example has' if unlabelled == 1 else 'examples have'} {lack}"
            yield self.finding(
                rows.dataset,
                args={"what": what, "kind": "unlabelled", "count": unlabelled, "label_source": source},
                rows=unlabelled,
            )
        allowed = {label.strip() for label in options.labels}
        meant_by = {folded_label(label): label for label in sorted(allowed, reverse=True)}
        total = table.total
        unexpected = [label for label in total if label.strip() not in allowed]
        for label in sorted(unexpected, key=lambda label: table.first[label][0]):
            key, location = table.first[label]
            meant = meant_by.get(folded_label(label))
            known = f"; {quoted(meant)} is" if meant is not None else ""
            yield self.finding(
                location,
                key=key,
                args={
                    "what": f"label {quoted(label)} ({total[label]:,}×) is none of those expected{known}",
                    "kind": "label",
                    "label": label[:80],
                    "count": total[label],
                    "meant": meant,
                    "label_source": table.source,
                },
                rows=total[label],
            )

    def _distribution(self, classes: Mapping[str, int], rows: Rows) -> Finding | None:
        """What is wrong with the distribution of the training data, if anything is."""
        expected = {label.strip(): share for label, share in self.options.expected.items()}
        seen: dict[str, int] = {}
        for label, n in classes.items():
            seen[label.strip()] = seen.get(label.strip(), 0) + n
        whole, n = sum(expected.values()), sum(seen.values())
        names = sorted({*expected, *seen})
        shares = {name: expected.get(name, 0.0) / whole for name in names}
        distance = sum(abs(shares[name] - seen.get(name, 0) / n) for name in names) / 2
        if distance <= self.options.max_distance:
            return None
        # That a class occurs which should not is never chance; as for the others, the expected ones are compared.
        strange = sum(count for name, count in seen.items() if not shares[name])
        if strange <= self.options.max_distance * n:
            known = [name for name in names if shares[name]]
            result = compare([seen.get(name, 0) for name in known], [round(shares[name] * _EXPECTED) for name in known])
            if result is None or result.p > MAX_P:
                return None
        differing = sorted(names, key=lambda name: (-round(abs(shares[name] - seen.get(name, 0) / n), 9), name))
        shown = ", ".join(
            f"{quoted(name)} {100 * seen.get(name, 0) / n:.1f} % instead of {100 * shares[name]:.1f} %"
            for name in differing[:SHOWN]
        )
        return self.finding(
            rows.dataset,
            args={
                "what": f"labels are not distributed as expected ({100 * distance:.0f} % of examples): {shown}",
                "kind": "distribution",
                "distance": round(distance, 4),
                "distribution": listed_labels(by_frequency(seen), shares=True),
                "split": TRAIN,
            },
            rows=n,
        )
