"""The template `required-field`: records that lack a field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field, field_validator

from dsprep.folds.places import ABSENT, WORDS, Places, as_read, field_at, field_location
from dsprep.folds.templates import Template
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding
from dsprep.model.rule import ExampleRule, RuleOptions
from dsprep.text.labels import field_label


class RequiredFieldOptions(RuleOptions):
    field: Places = Field(
        description="what has to be there, one or several: label, a JSON pointer such as /source into the record, or "
        "metadata/NAME",
    )
    allow_empty: bool = Field(False, description="whether null, a blank text, an empty list or object will do")

    @field_validator("field")
    @classmethod
    def _fields(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for place in value:
            if place in WORDS and place != "label":
                raise ValueError(f"{place!r} is no field; give label, a JSON pointer such as /source, or metadata/NAME")
        return value


class RequiredFieldTemplate(Template, ExampleRule):
    """A record has no such field, or nothing in it."""

    Options = RequiredFieldOptions
    message = "{field} is {state}"
    placeholders: ClassVar[dict[str, type]] = {"field": str, "state": str}

    @classmethod
    def does(cls, options: Any) -> str:
        what = "" if options.allow_empty else " or have nothing in it"
        return f"Reports records that lack {' or '.join(f'`{name}`' for name in options.field)}{what}."

    def find(self, batch: Batch) -> Iterator[Finding]:
        for place in self.options.field:
            for row in range(len(batch)):
                if type(as_read(batch, row)) is not dict:
                    continue  # other rules say what is wrong with that
                value, pointer = self._value(batch, row, place)
                if value is ABSENT:
                    state = "missing"
                elif not self.options.allow_empty and _blank(value):
                    state = "empty"
                else:
                    continue
                yield self.finding(
                    field_location(batch, row, pointer if value is not ABSENT else None),
                    key=batch.key(row),
                    args={"field": place, "state": state},
                )

    def _value(self, batch: Batch, row: int, place: str) -> tuple[Any, str]:
        if place != "label":
            return field_at(batch, row, place)[:2]
        example = batch.examples[row]
        label = None if example is None else field_label(example)
        return (ABSENT if label is None else label), "/label"


def _blank(value: Any) -> bool:
    if type(value) is str:
        return not value or value.isspace()
    return value is None or (type(value) in (list, dict) and not value)
