"""Where in a JSON text a value stands. Works on what is being typed: where the text is broken, the answer is None."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from dsprep.model import pointer as pointers

_BLANK: Final = re.compile(r"[ \t\r\n]*+")
_STRING: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_SCALAR: Final = re.compile(r'[^\s,:\[\]{}"]++')
#: A string that has no end goes on to the end of the text.
_BRACKETS: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[{}\[\]]', re.DOTALL)
#: A character of a text, as it is written: a pair of surrogates is one.
_WRITTEN: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\]", re.DOTALL
)


class Span(NamedTuple):
    """A part of a text: offsets in characters, the second one behind it."""

    start: int
    end: int


def place(text: str, pointer: str, at: int = 0) -> Span | None:
    """Where the value at `pointer` (RFC 6901) stands in the JSON value that begins at `at`.

    Of members with the same name the last counts, as parsers have it. None if there is no such value, or if what is
    before it is no JSON. Time grows with the length of the text, not with its depth.
    """
    found: int | None = _skip_blank(text, at)
    for token in pointers.split(pointer):
        found = _child(text, found, token) if found is not None else None
    if found is None:
        return None
    end = end_of(text, found)
    return None if end is None else Span(found, end)


def end_of(text: str, at: int) -> int | None:
    """The offset behind the value that begins at `at`; None if it has no end."""
    start = text[at : at + 1]
    if start == '"':
        match = _STRING.match(text, at)
        return match.end() if match else None
    if start not in ("{", "["):
        match = _SCALAR.match(text, at)
        return match.end() if match else None
    depth = 0
    for match in _BRACKETS.finditer(text, at):
        kind = text[match.start()]
        if kind in "{[":
            depth += 1
        elif kind in "}]":
            depth -= 1
            if not depth:
                return match.end()
    return None


def within(text: str, span: Span, start: int, end: int) -> Span:
    """Of the JSON string at `span`, the part that stands for characters `start` to `end` of its value; all of it if
    they are not in there."""
    at, number = span.start + 1, 0
    first = last = None
    while at < span.end - 1 and last is None:
        if number == start:
            first = at
        if number == end:
            last = at
            break
        match = _WRITTEN.match(text, at, span.end - 1)
        if match is None:
            return span
        at, number = match.end(), number + 1
    if number == start and first is None:
        first = at
    if number == end and last is None:
        last = at
    return span if first is None or last is None or first == last else Span(first, last)


def string_at(text: str, span: Span) -> str | None:
    """The value of the JSON string at `span`; None if there is none."""
    if text[span.start : span.start + 1] != '"':
        return None
    try:
        value = json.loads(text[span.start : span.end], strict=False)
    except ValueError:
        return None
    return value if isinstance(value, str) else None


def places(text: str, wanted: Sequence[str]) -> dict[str, Span]:
    """Where the values at the pointers `wanted` stand in `text`, of those that are there, in one pass over it."""
    tree: _Tree = _Tree({}, False)
    for pointer in wanted:
        node = tree
        for token in pointers.split(pointer):
            node = node.children.setdefault(token, _Tree({}, False))
        node.wanted = True
    out: dict[str, Span] = {}
    # A list of what is still to be looked at, not recursion: data may be nested as deep as it likes.
    left = [(_skip_blank(text, 0), "", tree)]
    while left:
        at, pointer, node = left.pop()
        if node.wanted:
            end = end_of(text, at)
            if end is not None:
                out[pointer] = Span(at, end)
        if node.children:
            for token, start in _members(text, at, node.children):
                left.append((start, f"{pointer}/{pointers.escape(token)}", node.children[token]))
    return out


class _Tree:
    """Pointers, by their tokens."""

    def __init__(self, children: dict[str, _Tree], wanted: bool) -> None:
        self.children = children
        self.wanted = wanted


def _child(text: str, at: int, token: str) -> int | None:
    found = _members(text, at, {token: None})
    return found[-1][1] if found else None


def _members(text: str, at: int, wanted: dict[str, _Tree] | dict[str, None]) -> list[tuple[str, int]]:
    """The members or items of the value at `at` whose names or numbers are `wanted`, each with where its value begins;
    of one that is there twice, the last."""
    kind = text[at : at + 1]
    if kind not in ("{", "["):
        return []
    found: dict[str, int] = {}
    close = "}" if kind == "{" else "]"
    number = 0
    at = _skip_blank(text, at + 1)
    while at < len(text) and text[at] != close:
        name = str(number)
        if kind == "{":
            match = _STRING.match(text, at)
            if match is None:
                break
            name = string_at(text, Span(*match.span())) or ""
            at = _skip_blank(text, match.end())
            if text[at : at + 1] != ":":
                break
            at = _skip_blank(text, at + 1)
        if name in wanted:
            found[name] = at
            if kind == "[" and len(found) == len(wanted):
                break
        end = end_of(text, at)
        if end is None:
            break
        at = _skip_blank(text, end)
        if text[at : at + 1] == ",":
            at = _skip_blank(text, at + 1)
        elif text[at : at + 1] != close:
            break
        number += 1
    return list(found.items())


def _skip_blank(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at
