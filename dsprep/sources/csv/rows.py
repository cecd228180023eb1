"""Reading delimited text row by row: each with its place and bytes, whatever is wrong with it."""

from __future__ import annotations

import csv
import io
import sys
from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from dsprep.model.record import Fault
from dsprep.sources.csv.layout import Dialect, Layout, cells_of
from dsprep.text.encoding import detect_legacy, encoded_length, transcoded

_BLOCK: Final = 1 << 20

#: Stands for a return inside of a cell that is not quoted, which the parser takes for a line end. A noncharacter: no
#: text holds it.
_RETURN: Final = "\ufdd0"


class Line(NamedTuple):
    """A line as it is in the file (in UTF-8, if the file is in a wider encoding), and how many bytes it takes there."""

    raw: bytes
    width: int


class Feed(Iterator[str]):
    """Gives the parser one line at a time, and remembers which lines the row at hand is made of.

    `file` stands at `offset`, where a row begins, in `line`; of what follows `length` bytes are read (None: all).
    """

    def __init__(
        self,
        file: io.BufferedReader,
        layout: Layout,
        max_row: int,
        *,
        offset: int,
        line: int,
        length: int | None = None,
    ) -> None:
        self.lines = lines_of(file, layout, max_row, length)
        self.waiting: deque[Line] = deque()
        self.codec = layout.codec
        self.encoding = layout.encoding
        self.max_row = max_row
        self.line, self.offset = line, offset
        self.parts: list[Line] = []
        self.held = 0
        #: Whether the parser wanted more lines in the middle of a row than there are, or than are held.
        self.starved = False
        #: The offsets, and the text, of bytes of this row that cannot be decoded.
        self.undecoded: list[tuple[int, bytes]] = []

    def begin(self) -> None:
        """Forget the row before."""
        for part in self.parts:
            self.line += part.raw.count(b"\n")
            self.offset += part.width
        self.parts = []
        self.held = 0
        self.starved = False
        self.undecoded = []

    def __next__(self) -> str:
        if self.held > self.max_row:
            self.starved = True
            raise StopIteration
        if self.waiting:
            part = self.waiting.popleft()
        else:
            try:
                part = next(self.lines)
            except StopIteration:
                self.starved = bool(self.parts)
                raise
        at = self.offset + sum(part.width for part in self.parts) if self.parts else self.offset
        self.parts.append(part)
        self.held += part.width
        try:
            return part.raw.decode(self.codec)
        except UnicodeDecodeError as error:
            self.undecoded.append((at + error.start, part.raw[error.start : error.start + 8]))
            return part.raw.decode(self.codec, "surrogateescape" if self.codec == "utf-8" else "replace")

    def only_first(self) -> str:
        """Give back all lines of the row but the first one, whose text is returned."""
        first, *rest = self.parts
        self.waiting.extendleft(reversed(rest))
        self.parts = [first]
        end = self.offset + first.width
        self.undecoded = [bad for bad in self.undecoded if bad[0] < end]
        return first.raw.decode(self.codec, "replace")

    def text(self) -> str:
        """The text of the row."""
        return self.raw().decode(self.codec, "replace")

    def raw(self) -> bytes:
        """The bytes of the row without its line end."""
        raw = self.parts[0].raw if len(self.parts) == 1 else b"".join([part.raw for part in self.parts])
        return raw.rstrip(b"\r\n")

    def undecoded_fault(self) -> Fault:
        """What to say of the first bytes of the row that could not be decoded."""
        offset, bad = self.undecoded[0]
        bad = bad[: len(bad) - len(bad.lstrip(bytes(range(128, 256))))] or bad[:1]
        encoding = detect_legacy(self.raw()) if self.encoding == "utf-8" else self.encoding
        return Fault("invalid-utf8", {"encoding": encoding, "bad": bad.hex()}, offset=offset)


def rows_of(feed: Feed, dialect: Dialect) -> Iterator[tuple[list[str], str | None]]:
    """The rows of a table, and what was wrong with each, if anything. `feed` tells where the row is."""
    csv.field_size_limit(max(csv.field_size_limit(), 1 << 30))  # rows are limited by the feed
    reader = cells_of(feed, dialect)
    while True:
        feed.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield _with_returns(feed, dialect), None
            continue
        if feed.starved:
            quoted_from = feed.line
            text = feed.only_first()
            try:
                cells = next(cells_of(iter([text]), dialect))
            except csv.Error:
                cells = _with_returns(feed, dialect)
            yield cells, f"a quote that opens on line {quoted_from} is never closed"
            continue
        yield cells, None


def _with_returns(feed: Feed, dialect: Dialect) -> list[str]:
    """The cells of a row with a return in a cell that is not quoted."""
    text = feed.text().replace("\r", _RETURN)
    try:
        cells = next(cells_of(iter([text]), dialect), [])
    except csv.Error:
        cells = text.split(dialect.delimiter)
    return [cell.replace(_RETURN, "\r") for cell in cells]


def lines_of(file: io.BufferedReader, layout: Layout, max_row: int, length: int | None) -> Iterator[Line]:
    """The lines of the next `length` bytes of `file` (None: of all that is left)."""
    left = sys.maxsize if length is None else length
    wide = layout.sniffed.encoding != "utf-8"
    if not wide and layout.terminator == b"\n":
        # A line beyond any sense comes in pieces.
        while left and (raw := file.readline(min(max_row, left))):
            left -= len(raw)
            yield Line(raw, len(raw))
        return
    blocks = _blocks(file, left)
    encoding = layout.sniffed.encoding
    rest = b""
    for block in transcoded(blocks, encoding) if wide else blocks:
        *whole, rest = (rest + block).split(layout.terminator)
        for line in whole:
            raw = line + layout.terminator
            yield Line(raw, encoded_length(raw, encoding))
    if rest:
        yield Line(rest, encoded_length(rest, encoding))


def _blocks(file: io.BufferedReader, left: int) -> Iterator[bytes]:
    while left and (block := file.read(min(_BLOCK, left))):
        left -= len(block)
        yield block
