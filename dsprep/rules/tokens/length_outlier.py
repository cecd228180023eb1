"""TOK005 length-outlier."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from pydantic import Field

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.moving import Shift
from dsprep.model.rule import FoldRule, Rows, RuleMeta, RuleOptions
from dsprep.text.tokens import token_counts

#: How many rows at either end are remembered, to be pointed to.
SHOWN = 20


class LengthOutlierOptions(RuleOptions):
    """Options of length-outlier."""

    spread: float = Field(
        3.0, gt=0, description="How many interquartile ranges of log tokens beyond a quartile is far outside."
    )
    min_factor: float = Field(
        4.0, gt=1, description="How many times as long as the upper quartile, or as short as the lower, at least."
    )
    max_share: float = Field(
        0.01, gt=0, le=1, description="If a larger share of the examples is far outside, they are no outliers."
    )
    min_examples: int = Field(50, ge=4, description="Of fewer examples nothing is said.")


@dataclass(slots=True)
class Lengths:
    """How many examples have how many tokens, exactly; and the `SHOWN` shortest and longest, as (tokens, row key), in
    order, the most extreme ones first."""

    counts: Counter[int] = field(default_factory=Counter)
    shortest: tuple[tuple[int, int], ...] = ()
    longest: tuple[tuple[int, int], ...] = ()


class LengthOutlier(FoldRule[Lengths]):
    """A few examples are far longer, or far shorter, than the rest.

    ## What it does
    Takes the logarithm of the tokens of each example and looks where its quartiles are. What lies more than three
    interquartile ranges (`spread`) beyond them, and is at least four times (`min_factor`) as long as the upper or as
    short as the lower quartile, is far outside. Both hardly depend on the outliers themselves, and on a logarithmic
    scale a long tail, which most collections of texts have, is none. There is one finding for those that are too long
    and one for those that are too short; it stands on the most extreme example and points to the next ones. Where more
    than 1 % (`max_share`) lie out there, they are another kind of example and not reported.

    ## Why it matters
    Such an example is often an accident: a whole file pasted into one field, rows that a broken quote ran together, a
    record cut off after its first word. The long ones also set the memory that training takes.

    ## Example
    10,000 questions of 60 to 400 tokens, and one of 15,800.

    ## Fix
    None: look at them. A long but sound example can stay.

    ## Source
    Tukey, Exploratory Data Analysis, 1977, section 2D: values beyond three times the interquartile range are "far
    out"; the logarithm, the factor and the share are dsprep's own.
    """

    meta = RuleMeta(
        code="TOK005",
        name="length-outlier",
        severity=Severity.INFO,
        message=(
            "{count} {examples} far {than} than the rest: {until} {tokens:,} tokens; half have {low:,} to {high:,}"
        ),
        summary="a few examples are far longer or far shorter than the rest",
    )
    Options = LengthOutlierOptions

    def empty(self) -> Lengths:
        return Lengths()

    def map(self, batch: Batch) -> Lengths:
        tokens = batch.get(token_counts(self.context.encoding))
        index = np.flatnonzero(tokens > 0)
        tokens, keys = tokens[index], batch.keys[index]
        values, n = np.unique(tokens, return_counts=True)
        pairs = list(zip(tokens.tolist(), keys.tolist(), strict=True))
        return Lengths(
            Counter(dict(zip(values.tolist(), n.tolist(), strict=True))),
            tuple(pairs[i] for i in np.lexsort((keys, tokens))[:SHOWN].tolist()),
            tuple(pairs[i] for i in np.lexsort((keys, -tokens))[:SHOWN].tolist()),
        )

    def merge(self, a: Lengths, b: Lengths) -> Lengths:
        return Lengths(
            a.counts + b.counts,
            tuple(sorted((*a.shortest, *b.shortest))[:SHOWN]),
            tuple(sorted((*a.longest, *b.longest), key=_longest_first)[:SHOWN]),
        )

    def moved(self, state: Lengths, shift: Shift) -> Lengths:
        return Lengths(
            state.counts,
            tuple((tokens, shift.key(key)) for tokens, key in state.shortest),
            tuple((tokens, shift.key(key)) for tokens, key in state.longest),
        )

    def finish(self, state: Lengths, rows: Rows) -> Iterator[Finding]:
        n = state.counts.total()
        if n < self.options.min_examples:
            return
        low, high = _quartile(state.counts, 1), _quartile(state.counts, 3)
        reach = max(self.options.spread * (math.log(high) - math.log(low)), math.log(self.options.min_factor))
        found = []
        sides: tuple[tuple[str, str, tuple[tuple[int, int], ...], Callable[[int], bool]], ...] = (
            ("shorter", "down to", state.shortest, lambda tokens: math.log(tokens) < math.log(low) - reach),
            ("longer", "up to", state.longest, lambda tokens: math.log(tokens) > math.log(high) + reach),
        )
        for than, until, extremes, outside in sides:
            count = sum(some for tokens, some in state.counts.items() if outside(tokens))
            if count and count <= max(1, self.options.max_share * n):
                keys = [key for tokens, key in extremes if outside(tokens)]
                here, *others = rows.locate(keys)
                args = {
                    "count": count,
                    "examples": "example is" if count == 1 else "examples are",
                    "than": than,
                    "until": until if count > 1 else "it has",
                    "tokens": extremes[0][0],
                    "low": low,
                    "high": high,
                    "of": n,
                }
                found.append(self.finding(here, key=keys[0], args=args, related=others, rows=count))
        yield from sorted(found, key=lambda finding: finding.place)


def _longest_first(item: tuple[int, int]) -> tuple[int, int]:
    return -item[0], item[1]


def _quartile(counts: Mapping[int, int], nth: int) -> int:
    """The value below which about `nth` quarters of all lie: one that occurs, so that the result is exact."""
    due = nth * sum(counts.values())
    seen = 0
    for value in sorted(counts):
        seen += counts[value]
        if 4 * seen >= due:
            return value
    return 0
