"""A text as an editor has it: lines, and characters counted in the units that editor and server have agreed upon.

The protocol knows three line ends (`\\n`, `\\r\\n`, `\\r`) and no others: the separators of Unicode, which data is full
of, end no line. Its columns count units of UTF-16 unless both sides agree on something else (LSP 3.17, Position).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from itertools import accumulate
from typing import Final, Literal, NamedTuple

Encoding = Literal["utf-8", "utf-16", "utf-32"]

_LINE_END: Final = re.compile(r"\r\n|\n|\r")


class Position(NamedTuple):
    """A line and a column, both from 0; the column in units of the text's encoding."""

    line: int
    column: int


class Text:
    """The content of a document. Immutable: an edit makes another one."""

    def __init__(self, content: str, encoding: Encoding = "utf-16") -> None:
        self.content = content
        self.encoding = encoding

    @cached_property
    def starts(self) -> list[int]:
        """The offset at which each line begins."""
        if "\r" not in self.content:
            return list(accumulate((len(line) + 1 for line in self.content.split("\n")[:-1]), initial=0))
        return [0, *(match.end() for match in _LINE_END.finditer(self.content))]

    def offset(self, position: Position) -> int:
        """The offset of a position, in characters. One behind the end of a line is the end of the line; one behind the
        last line the end of the text."""
        if position.line >= len(self.starts):
            return len(self.content)
        start = self.starts[max(position.line, 0)]
        line = self.content[start : self._end(max(position.line, 0))]
        return start + _characters(line, max(position.column, 0), self.encoding)

    def position(self, offset: int) -> Position:
        """The position of an offset."""
        offset = min(max(offset, 0), len(self.content))
        line = bisect_right(self.starts, offset) - 1
        return Position(line, _units(self.content[self.starts[line] : offset], self.encoding))

    def edited(self, start: Position, end: Position, instead: str) -> Text:
        """The text with other words between two positions."""
        first, last = sorted((self.offset(start), self.offset(end)))
        return Text(self.content[:first] + instead + self.content[last:], self.encoding)

    def _end(self, line: int) -> int:
        """The offset of the end of a line, before what ends it."""
        if line + 1 >= len(self.starts):
            return len(self.content)
        end = self.starts[line + 1]
        return end - 2 if self.content.endswith("\r\n", 0, end) else end - 1


def _units(text: str, encoding: Encoding) -> int:
    if encoding == "utf-32" or text.isascii():
        return len(text)
    if encoding == "utf-16":
        return len(text) + sum(character > "\uffff" for character in text)
    return len(text.encode("utf-8", "surrogatepass"))


def _characters(line: str, units: int, encoding: Encoding) -> int:
    """How many characters of `line` the first `units` units are; one that begins in the middle of a character counts
    from its start."""
    if encoding == "utf-32" or line.isascii():
        return min(units, len(line))
    count = 0
    for number, character in enumerate(line):
        count += _units(character, encoding)
        if count > units:
            return number
    return len(line)
