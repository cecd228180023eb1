"""Text that goes round in circles: the same word, phrase, sentence or letter over and over, one right behind the other.

Time is linear in the length of a text: each period up to a longest one is tried once over all of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsprep.text.code_spans import code_blocks

#: A circle of so many words is one of sentences.
SENTENCE_WORDS: Final = 10
#: Longest periods that are tried: in words, in sentences, lines or what stands between commas, and in characters.
_WORDS: Final = 48
_UNITS: Final = 32
_CHARACTERS: Final = 24
#: Of a phrase of two or three words a few more repeats are ordinary.
_SHORT_PHRASE: Final = 3

Kind = Literal["word", "phrase", "sentence", "character"]


class Loop(NamedTuple):
    """What is repeated, how often, where it begins in the text, and how many characters it takes up there."""

    kind: Kind
    unit: str
    times: int
    start: int
    length: int


class Limits(NamedTuple):
    """From how many repeats on a loop is one."""

    word: int
    phrase: int
    sentence: int
    character: int

    def of(self, words: int) -> int:
        """For a unit of so many words."""
        if words == 1:
            return self.word
        if words >= SENTENCE_WORDS:
            return self.sentence
        return self.phrase + max(0, _SHORT_PHRASE - words + 1)


#: Characters of scripts without spaces are words of their own.
_UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_TOKEN: Final = re.compile(rf"[{_UNSPACED}]|\\?(?:(?![{_UNSPACED}])[\w'’])+")
_ASCII_TOKEN: Final = re.compile(r"\\?[\w']+")
_SENTENCE: Final = re.compile(r"[^\n.!?。！？؟।]{2,}[.!?。！？؟।]*")
#: The number or the bullet of an item is no part of it.
_ITEM: Final = re.compile(r"^[ \t>]*(?:#{1,6} +)?(?:\(?\d{1,4}[.):]\)?|[-*+•–]|[a-zA-Z][.)])[ \t]+", re.MULTILINE)
#: Lines of tables, and borders.
_TABLE: Final = re.compile(r"^[^\n]*(?:\|[^\n]*\||\t[^\n]*\t|─|═|┼|│)[^\n]*$", re.MULTILINE)

#: Rules and borders are as long as their author likes.
_RULES: Final = frozenset("-=_*#~+.·•─━═│|/\\<>^`:,┄┈▬█▓▒░●○■□◆◇★☆")
_RULE_RUN: Final = 10
_DIGIT_RUN: Final = 4
#: So many places of one period are looked at, if those before them do not matter.
_PLACES: Final = 64

# What `suspects` looks for: stretches in which everything is what it was a period before; by period, their length. A
# loop of one period is one of its multiples, too, so the small ones need not be tried.
_SUSPECT_WORDS: Final = {4: 5, 5: 16, 6: 10, 7: 16, 8: 16, 9: 16, 10: 16, 11: 16, 12: 16}
_SUSPECT_BYTES: Final = {**dict.fromkeys(range(8, 17), 3), **dict.fromkeys(range(25, 49), 5)}
_SUSPECT_ANCHORS: Final = 14
#: A text without spaces, or a word that goes round in circles by itself, is made of longer words than this (bytes).
_LONG_WORD: Final = 36
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_ALL_SAME: Final = np.uint64(0x0101010101010101)
_NEWLINE: Final = 10
#: The low 8n bits, for n bytes.
_LOW: Final = np.array([(1 << (8 * n)) - 1 for n in range(9)], np.uint64)
#: Behind a word with such an end, a number of an item or a bullet among them, another unit may begin.
_ENDS: Final = np.array([chr(byte) in ".!?)-*" for byte in range(256)])
_DIGITS: Final = np.array([chr(byte).isdigit() and byte < 0x80 for byte in range(256)])
_LETTERS: Final = np.array([byte >= 0x80 or chr(byte).isalpha() for byte in range(256)])
_WRITTEN: Final = _LETTERS | _DIGITS
_LONGEST_RULE: Final = 100
_NOWHERE: Final[NDArray[np.int64]] = np.empty((0, 2), np.int64)


class Suspects(NamedTuple):
    """Texts that may hold a loop, by index, ascending: of words or sentences, and of characters within a word."""

    words: set[int]
    characters: set[int]


def suspects(data: bytes, starts: NDArray[np.int64]) -> Suspects:
    """Which of some texts may hold a loop. `data` has them in UTF-8, a line feed behind each; `starts` says where.

    Words are compared with those 4 to 12 places behind them, by eight bytes, and some with those further on; sentences
    and lines with those 1 to 32 places behind them; the bytes of long words with those 8 to 48 behind them. A loop of
    some ten words shows; so do, now and then, tables and programs. A few ns a byte.
    """
    raw = np.frombuffer(data, np.uint8)
    blank = raw <= 0x20
    # Edges are the starts and the ends of words in turn; the last byte ends one.
    edges = np.flatnonzero(blank[1:] != blank[:-1]) + 1
    if not len(raw) or not blank[-1]:
        return Suspects(set(), set())
    if not blank[0]:
        edges = np.concatenate(([0], edges))
    edges = edges[: len(edges) // 2 * 2]
    words, ends = edges[::2], edges[1::2]
    if not len(words):
        return Suspects(set(), set())
    eight: NDArray[np.uint64] = np.ndarray((len(data) + 32,), "<u8", data + b"\0" * 40, strides=(1,))
    spoken = np.concatenate((_same_words(eight, words), _same_units(raw, eight, words, ends)))
    spelt = _same_bytes(raw, words, ends)
    return Suspects(_within_one(spoken, starts), _within_one(spelt, starts))


def _within_one(found: NDArray[np.int64], starts: NDArray[np.int64]) -> set[int]:
    """The texts in which one of the stretches begins and ends."""
    texts = np.searchsorted(starts, found, side="right") - 1
    return set(texts[texts[:, 0] == texts[:, 1], 0].tolist())


def _same_words(eight: NDArray[np.uint64], words: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where some words in a row are those a period before them: first and last offset, int64 of shape (n, 2)."""
    key = (eight[words] * _MIX >> np.uint64(32)).astype(np.uint32)
    found = [_NOWHERE]
    for period, length in _SUSPECT_WORDS.items():
        at = _stretches(key[period:] == key[:-period], length)
        found.append(np.stack((words[at], words[at + period + length - 1]), axis=1))
    # Longer periods show by one word in four, chosen by what it is, and by how far it is to the next.
    chosen = np.flatnonzero((key & np.uint32(3)) == 0)
    places = words[chosen]
    near = key[chosen] ^ np.diff(places, append=0).astype(np.uint32)
    for period in range(1, _SUSPECT_ANCHORS + 1):
        length = max(4, period)
        at = _stretches(near[period:] == near[:-period], length)
        found.append(np.stack((places[at], places[at + period + length - 1]), axis=1))
    return np.concatenate(found)


