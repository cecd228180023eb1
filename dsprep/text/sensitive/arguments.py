"""The arguments of tool calls as texts of a batch, so that what is looked for in messages is so in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from dsprep.model import pointer as pointers
from dsprep.model.batch import Batch, Feature, Turns
from dsprep.text.tool_use import TOOL_USE, Call, ToolUse

_ESCAPE: Final = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|.)", re.DOTALL)
#: Deeper than this nobody nests what he calls a tool with.
_DEEPEST: Final = 50


@dataclass(frozen=True, slots=True)
class ArgumentTurns(Turns):
    """The texts: of arguments that are JSON in a text, that text, in which every escape is as many spaces (or a line
    end), so that offsets are those of the text; of arguments that are an object, each text in it. `place` are their
    pointers, `json` says which are JSON."""

    place: list[str] = field(default_factory=list)
    json: list[bool] = field(default_factory=list)

    def pointer(self, i: int) -> str:
        return self.place[i]


class Arguments(Batch):
    """A batch whose texts are the arguments of its tool calls."""

    uses: Sequence[tuple[int, ToolUse]] = ()

    @cached_property
    def turns(self) -> ArgumentTurns:
        out = ArgumentTurns([], [], [], [], [])
        for row, use in self.uses:
            for call in use.calls:
                for place, text, is_json in _texts(call):
                    out.row.append(row)
                    out.message.append(call.message)
                    out.role.append("assistant")
                    out.text.append(text)
                    out.part.append(None)
                    out.place.append(place)
                    out.json.append(is_json)
        return out


def _arguments(batch: Batch) -> Arguments | None:
    uses = [(row, use) for row, use in batch.get(TOOL_USE) if use.calls]
    if not uses:
        return None
    out = Arguments(
        source=batch.source, path=batch.path, records=batch.records, examples=batch.examples, split=batch.split
    )
    out.uses = uses
    return out


def _texts(call: Call) -> Iterator[tuple[str, str, bool]]:
    pointer = f"{call.function}/arguments"
    if isinstance(call.arguments, str):
        yield pointer, _ESCAPE.sub(_blank, call.arguments), not call.decoded[1]
    elif isinstance(call.arguments, dict | list):
        yield from ((pointer + pointers.join(path), text, False) for path, text in _leaves(call.arguments, []))


def _blank(match: re.Match[str]) -> str:
    return " \n" if match.group() in (r"\n", r"\r") else " " * len(match.group())


def _leaves(value: Any, path: list[str | int]) -> Iterator[tuple[list[str | int], str]]:
    if isinstance(value, str):
        yield path, value
    elif len(path) < _DEEPEST:
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for name, item in items:
            yield from _leaves(item, [*path, name])


def within_json(text: str, cuts: Sequence[tuple[int, int, str]]) -> tuple[tuple[int, int, str], ...]:
    """`cuts` of a text of ArgumentTurns that is JSON, so that it is JSON afterwards: what takes the place of a number
    is put in quotation marks, unless it is one."""
    return tuple(
        (start, end, instead if text.count('"', 0, start) % 2 or instead.isdecimal() else f'"{instead}"')
        for start, end, instead in cuts
    )


#: The arguments of a batch's tool calls; None if it has none.
ARGUMENTS: Final[Feature[Arguments | None]] = Feature("tool-call-arguments", _arguments)
