"""Tables as delimited text: comma, semicolon, tab or pipe, in any encoding, read as a stream."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final, NamedTuple

from dsprep.model.record import UNDECODED, Fault, Record
from dsprep.model.source import InputError, Shard, Source, unreadable
from dsprep.opening import measured, opened
from dsprep.text.column_names import EXTRA, column_names
from dsprep.text.encoding import (
    HEAD_BYTES,
    Sniffed,
    detect_legacy,
    encoded_length,
    sniff,
    transcoded,
    utf8_error,
)

DELIMITERS: Final = (",", ";", "\t", "|")
_NAMES: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}

#: Rows looked at to find the delimiter.
_SNIFFED_ROWS: Final = 200

_BLOCK: Final = 1 << 20

#: Stands for a return inside of a cell that is not quoted, which the parser takes for a line end. A noncharacter: no
#: text holds it.
_RETURN: Final = "\ufdd0"


class Dialect(NamedTuple):
    """How a table is written: what is between cells, and whether quotes in quotes are `\\"` rather than `""`."""

    delimiter: str
    escaped: bool = False


def sniff_dialect(text: str) -> Dialect | None:
    """How the table that begins with `text` is written, or None if it does not look like one of several columns.

    The best is what gives the most rows as many cells as the header has, and then the most cells.
    """
    best: tuple[float, int] = (0.5, 0)
    found: Dialect | None = None
    backslash = '\\"' in text
    for delimiter in DELIMITERS:
        for escaped in (False, True) if backslash else (False,):
            dialect = Dialect(delimiter, escaped)
            rows = _first_rows(text, dialect)
            if not rows or len(rows[0]) < 2:
                continue
            width = len(rows[0])
            share = sum(len(row) == width for row in rows) / len(rows)
            if (share, width) > best:
                best, found = (share, width), dialect
    return found


def _first_rows(text: str, dialect: Dialect) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in _reader(io.StringIO(text, newline=""), dialect):
            if row:
                rows.append(row)
            if len(rows) > _SNIFFED_ROWS:
                break
    except csv.Error:
        pass
    # The last row may be cut off where the text is.
    return rows[:-1] if len(rows) > 2 else rows


def _reader(lines: Iterator[str], dialect: Dialect) -> Iterator[list[str]]:
    return csv.reader(
        lines,
        delimiter=dialect.delimiter,
        doublequote=not dialect.escaped,
        escapechar="\\" if dialect.escaped else None,
    )


class CsvSource(Source):
    """A table whose first row names its columns.

    The value of a record is a dict from column to cell, all strings. A row with too few cells has None in the last
    columns, one with too many has the others in a list under `_extra`; both carry a `ragged-row` fault. The encoding is
    UTF-8, or the one that the mark at the beginning names, or the likeliest if the bytes are not UTF-8; `info.notes`
    says so, and what else was assumed.

    A quote that is never closed takes only its own line: what follows is read as if it were not there.
    """

    format = "csv"
    tabular = True
    #: The longest row, in bytes, that is held in memory.
    max_row: ClassVar[int] = 16 << 20

    def __init__(
        self,
        path: str,
        *,
        index: int = 0,
        display: str | None = None,
        split: str | None = None,
        delimiter: str | None = None,
    ) -> None:
        super().__init__(path, index=index, display=display, split=split)
        self.delimiter = delimiter
        self._known: _Layout | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, made unique. Raises InputError if the file cannot be read."""
        return self._layout().columns

    def plan(self, shard_bytes: int) -> Iterator[Shard]:
        """See `Source.plan`. Always a single shard: only a reader from the start knows which line ends are quoted."""
        layout = self._layout()
        size = measured(self)
        info = self.info
        info.encoding = layout.encoding
        info.note(*layout.notes)
        shard = Shard(self.index, 0, size, faults=layout.faults, digest=bytes.fromhex(info.sha256))
        if next(self.read(shard), None) is None:
            shard = Shard(self.index, 0, size, faults=(Fault("empty-file"), *layout.faults))
        yield shard

    @property
    def reading(self) -> Mapping[str, Any]:
        """See `Source.reading`."""
        return {"delimiter": self.delimiter, "longest": self.max_row}

    def read(self, shard: Shard) -> Iterator[Record]:
        """See `Source.read`."""
        layout = self._layout()
        columns, dialect = layout.columns, layout.dialect
        width = len(columns)
        try:
            with opened(self.path) as file:
                file.seek(layout.mark)
                feed = _Feed(file, layout, self.max_row)
                rows = _rows(feed, dialect)
                if next(rows, None) is None:
                    return
                ordinal = row = 0
                for cells, fault in rows:
                    raw = feed.raw()
                    if not cells and fault is None:
                        blank = Fault("blank-line")
                        yield Record(ordinal, feed.line, feed.offset, raw, UNDECODED, None, (blank,))
                        ordinal += 1
                        continue
                    row += 1
                    value = dict(zip(columns, cells, strict=False))
                    record = Record(ordinal, feed.line, feed.offset, raw, value, row)
                    if len(cells) != width or fault is not None:
                        if len(cells) > width:
                            record.value = {**value, EXTRA: cells[width:]}
                        else:
                            record.value = dict.fromkeys(columns) | value
                        args = {"expected": width, "found": len(cells)}
                        record.faults = (Fault("ragged-row", args if fault is None else {**args, "reason": fault}),)
                    if feed.undecoded:
                        record.value = UNDECODED
                        record.faults = (feed.undecoded_fault(),)
                    yield record
                    ordinal += 1
        except OSError as error:
            raise unreadable(self.display, error) from error

    def _layout(self) -> _Layout:
        if self._known is None:
            try:
                self._known = self._found_out()
            except OSError as error:
                raise unreadable(self.display, error) from error
        return self._known

    def _found_out(self) -> _Layout:
        """How the file is written. Reads all of it if needed to know whether it is UTF-8."""
        with opened(self.path) as file:
            head = file.read(HEAD_BYTES)
            sniffed = sniff(head)
            if sniffed.kind == "binary":
                raise InputError(sniffed.sentence(self.display))
            notes: list[str] = []
            encoding = sniffed.encoding
            if encoding != "utf-8":
                notes.append(f"the file is in {encoding.upper()}; it was read as such")
                start = head[sniffed.mark :].decode(encoding, "replace")
            else:
                if sniffed.mark:
                    notes.append("the file begins with a byte order mark, which was skipped")
                file.seek(0)
                legacy = _legacy_encoding(file)
                if legacy is not None:
                    encoding = legacy
                    notes.append(f"the file is not UTF-8; it was read as {encoding}, its likeliest encoding")
                start = head[sniffed.mark :].decode(encoding, "replace")
            dialect = Dialect(self.delimiter) if self.delimiter else sniff_dialect(start) or Dialect(",")
            if dialect.delimiter != ",":
                notes.append(f"columns are separated by {_NAMES.get(dialect.delimiter, dialect.delimiter)}s")
            terminator = b"\r" if "\n" not in start and "\r" in start else b"\n"
            layout = _Layout(encoding, sniffed, dialect, terminator)
            file.seek(sniffed.mark)
            header = next(_rows(_Feed(file, layout, self.max_row), dialect), None)
        columns, renamed, faults = column_names(header[0] if header else [])
        return layout._replace(columns=columns, notes=(*notes, *renamed), faults=faults)


