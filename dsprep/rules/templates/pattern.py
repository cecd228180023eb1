"""The template `pattern`: texts that must match, or must not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from dsprep.folds.places import IN, Places, Said, fix_of, location_of, said_in, sample, turns_in
from dsprep.folds.templates import LinearRegex, Template, excerpt
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding
from dsprep.model.fix import Applicability, Fix
from dsprep.model.meta import FixAvailability
from dsprep.model.rule import ExampleRule, RuleOptions
from dsprep.text.linear_patterns import linear
from dsprep.text.turn_bytes import TURN_BYTES


class PatternOptions(RuleOptions):
    in_: Places = Field(("any",), alias="in", description=IN)
    must_match: LinearRegex | None = Field(None, description="a regular expression (RE2) that every text has to match")
    must_not_match: LinearRegex | None = Field(None, description="a regular expression (RE2) that no text may match")
    replace: str | None = Field(
        None, description="what a fix puts in the place of what must not be there; `\\1` is the first group"
    )
    fix: Literal["safe", "unsafe"] = Field(
        "unsafe", description="whether that never changes the meaning (safe), or is done on request alone (unsafe)"
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.must_match is None) == (self.must_not_match is None):
            raise ValueError("give one of must-match and must-not-match")
        if self.replace is not None:
            if self.must_not_match is None:
                raise ValueError("replace goes with must-not-match")
            if not linear(self.must_not_match).groups_in(self.replace):
                raise ValueError(f"{self.replace!r} names a group that the pattern has not")
        return self


class PatternTemplate(Template, ExampleRule):
    """A text matches a pattern that it must not match, or does not match one that it must."""

    Options = PatternOptions
    message = "{what}"
    placeholders: ClassVar[dict[str, type]] = {
        "what": str,
        "match": str,
        "count": int,
        "pattern": str,
        "excerpt": str,
    }

    @classmethod
    def does(cls, options: Any) -> str:
        where = " and ".join(f"`{place}`" for place in options.in_)
        if options.must_match is not None:
            return f"Reports each text in {where} that does not match `{options.must_match}`."
        return f"Reports each text in {where} that matches `{options.must_not_match}`."

    @classmethod
    def fixes(cls, options: Any) -> FixAvailability:
        return FixAvailability.NEVER if options.replace is None else FixAvailability.SOMETIMES

    @classmethod
    def example(cls, options: Any, text: str) -> Any:
        return sample(options.in_[0], text)

    def find(self, batch: Batch) -> Iterator[Finding]:
        if self.options.must_match is not None:
            yield from self._lacking(batch, self.options.must_match)
        else:
            yield from self._holding(batch, self.options.must_not_match)

    def _lacking(self, batch: Batch, pattern: str) -> Iterator[Finding]:
        compiled = linear(pattern)
        for said in said_in(batch, self.options.in_):
            if not compiled.found_in(said.text):
                args = {"what": f"does not match {pattern}", "match": "", "count": 0}
                yield self._found(batch, said, {**args, "pattern": pattern, "excerpt": excerpt(said.text)}, None)

    def _holding(self, batch: Batch, pattern: str) -> Iterator[Finding]:
        compiled = linear(pattern)
        for said in self._suspects(batch):
            data = said.text.encode("utf-8", "surrogatepass")
            spans = list(compiled.spans(data))
            if not spans:
                continue
            start, end = spans[0]
            match = data[start:end].decode("utf-8", "replace")[:80]
            args = {
                "what": f"matches {pattern}: {match!r}",
                "match": match,
                "count": len(spans),
                "pattern": pattern,
                "excerpt": excerpt(said.text, len(data[:start].decode("utf-8", "replace"))),
            }
            yield self._found(batch, said, args, self._fix(batch, said, pattern))

    def _suspects(self, batch: Batch) -> Iterator[Said]:
        """The texts to look at; messages only if the pattern matches anywhere in all of their texts, if that says
        anything."""
        places = self.options.in_
        turns = turns_in(batch, frozenset(places))
        anywhere = linear(self.options.must_not_match)
        if turns != [] and anywhere.anywhere and anywhere.span(batch.get(TURN_BYTES).data) is None:
            places = tuple(place for place in places if place == "label" or "/" in place)
        yield from said_in(batch, places)

    def _fix(self, batch: Batch, said: Said, pattern: str) -> Fix | None:
        replacement = self.options.replace
        if replacement is None:
            return None
        text = linear(pattern).replaced(said.text, replacement)
        # A text of nothing else is left for somebody to look at.
        return fix_of(batch, said, text, Applicability(self.options.fix)) if text is not None and text.strip() else None

    def _found(self, batch: Batch, said: Said, args: dict[str, Any], fix: Fix | None) -> Finding:
        return self.finding(location_of(batch, said), key=batch.key(said.row), args=args, fix=fix)
