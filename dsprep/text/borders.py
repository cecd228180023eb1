"""Where to cut a long run of lines into pieces, by what the lines say rather than by where they stand.

A border that depends on the lines around it alone stays where it is when a line is put in, taken out or changed
elsewhere, so all pieces but one or two are the same bytes as before (content-defined chunking; Muthitacharoen, Chen
and Mazières, "A low-bandwidth network file system", SOSP 2001). Here a border may stand after a line only, so it is
enough to look at each line, at eight of its bytes and its length, which costs little beside reading it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

#: A piece has at least this share of the size asked for, and at most that many times it, unless a line is longer.
LEAST: Final = 1 / 4
MOST: Final = 2

#: Of a longer line only the end is looked at.
_SEEN: Final = 4096
#: So many bytes are looked through at a time, so that they stay in the caches.
_AT_ONCE: Final = 1 << 17
#: The looked-at bytes of a line divide it into so many parts.
_PARTS: Final = 9
_NEWLINE: Final = 10

_MIX: Final = tuple(np.uint64(number) for number in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xD6E8FEB86659FD93))


class Piece(NamedTuple):
    """A piece of a run of lines: the offset after it, how many line ends are in it, and the SHA-256 of its bytes."""

    end: int
    lines: int
    digest: bytes


class Borders:
    """Cuts what it is fed, block by block, into pieces of about `size` bytes, each of which ends with a line.

    A line of n bytes is followed by a border with a chance of n / size, decided by a hash of it; where none of the
    lines that could be the last one is chosen, the one that came nearest to it is. Not more than a few times `size` is
    ever held, however long a line.
    """

    def __init__(self, size: int) -> None:
        self.size = max(1, size)
        self._least = int(self.size * LEAST)
        self._most = self.size * MOST
        # The piece being made begins at `_start`. Of it, `_held` are the blocks that are not part of `_digest` yet.
        self._start = self._position = self._line = 0
        self._digest = hashlib.sha256()
        self._held: list[memoryview] = []
        self._tail = b""
        # The line ends from `_start` on, and how near each line came to being followed by a border.
        self._ends: NDArray[np.int64] = np.empty(0, np.int64)
        self._scores: NDArray[np.float64] = np.empty(0, np.float64)

    def feed(self, block: bytes) -> Iterator[Piece]:
        """The pieces whose end is known with `block`, which follows those before it."""
        self._look_at(block)
        self._held.append(memoryview(block))
        self._position += len(block)
        at = 0
        while (last := self._last_line(at)) is not None:
            end = int(self._ends[last])
            yield Piece(end, last + 1 - at, self._digest_until(end))
            self._digest = hashlib.sha256()
            self._start, at = end, last + 1
        self._ends, self._scores = self._ends[at:], self._scores[at:]
        # What stands before the first line end that may be a border belongs to this piece whatever follows.
        first = int(np.searchsorted(self._ends, self._start + self._least))
        settled = int(self._ends[first]) if first < len(self._ends) else self._position
        self._digest_until(settled)

    def rest(self) -> Piece | None:
        """What is left when there is nothing more to feed, if anything is."""
        if self._position == self._start:
            return None
        return Piece(self._position, len(self._ends), self._digest_until(self._position))

    def _look_at(self, block: bytes) -> None:
        text = np.frombuffer(block, np.uint8)
        found = np.concatenate(
            [np.flatnonzero(text[at : at + _AT_ONCE] == _NEWLINE) + at for at in range(0, len(block), _AT_ONCE)]
            or [np.empty(0, np.int64)]
        )
        if len(found):
            ends = found + (self._position + 1)
            lengths = np.diff(ends, prepend=self._line)
            self._line = int(ends[-1])
            # The first lines may have begun before the block.
            near = int(np.searchsorted(found, _SEEN))
            begin = np.frombuffer(self._tail + block[:_SEEN], np.uint8)
            self._ends = np.concatenate((self._ends, ends))
            self._scores = np.concatenate(
                (
                    self._scores,
                    _scores(begin, found[:near] + len(self._tail), lengths[:near]),
                    _scores(text, found[near:], lengths[near:]),
                )
            )
        self._tail = (self._tail + block[-_SEEN:])[-_SEEN:]

    def _last_line(self, at: int) -> int | None:
        """The index of the line that ends the piece whose lines begin with the one of index `at`, once it is known."""
        ends = self._ends
        first = at + int(np.searchsorted(ends[at:], self._start + self._least))
        beyond = at + int(np.searchsorted(ends[at:], self._start + self._most, side="right"))
        scores = self._scores[first:beyond]
        chosen = np.flatnonzero(scores * self.size < 1)
        if len(chosen):
            return first + int(chosen[0])
        if self._position - self._start < self._most:
            return None
        if len(scores):
            # Where lines are all alike, the size that was asked for decides.
            near = np.flatnonzero(scores == scores.min())
            middle = np.abs(ends[first:beyond][near] - (self._start + self.size))
            return first + int(near[np.argmin(middle)])
        return first if first < len(ends) else None

    def _digest_until(self, end: int) -> bytes:
        """Takes what is held, up to the offset `end`, into the digest of this piece."""
        offset = self._position - sum(map(len, self._held))
        while self._held and offset < end:
            block = self._held.pop(0)
            taken = min(len(block), end - offset)
            self._digest.update(block[:taken])
            offset += taken
            if taken < len(block):
                self._held.insert(0, block[taken:])
        return self._digest.digest()


def _scores(text: NDArray[np.uint8], newlines: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """For each line a number that depends on it alone, float64: of all lines of n bytes, a share of n * x is below x.

    `newlines` are the indexes of the line ends in `text`; `lengths` count them.
    """
    seen = np.minimum(lengths, _SEEN)
    mixed = lengths.astype(np.uint64) * _MIX[0]
    packed = np.zeros(len(newlines), np.uint64)
    for part in range(1, _PARTS):
        packed = (packed << np.uint64(8)) | text[newlines - seen * part // _PARTS]
    mixed ^= packed * _MIX[1]
    mixed ^= mixed >> np.uint64(32)
    mixed *= _MIX[2]
    mixed ^= mixed >> np.uint64(29)
    return (mixed >> np.uint64(11)) * 2.0**-53 / lengths
