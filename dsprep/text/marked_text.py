"""Formats that write a conversation into one text, with marks between its turns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from dsprep.model.record import Example
from dsprep.text.chat_parts import any_text_has
from dsprep.text.origins import Places
from dsprep.text.round_trip import lost_between


def example_of(turns: Iterable[tuple[str, str]], name: str) -> Example:
    """The example of a record in the format of that name whose `text` has these turns of role and content."""
    messages: list[Any] = [{"role": role, "content": said} for role, said in turns]
    exact = {f"/messages/{i}{part}": "/text" for i in range(len(messages)) for part in ("", "/content")}
    return Example({"messages": messages}, messages, format=name, origins=Places({}, exact=exact))


def lost_in(
    example: Example,
    marks: tuple[str, ...],
    render: Callable[[Example], dict[str, Any]],
    recognises: Callable[[dict[str, Any]], bool],
    parse: Callable[[dict[str, Any]], Example],
) -> list[str]:
    """What the record that `render` makes of an example lacks, read again. A text with marks in it reads as several
    turns."""
    if any_text_has(marks, example.messages):
        return ["texts with its own marks in them"]
    written = render(example)
    again = parse(written).record if recognises(written) else {"messages": []}
    return lost_between(example.record, again)
