"""Mistral: `{"interactions": [{"role": "user", "text": …}], "available_tools": […]}`, with `system_prompt`.

Shape: mistral-finetune, finetune/data/tokenize.py, which takes `messages` or `interactions`, `content` or `text`, and
`tools` or `available_tools`. A record with the first name of each is one of chat, and is taken for that.
"""

from __future__ import annotations

import re
from typing import Any, Final

from dsprep.model import pointer as pointers
from dsprep.model.record import Example
from dsprep.text.chat_parts import group_of, text_of
from dsprep.text.origins import Places
from dsprep.text.round_trip import lost_between

NAME: Final = "mistral"

KEYS: Final = frozenset({"interactions", "messages", "available_tools", "tools", "system_prompt"})

#: What mistral-common takes for the id of a call.
_ID: Final = re.compile(r"[A-Za-z0-9]{9}")


def recognises(value: dict[str, Any]) -> bool:
    """Whether `value` has interactions, or messages with a name that no other format has for what belongs to them."""
    if type(value.get("interactions")) is list:
        return True
    messages = value.get("messages")
    if type(messages) is not list:
        return False
    return "available_tools" in value or all_spoken(messages)


def all_spoken(messages: list[Any]) -> bool:
    """Whether all of some messages, and at least one, are `is_spoken`. Where only some are, a key is misspelt."""
    return bool(messages) and is_spoken(messages[0]) and all(map(is_spoken, messages))


def is_spoken(message: Any) -> bool:
    """Whether a message has a `text` where chat has its `content`."""
    return type(message) is dict and "content" not in message and type(message.get("text")) is str and "role" in message


def parse(value: dict[str, Any]) -> Example:
    """The example of a record."""
    key = "interactions" if type(value.get("interactions")) is list else "messages"
    messages: list[Any] = []
    begins: dict[str, str] = {}
    exact: dict[str, str] = {}
    prompt = value.get("system_prompt")
    if type(prompt) is str and prompt:
        messages.append({"role": "system", "content": prompt})
        exact = {"/messages/0": "/system_prompt", "/messages/0/content": "/system_prompt"}
    for i, message in enumerate(value[key]):
        place, origin = f"/messages/{len(messages)}", f"/{key}/{i}"
        begins[place] = origin
        if is_spoken(message):
            message = {("content" if name == "text" else name): item for name, item in message.items()}
            exact[f"{place}/content"] = f"{origin}/text"
        messages.append(message)
    record: dict[str, Any] = {"messages": messages}
    tools = next((name for name in ("tools", "available_tools") if value.get(name) is not None), None)
    if tools is not None:
        record["tools"] = value[tools]
        begins["/tools"] = pointers.join([tools])
    return Example(record, messages, record.get("tools"), format=NAME, origins=Places(begins, exact=exact))


def render(example: Example) -> dict[str, Any]:
    """The record. Ids of calls that Mistral would refuse are numbered anew. What `loses` names is left out."""
    ids: dict[str, str] = {}
    out: list[dict[str, Any]] = []
    for message in example.messages:
        group = group_of(message) if type(message) is dict else "other"
        if group == "other":
            continue
        said: dict[str, Any] = {"role": group}
        if "content" in message or not message.get("tool_calls"):
            said["content"] = text_of(message.get("content"))
        if group == "assistant" and type(calls := message.get("tool_calls")) is list:
            said["tool_calls"] = [{**call, "id": _id(call.get("id"), ids)} for call in calls if type(call) is dict]
        if group == "assistant" and "weight" in message:
            said["weight"] = message["weight"]
        if group == "tool":
            said["tool_call_id"] = _id(message.get("tool_call_id"), ids)
            if "name" in message:
                said["name"] = message["name"]
        out.append(said)
    record: dict[str, Any] = {"interactions": out}
    if "tools" in example.record:
        record["available_tools"] = example.record["tools"]
    return record


def loses(example: Example) -> list[str]:
    """What a record of this format, read again, lacks."""
    return lost_between(example.record, parse(render(example)).record)


def _id(identifier: Any, ids: dict[str, str]) -> str:
    """The id of a call as Mistral takes it; the same for the same one."""
    known = identifier if type(identifier) is str else ""
    if _ID.fullmatch(known):
        return known
    if known not in ids:
        ids[known] = f"call{len(ids) + 1:05d}"
    return ids[known]
