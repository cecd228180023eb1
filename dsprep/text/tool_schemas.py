"""The JSON Schemas of declared tools: is one valid, and do arguments obey it. Both are hostile; neither may hang us.

The form of a schema is checked by a table of keywords instead of by its meta-schema: that takes microseconds, says what
is wrong in words, and does not recurse. Arguments are validated by jsonschema, with these bounds: nothing is fetched,
patterns run in linear time (RE2), steps and depth are counted, so that the outcome is the same on every machine.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any, Final, NamedTuple

import orjson

from dsprep.model import pointer as pointers
from dsprep.model.chat import json_type, shown
from dsprep.text.json_text import depth_of
from dsprep.text.linear_patterns import LinearPattern, PatternError

Path = tuple[str | int, ...]

#: A declaration longer than this, or nested deeper, is not checked.
MAX_BYTES: Final = 200_000
MAX_DEPTH: Final = 60
#: So many keywords are applied to the arguments of one call, in so many levels, before it is given up.
MAX_STEPS: Final = 20_000
MAX_LEVELS: Final = 60
#: Patterns beyond these bounds, and texts for them, are not looked at: RE2 takes time by the product of the two.
_MAX_PATTERN: Final = 500
_MAX_REPEATS: Final = 1_000
_MAX_TEXT: Final = 2_000
#: How much of checked declarations is kept, in bytes of their JSON.
_KEPT: Final = 4 << 20
#: Faults and violations beyond these are counted by nobody.
_MOST: Final = 20

TYPES: Final = ("array", "boolean", "integer", "null", "number", "object", "string")


class Flaw(NamedTuple):
    """Something wrong with a schema, or with arguments: where in it, and what, in words that follow its name."""

    path: Path
    says: str


@dataclass(frozen=True)
class ToolSchema:
    """The `parameters` of a declared function.

    `padding` are the places of nulls that no schema can hold; `flaws` is what is wrong without them, at most 20, in
    order. `value` is the schema without padding, or None if arguments cannot be checked against it; `dialect` the
    draft that it is read by.
    """

    padding: tuple[Path, ...]
    flaws: tuple[Flaw, ...]
    value: dict[str, Any] | None
    dialect: str

    def violations(self, arguments: Any) -> list[Flaw] | None:
        """What in `arguments` (a JSON value) breaks the schema, at most 20, in order of place; None if that takes
        more than MAX_STEPS steps or MAX_LEVELS levels. Without a usable schema there are none."""
        if self.value is None:
            return []
        return _violations(self._validator, self.value, arguments)

    @cached_property
    def _validator(self) -> Any:
        from referencing import Registry

        # The registry is empty and fetches nothing; references are looked up in the schema alone.
        return _validator(self.dialect)(self.value, registry=Registry())


_checked: OrderedDict[bytes, ToolSchema] = OrderedDict()
_held = 0


def tool_schema(parameters: dict[str, Any]) -> ToolSchema:
    """The checked schema; that of equal parameters is kept for a while."""
    global _held
    try:
        key = orjson.dumps(parameters)
    except (TypeError, orjson.JSONEncodeError):
        # orjson takes neither integers beyond 64 bits nor lone surrogates.
        key = json.dumps(parameters).encode()
    found = _checked.get(key)
    if found is None:
        found = _made(key)
        _held += len(key)
        _checked[key] = found
        while _held > _KEPT:
            _held -= len(_checked.popitem(last=False)[0])
    return found


def _made(text: bytes) -> ToolSchema:
    if len(text) > MAX_BYTES:
        return _unusable(f"is {len(text):,} bytes long; at most {MAX_BYTES:,} are checked")
    value = json.loads(text)
    depth = depth_of(value)
    if depth > MAX_DEPTH:
        return _unusable(f"is nested {depth} levels deep; at most {MAX_DEPTH} are checked")
    padding = tuple(schema_padding(value))
    value = without(value, padding)
    dialect = _dialect(value)
    if dialect is None:
        return ToolSchema(padding, (), None, "")
    flaws = list(_Form(value, dialect).flaws())
    kind = value.get("type")
    if isinstance(kind, str) and kind in TYPES and kind != "object":
        flaws.append(Flaw(("type",), f'is "{kind}"; the arguments of a function are always an object'))
    usable = None if flaws or _has_inner_ids(value) else _bare(value)
    return ToolSchema(padding, tuple(flaws[:_MOST]), usable, dialect)


def _unusable(says: str) -> ToolSchema:
    return ToolSchema((), (Flaw((), says),), None, "")


def named(path: Path) -> str:
    """`path` for people: `filter.items[0]`."""
    out = ""
    for part in path:
        out += f"[{part}]" if isinstance(part, int) else f".{shown(part, 40)}" if out else shown(part, 40)
    return out


def without(value: Any, places: tuple[Path, ...]) -> Any:
    """A copy of `value` without the members at `places`; what does not change is shared."""
    for path in sorted(places, key=len, reverse=True):
        value = pointers.remove(value, pointers.join(path))
    return value


# Places of a schema --------------------------------------------------------------------------------------------------

_SCHEMA: Final = frozenset(
    [
        "additionalItems",
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
        "items",
    ]
)
_SCHEMAS: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED: Final = frozenset({"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"})
#: Keywords whose value is data and may be null.
_DATA: Final = frozenset({"const", "default", "enum", "examples", "example"})


def _inner(schema: dict[str, Any]) -> Iterator[tuple[Path, Any]]:
    """What stands in `schema` where schemas stand, with its path, in order."""
    for key, value in schema.items():
        if key in _NAMED or key == "dependencies":
            if isinstance(value, dict):
                for name, inner in value.items():
                    if key != "dependencies" or not isinstance(inner, list):
                        yield (key, name), inner
        elif key in _SCHEMAS or (key == "items" and isinstance(value, list)):
            if isinstance(value, list):
                for i, inner in enumerate(value):
                    yield (key, i), inner
        elif key in _SCHEMA:
            yield (key,), value


def _walk(schema: Any) -> Iterator[tuple[Path, Any]]:
    """`schema` and all schemas in it, with their paths, in order of the document."""
    stack: list[tuple[Path, Any]] = [((), schema)]
    while stack:
        path, item = stack.pop()
        yield path, item
        if isinstance(item, dict):
            stack.extend([((*path, *at), inner) for at, inner in reversed(list(_inner(item)))])


def schema_padding(schema: Any) -> list[Path]:
    """The places of nulls in `schema` that stand for nothing: no keyword is null but those that hold data.

    A loader that gives all rows the same columns (`datasets`, Arrow, Parquet) writes such nulls. A `const` of null
    beside a type other than null is one of them, and a `default` of null if there are others.
    """
    found: list[Path] = []
    defaults: list[Path] = []
    for path, item in _walk(schema):
        if not isinstance(item, dict):
            continue
        for key, value in item.items():
            if value is None:
                if key == "default":
                    defaults.append((*path, key))
                elif key not in _DATA or key == "enum" or (key == "const" and not _may_be_null(item.get("type"))):
                    found.append((*path, key))
            elif key in _NAMED and isinstance(value, dict):
                found += [(*path, key, name) for name, inner in value.items() if inner is None]
    return found + defaults if found else []


def _may_be_null(kind: Any) -> bool:
    """Whether a `type` allows null."""
    return kind is None or kind == "null" or (isinstance(kind, list) and "null" in kind)


_UNSEEN: Final = frozenset(
    ["$dynamicRef", "$recursiveRef", "$ref", "allOf", "anyOf", "if", "not", "oneOf", "then", "else"]
)


def argument_padding(schema: Any, arguments: Any) -> Iterator[Path]:
    """The places of nulls in `arguments` that the schema neither requires nor allows: members of objects that are left
    out to say the same. Where the schema says what is allowed in other ways than by types, nulls are left alone.
    """
    stack: list[tuple[Path, Any, Any]] = [((), schema, arguments)]
    while stack:
        path, rules, value = stack.pop()
        if not isinstance(rules, dict) or not _UNSEEN.isdisjoint(rules):
            continue
        if isinstance(value, list):
            stack.extend([((*path, i), rules.get("items"), item) for i, item in enumerate(value) if item])
            continue
        if not isinstance(value, dict) or "patternProperties" in rules or "propertyNames" in rules:
            continue
        known = rules.get("properties")
        known = known if isinstance(known, dict) else {}
        required = rules.get("required")
        required = required if isinstance(required, list) else []
        others = rules.get("additionalProperties")
        for key, item in value.items():
            inner = known.get(key)
            if item is not None:
                stack.append(((*path, key), inner, item))
            elif key not in required:
                # What the schema does not know at all is another tool's, unless all may come that fits a schema.
                stray = key not in known and (known or rules.get("type") == "object") and not isinstance(others, dict)
                if stray or (isinstance(inner, dict) and not _allows_null(inner)):
                    yield (*path, key)


def _null_welcome(schema: Mapping[str, Any]) -> bool:
    """Whether a schema says in words of its own that null is meant: OpenAPI's `nullable`, or a default of null."""
    return schema.get("nullable") is True or ("default" in schema and schema["default"] is None)


