"""The chat fine-tuning record as types, and the check of one record against what a target takes.

The types are TypedDicts: a validator built from them reads a good record in a few microseconds, and names every error
of a bad one, in one pass, with its place. `ERROR_CODES` says which rule each of those errors belongs to.
"""

from __future__ import annotations

import difflib
import json
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from types import GenericAlias
from typing import Annotated, Any, Final, Literal, NotRequired, get_type_hints

from pydantic import (
    AfterValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    TypeAdapter,
    ValidationError,
    with_config,
)
from pydantic_core import ErrorDetails, PydanticCustomError
from typing_extensions import TypedDict

from dsprep.model import pointer as pointers
from dsprep.model.target import Target

# Strict: a number is no string and 1 is no `true`, whatever pydantic could make of it.
_OPEN: Final = ConfigDict(strict=True)
_CLOSED: Final = ConfigDict(strict=True, extra="forbid")

#: Stands among a target's keys for all others.
_OTHERS: Final = "*"

#: A text with something in it. White space is what Unicode's White_Space property says.
Text = Annotated[str, StringConstraints(pattern=r"\S")]


@with_config(_OPEN)
class TextPart(TypedDict):
    """A piece of text in a list of content parts."""

    type: Literal["text"]
    text: Text


@with_config(_OPEN)
class BlankTextPart(TypedDict):
    """A piece of text beside a tool call, where it may be empty."""

    type: Literal["text"]
    text: str


@with_config(_OPEN)
class ImageUrl(TypedDict):
    """Where an image is: a URL, or a `data:` URL that holds it."""

    url: str
    detail: NotRequired[str]


@with_config(_OPEN)
class ImagePart(TypedDict):
    """An image in a list of content parts."""

    type: Literal["image_url"]
    image_url: ImageUrl


@with_config(_OPEN)
class FunctionCall(TypedDict):
    """The function that an assistant calls; `arguments` is JSON as text."""

    name: str
    arguments: str


@with_config(_OPEN)
class ToolCall(TypedDict):
    """A call of an assistant. Whether its id finds a reply is not a matter of types."""

    id: NotRequired[str]
    type: NotRequired[str]
    function: FunctionCall


@with_config(_OPEN)
class LooseFunctionCall(TypedDict):
    """The function that an assistant calls, for a chat template, which takes `arguments` as an object as well."""

    name: str
    arguments: NotRequired[Any]


@with_config(_OPEN)
class LooseToolCall(TypedDict):
    """A call of an assistant, for a chat template."""

    id: NotRequired[str]
    type: NotRequired[str]
    function: LooseFunctionCall


@with_config(_OPEN)
class FunctionDeclaration(TypedDict):
    """A function that the assistant may call; `parameters` is a JSON Schema, which is not looked into here."""

    name: str
    description: NotRequired[str | None]
    parameters: NotRequired[dict[str, Any] | None]
    strict: NotRequired[bool | None]


@with_config(_OPEN)
class Tool(TypedDict):
    """A tool that the record declares."""

    type: NotRequired[str]
    function: NotRequired[FunctionDeclaration]


#: Strict, because `true` is an int to Python but no weight; neither is 1.0, as the format asks for an integer.
Weight = Annotated[int, Field(strict=True, ge=0, le=1)]


class Message(TypedDict):
    """A message. Which keys it may have, and which of them it must, depends on its role and on the target."""

    role: str
    content: NotRequired[Text | list[TextPart | ImagePart] | None]
    name: NotRequired[str]
    weight: NotRequired[Weight]
    tool_calls: NotRequired[list[ToolCall]]
    tool_call_id: NotRequired[str]
    function_call: NotRequired[FunctionCall | None]
    refusal: NotRequired[str | None]
    audio: NotRequired[dict[str, Any] | None]


class ChatRecord(TypedDict):
    """A record of a chat fine-tuning file. A target may allow fewer keys, or more, of which nothing is known here."""

    messages: Annotated[list[Message], Field(min_length=1)]
    tools: NotRequired[list[Tool]]
    parallel_tool_calls: NotRequired[bool]
    functions: NotRequired[list[FunctionDeclaration]]


@dataclass(frozen=True, slots=True)
class SchemaFault:
    """One error of a record: the code of the rule that reports it, its place in the chat form, and its arguments."""

    code: str
    pointer: str
    args: Mapping[str, Any] = field(default_factory=dict)


