"""Word shingles: overlapping runs of five words, as hashes, for a whole batch of texts at once.

Works on the bytes of folded text (see `text.normal.fold`), without a Python object per word. A word is a run of letters
and digits, or a run of the signs that carry meaning in sums and code (`+`, `<=`), or one character of a script that is
written without spaces (Chinese, Japanese, Thai, Khmer, Burmese) or lies beyond the basic plane (emoji). Other
punctuation only separates.

The hashes are made for speed, not against an adversary: whoever knows this file can write texts that look alike to it.
Nothing is taken for equal on their account; they only say that two texts are alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsprep.text.mixing import numbers

#: Words per shingle.
SHINGLE_WORDS = 5

#: About how many bytes of text are worked on at once: what comes of it (words, shingles) stays in the cache of a core.
CHUNK_BYTES = 1 << 18

# Longer words are cut, so that a text without any space neither is one single word nor takes long to hash.
_LONGEST_WORD = 64

# Words are told apart in smaller pieces still, because each step makes an array that is several times as large, and
# fresh memory costs more than the arithmetic.
_WORDS_BYTES = 1 << 17

_SEPARATOR, _LETTERS, _SIGNS = 0, 1, 2


def _kinds() -> bytes:
    table = bytearray(256)
    for byte in b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_":
        table[byte] = _LETTERS
    for byte in b"+/<>=%^&|~$":
        table[byte] = _SIGNS
    table[0x80:] = bytes([_LETTERS]) * 0x80
    return bytes(table)


_KIND = _kinds()
# The low 8n bits, for words of n bytes.
_LOW = np.array([(1 << (8 * n)) - 1 for n in range(9)], np.uint64)

# Odd factors: for the first eight bytes of a word, for each further eight, and for a shingle.
_FIRST, _NEXT, _FINISH = (np.uint64(x | 1) for x in numbers(2, 3))
_PLACES = np.array([x | 1 for x in numbers(7, SHINGLE_WORDS)], np.uint64)
_32 = np.uint64(32)


@dataclass(frozen=True, slots=True)
class Shingles:
    """The shingles of n texts: those of text i are `hashes[offsets[i] : offsets[i + 1]]`, in order, with repeats.

    `hashes` is uint32, `offsets` int64 of length n + 1.
    """

    hashes: NDArray[np.uint32]
    offsets: NDArray[np.int64]

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many shingles each text has."""
        return np.diff(self.offsets)


def chunks(texts: Sequence[bytes], limit: int = CHUNK_BYTES) -> Iterator[slice]:
    """Slices of `texts` of at most `limit` bytes each, or of one longer text, in order."""
    ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))
    start = done = 0
    while start < len(texts):
        stop = max(start + 1, int(np.searchsorted(ends, done + limit, side="right")))
        yield slice(start, stop)
        start, done = stop, int(ends[stop - 1])


def shingles(texts: Sequence[bytes], apart: NDArray[np.uint64] | None = None) -> Shingles:
    """The shingles of `texts`, folded UTF-8.

    A text of n words has n - 4 shingles, one of one to four words a single one, one without any word none. Texts with
    different numbers in `apart` (one per text; 0 is usual) share no shingle.
    """
    words, counts = word_hashes(texts)
    return _combined(words, counts, apart)


