"""Conversations as reports show them: cut to bounds, masked, whatever their messages are made of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from dsprep.model.record import Example
from dsprep.model.sample import Part, Piece, Said, Talk
from dsprep.text.sensitive.showing import beginning

#: Members of a message in which models put what they think (DeepSeek, vLLM; OpenRouter; Anthropic).
_REASONING: Final = ("reasoning_content", "reasoning", "thinking")
#: The same, within the text, as DeepSeek R1, Qwen and their kin write it.
_THOUGHT: Final = re.compile(r"\s*<(think|thinking|reasoning)>(.*?)</\1>\s*", re.DOTALL)
_LONGEST_NAME: Final = 80
_MOST_TOOLS: Final = 20
_MOST_CALLS: Final = 8


def talk_of(example: Example, *, messages: int, characters: int) -> Talk:
    """`example` as a report shows it: at most so many `messages`, and of each text so many `characters`."""
    said = [_said(message, characters) for message in example.messages[:messages]]
    rejected = [_said(message, characters, rejected=True) for message in (example.rejected or [])[:messages]]
    return Talk((*said, *rejected), tuple(_tools(example.tools)), max(0, len(example.messages) - messages))


def talk_of_value(value: Any, *, messages: int, characters: int) -> Talk:
    """As `talk_of`, of a record in whatever form: one that has no messages is shown as it is, as JSON."""
    if isinstance(value, Mapping) and isinstance(value.get("messages"), list):
        whole = Example(record=dict(value), messages=value["messages"], tools=value.get("tools"))
        return talk_of(whole, messages=messages, characters=characters)
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1, default=str)
    except (ValueError, RecursionError):
        text = "a record that is nested too deeply to be shown"
    return Talk((Said("record", (_piece(Part.TEXT, text, characters),)),))


def _said(message: Any, characters: int, *, rejected: bool = False) -> Said:
    if not isinstance(message, Mapping):
        return Said("", (_piece(Part.TEXT, _written(message), characters),), rejected)
    role = message.get("role")
    pieces = tuple(_pieces(message, characters))
    return Said(beginning(role, _LONGEST_NAME) if isinstance(role, str) else "", pieces, rejected)


def _pieces(message: Mapping[str, Any], characters: int) -> Iterator[Piece]:
    for name in _REASONING:
        thought = message.get(name)
        if isinstance(thought, str) and thought.strip():
            yield _piece(Part.REASONING, thought, characters)
    content = message.get("content")
    if isinstance(content, str):
        thought = _THOUGHT.match(content)
        if thought is not None:
            yield _piece(Part.REASONING, thought[2].strip(), characters)
            content = content[thought.end() :]
        if content:
            yield _piece(Part.TEXT, content, characters)
    elif isinstance(content, list):
        yield from (_of_part(part, characters) for part in content)
    elif content is not None:
        yield _piece(Part.TEXT, _written(content), characters)
    calls = message.get("tool_calls")
    for call in calls[:_MOST_CALLS] if isinstance(calls, list) else []:
        yield _call(call.get("function") if isinstance(call, Mapping) else call, characters)
    if message.get("function_call") is not None:
        yield _call(message["function_call"], characters)


def _of_part(part: Any, characters: int) -> Piece:
    if isinstance(part, Mapping):
        if isinstance(part.get("text"), str):
            return _piece(Part.TEXT, part["text"], characters)
        if isinstance(part.get("thinking"), str):
            return _piece(Part.REASONING, part["thinking"], characters)
        if part.get("type") == "image_url":
            image = part.get("image_url")
            url = image.get("url") if isinstance(image, Mapping) else image
            # Of an image that stands in the data, only what it is: its bytes say nothing to anybody.
            text = url if isinstance(url, str) else ""
            return _piece(Part.IMAGE, text.partition(",")[0] if text.startswith("data:") else text, 200)
    return _piece(Part.TEXT, _written(part), characters)


def _call(function: Any, characters: int) -> Piece:
    if not isinstance(function, Mapping):
        return _piece(Part.CALL, _written(function), characters)
    name, arguments = function.get("name"), function.get("arguments")
    text = arguments if isinstance(arguments, str) else _written(arguments) if arguments is not None else ""
    return _piece(Part.CALL, text, characters, name if isinstance(name, str) else "")


def _piece(part: Part, text: str, characters: int, name: str = "") -> Piece:
    return Piece(part, beginning(text, characters), beginning(name, _LONGEST_NAME), max(0, len(text) - characters))


def _tools(tools: Any) -> Iterator[str]:
    for tool in tools[:_MOST_TOOLS] if isinstance(tools, list) else []:
        function = tool.get("function", tool) if isinstance(tool, Mapping) else None
        name = function.get("name") if isinstance(function, Mapping) else None
        if isinstance(name, str):
            yield beginning(name, _LONGEST_NAME)


def _written(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return str(type(value).__name__)