def _allows_null(schema: dict[str, Any]) -> bool:
    if not _UNSEEN.isdisjoint(schema) or _null_welcome(schema):
        return True
    allowed = schema.get("enum")
    if isinstance(allowed, list):
        return None in allowed
    return "const" in schema or _may_be_null(schema.get("type"))


# The form of a schema ------------------------------------------------------------------------------------------------

#: What `$schema` names, without scheme and fragment.
_DIALECTS: Final = {
    "json-schema.org/draft-04/schema": "draft-04",
    "json-schema.org/draft-06/schema": "draft-06",
    "json-schema.org/draft-07/schema": "draft-07",
    "json-schema.org/draft/2019-09/schema": "2019-09",
    "json-schema.org/draft/2020-12/schema": "2020-12",
}
_OLD: Final = "json-schema.org/draft-03/schema"
_DEFAULT: Final = "2020-12"


def _dialect(schema: dict[str, Any]) -> str | None:
    """The draft that a schema is written in; None for one that nothing here knows."""
    name = schema.get("$schema")
    if not isinstance(name, str):
        return _DEFAULT
    name = name.strip().partition("#")[0].rstrip("/").removeprefix("http://").removeprefix("https://")
    return None if name == _OLD else _DIALECTS.get(name, _DEFAULT)