def distinct(found: Shingles, at_once: int = 1 << 20) -> Shingles:
    """The shingles of each text as a set: sorted, without repeats. `at_once` are worked on at a time."""
    members: list[NDArray[np.uint32]] = [np.empty(0, np.uint32)]
    n = len(found.offsets) - 1
    counts = np.zeros(n, np.int64)
    start = 0
    while start < n:
        stop = int(np.searchsorted(found.offsets, found.offsets[start] + at_once, side="right")) - 1
        stop = min(max(stop, start + 1), n)
        hashes = found.hashes[found.offsets[start] : found.offsets[stop]]
        # Sorted by number of text and hash at once.
        packed = np.repeat(np.arange(stop - start, dtype=np.uint64), found.counts[start:stop]) << _32 | hashes
        packed.sort()
        fresh = np.ones(len(packed), np.bool_)
        np.not_equal(packed[1:], packed[:-1], out=fresh[1:])
        packed = packed[fresh]
        members.append(packed.astype(np.uint32))
        counts[start:stop] = np.bincount((packed >> _32).astype(np.int64), minlength=stop - start)
        start = stop
    offsets = np.zeros(n + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return Shingles(np.concatenate(members), offsets)


def word_hashes(texts: Sequence[bytes]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The hash of every word of `texts`, in order, uint64; and how many words each text has, int64."""
    found = [_words(texts[piece]) for piece in chunks(texts, _WORDS_BYTES)]
    if len(found) == 1:
        return found[0]
    hashes = [np.empty(0, np.uint64), *(words for words, _ in found)]
    return np.concatenate(hashes), np.concatenate([np.empty(0, np.int64), *(counts for _, counts in found)])


def _words(texts: Sequence[bytes]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    # Texts stand between NULs, which separate, so no word spans two. More of them lets eight bytes be read anywhere.
    raw = b"\0" + b"\0".join(texts) + b"\0" * 9
    kind = np.frombuffer(raw.translate(_KIND), np.uint8)
    ends = np.fromiter(map(len, texts), np.int64, len(texts)) + 1
    np.cumsum(ends, out=ends)
    # From here on, places count from the byte after the first NUL.
    if raw.isascii():
        change = kind[1:] != kind[:-1]
    else:
        kind, lone = _characters(np.frombuffer(raw, np.uint8), kind)
        change = kind[1:] != kind[:-1]
        change |= lone
    edges = np.flatnonzero(change)
    # The last edge ends a word, as separators stand at the end; those before it begin one if they begin no separator.
    at = np.flatnonzero(kind[1:].take(edges))
    starts = edges.take(at)
    sizes = np.diff(edges).take(at)
    if len(sizes) and int(sizes.max()) > _LONGEST_WORD:
        starts, sizes = _cut(starts, sizes)
    return _hashed(raw, starts, sizes), np.diff(np.searchsorted(starts, ends), prepend=0)


def _characters(data: NDArray[np.uint8], kind: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Kinds with the characters beyond ASCII told apart; and whether a word ends before byte i + 1, for every i."""
    kind = kind.copy()
    edge = np.zeros(len(data), np.bool_)
    leads = np.flatnonzero(data >= 0xC2)
    lead, second = data[leads], data[leads + 1]

    # U+0080-U+00BF, U+2000-U+2FFF, U+3000-U+303F and U+F000-U+FFFF are punctuation and symbols, after NFKC at least.
    blank = leads[(lead == 0xC2) | (lead == 0xE2) | (lead == 0xEF) | ((lead == 0xE3) & (second == 0x80))]
    kind[blank] = kind[blank + 1] = _SEPARATOR
    longer = blank[data[blank] != 0xC2]
    # A cut sequence (there is none in well-formed text) may be followed by anything; only continuations are blanked.
    longer = longer[data[longer + 2] >= 0x80]
    kind[longer + 2] = _SEPARATOR

    # U+3040-U+9FFF (kana and Chinese characters); Thai and Lao; Burmese; Khmer.
    alone = (lead >= 0xE3) & (lead <= 0xE9)
    alone |= (lead == 0xE0) & (second >= 0xB8) & (second <= 0xBB)
    alone |= (lead == 0xE1) & (((second >= 0x80) & (second <= 0x82)) | (second == 0x9E) | (second == 0x9F))
    three = leads[alone]
    four = leads[lead >= 0xF0]
    edge[three] = edge[four] = True
    edge[three + 3] = edge[four + 4] = True
    return kind, edge[1:]


def _cut(starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    pieces = (sizes + (_LONGEST_WORD - 1)) // _LONGEST_WORD
    total = np.cumsum(pieces)
    nth = np.arange(int(total[-1])) - np.repeat(total - pieces, pieces)
    cut = np.repeat(starts, pieces) + nth * _LONGEST_WORD
    return cut, np.minimum(np.repeat(starts + sizes, pieces) - cut, _LONGEST_WORD)


def _hashed(raw: bytes, starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The hash of the bytes of each word: blocks of eight, multiplied and shifted in one after the other."""
    # Eight bytes from any place (the first byte of `raw` is none): numbers that overlap, without a copy.
    eight: NDArray[np.uint64] = np.ndarray((len(raw) - 8,), "<u8", raw, offset=1, strides=(1,))
    out = eight[starts].astype(np.uint64, copy=False)
    spare = _LOW.take(sizes, mode="clip")
    out &= spare
    out *= _FIRST
    np.right_shift(out, _32, out=spare)
    out ^= spare
    rest = np.flatnonzero(sizes > 8)
    done = 8
    while len(rest):
        block = eight[starts[rest] + done] & _LOW.take(sizes[rest] - done, mode="clip")
        mixed = (out[rest] ^ block) * _NEXT
        mixed ^= mixed >> _32
        out[rest] = mixed
        done += 8
        rest = rest[sizes[rest] > done]
    return out


def _combined(words: NDArray[np.uint64], counts: NDArray[np.int64], apart: NDArray[np.uint64] | None) -> Shingles:
    k = SHINGLE_WORDS
    ends = np.cumsum(counts)
    starts = ends - counts
    m = len(words)
    sums = words * _PLACES[0]
    for place in range(1, k):
        if m > place:
            sums[: m - place] += words[place:] * _PLACES[place]
    # The last four of a text would reach into the next one ...
    valid = np.ones(m, np.bool_)
    for back in range(1, k):
        valid[(ends - back)[counts >= back]] = False
    # ... and a text of fewer than five words is one shingle of all it has.
    short = np.flatnonzero((counts > 0) & (counts < k))
    if len(short):
        first = starts[short]
        total = words[first] * _PLACES[0]
        for place in range(1, k - 1):
            has = counts[short] > place
            total[has] += words[first[has] + place] * _PLACES[place]
        sums[first] = total
        valid[first] = True
    out = sums[valid]
    sizes = np.where(counts < k, np.minimum(counts, 1), counts - (k - 1))
    if apart is not None and apart.any():
        out ^= np.repeat(apart, sizes)
    out ^= out >> _32
    out *= _FINISH
    out ^= out >> _32
    out *= _FIRST
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(sizes, out=offsets[1:])
    return Shingles((out >> _32).astype(np.uint32), offsets)
