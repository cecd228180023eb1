"""Bedrock's shape for Claude: `{"system": "…", "messages": [{"role": "user", "content": "…"}]}`, and no other keys.

Shape: AWS, "Model requirements for training and validation datasets" (Anthropic Claude 3 Haiku). A record without a
system text is one of chat as well.
"""

from __future__ import annotations

from typing import Any, Final

from dsprep.model.record import Example
from dsprep.text.chat_parts import group_of, text_of
from dsprep.text.origins import Places
from dsprep.text.round_trip import lost_between

NAME: Final = "bedrock-claude"

#: Bedrock refuses these; who has them beside a system text means what chat means by them.
_CARRIED: Final = ("tools", "parallel_tool_calls", "functions")

KEYS: Final = frozenset({"system", "messages", *_CARRIED})


def recognises(value: dict[str, Any]) -> bool:
    """Whether `value` has messages, and beside them a system text."""
    return type(value.get("messages")) is list and type(value.get("system")) is str and "schemaVersion" not in value


def parse(value: dict[str, Any]) -> Example:
    """The example of a record: its system text as a message in front of the others, which stay as they are."""
    system, messages = value["system"], value["messages"]
    begins = {f"/messages/{i + bool(system)}": f"/messages/{i}" for i in range(len(messages))}
    exact: dict[str, str] = {}
    if system:
        messages = [{"role": "system", "content": system}, *messages]
        exact = {"/messages/0": "/system", "/messages/0/content": "/system"}
    record: dict[str, Any] = {"messages": messages}
    for key in _CARRIED:
        if key in value:
            record[key] = value[key]
            begins[f"/{key}"] = f"/{key}"
    return Example(record, messages, value.get("tools"), format=NAME, origins=Places(begins, exact=exact))


def render(example: Example) -> dict[str, Any]:
    """The record: texts of user and assistant, below one system text. What `loses` names is left out."""
    system: list[str] = []
    messages: list[dict[str, Any]] = []
    for message in example.messages:
        group = group_of(message) if type(message) is dict else "other"
        if group == "system":
            system.append(text_of(message.get("content")))
        elif group in ("user", "assistant"):
            messages.append({"role": group, "content": text_of(message.get("content"))})
    return {**({"system": "\n\n".join(system)} if any(system) else {}), "messages": messages}


def loses(example: Example) -> list[str]:
    """What a record of this format, read again, lacks."""
    return lost_between(example.record, parse({"system": "", **render(example)}).record)
