"""The template `allowed-values`: fields that hold something else than one of a few values."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field, WithJsonSchema, field_validator

from dsprep.folds.places import IN, Places, as_text, location_of, said_in, sample
from dsprep.folds.templates import Template, excerpt
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding
from dsprep.model.rule import ExampleRule, RuleOptions

_SHOWN: Final = 5
_SCALARS: Final = {"type": "array", "items": {"type": ["string", "number", "boolean"]}, "minItems": 1}


class AllowedValuesOptions(RuleOptions):
    in_: Places = Field(("label",), alias="in", description=IN)
    values: Annotated[tuple[str, ...], WithJsonSchema(_SCALARS)] = Field(
        min_length=1, description="the values that are right, one at least"
    )
    ignore_case: bool = Field(False, description="whether capital letters are as good as small ones")

    @field_validator("values", mode="before")
    @classmethod
    def _texts(cls, value: object) -> object:
        """Numbers and truth values are meant as fields hold them: as JSON writes them."""
        if isinstance(value, list | tuple):
            return tuple(item if (text := as_text(item)) is None else text for item in value)
        return value


class AllowedValuesTemplate(Template, ExampleRule):
    """A field, or a text, is none of the values that are allowed."""

    Options = AllowedValuesOptions
    message = "{value!r} is not one of {allowed}{hint}"
    placeholders: ClassVar[dict[str, type]] = {"value": str, "allowed": str, "hint": str, "excerpt": str}

    @classmethod
    def does(cls, options: Any) -> str:
        where = " and ".join(f"`{place}`" for place in options.in_)
        return f"Reports each value in {where} that is none of {', '.join(f'`{value}`' for value in options.values)}."

    @classmethod
    def example(cls, options: Any, text: str) -> Any:
        return sample(options.in_[0], text)

    def find(self, batch: Batch) -> Iterator[Finding]:
        values = self.options.values
        fold = str.casefold if self.options.ignore_case else str
        allowed = frozenset(map(fold, values))
        shown = ", ".join(values[:_SHOWN]) + (f" and {len(values) - _SHOWN} others" if len(values) > _SHOWN else "")
        for said in said_in(batch, self.options.in_):
            if fold(said.text) in allowed:
                continue
            short = said.text[:80]
            near = get_close_matches(short.strip().casefold(), [value.casefold() for value in values], 1, 0.8)
            meant = next((value for value in values if near and value.casefold() == near[0]), None)
            args = {
                "value": short,
                "allowed": shown,
                "hint": f"; {meant!r} may be meant" if meant is not None else "",
                "excerpt": excerpt(said.text),
            }
            yield self.finding(location_of(batch, said), key=batch.key(said.row), args=args)
