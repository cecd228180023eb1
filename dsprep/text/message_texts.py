"""The texts of a conversation, one after the other, whatever shape its messages have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, Final

from dsprep.model.batch import Batch
from dsprep.model.record import Example

#: What a turn answers stands at most so many messages before it, or among the first ones, where instructions stand.
_BEFORE: Final = 6
_FIRST: Final = 2


def message_texts(messages: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """Role and text of each string content, and of each text part, of `messages`. The role is empty if it is no
    string."""
    for message in messages:
        if type(message) is not dict:
            continue
        role = message.get("role")
        content = message.get("content")
        for part in content if type(content) is list else [content]:
            text = part.get("text") if type(part) is dict else part
            if type(text) is str:
                yield role if type(role) is str else "", text


def speaking_of(batch: Batch, pattern: re.Pattern[str]) -> Callable[[int], bool]:
    """Tells of a conversation, by its index in the batch, whether any of its texts matches; each is searched once."""

    @cache
    def speaks(row: int) -> bool:
        example = batch.examples[row]
        return example is not None and any(pattern.search(text) for _, text in message_texts(example.messages))

    return speaks


def asked(example: Example, until: int) -> str:
    """What the message with the index `until` answers: what was said shortly before it, and at the very beginning, by
    whoever is not the assistant, line by line."""
    start = max(_FIRST, until - _BEFORE)
    near = [*example.messages[: min(_FIRST, until)], *example.messages[start:until]]
    return "\n".join(text for role, text in message_texts(near) if role != "assistant")
