"""Llama 3's marks: `{"text": "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\\n\\nHi<|eot_id|>…"}`.

Shape: Meta's model cards and prompt formats for Llama 3 and 3.1, where answers of tools come from `ipython`.
"""

from __future__ import annotations

import re
from typing import Any, Final

from dsprep.model.record import Example
from dsprep.text.chat_parts import group_of, text_of
from dsprep.text.marked_text import example_of, lost_in

NAME: Final = "llama3"

KEYS: Final = frozenset({"text"})

_BEGIN: Final = "<|begin_of_text|>"
_START: Final = "<|start_header_id|>"
_HEADER: Final = re.compile(r"<\|start_header_id\|>([^\n<>|]{1,40})<\|end_header_id\|>(?:\r?\n){0,2}")
_END: Final = re.compile(r"<\|(?:eot_id|eom_id|start_header_id)\|>")
_AFTER: Final = re.compile(r"\s*(?:<\|end_of_text\|>\s*)?")
_ROLES: Final = {"ipython": "tool"}
#: What no text may hold.
_MARKS: Final = (_START, "<|end_header_id|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>")


def recognises(value: dict[str, Any]) -> bool:
    """Whether `value` has a text that is nothing but turns in such marks."""
    text = value.get("text")
    return type(text) is str and _START in text[:64] and _turns(text) is not None


def parse(value: dict[str, Any]) -> Example:
    """The example of a record. A mark at the end that only asks for an answer is none."""
    return example_of(((_ROLES.get(role, role), said) for role, said in _turns(value["text"]) or ()), NAME)


def render(example: Example) -> dict[str, Any]:
    """The record. What `loses` names is left out."""
    turns: list[str] = []
    for message in example.messages:
        group = group_of(message) if type(message) is dict else "other"
        if group != "other":
            name = "ipython" if group == "tool" else group
            turns.append(f"{_START}{name}<|end_header_id|>\n\n{text_of(message.get('content'))}<|eot_id|>")
    return {"text": _BEGIN + "".join(turns)}


def loses(example: Example) -> list[str]:
    """What a record of this format, read again, lacks. A text with marks in it reads as several turns."""
    return lost_in(example, _MARKS, render, recognises, parse)


def _turns(text: str) -> list[tuple[str, str]] | None:
    """Role and content of each turn; None if there is anything beside turns."""
    at = len(text) - len(text.lstrip())
    if text.startswith(_BEGIN, at):
        at += len(_BEGIN)
    turns: list[tuple[str, str]] = []
    while at < len(text):
        header = _HEADER.match(text, at)
        if header is None:
            return None
        end = _END.search(text, header.end())
        if end is None:
            said = text[header.end() :]
            return [*turns, (header[1], said)] if said.strip() else turns or None
        if end[0] == _START:
            return None
        turns.append((header[1], text[header.end() : end.start()]))
        after = _AFTER.match(text, end.end())
        at = after.end() if after else len(text)
    return turns or None
