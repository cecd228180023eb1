"""ChatML: `{"text": "<|im_start|>user\\nHi<|im_end|>\\n<|im_start|>assistant\\nHello.<|im_end|>\\n"}`.

Shape: OpenAI's chatml.md, and the chat templates of models that were trained on it (Qwen, Hermes, SmolLM).
"""

from __future__ import annotations

import re
from typing import Any, Final

from dsprep.model.record import Example
from dsprep.text.chat_parts import text_of
from dsprep.text.marked_text import example_of, lost_in

NAME: Final = "chatml"

KEYS: Final = frozenset({"text"})

_START: Final = "<|im_start|>"
_END: Final = "<|im_end|>"
#: What tokenizers write in front of a text.
_BEFORE: Final = re.compile(r"\s*(?:(?:<s>|<\|endoftext\|>|<\|begin_of_text\|>)\s*)?")
_HEADER: Final = re.compile(r"([^\n<>|]{1,40})\n")
_AFTER: Final = re.compile(r"\s*(?:(?:</s>|<\|endoftext\|>)\s*)?")
#: What no text may hold.
_MARKS: Final = (_START, _END)


def recognises(value: dict[str, Any]) -> bool:
    """Whether `value` has a text that is nothing but turns in such marks."""
    text = value.get("text")
    return type(text) is str and _START in text[:64] and _turns(text) is not None


def parse(value: dict[str, Any]) -> Example:
    """The example of a record. A mark at the end that only asks for an answer is none."""
    return example_of(_turns(value["text"]) or (), NAME)


def render(example: Example) -> dict[str, Any]:
    """The record, with a line end behind each turn, as templates write it. What `loses` names is left out."""
    turns = [
        f"{_START}{message['role']}\n{text_of(message.get('content'))}{_END}\n"
        for message in example.messages
        if type(message) is dict and type(message.get("role")) is str and _HEADER.fullmatch(f"{message['role']}\n")
    ]
    return {"text": "".join(turns)}


def loses(example: Example) -> list[str]:
    """What a record of this format, read again, lacks. A text with marks in it reads as several turns."""
    return lost_in(example, _MARKS, render, recognises, parse)


def _turns(text: str) -> list[tuple[str, str]] | None:
    """Role and content of each turn; None if there is anything beside turns."""
    start = _BEFORE.match(text)
    at = start.end() if start else 0
    turns: list[tuple[str, str]] = []
    while at < len(text):
        header = _HEADER.match(text, at + len(_START)) if text.startswith(_START, at) else None
        if header is None:
            return None
        end = text.find(_END, header.end())
        following = text.find(_START, header.end())
        if end < 0 or 0 <= following < end:
            # The last turn may be cut off, or asked for.
            if following >= 0:
                return None
            said = text[header.end() :]
            return [*turns, (header[1], said)] if said.strip() else turns or None
        turns.append((header[1], text[header.end() : end]))
        after = _AFTER.match(text, end + len(_END))
        at = after.end() if after else len(text)
    return turns or None
