"""The template `ratio`: how large a share of the examples may have something."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from dsprep.folds.places import ABSENT, IN, Place, Places, field_at, said_in, sample
from dsprep.folds.templates import LinearRegex, Template, check_bounds
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding
from dsprep.model.moving import Shift
from dsprep.model.rule import FoldRule, Rows, RuleOptions
from dsprep.text.linear_patterns import linear

#: So many examples are named with a finding.
_NAMED = 3


class RatioOptions(RuleOptions):
    in_: Places = Field(("any",), alias="in", description=IN)
    match: LinearRegex | None = Field(
        None, description="a regular expression (RE2); examples count of which a text in one of these places matches"
    )
    field: Place | None = Field(
        None, description="instead: examples count that have this field, a JSON pointer or metadata/NAME, and not null"
    )
    min: float | None = Field(None, ge=0, le=1, description="the smallest share of the examples that is right, 0 to 1")
    max: float | None = Field(None, ge=0, le=1, description="the largest share of the examples that is right, 0 to 1")
    min_examples: int = Field(1, ge=1, description="fewer examples than this say nothing")

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if (self.match is None) == (self.field is None):
            raise ValueError("give one of match and field")
        if self.field is not None and "/" not in self.field:
            raise ValueError(f"{self.field!r} is no field; give a JSON pointer such as /source, or metadata/NAME")
        check_bounds(self.min, self.max)
        return self


@dataclass(frozen=True, slots=True)
class Counted:
    """How many examples there are, how many of them count, and the keys of the first few that do and that do not."""

    examples: int = 0
    counting: int = 0
    first: tuple[int, ...] = ()
    others: tuple[int, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return Counted, (self.examples, self.counting, self.first, self.others)


class RatioTemplate(Template, FoldRule[Counted]):
    """Too many, or too few, of the examples have something."""

    Options = RatioOptions
    message = "{count:,} of {examples:,} examples ({share:.1%}), {bound} {limit:.1%}"
    placeholders: ClassVar[dict[str, type]] = {
        "count": int,
        "examples": int,
        "share": float,
        "bound": str,
        "limit": float,
    }
    whole = True

    @classmethod
    def does(cls, options: Any) -> str:
        if options.field is not None:
            what = f"have `{options.field}`"
        else:
            what = f"match `{options.match}` in {' or '.join(f'`{place}`' for place in options.in_)}"
        least = [f"less than {options.min:.1%}"] if options.min is not None else []
        most = [f"more than {options.max:.1%}"] if options.max is not None else []
        return f"Counts the examples that {what}, and reports if they are {' or '.join(least + most)} of all."

    @classmethod
    def example(cls, options: Any, text: str) -> Any:
        return sample(options.in_[0] if options.field is None else options.field, text)

    def empty(self) -> Counted:
        return Counted()

    def map(self, batch: Batch) -> Counted:
        rows = [row for row, example in enumerate(batch.examples) if example is not None]
        counting = self._counting(batch)
        first = [row for row in rows if row in counting]
        others = [row for row in rows if row not in counting]
        return Counted(
            len(rows),
            len(first),
            tuple(map(batch.key, first[:_NAMED])),
            tuple(map(batch.key, others[:_NAMED])),
        )

    def merge(self, a: Counted, b: Counted) -> Counted:
        return Counted(
            a.examples + b.examples,
            a.counting + b.counting,
            tuple(sorted(a.first + b.first)[:_NAMED]),
            tuple(sorted(a.others + b.others)[:_NAMED]),
        )

    def moved(self, state: Counted, shift: Shift) -> Counted:
        return Counted(
            state.examples, state.counting, tuple(map(shift.key, state.first)), tuple(map(shift.key, state.others))
        )

    def finish(self, state: Counted, rows: Rows) -> Iterator[Finding]:
        if state.examples < self.options.min_examples:
            return
        share = state.counting / state.examples
        least, most = self.options.min, self.options.max
        if least is not None and share < least:
            bound, limit, named = "fewer than", least, state.others
        elif most is not None and share > most:
            bound, limit, named = "more than", most, state.first
        else:
            return
        yield self.finding(
            rows.dataset,
            args={
                "count": state.counting,
                "examples": state.examples,
                "share": share,
                "bound": bound,
                "limit": limit,
            },
            related=rows.locate(list(named)),
            rows=state.counting if bound == "more than" else state.examples - state.counting,
        )

    def _counting(self, batch: Batch) -> set[int]:
        """The rows that count."""
        if self.options.field is not None:
            values = (field_at(batch, row, self.options.field)[0] for row in range(len(batch)))
            return {row for row, value in enumerate(values) if value is not ABSENT and value is not None}
        pattern = linear(self.options.match)
        counting: set[int] = set()
        for said in said_in(batch, self.options.in_):
            if said.row not in counting and pattern.found_in(said.text):
                counting.add(said.row)
        return counting