#: Which rule an error of pydantic's belongs to, by its type and by where it is. An empty place is any other place.
#: Places: `record` the whole, `messages` the list, `text` the text of a part, else the name of a message's key. What is
#: not listed is a wrong type.
ERROR_CODES: Final[Mapping[tuple[str, str], str]] = {
    ("dict_type", "record"): "SCH001",
    ("missing", "messages"): "SCH002",
    ("too_short", "messages"): "SCH003",
    ("missing", "role"): "SCH004",
    ("missing", "content"): "SCH004",
    ("unknown_role", "role"): "SCH005",
    ("string_type", ""): "SCH006",
    ("list_type", ""): "SCH006",
    ("dict_type", ""): "SCH006",
    ("bool_type", ""): "SCH006",
    ("unknown_part", ""): "SCH006",
    ("missing", ""): "SCH006",
    ("string_pattern_mismatch", "content"): "SCH007",
    ("string_pattern_mismatch", "text"): "SCH007",
    ("too_short", "content"): "SCH007",
    ("extra_forbidden", ""): "SCH008",
    ("invalid_key", ""): "SCH008",
    ("int_type", "weight"): "SCH009",
    ("greater_than_equal", "weight"): "SCH009",
    ("less_than_equal", "weight"): "SCH009",
    ("weight_not_allowed", "weight"): "SCH009",
}

_EXPECTED: Final[Mapping[str, str]] = {
    "string_type": "a string",
    "list_type": "an array",
    "dict_type": "an object",
    "bool_type": "true or false",
}


@dataclass(frozen=True, slots=True)
class _Variant:
    """What decides the type of a message: is its role known, may it carry images or a weight, does a call stand in for
    its content, is its content a list."""

    known: bool
    images: bool
    weighted: bool
    calls: bool
    parts: bool

    @property
    def tag(self) -> str:
        flags = (self.known, self.images, self.weighted, self.calls, self.parts)
        return "".join("01"[flag] for flag in flags)