_STRINGS: Final = frozenset(
    [
        "$anchor",
        "$comment",
        "$dynamicAnchor",
        "$dynamicRef",
        "$id",
        "$ref",
        "$schema",
        "contentEncoding",
        "contentMediaType",
        "description",
        "format",
        "pattern",
        "title",
    ]
)
_COUNTS: Final = frozenset(
    ["maxContains", "maxItems", "maxLength", "maxProperties", "minContains", "minItems", "minLength", "minProperties"]
)
_NUMBERS: Final = frozenset(["exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"])
_FLAGS: Final = frozenset(["deprecated", "readOnly", "uniqueItems", "writeOnly"])
#: Since which draft, where that is not the first.
_SINCE: Final = {
    "prefixItems": "2020-12", "$dynamicRef": "2020-12", "$dynamicAnchor": "2020-12",
    "$anchor": "2019-09", "$defs": "2019-09", "dependentRequired": "2019-09", "dependentSchemas": "2019-09",
    "maxContains": "2019-09", "minContains": "2019-09", "unevaluatedItems": "2019-09",
    "unevaluatedProperties": "2019-09", "deprecated": "2019-09", "contentSchema": "2019-09",
    "$comment": "draft-07", "contentEncoding": "draft-07", "contentMediaType": "draft-07", "if": "draft-07",
    "then": "draft-07", "else": "draft-07", "readOnly": "draft-07", "writeOnly": "draft-07",
    "$id": "draft-06", "contains": "draft-06", "examples": "draft-06", "propertyNames": "draft-06",
}  # fmt: skip
_ORDER: Final = tuple(_DIALECTS.values())


