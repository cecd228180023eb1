"""What a conversation has lost when it comes back from another format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any, Final

from dsprep.text.chat_parts import json_object

_RECORD: Final = ("tools", "parallel_tool_calls", "functions")


def lost_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What the chat record `after` lacks of `before`, which it was made of by way of another format: in words, each
    once; empty if it says the same. Only messages, tools and what goes with them are looked at."""
    lost: dict[str, None] = {}
    old, new = _messages(before), _messages(after)
    if old != new:
        lost.update(dict.fromkeys(_of_messages(old, new)))
    for key in _RECORD:
        if key in before and (key not in after or before[key] != after[key]):
            lost["details of tools" if after.get(key) and key == "tools" else f"`{key}`"] = None
    return list(lost)


def _messages(record: Mapping[str, Any]) -> list[Any]:
    messages = record.get("messages")
    return messages if type(messages) is list else []


def _of_messages(old: list[Any], new: list[Any]) -> Iterator[str]:
    """Each of the differences between two lists of messages, which are not equal."""
    whole = [message for message in old if type(message) is dict]
    if len(whole) < len(old):
        yield "messages that are no objects"
    again = [message for message in new if type(message) is dict]
    roles = [str(message.get("role")) for message in whole]
    if roles == [str(message.get("role")) for message in again]:
        for one, other in zip(whole, again, strict=True):
            yield from _of_message(one, other)
        return
    kept = {str(message.get("role")) for message in again}
    gone = [role for role in dict.fromkeys(roles) if role not in kept]
    yield from (f"{role} messages" for role in gone)
    for key in sorted({key for message in whole for key in message if type(key) is str}):
        if key not in ("role", "content", "tool_call_id") and not any(key in message for message in again):
            yield "tool calls" if key == "tool_calls" else f"`{key}` of messages"
    left = [role for role in roles if role not in gone]
    if left != [str(message.get("role")) for message in again]:
        pairs = zip_longest(left, (str(message.get("role")) for message in again))
        moved = any("system" in pair for pair in pairs if pair[0] != pair[1])
        yield "the place of system messages" if moved else "which turns follow which"
    texts = {content for message in again if type(content := message.get("content")) is str}
    # Texts that were put together with others still stand there; to look for many would take long.
    joined = "\n".join(sorted(texts)) if len(whole) <= 100 else ""
    for message in whole:
        content = message.get("content")
        if str(message.get("role")) not in kept:
            continue
        if type(content) is list:
            yield from _of_content(content, "")
        elif type(content) is str and content not in texts and content not in joined:
            yield "texts as they stand"


def _of_message(one: dict[str, Any], other: dict[str, Any]) -> Iterator[str]:
    for key, value in one.items():
        if key in other and other[key] == value and type(other[key]) is type(value):
            continue
        if key == "content":
            yield from _of_content(value, other.get(key))
        elif key == "tool_calls":
            yield from _of_calls(value, other.get(key))
        elif key == "tool_call_id":
            yield "ids of tool calls"
        else:
            yield f"`{key}` of messages"
    if other.keys() - one.keys():
        yield "ids of tool calls" if "tool_call_id" in other.keys() - one.keys() else "messages without content"


def _of_content(one: Any, other: Any) -> Iterator[str]:
    if type(one) is str:
        if type(other) is str and one.strip() == other.strip():
            yield "white space around texts"
        else:
            yield "texts as they stand"
    elif type(one) is list:
        kinds = dict.fromkeys(_kind(part) for part in one)
        same = dict.fromkeys(_kind(part) for part in other) if type(other) is list else {"text": None}
        gone = [kind for kind in kinds if kind not in same]
        yield from (f"{kind} parts" for kind in gone)
        if not gone:
            yield "texts in parts" if set(kinds) == {"text"} else "details of parts"
    elif one is None:
        yield "content that is null"
    else:
        yield "content that is no text"


def _kind(part: Any) -> str:
    kind = part.get("type") if type(part) is dict else None
    return kind if type(kind) is str else "unknown"


def _of_calls(one: Any, other: Any) -> Iterator[str]:
    if not other or type(one) is not list:
        yield "tool calls" if one and type(one) is list else "`tool_calls` of messages"
        return
    if [_without_id(call) for call in one] != [_without_id(call) for call in other]:
        if [_plain(call) for call in one] == [_plain(call) for call in other]:
            yield "how the JSON of tool calls is laid out"
        else:
            yield "details of tool calls"
    if [_id(call) for call in one] != [_id(call) for call in other]:
        yield "ids of tool calls"


def _id(call: Any) -> Any:
    return call.get("id") if type(call) is dict else None


def _without_id(call: Any) -> Any:
    return {key: value for key, value in call.items() if key != "id"} if type(call) is dict else call


def _plain(call: Any) -> Any:
    """A call with its arguments as values."""
    bare = _without_id(call)
    function = bare.get("function") if type(bare) is dict else None
    if type(function) is not dict:
        return bare
    arguments = json_object(function.get("arguments"))
    return {
        **bare,
        "function": {**function, "arguments": function.get("arguments") if arguments is None else arguments},
    }
