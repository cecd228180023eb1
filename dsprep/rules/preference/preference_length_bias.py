"""PRF002 preference-length-bias."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.moving import Shift
from dsprep.model.rule import FoldRule, Rows, RuleMeta, RuleOptions
from dsprep.text.preference import chosen_of

#: Up to so many pairs the probability is summed exactly; beyond, the normal distribution is as good.
_EXACT = 1000


@dataclass(frozen=True, slots=True)
class Lengths:
    """Pairs by which answer is the longer one, and the characters of all chosen and all rejected answers."""

    longer: int = 0
    shorter: int = 0
    equal: int = 0
    chosen: int = 0
    rejected: int = 0


class PreferenceLengthBiasOptions(RuleOptions):
    max_share: float = Field(
        0.7,
        gt=0.5,
        lt=1,
        description="The chosen answer may be the longer one in so large a share of the pairs whose lengths differ.",
    )
    significance: float = Field(
        0.01, gt=0, lt=1, description="Such a share must be less likely than this if length did not matter."
    )


class PreferenceLengthBias(FoldRule[Lengths]):
    """The chosen answer is the longer one far too often.

    ## What it does
    Counts the pairs in which the chosen answer has more characters than the rejected one, among those whose lengths
    differ. It reports a share above `max_share` (0.7), if chance alone, at one half, would give as many with a
    probability below `significance` (0.01; the sign test, one-sided). One finding, for the data as a whole.

    ## Why it matters
    Then the easiest thing to learn from the pairs is to write more. Models trained by preferences get longer and
    longer answers for that reason, and a judge by length alone explains most of their gain.

    ## Example
    850 of 1,000 chosen answers are longer than the rejected ones, with 900 characters on average against 400.

    ## Fix
    None. Add pairs in which the shorter answer wins, or drop some in which the longer one does; or train with a loss
    that takes length into account.

    ## Source
    Singhal et al., A Long Way to Go: Investigating Length Correlations in RLHF, 2023, https://arxiv.org/abs/2310.03716;
    Park et al., Disentangling Length from Quality in Direct Preference Optimization, 2024,
    https://arxiv.org/abs/2403.19159
    """

    meta = RuleMeta(
        code="PRF002",
        name="preference-length-bias",
        severity=Severity.WARNING,
        message=(
            "the chosen answer is the longer one in {share:.0%} of {pairs:,} pairs (by chance: 50%); it has "
            "{chosen:,} characters on average, the rejected one {rejected:,}"
        ),
        summary="the chosen answer is the longer one far too often",
    )
    Options = PreferenceLengthBiasOptions

    def empty(self) -> Lengths:
        return Lengths()

    def map(self, batch: Batch) -> Lengths:
        longer = shorter = equal = ours = theirs = 0
        for example in batch.examples:
            if example is None or example.rejected is None:
                continue
            chosen, rejected = _length(chosen_of(example)), _length(example.rejected)
            if not chosen or not rejected:
                continue  # no pair of texts
            ours += chosen
            theirs += rejected
            longer += chosen > rejected
            shorter += chosen < rejected
            equal += chosen == rejected
        return Lengths(longer, shorter, equal, ours, theirs)

    def merge(self, a: Lengths, b: Lengths) -> Lengths:
        return Lengths(
            a.longer + b.longer,
            a.shorter + b.shorter,
            a.equal + b.equal,
            a.chosen + b.chosen,
            a.rejected + b.rejected,
        )

    def moved(self, state: Lengths, shift: Shift) -> Lengths:
        return state

    def finish(self, state: Lengths, rows: Rows) -> Iterator[Finding]:
        pairs = state.longer + state.shorter
        if not pairs or state.longer <= self.options.max_share * pairs:
            return
        chance = at_least(state.longer, pairs)
        if chance < self.options.significance:
            every = pairs + state.equal
            yield self.finding(
                rows.dataset,
                args={
                    "share": round(state.longer / pairs, 4),
                    "pairs": pairs,
                    "longer": state.longer,
                    "chance": float(f"{chance:.3g}"),
                    "chosen": round(state.chosen / every),
                    "rejected": round(state.rejected / every),
                },
                rows=state.longer,
            )


def at_least(heads: int, tosses: int) -> float:
    """The probability of `heads` or more heads in so many tosses of a fair coin; beyond 1,000 tosses by the normal
    distribution, with the correction for continuity."""
    if tosses <= _EXACT:
        return float(sum(math.comb(tosses, n) for n in range(heads, tosses + 1)) / 2**tosses)
    return 0.5 * math.erfc((heads - 0.5 - tosses / 2) / math.sqrt(tosses / 2))


def _length(messages: Sequence[Any]) -> int:
    """The characters that `messages` say."""
    total = 0
    for message in messages:
        content = message.get("content") if type(message) is dict else None
        for part in content if type(content) is list else [content]:
            text = part.get("text") if type(part) is dict else part
            total += len(text) if type(text) is str else 0
    return total
