"""How a table of delimited text is written: delimiter, quotes, encoding, and the names of its columns."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from typing import Final, NamedTuple

from dsprep.model.record import Fault
from dsprep.text.encoding import HEAD_BYTES, Sniffed, detect_legacy, utf8_error

DELIMITERS: Final = (",", ";", "\t", "|")
#: How notes call them.
NAMES: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}

#: Rows looked at to find the delimiter.
_SNIFFED_ROWS: Final = 200

_BLOCK: Final = 1 << 20

#: How the names of encodings begin in which each byte is a character, ASCII's as in ASCII.
_SINGLE_BYTES: Final = ("ascii", "cp125", "iso8859", "iso-8859", "latin", "koi8")


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
        for row in cells_of(io.StringIO(text, newline=""), dialect):
            if row:
                rows.append(row)
            if len(rows) > _SNIFFED_ROWS:
                break
    except csv.Error:
        pass
    # The last row may be cut off where the text is.
    return rows[:-1] if len(rows) > 2 else rows


def cells_of(lines: Iterator[str], dialect: Dialect) -> Iterator[list[str]]:
    """The cells of each row that `lines` make up. Raises csv.Error for what the dialect does not allow."""
    return csv.reader(
        lines,
        delimiter=dialect.delimiter,
        doublequote=not dialect.escaped,
        escapechar="\\" if dialect.escaped else None,
    )


class Layout(NamedTuple):
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
    def plain(self) -> bool:
        """Whether line ends, quotes and delimiters are the bytes that ASCII has for them, wherever these stand, and
        quotes are escaped as RFC 4180 has it."""
        single = self.encoding == "utf-8" or self.encoding.lower().replace("_", "-").startswith(_SINGLE_BYTES)
        usual = self.sniffed.encoding == "utf-8" and self.terminator == b"\n" and self.dialect.delimiter.isascii()
        return single and usual and not self.dialect.escaped

    @property
    def codec(self) -> str:
        """What lines are encoded in when they come from `rows.lines`."""
        return "utf-8" if self.sniffed.encoding != "utf-8" else self.encoding

    @property
    def mark(self) -> int:
        """The length of the byte order mark."""
        return self.sniffed.mark


def legacy_encoding(file: io.BufferedReader) -> str | None:
    """The encoding of a file that is not UTF-8, or None if it is, but for a few lines at most."""
    if _all_utf8(file):
        return None
    file.seek(0)
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


def _all_utf8(file: io.BufferedReader) -> bool:
    """Whether what is left of a file is UTF-8: much sooner known than how much of it is not."""
    rest = b""
    try:
        while block := file.read(_BLOCK):
            if rest or not block.isascii():
                block = rest + block
                rest = block[codecs.utf_8_decode(block, "strict", False)[1] :]
    except UnicodeDecodeError:
        return False
    return not rest