def _numeric(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class _Form:
    """Whether a schema has the form that its draft asks for."""

    def __init__(self, schema: dict[str, Any], dialect: str) -> None:
        self.schema = schema
        self.dialect = dialect
        self.age = _ORDER.index(dialect)
        self.unknown = {name for name, since in _SINCE.items() if _ORDER.index(since) > self.age}
        if dialect == "2020-12":
            self.unknown.add("additionalItems")
        self.anchors: set[str] | None = None

    def flaws(self) -> Iterator[Flaw]:
        stack: list[tuple[Path, Any]] = [((), self.schema)]
        while stack:
            path, item = stack.pop()
            if isinstance(item, dict):
                for key, value in item.items():
                    if key not in self.unknown:
                        for at, says in self._keyword(key, value):
                            yield Flaw((*path, key, *at), says)
                if self.dialect == "draft-04":
                    for key, beside in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
                        if key in item and beside not in item:
                            yield Flaw((*path, key), f"has no `{beside}` beside it")
                inner = [((*path, *at), schema) for at, schema in _inner(item) if at[0] not in self.unknown]
                stack.extend(reversed(inner))
            elif not isinstance(item, bool) or (self.dialect == "draft-04" and not _flag_place(path)):
                yield Flaw(path, f"should be a schema, not {json_type(item)}")

    def _keyword(self, key: str, value: Any) -> Iterator[tuple[Path, str]]:
        if key == "type":
            yield from self._type(value)
        elif key in _NAMED:
            if not isinstance(value, dict):
                yield (), f"should be an object of schemas, not {json_type(value)}"
            elif key == "patternProperties":
                for pattern in value:
                    if says := pattern_flaw(pattern):
                        yield (pattern,), says
        elif key in _SCHEMAS:
            if not isinstance(value, list):
                yield (), f"should be an array of schemas, not {json_type(value)}"
            elif not value:
                yield (), "is empty"
        elif key == "items":
            if isinstance(value, list) and self.dialect == "2020-12":
                yield (), "should be a schema, not an array (`prefixItems` takes an array)"
            elif value == []:
                yield (), "is empty"
        elif key == "required":
            yield from self._names(value, "required")
        elif key == "dependentRequired":
            if not isinstance(value, dict):
                yield (), f"should be an object, not {json_type(value)}"
            else:
                for name, names in value.items():
                    yield from (((name, *at), says) for at, says in self._names(names, key))
        elif key == "dependencies":
            if not isinstance(value, dict):
                # From 2019-09 on it is no keyword, but kept in the meta-schema.
                yield (), f"should be an object, not {json_type(value)}"
            else:
                for name, names in value.items():
                    if isinstance(names, list):
                        yield from (((name, *at), says) for at, says in self._names(names, key))
        elif key == "enum":
            if not isinstance(value, list):
                yield (), f"should be an array of values, not {json_type(value)}"
            elif not value and self.dialect == "draft-04":
                yield (), "is empty"
            elif self.dialect == "draft-04" and len({_same(item) for item in value}) < len(value):
                yield (), "has the same value twice"
        elif key == "examples":
            if not isinstance(value, list):
                yield (), f"should be an array of values, not {json_type(value)}"
        elif key in _STRINGS:
            if not isinstance(value, str):
                yield (), f"should be a string, not {json_type(value)}"
            elif key == "pattern":
                if says := pattern_flaw(value):
                    yield (), says
            elif key == "$ref" and (says := self._reference(value)):
                yield (), says
        elif key in _COUNTS:
            # To draft 4, 2.0 is no whole number.
            whole = _numeric(value) and value == value // 1 and (self.age > 0 or isinstance(value, int))
            if not whole or value < 0:
                yield (), f"should be a whole number from 0 on, not {_said(value)}"
        elif key in _NUMBERS:
            if self.dialect == "draft-04" and key.startswith("exclusive"):
                if not isinstance(value, bool):
                    yield (), f"should be true or false, not {_said(value)}"
            elif not _numeric(value):
                yield (), f"should be a number, not {_said(value)}"
            elif key == "multipleOf" and value <= 0:
                yield (), f"should be greater than 0, not {_said(value)}"
        elif key in _FLAGS and not isinstance(value, bool):
            yield (), f"should be true or false, not {_said(value)}"

    def _type(self, value: Any) -> Iterator[tuple[Path, str]]:
        if isinstance(value, str):
            if value not in TYPES:
                yield (), f'is "{shown(value, 40)}"; the types are {", ".join(TYPES)}'
        elif not isinstance(value, list):
            yield (), f"should be a string or an array of strings, not {json_type(value)}"
        elif not value:
            yield (), "is empty"
        else:
            for i, item in enumerate(value):
                if not isinstance(item, str) or item not in TYPES:
                    yield (i,), f"is {_said(item)}; the types are {', '.join(TYPES)}"
            if len(value) <= len(TYPES) and len({str(item) for item in value}) < len(value):
                yield (), "has the same type twice"
            elif len(value) > len(TYPES):
                yield (), "has more types than there are"

    def _names(self, value: Any, key: str) -> Iterator[tuple[Path, str]]:
        if not isinstance(value, list):
            yield (), f"should be an array of names, not {_said(value)}"
            return
        for i, item in enumerate(value):
            if not isinstance(item, str):
                yield (i,), f"should be a string, not {_said(item)}"
                return
        if len(set(value)) < len(value):
            yield (), "names the same property twice"
        elif not value and self.dialect == "draft-04":
            yield (), "is empty"

    def _reference(self, reference: str) -> str | None:
        if _has_inner_ids(self.schema):
            return None
        own = self.schema.get("$id")
        target = reference
        if isinstance(own, str) and own:
            target = target.removeprefix(own.rstrip("#")) or "#"
        if not target.startswith("#"):
            return f"leads to {shown(reference, 60)}, out of the declaration, and nothing is fetched"
        if resolved(self.schema, target) is None:
            return f"leads to {shown(reference, 60)}, which is not there"
        return None


def _flag_place(path: Path) -> bool:
    """Whether draft 4 takes true and false there."""
    return bool(path) and path[-1] in ("additionalProperties", "additionalItems")


def _said(value: Any) -> str:
    """A scalar as it stands in JSON, or the type of a value."""
    if isinstance(value, str):
        return json.dumps(shown(value, 40), ensure_ascii=False)
    if value is None or isinstance(value, dict | list):
        return json_type(value)
    return shown(json.dumps(value), 40)


def resolved(schema: dict[str, Any], reference: str) -> Any:
    """What a reference (`#`, `#/$defs/name`, `#anchor`) leads to within `schema`, a schema; None if to nothing."""
    from urllib.parse import unquote

    place = unquote(reference[1:])
    if place.startswith("/") or not place:
        try:
            found = pointers.resolve(schema, place)
        except (KeyError, IndexError, ValueError, TypeError):
            return None
        return found if isinstance(found, dict | bool) else None
    for _, item in _walk(schema):
        if isinstance(item, dict) and place in (item.get("$anchor"), item.get("$dynamicAnchor")):
            return item
        if isinstance(item, dict) and item.get("$id") == f"#{place}":
            return item
    return None


def _has_inner_ids(schema: dict[str, Any]) -> bool:
    """Whether parts of a schema have addresses of their own, by which references are meant; that is not followed."""
    return any(
        path and isinstance(item, dict) and isinstance(item.get("$id"), str) and not item["$id"].startswith("#")
        for path, item in _walk(schema)
    )


def _bare(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema` without the names of itself and of dialects, so that jsonschema reads all of it by one set of rules."""
    gone: list[Path] = []
    own = schema.get("$id")
    for path, item in _walk(schema):
        if isinstance(item, dict):
            gone += [(*path, key) for key in ("$schema", "$id", "id") if isinstance(item.get(key), str)]
    out: dict[str, Any] = without(schema, tuple(gone))
    if isinstance(own, str) and own.rstrip("#"):
        for path, item in list(_walk(out)):
            if isinstance(item, dict) and isinstance(item.get("$ref"), str):
                short = item["$ref"].removeprefix(own.rstrip("#")) or "#"
                out = pointers.replace(out, pointers.join((*path, "$ref")), short)
    return out


# Patterns ------------------------------------------------------------------------------------------------------------

#: Words of Python's `re` about patterns that are none in any dialect.
_BROKEN: Final = ("unterminated", "missing )", "unbalanced parenthesis", "nothing to repeat", "bad character range")
_REPEATS: Final = re.compile(r"\{(\d{1,9})?(?:,(\d{1,9})?)?\}")
#: What programs read differently once a text is not ASCII.
_CLASSES: Final = re.compile(r"\\[wWdDsSbB]|\(\?[a-z]*i")


@lru_cache(maxsize=1024)
def pattern_flaw(pattern: str) -> str | None:
    """What is wrong with a regular expression in every dialect; None for one that some program takes."""
    if len(pattern) > _MAX_PATTERN or _compiled(pattern) is not None:
        return None
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        said = str(error)
        if said.startswith(_BROKEN):
            return f"is no regular expression: {said}"
    return None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> LinearPattern | None:
    """`pattern` for linear time, or None if RE2 cannot have it: look-around, back-references, or far too large."""
    repeats = 1
    for found in _REPEATS.finditer(pattern):
        repeats *= max(1, *(int(number) for number in found.groups() if number))
    if len(pattern) > _MAX_PATTERN or repeats > _MAX_REPEATS:
        return None
    try:
        return LinearPattern(pattern)
    except PatternError:
        return None


def _matches(pattern: str, text: str) -> bool:
    """Whether `pattern` is found in `text`, or nobody can say."""
    if len(text) > _MAX_TEXT or (not text.isascii() and _CLASSES.search(pattern)):
        return True
    compiled = _compiled(pattern)
    return compiled is None or compiled.found_in(text)


# Arguments -----------------------------------------------------------------------------------------------------------


class _TooMuchError(Exception):
    """More steps or levels than are allowed."""


class _Run:
    """One validation: the schema that references are looked up in, and what may still be done."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema
        self.steps = MAX_STEPS
        self.levels = 0

    def charge(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise _TooMuchError


#: The validation that is going on. Keywords of jsonschema are functions, which have no other place to look for it.
_RUN: ContextVar[_Run] = ContextVar("validation")


def _violations(validator: Any, schema: dict[str, Any], arguments: Any) -> list[Flaw] | None:
    found: list[Flaw] = []
    token = _RUN.set(_Run(schema))
    try:
        for error in validator.iter_errors(arguments):
            found.append(Flaw(tuple(error.absolute_path), _worded(error)))
            if len(found) == _MOST:
                break
    except (_TooMuchError, OverflowError):
        return None  # an integer may be too large to be divided
    finally:
        _RUN.reset(token)
    # Of a value of the wrong type nothing else needs saying.
    wrong = {flaw.path for flaw in found if flaw.says.startswith(_TYPE_SAYS)}
    found = [flaw for flaw in found if flaw.path not in wrong or flaw.says.startswith(_TYPE_SAYS)]
    return sorted(found, key=lambda flaw: (pointers.join(flaw.path), flaw.says))


@cache
def _validator(dialect: str) -> Any:
    """The validator class of a draft, with every keyword counted."""
    import jsonschema
    from jsonschema import validators

    base = {
        "draft-04": jsonschema.Draft4Validator,
        "draft-06": jsonschema.Draft6Validator,
        "draft-07": jsonschema.Draft7Validator,
        "2019-09": jsonschema.Draft201909Validator,
        "2020-12": jsonschema.Draft202012Validator,
    }[dialect]
    own: dict[str, Any] = {
        "type": _type,
        "const": _const,
        "enum": _enum,
        "required": _required,
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": _unique_items,
        # What is left over by others is not worked out: it takes time that grows with the product of all.
        "unevaluatedItems": _anything,
        "unevaluatedProperties": _anything,
        # Anchors in the dynamic scope are taken for those of the schema itself.
        "$ref": _reference,
        "$dynamicRef": _reference,
        "$recursiveRef": _reference,
    }
    keywords = {**base.VALIDATORS, **{name: rule for name, rule in own.items() if name in base.VALIDATORS}}
    extend: Any = validators.extend
    return extend(base, {name: _counted(rule) for name, rule in keywords.items()})


Keyword = Callable[[Any, Any, Any, Mapping[str, Any]], Iterator[Any] | None]


def _counted(rule: Keyword) -> Keyword:
    def apply(validator: Any, value: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
        run = _RUN.get()
        run.charge(1 + (len(value) if isinstance(value, list) else 0))
        run.levels += 1
        try:
            if run.levels > MAX_LEVELS:
                raise _TooMuchError
            for error in rule(validator, value, instance, schema) or ():
                # Messages of jsonschema hold the whole instance.
                run.charge(1 + (len(error.message) >> 8))
                yield error
        finally:
            run.levels -= 1

    return apply


def _error(message: str) -> Any:
    from jsonschema import ValidationError

    return ValidationError(message)


def _anything(validator: Any, value: Any, instance: Any, schema: Mapping[str, Any]) -> None:
    return None


def _type(validator: Any, value: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    if instance is None and _null_welcome(schema):
        return
    if not any(validator.is_type(instance, kind) for kind in _several(value)):
        yield _error("type")


def _reference(validator: Any, reference: str, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    run = _RUN.get()
    run.charge(0 if reference.startswith("#/") else 50)
    found = resolved(run.schema, reference) if reference.startswith("#") else None
    if found is not None:
        yield from validator.descend(instance, found)


def _enum(validator: Any, allowed: list[Any], instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    if instance is None and _null_welcome(schema):
        return
    wanted = _canonical(instance)
    if not any(_canonical(item) == wanted for item in allowed):
        yield _error("enum")


def _const(validator: Any, wanted: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    if _canonical(instance) != _canonical(wanted):
        yield _error("const")


def _required(validator: Any, names: list[str], instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    if isinstance(instance, dict) and isinstance(names, list):
        missing = [name for name in names if name not in instance]
        if missing:
            yield _error(f"lacks {_listed(missing)}")


def _pattern(validator: Any, pattern: str, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    if isinstance(instance, str) and not _matches(pattern, instance):
        yield _error("pattern")


def _pattern_properties(
    validator: Any, patterns: Mapping[str, Any], instance: Any, schema: Mapping[str, Any]
) -> Iterator[Any]:
    if not isinstance(instance, dict):
        return
    for pattern, inner in patterns.items():
        compiled = _compiled(pattern)
        _RUN.get().charge(len(instance))
        for name, value in instance.items():
            # Whether a pattern that cannot be run matches a name nobody can say; then nothing is held against it.
            if compiled is not None and len(name) <= _MAX_TEXT and compiled.found_in(name):
                yield from validator.descend(value, inner, path=name, schema_path=pattern)


def _additional_properties(validator: Any, allowed: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    if not isinstance(instance, dict):
        return
    known = schema.get("properties") or {}
    patterns = schema.get("patternProperties") or {}
    _RUN.get().charge(len(instance) * (1 + len(patterns)))
    extra = [name for name in instance if name not in known and not any(_matches(p, name) for p in patterns)]
    if isinstance(allowed, dict):
        for name in extra:
            yield from validator.descend(instance[name], allowed, path=name)
    elif allowed is False and extra:
        yield _error(f"has {_listed(extra)}, which the schema does not allow")


def _unique_items(validator: Any, wanted: bool, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    if wanted and isinstance(instance, list):
        _RUN.get().charge(len(instance))
        if len({_canonical(item) for item in instance}) < len(instance):
            yield _error("has the same item twice")


def _canonical(value: Any) -> str:
    """What is the same for values that are equal in JSON Schema: 1 and 1.0, but not 1 and true."""
    text = _same(value)
    if not isinstance(value, str):
        _RUN.get().charge(len(text) >> 6)
    return text


def _same(value: Any) -> str:
    return f'"{value}' if isinstance(value, str) else json.dumps(_plain_numbers(value), sort_keys=True)


def _plain_numbers(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain_numbers(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain_numbers(item) for key, item in value.items()}
    return value


def _listed(names: list[str], most: int = 5) -> str:
    listed = ", ".join(f"`{shown(name, 40)}`" for name in names[:most])
    return listed if len(names) <= most else f"{listed} and {len(names) - most} more"


_TYPE_SAYS: Final = "should be "
_WORDS: Final[Mapping[str, str]] = {
    "minimum": "less than {0}",
    "maximum": "greater than {0}",
    "exclusiveMinimum": "not greater than {0}",
    "exclusiveMaximum": "not less than {0}",
    "multipleOf": "no multiple of {0}",
    "minLength": "shorter than {0} characters",
    "maxLength": "longer than {0} characters",
}
_PLACES: Final[Mapping[str, str]] = {
    "minItems": "has fewer than {0} items",
    "maxItems": "has more than {0} items",
    "minProperties": "has fewer than {0} properties",
    "maxProperties": "has more than {0} properties",
    "anyOf": "fits none of the schemas of `anyOf`",
    "oneOf": "does not fit exactly one of the schemas of `oneOf`",
    "not": "fits the schema of `not`",
    "contains": "has no item that fits `contains`",
    "dependentRequired": "lacks what must come with one of its properties",
}


def _worded(error: Any) -> str:
    """What is wrong with a value, in words that follow its name."""
    keyword, wanted, value = error.validator, error.validator_value, error.instance
    if keyword in ("required", "additionalProperties", "uniqueItems") and not isinstance(wanted, dict):
        return str(error.message)
    if keyword == "type":
        kinds = [f"{'an' if kind[0] in 'aio' else 'a'} {kind}" if kind != "null" else kind for kind in _several(wanted)]
        found = json_type(value)
        if isinstance(value, float) and "integer" in _several(wanted):
            found = shown(json.dumps(value), 40)
        return f"{_TYPE_SAYS}{' or '.join(kinds)}, not {found}"
    if keyword == "enum":
        return f"is {_said(value)}, not {_choice(wanted)}"
    if keyword == "const":
        return f"is {_said(value)}, not {_said(wanted)}"
    if keyword == "pattern":
        return f"is {_said(value)}, which does not match {shown(wanted, 60)}"
    if keyword in _WORDS:
        return f"is {_said(value)}, {_WORDS[keyword].format(_said(wanted))}"
    if keyword in _PLACES:
        return _PLACES[keyword].format(_said(wanted) if not isinstance(wanted, dict | list) else "")
    return f"breaks `{shown(keyword, 40)}`" if keyword else "is not allowed at all"


def _several(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _choice(values: list[Any], most: int = 5) -> str:
    said = [_said(value) for value in values[:most]]
    if len(values) > most:
        return f"one of {', '.join(said)} and {len(values) - most} more"
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} or {said[-1]}" if said else "anything"
