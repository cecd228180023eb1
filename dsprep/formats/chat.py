"""The chat format: `{"messages": [{"role": …, "content": …}, …]}`, the one that rules look at."""

from __future__ import annotations

from typing import Any, Final

from dsprep.folds.splits import known_as
from dsprep.model.record import Example

NAME: Final = "chat"

#: Keys that are the format's own. Besides, `label`, `group`, `split` and `metadata` are understood.
KEYS: Final = frozenset({"messages", "tools", "parallel_tool_calls", "functions"})


def recognises(value: dict[str, Any]) -> bool:
    """Whether `value` is, or was meant to be, a chat record."""
    return "messages" in value


def parse(value: dict[str, Any]) -> Example:
    """The example of a chat record: the record itself, however malformed, with what it says of itself."""
    messages = value.get("messages")
    example = Example(value, messages if type(messages) is list else [], value.get("tools"))
    if len(value) > 1:
        example.label = scalar_text(value.get("label"))
        example.label_pointer = None if example.label is None else "/label"
        example.group = scalar_text(value.get("group"))
        example.split = split_named(value.get("split"))
        meta = value.get("metadata")
        if type(meta) is dict:
            example.meta = meta
    return example


def render(example: Example) -> dict[str, Any]:
    """The chat record of `example`."""
    return example.record


def loses(example: Example) -> list[str]:
    """Nothing: every example has a chat form."""
    return []


def scalar_text(value: Any) -> str | None:
    """A text, a number or a truth value as text; None for anything else."""
    if type(value) is str:
        return value
    if type(value) is bool:
        return "true" if value else "false"
    return str(value) if type(value) in (int, float) else None


def split_named(value: Any) -> str | None:
    """The split that a record names, by the name that dsprep has for it."""
    if type(value) is not str or not value.strip():
        return None
    return known_as(value)
