"""The template `json-schema`: answers, fields or records that a JSON Schema does not take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import orjson
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from dsprep.folds.places import (
    ABSENT,
    METADATA,
    ONE_OR_MORE,
    as_read,
    field_at,
    field_location,
    known_place,
    location_of,
    said_in,
    sample,
)
from dsprep.folds.templates import DefinitionError, Template, excerpt
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding
from dsprep.model.rule import ExampleRule, RuleOptions
from dsprep.text.json_schemas import check_schema, fault_finder

RECORD = "record"


def _place(value: str) -> str:
    return value if value == RECORD else known_place(value)


def _is_schema(value: Any) -> Any:
    check_schema(value)
    return value


class JsonSchemaOptions(RuleOptions):
    in_: Annotated[
        tuple[Annotated[str, AfterValidator(_place)], ...],
        BeforeValidator(lambda value: (value,) if isinstance(value, str) else value),
        Field(min_length=1),
        WithJsonSchema(ONE_OR_MORE),
    ] = Field(
        ("answer",),
        alias="in",
        description="what is checked, one or several: record (the whole of it, as it was read), a JSON pointer such as "
        "/metadata into it, or texts, which are parsed as JSON: answer, assistant, user, system, tool, prompt, any",
    )
    schema_: Annotated[dict[str, Any], AfterValidator(_is_schema)] = Field(
        alias="schema", description="the JSON Schema; nothing is fetched, and patterns are those of RE2"
    )


class JsonSchemaTemplate(Template, ExampleRule):
    """What should be JSON of a certain shape is not."""

    Options = JsonSchemaOptions
    message = "{fault}"
    placeholders: ClassVar[dict[str, type]] = {"fault": str, "path": str, "excerpt": str}

    @classmethod
    def does(cls, options: Any) -> str:
        where = " and ".join(f"`{place}`" for place in options.in_)
        return f"Checks {where} against a JSON Schema; texts are parsed as JSON. The first fault is reported."

    @classmethod
    def example(cls, options: Any, text: str) -> Any:
        place = options.in_[0]
        if place == RECORD or place.startswith("/"):
            raise DefinitionError(f"an example is a record where the rule looks at {place}")
        return sample(place, text)

    def find(self, batch: Batch) -> Iterator[Finding]:
        fault_of = fault_finder(self.options.schema_)
        places = self.options.in_
        texts = tuple(place for place in places if place != RECORD and not place.startswith(("/", METADATA)))
        if texts:
            for said in said_in(batch, texts):
                fault = _fault_of_text(said.text, fault_of)
                if fault is not None:
                    args = {"path": fault[0], "fault": fault[1], "excerpt": excerpt(said.text)}
                    yield self.finding(location_of(batch, said), key=batch.key(said.row), args=args)
        for place in places:
            if place in texts:
                continue
            for row in range(len(batch)):
                whole = as_read(batch, row)
                if type(whole) is not dict:
                    continue
                value, pointer = (whole, "") if place == RECORD else field_at(batch, row, place)[:2]
                fault = None if value is ABSENT else fault_of(value)
                if fault is not None:
                    where = field_location(batch, row, (pointer + fault[0]) or None)
                    yield self.finding(where, key=batch.key(row), args={"path": fault[0], "fault": _said_at(*fault)})


def _fault_of_text(text: str, fault_of: Any) -> tuple[str, str] | None:
    try:
        value = orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError) as error:
        return "", f"not JSON: {str(error).partition(': line')[0]}"
    fault = fault_of(value)
    return None if fault is None else (fault[0], _said_at(*fault))


def _said_at(path: str, fault: str) -> str:
    """The fault with where it is."""
    return f"{path}: {fault}" if path else fault