def _stretches(same: NDArray[np.bool_], length: int) -> NDArray[np.int64]:
    """Where `length` values in a row are true."""
    if len(same) < length:
        return np.empty(0, np.int64)
    run, whole = same, 1
    while whole < length:
        step = min(whole, length - whole)
        run = run[step:] & run[:-step]
        whole += step
    return np.flatnonzero(run)


def _same_units(
    raw: NDArray[np.uint8], eight: NDArray[np.uint64], words: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Where sentences, lines or items are there three times, at equal distances."""
    fresh = _ENDS[raw[ends[:-1] - 1]]
    fresh |= raw[ends[:-1]] == _NEWLINE
    fresh |= raw[words[1:] - 1] == _NEWLINE
    # Words that begin something, by index; the numbers of items do, too, but are no unit.
    first = np.concatenate(([0], np.flatnonzero(fresh) + 1))
    begin = words[first]
    end = ends[np.append(first[1:], len(words)) - 1]
    initial = raw[begin]
    kept = np.flatnonzero(_LETTERS[initial] | (_DIGITS[initial] & ~_ENDS[raw[ends[first] - 1]]))
    begin, end = begin[kept], end[kept]
    size = (end - begin).astype(np.uint64)
    # The first and the last eight bytes; of a shorter unit no more than it has.
    low = _LOW.take(end - begin, mode="clip")
    key = ((eight[begin] & low) ^ size) * _MIX
    key += (eight[np.maximum(begin, end - 8)] & low) * (_MIX << np.uint64(1) | np.uint64(1))
    found = [_NOWHERE]
    for period in range(1, min(_UNITS, len(key) // 3) + 1):
        same = key[period:] == key[:-period]
        run = same[period:] & same[:-period]
        # What stands last need not be whole.
        steps = {period // 3, period // 2, max(0, period - 2)}
        inner = len(run) - max(steps)
        if inner <= 0 or not run.any():
            continue
        whole = run[:inner].copy()
        for step in steps:
            whole &= run[step : step + inner]
        at = np.flatnonzero(whole)
        found.append(np.stack((begin[at], begin[np.minimum(at + 2 * period, len(begin) - 1)]), axis=1))
    return np.concatenate(found)


def _same_bytes(raw: NDArray[np.uint8], words: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where bytes of long words are those some bytes before them. Texts without spaces are long words all over."""
    long = np.flatnonzero(ends - words > _LONG_WORD)
    if not len(long):
        return _NOWHERE
    pieces = [raw[start:end] for start, end in zip(words[long].tolist(), ends[long].tolist(), strict=True)]
    joined = np.concatenate(pieces)
    offsets = np.cumsum([0, *map(len, pieces)])
    found = [_NOWHERE]
    for period, length in _SUSPECT_BYTES.items():
        same = joined[period:] == joined[:-period]
        # Eight at a time, at multiples of eight.
        at = _stretches(same[: len(same) // 8 * 8].view("<u8") == _ALL_SAME, length) * 8
        if len(at):
            # A rule is none, if it is no longer than rules are.
            near, far = joined[at], joined[np.minimum(at + _LONGEST_RULE, len(joined) - 1)]
            at = at[(joined[at + 1] != near) | _WRITTEN[near] | (near == far)]
        which = np.searchsorted(offsets, at, side="right") - 1
        place = words[long[which]] + at - offsets[which]
        found.append(np.stack((place, np.minimum(place + 8 * length - 1, len(raw) - 1)), axis=1))
    return np.concatenate(found)


def loops(text: str, limits: Limits, *, words: bool = True, characters: bool = True) -> Iterator[Loop]:
    """The loops in the prose of `text`: of `words` and sentences, of `characters` within a word; of each the one of the
    shortest period that is long enough."""
    prose = _without_code(text)
    # A language that is written without spaces has its words within what looks like one.
    if words or not text.isascii():
        yield from _spoken(text, _without_tables(prose), limits)
    if characters:
        yield from _characters(prose, limits)


def _spoken(text: str, prose: str, limits: Limits) -> Iterator[Loop]:
    words, places, ends = _tokens(prose)
    found = _circle(words, _WORDS, limits.of, lambda at, period: _is_wordy(words[at : at + period]))
    if found is not None:
        at, period, times = found
        start, end = places[at], ends[at + period * times - 1]
        kind: Kind = "word" if period == 1 else "sentence" if period >= SENTENCE_WORDS else "phrase"
        yield Loop(kind, text[start : ends[at + period - 1]], times, start, end - start)
    units = [match.span() for match in _SENTENCE.finditer(prose) if match.group().strip()]
    said = [" ".join(prose[slice(*unit)].lower().split()) for unit in units]
    if len(set(said)) < len(said):
        found = _circle(said, _UNITS, lambda _: limits.sentence, lambda at, period: _is_long(said[at : at + period]))
        if found is not None:
            at, period, times = found
            start, end = units[at][0], units[at + period * times - 1][1]
            yield Loop("sentence", text[start : units[at + period - 1][1]].strip(), times, start, end - start)


def _without_code(text: str) -> str:
    """`text` with blocks of code blanked: all that is left stands where it stood."""
    out: list[str] = []
    place = 0
    for start, end in code_blocks(text):
        out += (text[place:start], _blank(text[start:end]))
        place = end
    out.append(text[place:])
    return "".join(out)


def _without_tables(prose: str) -> str:
    """`prose` with tables and the numbers of items blanked."""
    if "|" in prose or "\t" in prose or not prose.isascii():
        prose = _TABLE.sub(lambda match: _blank(match.group()), prose)
    return _ITEM.sub(lambda match: " " * len(match.group()), prose)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _tokens(text: str) -> tuple[list[str], list[int], list[int]]:
    """The words of `text` in small letters, where each begins and where it ends."""
    found = list((_ASCII_TOKEN if text.isascii() else _TOKEN).finditer(text))
    return [m.group().lower() for m in found], [m.start() for m in found], [m.end() for m in found]


def _circle(
    items: Sequence[str], most: int, fewest: Callable[[int], int], matters: Callable[[int, int], bool]
) -> tuple[int, int, int] | None:
    """Where some of `items` are repeated right behind each other: the index of the first, how many they are, how often
    they are there. `fewest` says how often is enough for a period, `matters` whether those at an index do."""
    numbers: dict[str, int] = {}
    column = np.fromiter((numbers.setdefault(item, len(numbers)) for item in items), np.int32, len(items))
    return _periodic(column, range(1, most + 1), lambda period: period * fewest(period), matters)


def _periodic(
    column: NDArray[Any], periods: range, needed: Callable[[int], int], matters: Callable[[int, int], bool]
) -> tuple[int, int, int] | None:
    for period in periods:
        if (length := needed(period)) > len(column):
            continue
        same = column[period:] == column[:-period]
        if int(np.count_nonzero(same)) < length - period:
            continue
        edges = np.concatenate(([-1], np.flatnonzero(~same), [len(same)]))
        runs = np.diff(edges) - 1
        for which in np.flatnonzero(runs >= length - period)[:_PLACES].tolist():
            at = int(edges[which]) + 1
            if matters(at, period):
                return at, period, int(runs[which]) // period + 1
    return None


def _is_wordy(unit: Sequence[str]) -> bool:
    """Whether it is made of words rather than of numbers, single letters and commands of formulas (`\\times`)."""
    letters = sum(c.isalpha() for word in unit if word[0] != "\\" for c in word)
    return letters >= max(2, len(unit)) and 2 * letters >= sum(map(len, unit))


def _is_long(units: Sequence[str]) -> bool:
    letters = sum(c.isalpha() for unit in units for c in unit)
    return letters >= 20 and 2 * letters >= sum(map(len, units))


def _characters(prose: str, limits: Limits) -> Iterator[Loop]:
    """One character, or a few of them within a word, over and over."""
    encoding, size = ("ascii", np.uint8) if prose.isascii() else ("utf-32-le", np.uint32)
    column: NDArray[Any] = np.frombuffer(prose.encode(encoding, "surrogatepass"), size)

    def matters(at: int, period: int) -> bool:
        unit = prose[at : at + period]
        if period > 1:
            return " " not in unit and "\n" not in unit and any(c.isalpha() for c in unit)
        if unit.isspace():
            return False
        most = limits.character
        if unit in _RULES:
            most *= _RULE_RUN
        elif unit.isdigit() or not unit.isalnum():
            most *= _DIGIT_RUN
        return prose.startswith(unit * most, at)

    found = _periodic(column, range(1, _CHARACTERS + 1), lambda period: limits.character * min(2, period), matters)
    if found is not None:
        at, period, times = found
        yield Loop("character", prose[at : at + period], times, at, times * period)
