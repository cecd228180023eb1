"""The template `length`: texts, or examples, that are too long or too short."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from dsprep.folds.places import IN, Places, location_of, said_in, sample
from dsprep.folds.templates import Template, check_bounds, excerpt
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding
from dsprep.model.rule import ExampleRule, RuleOptions
from dsprep.text.tokens import token_counter


class LengthOptions(RuleOptions):
    in_: Places = Field(("answer",), alias="in", description=IN)
    unit: Literal["characters", "words", "tokens"] = Field(
        "characters", description="what is counted: characters, words (as white space parts them), tokens"
    )
    min: int | None = Field(None, ge=0, description="the fewest that are right")
    max: int | None = Field(None, ge=0, description="the most that are right")
    per: Literal["message", "example"] = Field(
        "message", description="what has that length: each text, or all of an example together"
    )

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        check_bounds(self.min, self.max)
        return self


class LengthTemplate(Template, ExampleRule):
    """A text, or an example, is longer or shorter than it may be."""

    Options = LengthOptions
    message = "{length:,} {unit}, {bound} {limit:,}"
    placeholders: ClassVar[dict[str, type]] = {
        "length": int,
        "unit": str,
        "bound": str,
        "limit": int,
        "excerpt": str,
    }

    @classmethod
    def does(cls, options: Any) -> str:
        least = [f"fewer than {options.min:,}"] if options.min is not None else []
        most = [f"more than {options.max:,}"] if options.max is not None else []
        where = " and ".join(f"`{place}`" for place in options.in_)
        what = "each text" if options.per == "message" else "each example whose texts together"
        has = "that has" if options.per == "message" else "have"
        return f"Reports {what} in {where} {has} {' or '.join(least + most)} {options.unit}."

    @classmethod
    def example(cls, options: Any, text: str) -> Any:
        return sample(options.in_[0], text)

    def find(self, batch: Batch) -> Iterator[Finding]:
        length = self._measure()
        if self.options.per == "message":
            for said in said_in(batch, self.options.in_):
                args = self._judged(length(said.text))
                if args is not None:
                    args["excerpt"] = excerpt(said.text)
                    yield self.finding(location_of(batch, said), key=batch.key(said.row), args=args)
            return
        totals: dict[int, int] = {}
        texts: dict[int, str] = {}
        for said in said_in(batch, self.options.in_):
            totals[said.row] = totals.get(said.row, 0) + length(said.text)
            texts.setdefault(said.row, said.text)
        for row, total in totals.items():
            args = self._judged(total)
            if args is not None:
                yield self.at(batch, row, args={**args, "excerpt": excerpt(texts[row])})

    def _measure(self) -> Any:
        if self.options.unit == "tokens":
            return token_counter(self.context.encoding)
        return len if self.options.unit == "characters" else _words

    def _judged(self, length: int) -> dict[str, Any] | None:
        least, most = self.options.min, self.options.max
        if least is not None and length < least:
            return {"length": length, "unit": self.options.unit, "bound": "fewer than", "limit": least}
        if most is not None and length > most:
            return {"length": length, "unit": self.options.unit, "bound": "more than", "limit": most}
        return None


def _words(text: str) -> int:
    return len(text.split())
