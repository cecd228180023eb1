"""JSON Schema for values that are hostile: patterns in linear time (RE2), nothing fetched, no depth that breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

import orjson

from dsprep.text.linear_patterns import PatternError, linear

#: Parts of a schema whose value is data: a member called `pattern` in it is none.
_DATA: Final = frozenset({"const", "enum", "default", "examples"})


class SchemaError(ValueError):
    """A JSON Schema that cannot be used. The message says where and why."""


def check_schema(schema: Any) -> None:
    """Raise SchemaError unless `schema` is a JSON Schema whose patterns RE2 takes and whose references stay in it."""
    import jsonschema

    kind = _kind(schema)
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise SchemaError(f"{_at(error.absolute_path)}{error.message}") from error
    except RecursionError as error:
        raise SchemaError("it is nested too deeply") from error
    for name, value in _members(schema):
        if name == "pattern" and isinstance(value, str):
            _takes(value)
        elif name == "patternProperties" and isinstance(value, Mapping):
            for pattern in value:
                _takes(pattern)
        elif name in ("$ref", "$dynamicRef") and isinstance(value, str) and not value.startswith("#"):
            raise SchemaError(f"{value!r} leads out of the schema, and nothing is fetched; put it under $defs")


def fault_finder(schema: Any) -> Callable[[Any], tuple[str, str] | None]:
    """What finds the first fault of a value against `schema`: a JSON pointer to it and what is wrong, or None."""
    return _finder(orjson.dumps(schema))


@cache
def _finder(schema: bytes) -> Callable[[Any], tuple[str, str] | None]:
    from jsonschema.exceptions import best_match
    from referencing import Registry

    value = orjson.loads(schema)
    validator = _linear(_kind(value))(value, registry=Registry())  # an empty one, which fetches nothing

    def first(instance: Any) -> tuple[str, str] | None:
        try:
            error = best_match(validator.iter_errors(instance))
        except RecursionError:
            return "", "it is nested too deeply to be checked"
        if error is None:
            return None
        return "".join(f"/{part}" for part in error.absolute_path), _short(error)

    return first


def _short(error: Any) -> str:
    """The fault without the value, which may be of any size."""
    said = str(error.message)
    shown = repr(error.instance)
    if len(shown) > 60:
        said = said.replace(shown, f"{shown[:50]}…")
    return said if len(said) <= 200 else f"{said[:199]}…"


def _kind(schema: Any) -> Any:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import validator_for

    return validator_for(schema, default=Draft202012Validator)


@cache
def _linear(kind: Any) -> Any:
    """The validator with patterns on RE2."""
    from jsonschema import validators

    extend: Callable[..., Any] = validators.extend
    return extend(
        kind,
        {
            "pattern": _pattern,
            "patternProperties": _pattern_properties,
            "additionalProperties": _additional_properties,
        },
    )


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if validator.is_type(instance, "string") and not linear(pattern).found_in(instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Mapping[str, Any], instance: Any, schema: Any) -> Iterator[Any]:
    if not validator.is_type(instance, "object"):
        return
    for pattern, inner in patterns.items():
        for name, value in instance.items():
            if linear(pattern).found_in(name):
                yield from validator.descend(value, inner, path=name, schema_path=pattern)


def _additional_properties(validator: Any, allowed: Any, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if not validator.is_type(instance, "object"):
        return
    patterns = schema.get("patternProperties", ())
    named = schema.get("properties", ())
    extra = [name for name in instance if name not in named and not any(linear(p).found_in(name) for p in patterns)]
    if validator.is_type(allowed, "object"):
        for name in extra:
            yield from validator.descend(instance[name], allowed, path=name)
    elif not allowed and extra:
        yield ValidationError(f"it has members that the schema does not name: {', '.join(map(repr, extra[:5]))}")


def _members(schema: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(schema, Mapping):
        for name, value in schema.items():
            yield name, value
            if name not in _DATA:
                yield from _members(value)
    elif isinstance(schema, list | tuple):
        for item in schema:
            yield from _members(item)


def _takes(pattern: str) -> None:
    try:
        linear(pattern)
    except PatternError as error:
        raise SchemaError(str(error)) from error


def _at(path: Sequence[Any]) -> str:
    return "".join(f"/{part}" for part in path) + ": " if path else ""
