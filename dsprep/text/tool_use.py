"""What a batch's records say of tools: which are declared, which are called, and with what, which replies there are.

Both shapes of OpenAI are read: `tools`, `tool_calls` and messages of role `tool`, and the older `functions`,
`function_call` and role `function`. Records without tools, which are nearly all, are passed over quickly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from dsprep.model import pointer as pointers
from dsprep.model.batch import Batch, Feature
from dsprep.model.chat import role_group, without_surrogates
from dsprep.model.record import UNDECODED, Example, Fault
from dsprep.text.json_text import decode_json
from dsprep.text.tool_schemas import Path, ToolSchema, argument_padding, tool_schema, without

#: Members of a record that declare tools.
DECLARING: Final = ("tools", "functions")
#: Members of a message that call some, or answer.
CALLING: Final = ("tool_calls", "function_call", "tool_call_id")


@dataclass(frozen=True)
class Call:
    """A call of a tool, in the message with index `message`.

    `pointer` leads to the call, `function` to the object with name and arguments in it. `name` and `id` are None if
    they are no strings. `arguments` is what the record has, UNDECODED if it has none. `legacy` is a `function_call`.
    """

    message: int
    pointer: str
    function: str
    name: str | None
    id: str | None
    arguments: Any
    legacy: bool

    @cached_property
    def decoded(self) -> tuple[Any, tuple[Fault, ...]]:
        """The arguments as a JSON value, UNDECODED if they are none, and the faults of their text, if they are one."""
        if not isinstance(self.arguments, str):
            return self.arguments, ()
        text: str = without_surrogates(self.arguments)
        return decode_json(text.encode(), unterminated=True)

    @property
    def called(self) -> str:
        """The name, for messages."""
        return self.name if self.name is not None else "?"


@dataclass(frozen=True)
class Declaration:
    """A declared function: `pointer` leads to the object with its name, and `parameters` is its JSON Schema, or what
    stands there."""

    pointer: str
    name: str | None
    parameters: Any

    @cached_property
    def schema(self) -> ToolSchema | None:
        """The checked schema; None if there is none."""
        return tool_schema(self.parameters) if isinstance(self.parameters, dict) else None


@dataclass(frozen=True)
class Reply:
    """A message, by its index, that says what a call gave. `id` and `name` are None if they are no strings."""

    message: int
    id: str | None
    name: str | None
    legacy: bool


@dataclass(frozen=True)
class ToolUse:
    """What one record says of tools, in order.

    `readable` says whether all declarations could be read, so that a tool which is not among them is declared nowhere.
    """

    calls: tuple[Call, ...]
    replies: tuple[Reply, ...]
    declarations: tuple[Declaration, ...]
    readable: bool

    @cached_property
    def by_name(self) -> dict[str, Declaration]:
        """The declarations by their names, the first of those that share one."""
        found: dict[str, Declaration] = {}
        for declaration in self.declarations:
            if declaration.name is not None:
                found.setdefault(declaration.name, declaration)
        return found

    def schema(self, call: Call) -> ToolSchema | None:
        """The schema of the arguments of `call`, if its tool declares one."""
        declared = self.by_name.get(call.name) if call.name is not None else None
        return declared.schema if declared is not None else None

    def padding(self, call: Call) -> tuple[Path, ...]:
        """The places of nulls in the arguments of `call` that its schema neither requires nor allows."""
        schema = self.schema(call)
        value = call.decoded[0]
        if schema is None or schema.value is None or not isinstance(value, dict):
            return ()
        return tuple(argument_padding(schema.value, value))

    def unpadded(self, call: Call) -> Any:
        """The arguments of `call` without those nulls."""
        return without(call.decoded[0], self.padding(call))


def _tool_use(batch: Batch) -> list[tuple[int, ToolUse]]:
    return [(i, _read(example)) for i, example in enumerate(batch.examples) if example is not None and _has(example)]


def _has(example: Example) -> bool:
    """Whether a record may have anything to do with tools."""
    record = example.record
    if len(record) > 1 and ("tools" in record or "functions" in record):
        return True
    for message in example.messages:
        if type(message) is not dict:
            continue
        # Nearly every message is a role and a content.
        if (len(message) > 2 or "content" not in message) and not message.keys().isdisjoint(CALLING):
            return True
        role = message.get("role")
        if role != "user" and role != "assistant" and type(role) is str and role_group(role) == "tool":
            return True
    return False


def _read(example: Example) -> ToolUse:
    calls: list[Call] = []
    replies: list[Reply] = []
    for j, message in enumerate(example.messages):
        if type(message) is not dict:
            continue
        calls += _calls(j, message)
        role = message.get("role")
        if type(role) is str and role_group(role) == "tool":
            replies.append(Reply(j, _text(message.get("tool_call_id")), _text(message.get("name")), role == "function"))
    declarations: list[Declaration] = []
    readable = True
    for key in DECLARING:
        declared = example.record.get(key)
        if declared is None:
            continue
        if type(declared) is not list:
            readable = False
            continue
        for k, tool in enumerate(declared):
            found = _declaration(tool, f"/{key}/{k}")
            if found is None:
                readable = False
            else:
                declarations.append(found)
    return ToolUse(tuple(calls), tuple(replies), tuple(declarations), readable)


def _calls(j: int, message: dict[str, Any]) -> Iterator[Call]:
    listed = message.get("tool_calls")
    if type(listed) is list:
        for k, call in enumerate(listed):
            if type(call) is not dict:
                continue
            pointer = f"/messages/{j}/tool_calls/{k}"
            function = call.get("function")
            if type(function) is dict:
                yield _call(j, pointer, f"{pointer}/function", function, call.get("id"), legacy=False)
    function = message.get("function_call")
    if type(function) is dict:
        pointer = f"/messages/{j}/function_call"
        yield _call(j, pointer, pointer, function, None, legacy=True)


def _call(j: int, pointer: str, at: str, function: dict[str, Any], name: Any, *, legacy: bool) -> Call:
    arguments = function.get("arguments", UNDECODED)
    return Call(j, pointer, at, _text(function.get("name")), _text(name), arguments, legacy)


def _declaration(tool: Any, pointer: str) -> Declaration | None:
    """A declaration in its wrapper, or without one; None if it is neither."""
    if type(tool) is not dict:
        return None
    function = tool.get("function")
    if type(function) is dict:
        return Declaration(f"{pointer}/function", _text(function.get("name")), function.get("parameters"))
    if type(tool.get("name")) is str:
        return Declaration(pointer, tool["name"], tool.get("parameters"))
    return None


def _text(value: Any) -> str | None:
    return value if type(value) is str else None


def near(example: Example, pointer: str) -> str:
    """The nearest place around `pointer` of which it is known where it was in the record as it was found."""
    if example.origins is not None:
        while pointer and pointer not in example.origins:
            pointer = pointer.rpartition("/")[0]
    return pointer


def below(pointer: str, path: Path) -> str:
    """The pointer to what `path` leads to from `pointer`."""
    return pointer + pointers.join(path)


#: Of each record of a batch that has to do with tools, its index in the batch and what it says of them.
TOOL_USE: Final[Feature[list[tuple[int, ToolUse]]]] = Feature("tool-use", _tool_use)