class _Layout(NamedTuple):
    """How a file is written. `encoding` may be any; `sniffed` tells of a Unicode one."""

    encoding: str
    sniffed: Sniffed
    dialect: Dialect
    terminator: bytes = b"\n"
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    #: What is wrong with the header.
    faults: tuple[Fault, ...] = ()

    @property
    def mark(self) -> int:
        """The length of the byte order mark."""
        return self.sniffed.mark


class _Line(NamedTuple):
    """A line as it is in the file (in UTF-8, if the file is in a wider encoding), and how many bytes it takes there."""

    raw: bytes
    width: int


class _Feed(Iterator[str]):
    """Gives the parser one line at a time, and remembers which lines the row at hand is made of."""

    def __init__(self, file: io.BufferedReader, layout: _Layout, max_row: int) -> None:
        self.lines = _lines(file, layout, max_row)
        self.waiting: deque[_Line] = deque()
        self.codec = "utf-8" if layout.sniffed.encoding != "utf-8" else layout.encoding
        self.encoding = layout.encoding
        self.max_row = max_row
        self.line, self.offset = 1, layout.mark
        self.parts: list[_Line] = []
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


def _rows(feed: _Feed, dialect: Dialect) -> Iterator[tuple[list[str], str | None]]:
    """The rows of a table, and what was wrong with each, if anything. `feed` tells where the row is."""
    csv.field_size_limit(max(csv.field_size_limit(), 1 << 30))  # rows are limited by the feed
    reader = _reader(feed, dialect)
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
                cells = next(_reader(iter([text]), dialect))
            except csv.Error:
                cells = _with_returns(feed, dialect)
            yield cells, f"a quote that opens on line {quoted_from} is never closed"
            continue
        yield cells, None


def _with_returns(feed: _Feed, dialect: Dialect) -> list[str]:
    """The cells of a row with a return in a cell that is not quoted."""
    text = feed.text().replace("\r", _RETURN)
    try:
        cells = next(_reader(iter([text]), dialect), [])
    except csv.Error:
        cells = text.split(dialect.delimiter)
    return [cell.replace(_RETURN, "\r") for cell in cells]


def _lines(file: io.BufferedReader, layout: _Layout, max_row: int) -> Iterator[_Line]:
    wide = layout.sniffed.encoding != "utf-8"
    if not wide and layout.terminator == b"\n":
        # A line beyond any sense comes in pieces.
        while raw := file.readline(max_row):
            yield _Line(raw, len(raw))
        return
    blocks: Iterator[bytes] = iter(lambda: file.read(_BLOCK), b"")
    encoding = layout.sniffed.encoding
    rest = b""
    for block in transcoded(blocks, encoding) if wide else blocks:
        *whole, rest = (rest + block).split(layout.terminator)
        for line in whole:
            raw = line + layout.terminator
            yield _Line(raw, encoded_length(raw, encoding))
    if rest:
        yield _Line(rest, encoded_length(rest, encoding))


def _legacy_encoding(file: io.BufferedReader) -> str | None:
    """The encoding of a file that is not UTF-8, or None if it is, but for a few lines at most."""
    good = 0
    bad: list[bytes] = []
    n_bad = size = 0
    while lines := file.readlines(_BLOCK):
        block = b"".join(lines)
        if block.isascii():
            continue
        if utf8_error(block, final=True) is None:
            good += sum(not line.isascii() for line in lines)
            continue
        for line in lines:
            if line.isascii():
                continue
            if utf8_error(line, final=True) is None:
                good += 1
            else:
                n_bad += 1
                if size < HEAD_BYTES:
                    bad.append(line)
                    size += len(line)
    if n_bad <= good:
        return None
    return detect_legacy(b"".join(bad))
