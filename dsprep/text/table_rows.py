"""Where the rows of delimited text end, found without parsing it: for text that is quoted as writers of CSV quote."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

_QUOTE: Final = ord('"')
_RETURN: Final = ord("\r")
_NEWLINE: Final = ord("\n")


class RowEnds(NamedTuple):
    """`ends` (int64, ascending) are the offsets behind the line end of each row; `blank` (bool) says which rows are
    empty lines; `lines` is how many line ends are in all of them. What is behind the last of them is the beginning of
    another row."""

    ends: NDArray[np.int64]
    blank: NDArray[np.bool_]
    lines: int

    @property
    def size(self) -> int:
        """How many bytes the rows have."""
        return int(self.ends[-1]) if len(self.ends) else 0

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where each row begins."""
        return np.concatenate([np.zeros(1, np.int64), self.ends[:-1]]) if len(self.ends) else self.ends

    @property
    def longest(self) -> int:
        """How many bytes the longest row has."""
        return int(np.max(self.ends - self.starts, initial=0))


def row_ends(data: bytes, delimiter: str) -> RowEnds | None:
    """The rows of `data`, which begins where a row does, in any encoding that has ASCII as ASCII.

    None if a quote stands where no writer puts one, so that only a parser can say what it means: each must open a cell,
    close it, or be one of two in a cell that is quoted (RFC 4180, section 2).
    """
    text = np.frombuffer(data, np.uint8)
    newlines = np.flatnonzero(text == _NEWLINE)
    quotes = np.flatnonzero(text == _QUOTE) if b'"' in data else newlines[:0]
    lines = len(newlines)
    if len(quotes):
        before = np.searchsorted(quotes, newlines)
        outside = np.flatnonzero((before & 1) == 0)
        lines = int(outside[-1]) + 1 if len(outside) else 0
        newlines = newlines[outside]
        quotes = quotes[: before[outside[-1]]] if len(newlines) else quotes[:0]
        if len(quotes) and not _usual(text, quotes, ord(delimiter)):
            return None
    found = RowEnds(newlines + 1, np.zeros(len(newlines), np.bool_), lines)
    return found._replace(blank=_blank(data, found))


def _usual(text: NDArray[np.uint8], quotes: NDArray[np.int64], delimiter: int) -> bool:
    """Whether all quotes, of which there is an even number, all of them before some line end, stand where they may."""
    opening, closing = quotes[0::2], quotes[1::2]
    # Of two quotes in a cell the first one seems to close it, and the second to open it again.
    doubled = np.zeros(len(opening) + 1, np.bool_)
    doubled[1:-1] = opening[1:] == closing[:-1] + 1
    before = text[opening - 1]  # of the very first byte this is the last one, which is not looked at
    opens = (before == delimiter) | (before == _NEWLINE) | doubled[:-1]
    opens[0] |= opening[0] == 0
    after = text[closing + 1]
    closes = (after == delimiter) | (after == _NEWLINE) | doubled[1:]
    returns = after == _RETURN
    if returns.any():
        closes |= returns & (text[np.minimum(closing + 2, len(text) - 1)] == _NEWLINE)
    return bool(opens.all() and closes.all())


def _blank(data: bytes, rows: RowEnds) -> NDArray[np.bool_]:
    starts = rows.starts
    blank: NDArray[np.bool_] = rows.ends - starts == 1
    returns = np.flatnonzero(np.frombuffer(data, np.uint8)[starts] == _RETURN)
    for row, start, end in zip(returns, starts[returns].tolist(), rows.ends[returns].tolist(), strict=True):
        # For a parser, any number of returns before a line end is part of it.
        blank[row] = not data[start:end].strip(b"\r\n")
    return blank
