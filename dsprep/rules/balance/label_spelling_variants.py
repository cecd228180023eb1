"""BAL004 label-spelling-variants."""

from __future__ import annotations

from collections.abc import Iterator

from dsprep.folds.labels import LabelsRule, LabelState, label_table, variants
from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability, Fix, Relabel
from dsprep.model.rule import FixAvailability, Rows, RuleMeta
from dsprep.text.labels import folded_label, quoted


class LabelSpellingVariants(LabelsRule):
    """One label is spelled in several ways.

    ## What it does
    Folds labels: Unicode compatibility forms, case, white space, punctuation and invisible characters count for
    nothing. Labels that fold together are one class; each spelling but the commonest is reported once, at its first
    row, with the number of its rows. An abbreviation counts too: at least three letters that begin exactly one other
    class, which is at least five times as common, and end inside a word of it. Numbers are compared by value, so `1`
    and `10` are two classes and `1` and `1.0` are one.

    ## Why it matters
    The model learns "Positive", "positive " and "pos" as different answers and spreads its probability over them, and
    every comparison of its answer with the label counts some right ones as wrong.

    ## Example
    412 rows labelled `positive`, 9 labelled `Positive`, 5 labelled `pos`.

    ## Fix
    Unsafe: writes the commonest spelling in place of the variant, in the label field and in an answer that is exactly
    the variant. It is unsafe because two labels that differ in case or by an ending may be meant to.

    ## Source
    Unicode Standard Annex 15, Normalization Forms (NFKC): <https://unicode.org/reports/tr15/>. The rule for
    abbreviations is dsprep's own.
    """

    meta = RuleMeta(
        code="BAL004",
        name="label-spelling-variants",
        severity=Severity.WARNING,
        message="label {old_quoted} ({count:,}×) looks like a spelling of {new_quoted} ({commonest:,}×)",
        summary="one label is spelled in several ways",
        fix=FixAvailability.ALWAYS,
    )

    def finish(self, state: LabelState, rows: Rows) -> Iterator[Finding]:
        table = label_table(state)
        counts = table.total
        spellings = variants(counts)
        for old in sorted(spellings, key=lambda label: table.first[label][0]):
            new = spellings[old]
            key, location = table.first[old]
            yield self.finding(
                location,
                key=key,
                args={
                    "old": old,
                    "new": new,
                    "old_quoted": quoted(old),
                    "new_quoted": quoted(new),
                    "count": counts[old],
                    "commonest": counts[new],
                    "kind": "spelling" if folded_label(old) == folded_label(new) else "abbreviation",
                    "excerpt": old[:80],
                    "label_source": table.source,
                },
                fix=Fix(Applicability.UNSAFE, (Relabel(old, new),)),
                rows=counts[old],
            )
