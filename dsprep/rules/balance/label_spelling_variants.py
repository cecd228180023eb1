"""BAL004 label-spelling-variants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dsprep.folds.labels import LabelsRule, LabelState, canonical_spellings, label_table
from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability, Fix, Relabel
from dsprep.model.rule import FixAvailability, Rows, RuleMeta
from dsprep.text.labels import folded_label, folded_words, quoted

#: An abbreviation has at least so many letters …
SHORTEST = 3
#: … and what it stands for is at least so many times as common.
COMMONER = 5


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


def variants(counts: Mapping[str, int]) -> dict[str, str]:
    """For each label that is a variant of another one, that other one, which is a variant of none."""
    canonical = canonical_spellings(counts)
    folded = {label: folded_label(label) for label in counts}
    size: dict[str, int] = {}
    for label, n in counts.items():
        size[folded[label]] = size.get(folded[label], 0) + n
    name = {folded[label]: new for label, new in canonical.items()}
    words = {form: folded_words(label) for form, label in name.items()}
    longer = {short: full for short in size if (full := _full_form(short, size, words)) is not None}
    out: dict[str, str] = {}
    for label in counts:
        form = folded[label]
        # An abbreviation of an abbreviation ends at the longest form; each step is longer, so this ends.
        while form in longer:
            form = longer[form]
        if name[form] != label:
            out[label] = name[form]
    return out


def _full_form(short: str, size: Mapping[str, int], words: Mapping[str, str]) -> str | None:
    """The one class, much commoner than `short`, whose name `short` begins without ending at the end of a word: `new`
    is no abbreviation of `new york`."""
    if len(short) < SHORTEST or not short.isalpha():
        return None
    longer = [form for form in size if len(form) > len(short) and form.startswith(short)]
    if len(longer) != 1 or size[longer[0]] < COMMONER * size[short]:
        return None
    start, whole = words[short], words[longer[0]]
    return longer[0] if whole.startswith(start) and whole[len(start) : len(start) + 1].isalpha() else None