class ChatSchema:
    """What one target takes as a record.

    `accepts(record)` is the fast path: True means that `faults(record)` is empty. It is False as well for a record
    with a lone surrogate in it, which pydantic cannot read as text; `faults` looks past that.
    """

    def __init__(
        self,
        *,
        record_keys: Sequence[str],
        message_keys: Sequence[str],
        roles: Sequence[str],
        weighted_roles: Sequence[str],
    ) -> None:
        # `*` among the keys is a trainer that ignores the ones it does not know.
        self._closed = _OTHERS not in record_keys, _OTHERS not in message_keys
        self.roles = tuple(roles)
        self.weighted_roles = tuple(weighted_roles)
        adapter: TypeAdapter[Any] = TypeAdapter(self._record_type(record_keys, message_keys))
        self._adapter = adapter
        self._known_roles = frozenset(self.roles)
        self.accepts: Callable[[Any], bool] = adapter.validator.isinstance_python

    def doubtful(self, records: Iterable[Any]) -> Iterator[int]:
        """The indexes of those of `records` that may have faults; the others have none for sure."""
        roles, accepts = self._known_roles, self.accepts
        for i, record in enumerate(records):
            # Nearly every record is messages of a role and a text, which is seen in a fourth of the time.
            if type(record) is dict and len(record) == 1:
                messages = record.get("messages")
                if type(messages) is list and messages:
                    for message in messages:
                        if type(message) is not dict or len(message) != 2:
                            break
                        role, text = message.get("role"), message.get("content")
                        if type(text) is not str or not text or text.isspace():
                            break
                        if type(role) is not str or role not in roles:
                            break
                    else:
                        continue
            if not accepts(record):
                yield i

    def faults(self, record: Any) -> list[SchemaFault]:
        """All faults of `record`, which may be any JSON value, in the order of the types' keys."""
        errors = self._errors(record)
        if any(error["type"] == "string_unicode" for error in errors):
            # An encoding rule speaks of the surrogates; the rest of the record is judged as if they were replaced.
            record = without_surrogates(record)
            errors = self._errors(record)
        faults = [self._fault(error, record) for error in errors]
        # Of a record that is no conversation, that is all there is to say.
        return [fault for fault in faults if fault.code == "SCH002"] or faults

    def _errors(self, record: Any) -> list[ErrorDetails]:
        try:
            self._adapter.validator.validate_python(record)
        except ValidationError as error:
            return error.errors(include_url=False, include_context=False)
        return []

    def _fault(self, error: ErrorDetails, record: Any) -> SchemaFault:
        kind, path = error["type"], _path(error["loc"])
        code = ERROR_CODES.get((kind, _place(path))) or ERROR_CODES.get((kind, ""), "SCH006")
        if code == "SCH006" and error["input"] is None and kind != "missing" and _padded(path):
            code = "TOL008"
        # A key that is not there has no place; the object that lacks it has.
        pointer = pointers.join(path[:-1] if kind == "missing" else path)
        message = _message(record, path)
        found = error["input"]
        args: dict[str, Any] = {}
        match code:
            case "SCH001":
                args = {"found": json_type(found)}
            case "SCH002":
                args = {"keys": ", ".join(f"`{shown(key, 40)}`" for key in list(record)[:10]) or "no key"}
            case "SCH004":
                args = {"key": path[-1]}
            case "SCH005":
                args = {"role": shown(found)}
            case "SCH006" if kind == "missing":
                args = {"field": _name(path[:-1]), "expected": f"an object with `{path[-1]}`", "found": "one without"}
            case "SCH006" if kind == "unknown_part":
                args = {"field": _name(path), "expected": _allowed_parts(message), "found": _part(found)}
            case "SCH006":
                args = {"field": _name(path), "expected": _expected(kind, path), "found": json_type(found)}
                if isinstance(found, str | int | float):
                    args["excerpt"] = _scalar(found)
            case "SCH007":
                empty = found == "" or found == []
                args = {"role": _role(message), "state": "empty" if empty else "only white space"}
            case "SCH008":
                args = {"key": shown(path[-1]), "place": "record" if len(path) == 1 else "message"}
            case "SCH009":
                # A weight of "1" must not look like the number.
                weight = json.dumps(shown(found, 40), ensure_ascii=False) if isinstance(found, str) else _scalar(found)
                roles = " or ".join(self.weighted_roles) or "no"
                args = {"weight": weight, "role": _role(message), "roles": roles}
        return SchemaFault(code, pointer, args)

    def _record_type(self, record_keys: Sequence[str], message_keys: Sequence[str]) -> Any:
        known = get_type_hints(ChatRecord, include_extras=True)
        fields = {key: known.get(key, NotRequired[Any]) for key in ("messages", *record_keys) if key != _OTHERS}
        # A tagged union reports the errors of one variant alone; the tag is chosen here because both the role and the
        # tool calls decide it, and because a role that is not known must not hide the message's other errors.
        variants = {variant.tag: variant for role in (*self.roles, None) for variant in self._variants(role)}
        members = get_type_hints(Message, include_extras=True)
        if not self._closed[1]:
            members["tool_calls"] = NotRequired[list[LooseToolCall]]
        choices = [
            Annotated[self._message_type(variant, message_keys, members), Tag(tag)] for tag, variant in variants.items()
        ]
        fields["messages"] = _list_of(_tagged(choices, self._chooser()))
        return _typed_dict("ChatRecord", fields, closed=self._closed[0])

    def _variants(self, role: str | None) -> list[_Variant]:
        """The shapes of a message of `role` (None: one that is not known): plain, parts, and both with tool calls."""
        group = None if role is None else role_group(role)
        can_call = group in (None, "assistant")
        return [
            _Variant(
                known=role is not None,
                images=group in (None, "user"),
                weighted=role is None or role in self.weighted_roles,
                calls=calls and can_call,
                parts=parts,
            )
            for calls in (False, True)
            for parts in (False, True)
        ]

    def _chooser(self) -> Callable[[Any], str]:
        by_role = {role: tuple(variant.tag for variant in self._variants(role)) for role in self.roles}
        unknown = tuple(variant.tag for variant in self._variants(None))

        def choose(message: Any) -> str:
            if type(message) is not dict:
                return unknown[0]
            role = message.get("role")
            tags = by_role.get(role, unknown) if type(role) is str else unknown
            content = message.get("content")
            shape = 1 if type(content) is list else 0
            # Most messages are a role and a content, and need no look for calls.
            if (len(message) > 2 or content is None) and (message.get("tool_calls") or message.get("function_call")):
                shape += 2
            return tags[shape]

        return choose

    def _message_type(self, variant: _Variant, message_keys: Sequence[str], known: Mapping[str, Any]) -> Any:
        """The type of a message of that shape: `known` has the types of members; others may be anything."""
        closed = self._closed[1]
        fields = {key: known.get(key, NotRequired[Any]) for key in ("role", "content", *message_keys) if key != _OTHERS}
        # The tag was chosen by the role, so a role that is known needs no second look.
        fields["role"] = Any if variant.known else Annotated[str, AfterValidator(_refuse_role)]
        if "weight" in fields and not variant.weighted:
            fields["weight"] = NotRequired[Annotated[Any, AfterValidator(_refuse_weight)]]
        if variant.parts:
            fields["content"] = _parts_type(variant, closed=closed)
        elif variant.calls:
            fields["content"] = NotRequired[str | None]
        else:
            fields["content"] = Text
        return _typed_dict("Message", fields, closed=closed)


