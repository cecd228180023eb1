"""TOL008 null-padded-arguments."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from dsprep.folds.tools import ToolRule
from dsprep.model import pointer as pointers
from dsprep.model.batch import Batch
from dsprep.model.chat import shown
from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability, Fix, Remove, Replace
from dsprep.model.record import Example
from dsprep.model.rule import FixAvailability, RuleMeta
from dsprep.text.tool_schemas import Path, named
from dsprep.text.tool_use import Call, ToolUse, below

#: So many places are told; the others are counted.
_TOLD = 3
#: Without a schema, so many nulls, and more than half of the members, look like padding.
_FEWEST = 3
#: Nulls that OpenAI's format allows.
_ALLOWED = frozenset({"description", "parameters", "strict"})
#: Nulls of these are no padding: the function itself is missing.
_NEEDED = frozenset({"function", "name", "arguments"})


class NullPaddedArguments(ToolRule):
    r"""The arguments of a call, or a declaration of a tool, have nulls that a columnar loader added.

    ## What it does
    Reports nulls in arguments that the declared schema neither requires nor allows, and members that are null and that
    the schema does not know; without a schema, arguments of which more than half, and three at least, are null. Reports
    nulls in `parameters` where JSON Schema has none. For targets that check their input it reports `tools`,
    `tool_calls`, `tool_call_id`, and what is in them, if they are null where the target takes no null. One finding for
    the arguments of each call, one for all the rest of a record.

    ## Why it matters
    Parquet, Arrow and `datasets` give all rows the same columns: what one tool of the file has, all get, as null. The
    model learns to write those nulls, sees them in its tools, and tokens are spent on both. Backends refuse nulls in
    declarations and messages; then the finding is an error.

    ## Example
    `date` belongs to another tool:
    ```json
    {"name": "get_weather", "arguments": "{\"city\": \"Bergen\", \"date\": null}"}
    ```
    Use instead:
    ```json
    {"name": "get_weather", "arguments": "{\"city\": \"Bergen\"}"}
    ```

    ## Fix
    Safe: those nulls are removed with their names. There is none for arguments without a schema, where a null may mean
    something.

    ## Source
    Apache Arrow, columnar format: a field of a struct is there in every row. Hugging Face, datasets: rows that lack a
    field get None.
    """

    meta = RuleMeta(
        code="TOL008",
        name="null-padded-arguments",
        severity=Severity.WARNING,
        message="{what} {nulls} as a columnar loader adds: {places}",
        summary="arguments full of nulls that a columnar loader added",
        fix=FixAvailability.SOMETIMES,
    )

    def look(self, batch: Batch, i: int, example: Example, use: ToolUse) -> Iterator[Finding]:
        strict = self.context.target.strict
        places = [*(self._nulls(example) if strict else ()), *_in_schemas(use)]
        if places:
            yield self.there(
                batch,
                i,
                places[0],
                args={"what": "the record has", "nulls": _counted(len(places)), "places": _told(places, _place)},
                fix=Fix(Applicability.SAFE, tuple(Remove(place) for place in places)),
                severity=Severity.ERROR if strict and self.meta.code not in self.context.severities else None,
            )
        for call in use.calls:
            found = self._arguments(batch, i, use, call)
            if found is not None:
                yield found

    def _nulls(self, example: Example) -> Iterator[str]:
        """The places of nulls around tools and calls that the target's schema does not take."""
        target, record = self.context.target, example.record
        for key in ("tools", "functions", "parallel_tool_calls"):
            if key in record and record[key] is None and key in target.record_keys:
                yield f"/{key}"
        for j, message in enumerate(example.messages):
            if type(message) is not dict:
                continue
            for key in ("tool_calls", "tool_call_id"):
                if key in message and message[key] is None and key in target.message_keys:
                    yield f"/messages/{j}/{key}"
            calls = message.get("tool_calls")
            for k, call in enumerate(calls if type(calls) is list else ()):
                yield from _members(call, f"/messages/{j}/tool_calls/{k}")
        tools = record.get("tools")
        for k, tool in enumerate(tools if type(tools) is list else ()):
            yield from _members(tool, f"/tools/{k}")

    def _arguments(self, batch: Batch, i: int, use: ToolUse, call: Call) -> Finding | None:
        value, faults = call.decoded
        if not isinstance(value, dict) or faults:
            return None
        schema = use.schema(call)
        pointer = f"{call.function}/arguments"
        fix = None
        if schema is not None and schema.value is not None:
            padding = use.padding(call)
            if padding:
                fix = Fix(Applicability.SAFE, _removed(call, padding, pointer))
        else:
            padding = tuple((key,) for key, item in value.items() if item is None)
            if len(padding) < _FEWEST or 2 * len(padding) <= len(value):
                return None
        if not padding:
            return None
        what = f"the arguments of `{shown(call.called, 40)}` have"
        args = {"what": what, "nulls": _counted(len(padding)), "places": _told(padding, named)}
        return self.there(batch, i, pointer, args=args, fix=fix)


def _members(holder: Any, pointer: str) -> Iterator[str]:
    """The places of nulls in a call or a tool, and in its function."""
    if type(holder) is not dict:
        return
    for key, value in holder.items():
        if value is None and key not in _NEEDED:
            yield below(pointer, (key,))
    function = holder.get("function")
    if type(function) is dict:
        for key, value in function.items():
            if value is None and key not in _NEEDED and key not in _ALLOWED:
                yield below(pointer, ("function", key))


def _in_schemas(use: ToolUse) -> Iterator[str]:
    for declaration in use.declarations:
        if declaration.schema is not None:
            for path in declaration.schema.padding:
                yield below(f"{declaration.pointer}/parameters", path)


def _removed(call: Call, padding: tuple[Path, ...], pointer: str) -> tuple[Remove, ...] | tuple[Replace]:
    """What takes the nulls out: of an object one by one, of a text by writing it anew, in its own style."""
    if not isinstance(call.arguments, str):
        return tuple(Remove(below(pointer, path)) for path in padding)
    value, mended = call.decoded[0], call.decoded[0]
    for path in sorted(padding, key=len, reverse=True):
        mended = pointers.remove(mended, pointers.join(path))
    style = next((style for style in _STYLES if _written(value, style) == call.arguments), _STYLES[0])
    return (Replace(pointer, _written(mended, style)),)


#: Ways of writing JSON: the separators, and whether all is ASCII.
_STYLES = (((", ", ": "), False), ((", ", ": "), True), ((",", ":"), False), ((",", ":"), True))


def _written(value: Any, style: tuple[tuple[str, str], bool]) -> str:
    separators, ascii_only = style
    return json.dumps(value, ensure_ascii=ascii_only, separators=separators)


def _counted(n: int) -> str:
    return "a null" if n == 1 else f"{n:,} nulls"


def _place(pointer: str) -> str:
    return named(tuple(int(part) if part.isdigit() else part for part in pointers.split(pointer)))


def _told(places: Any, name: Any) -> str:
    told = ", ".join(f"`{name(place)}`" for place in places[:_TOLD])
    return told if len(places) <= _TOLD else f"{told} and {len(places) - _TOLD:,} more"
