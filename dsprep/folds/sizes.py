"""How many rows, examples and bytes each split has: the state of the rules about the size of a data set."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import orjson

from dsprep.folds.splits import TRAIN, split_name
from dsprep.model.batch import Batch, Feature
from dsprep.model.finding import Severity
from dsprep.model.moving import Shift
from dsprep.model.record import UNDECODED, Record
from dsprep.model.rule import FoldRule
from dsprep.model.target import Limit

#: The quantile of the normal distribution for 95 % confidence.
Z95 = 1.959964


@dataclass(slots=True)
class SizeState:
    """Per split: rows (blank lines are none), examples (rows that are conversations), and bytes with line ends."""

    rows: Counter[str] = field(default_factory=Counter)
    examples: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)

    @property
    def training(self) -> int:
        """How many examples would be trained on."""
        return self.examples[TRAIN]


class SizesRule(FoldRule[SizeState]):
    """Base of the rules about the size of the data set: write `finish`."""

    fold = "sizes"

    def empty(self) -> SizeState:
        return SizeState()

    def map(self, batch: Batch) -> SizeState:
        return batch.get(SIZES)

    def merge(self, a: SizeState, b: SizeState) -> SizeState:
        return SizeState(a.rows + b.rows, a.examples + b.examples, a.bytes + b.bytes)

    def moved(self, state: SizeState, shift: Shift) -> SizeState | None:
        return state

    def under(self, limits: Iterable[Limit]) -> Severity | None:
        """The severity of a finding that rests on `limits`: the rule's own (None), or a warning if one of them is
        unverified. A severity that the user chose stands."""
        if self.meta.code in self.context.severities or self.severity.rank >= Severity.WARNING.rank:
            return None
        return Severity.WARNING if any(limit.unverified for limit in limits) else None


def _sizes(batch: Batch) -> SizeState:
    state = SizeState()
    for i, record in enumerate(batch.records):
        if record.blank:
            continue
        split = split_name(batch.split_of(i))
        state.rows[split] += 1
        state.examples[split] += batch.examples[i] is not None
        state.bytes[split] += _size(record)
    return state


#: The sizes of a batch, measured once for rules and statistics. No state is ever changed, so all may share it.
SIZES: Feature[SizeState] = Feature("sizes", _sizes)


def margin_of_error(examples: int) -> float:
    """Half the width of the 95 % confidence interval of a share measured on `examples` examples, at worst (0 to 0.5).

    It is Wilson's score interval at a share of one half (Wilson 1927, J. Am. Stat. Assoc. 22).
    """
    return Z95 / (2 * math.sqrt(examples + Z95 * Z95))


def _size(record: Record) -> int:
    """The bytes of the record's line, with its end. A record that has no bytes of its own, such as one that a fix has
    changed, is measured as the JSON that it would be written as."""
    if record.raw or record.value is UNDECODED:
        return len(record.raw) + 1
    try:
        return len(orjson.dumps(record.value)) + 1
    except (TypeError, ValueError, RecursionError):
        # orjson takes neither integers beyond 64 bits nor lone surrogates.
        try:
            return len(json.dumps(record.value, separators=(",", ":"), default=str)) + 1
        except (TypeError, ValueError, RecursionError):
            return 1