@lru_cache(maxsize=32)
def _schema(
    record_keys: tuple[str, ...], message_keys: tuple[str, ...], roles: tuple[str, ...], weighted_roles: tuple[str, ...]
) -> ChatSchema:
    return ChatSchema(record_keys=record_keys, message_keys=message_keys, roles=roles, weighted_roles=weighted_roles)


def chat_schema(target: Target) -> ChatSchema:
    """The schema of `target`; built once per process."""
    return _schema(target.record_keys, target.message_keys, target.roles, target.weighted_roles)


#: Names that other formats, tools and people give to the roles. The first of each is what dsprep calls the group.
_ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "system": ("system", "developer", "sys", "systemprompt", "systemmessage"),
    "user": (
        "user", "human", "usr", "customer", "client", "person", "instruction", "prompt", "question", "input", "query",
        "usermessage", "humanmessage",
    ),
    "assistant": (
        "assistant", "gpt", "chatgpt", "bot", "chatbot", "ai", "model", "llm", "agent", "response", "answer", "output",
        "completion", "reply", "functioncall", "aiassistant", "assistantmessage", "aimessage",
    ),
    "tool": (
        "tool", "function", "observation", "ipython", "toolresponse", "toolresult", "toolmessage", "functionresponse",
        "functionresult",
    ),
}  # fmt: skip
_GROUPS: Final = {alias: group for group, aliases in _ALIASES.items() for alias in aliases}

#: A longer name is no misspelt role, and is not worth remembering.
_LONGEST_ROLE: Final = 40


def role_group(role: str) -> str:
    """What `role` plainly means: `system`, `user`, `assistant` or `tool`, or `other` if that is not plain.

    Case, white space, punctuation, the usual aliases and small misspellings are seen through.
    """
    return _role_group(role) if len(role) <= _LONGEST_ROLE else "other"


@lru_cache(maxsize=4096)
def _role_group(role: str) -> str:
    plain = re.sub(r"[\W_]+", "", role.lower())
    if plain in _GROUPS:
        return _GROUPS[plain]
    near = difflib.get_close_matches(plain, list(_ALIASES), n=1, cutoff=0.8)
    return near[0] if near else "other"


def suggested_role(role: str, roles: Sequence[str]) -> tuple[str | None, bool]:
    """Which of `roles` is meant by `role`, which is not one of them, and whether only case or white space differs."""
    plain = role.strip().lower() if len(role) <= _LONGEST_ROLE else ""
    for known in roles:
        if known.lower() == plain:
            return known, True
    group = role_group(role)
    if group == "other":
        return None, False
    return next((known for known in roles if role_group(known) == group), None), False


_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def without_surrogates(value: Any) -> Any:
    """A copy of a JSON value in which U+FFFD stands for each lone surrogate, in keys as well. Any depth is fine."""
    box = [value]
    todo: list[Any] = [box]
    while todo:
        holder = todo.pop()
        for place in range(len(holder)) if isinstance(holder, list) else list(holder):
            item = holder[place]
            if isinstance(item, str):
                holder[place] = _mended(item)
            elif isinstance(item, list):
                holder[place] = list(item)
                todo.append(holder[place])
            elif isinstance(item, dict):
                holder[place] = {_mended(key): member for key, member in item.items()}
                todo.append(holder[place])
    return box[0]


def _mended(text: Any) -> Any:
    return _SURROGATE.sub("\ufffd", text) if isinstance(text, str) else text


def json_type(value: Any) -> str:
    """What JSON calls the type of `value`, with its article."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case dict():
            return "an object"
    return f"a {type(value).__name__}"


def shown(value: Any, limit: int = 80) -> str:
    """`value` as text of at most `limit` characters that any report can write, for the arguments of a finding."""
    text: str = _mended(str(value))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _scalar(value: Any) -> str:
    """`value` as it stands in the file, without quotes, or its type if it is none of a few characters."""
    if isinstance(value, str):
        return shown(value)
    if value is None or isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 10**18):
        return json.dumps(value)
    return json_type(value)


def _refuse_role(role: str) -> str:
    raise PydanticCustomError("unknown_role", "unknown role")


def _refuse_weight(weight: Any) -> Any:
    raise PydanticCustomError("weight_not_allowed", "no weight is allowed here")


def _refuse_part(part: Any) -> Any:
    raise PydanticCustomError("unknown_part", "unknown part")


def _parts_type(variant: _Variant, *, closed: bool) -> Any:
    """The type of a list of content parts. A chat template may know more kinds of parts than are known here."""
    types: dict[str, Any] = {"text": BlankTextPart if variant.calls else TextPart}
    if variant.images:
        types["image_url"] = ImagePart

    def choose(part: Any) -> str:
        kind = part.get("type") if isinstance(part, dict) else None
        if not isinstance(kind, str):
            return "refused"
        if kind in types:
            return kind
        return "refused" if closed else "unknown"

    choices = [Annotated[kind, Tag(tag)] for tag, kind in types.items()]
    choices += [Annotated[dict[str, Any], Tag("unknown")], Annotated[Any, AfterValidator(_refuse_part), Tag("refused")]]
    item = _tagged(choices, choose)
    return _list_of(item, empty=variant.calls)


def _list_of(item: Any, *, empty: bool = False) -> Any:
    return Annotated[GenericAlias(list, (item,)), Field(min_length=0 if empty else 1)]


def _tagged(choices: Sequence[Any], choose: Callable[[Any], str]) -> Any:
    return Annotated[reduce(operator.or_, choices), Discriminator(choose)]


def _typed_dict(name: str, fields: Mapping[str, Any], *, closed: bool) -> Any:
    """A TypedDict made at run time; a closed one has no room for other keys."""
    make: Any = TypedDict
    return with_config(_CLOSED if closed else _OPEN)(make(name, dict(fields)))


def _path(loc: tuple[int | str, ...]) -> list[int | str]:
    """The place of an error in the record: its `loc` without the tags of the unions passed on the way.

    A tag follows the index of a message and that of a content part. Going by position, not by name, keeps a record
    whose keys look like tags from leading astray.
    """
    path = list(loc)
    if len(path) > 2 and path[0] == "messages":
        del path[2]
        if len(path) > 4 and path[2] == "content":
            del path[4]
    return path


def _place(path: Sequence[int | str]) -> str:
    """The name of a place that `ERROR_CODES` knows, or an empty string."""
    match path:
        case []:
            return "record"
        case ["messages"]:
            return "messages"
        case ["messages", int(), str() as key]:
            return key
        case ["messages", int(), "content", int(), "text"]:
            return "text"
    return ""


def _padded(path: Sequence[int | str]) -> bool:
    """Whether a null in that place, of tools and calls, is what a columnar loader writes for something that is not
    there: the rule about such nulls takes them out."""
    match path:
        case ["tools" | "functions" | "parallel_tool_calls"]:
            return True
        case ["tools", int(), "type"]:
            return True
        case ["messages", int(), "tool_calls" | "tool_call_id"]:
            return True
        case ["messages", int(), "tool_calls", int(), "id" | "type"]:
            return True
    return False


def _message(record: Any, path: Sequence[int | str]) -> Any:
    """The message that `path` leads through, or None."""
    if len(path) < 2 or path[0] != "messages" or not isinstance(path[1], int):
        return None
    return record["messages"][path[1]]


def _role(message: Any) -> str:
    role = message.get("role") if isinstance(message, dict) else None
    return shown(role, 40) if isinstance(role, str) else "?"


def _name(path: Sequence[int | str]) -> str:
    """A short name for a place: its key, with the index behind it if it is an item of a list."""
    if not path:
        return "the record"
    last = path[-1]
    if isinstance(last, str):
        return f"`{shown(last, 40)}`"
    return f"`{shown(path[-2], 40)}[{last}]`"


def _expected(kind: str, path: Sequence[int | str]) -> str:
    if kind == "string_type" and _place(path) == "content":
        return "a string or an array of parts"
    return _EXPECTED.get(kind, "of another type")


def _allowed_parts(message: Any) -> str:
    return "a text or image part" if role_group(_role(message)) == "user" else "a text part"


def _part(part: Any) -> str:
    if not isinstance(part, dict):
        return json_type(part)
    kind = part.get("type")
    return f"a part of type `{shown(kind, 40)}`" if isinstance(kind, str) else "a part without a type"
