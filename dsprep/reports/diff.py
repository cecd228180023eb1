"""One changed record, for people: which rules change it, and of each field the lines that differ, before and after.

What is shown of a field is a text in quotes, so that white space at its ends can be seen, cut down to what changes and
some characters around it. It comes from data, so it is made visible first (see `reports.visible`); colours are put
around it, never inside of it by it.
"""

from __future__ import annotations

import json
import os.path
import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any, NamedTuple

from dsprep.model import pointer as pointers
from dsprep.model.patch import difference, patched
from dsprep.reports import counted, visible

_RED, _GREEN, _BOLD, _DIM, _PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[1m", "\x1b[2m", "\x1b[0m"
_REVERSED, _UPRIGHT = "\x1b[7m", "\x1b[27m"

#: How many fields of a record, and how many lines of a field, are shown.
_FIELDS, _LINES = 8, 12
#: How many characters are shown on each side of a change, and of a change.
_AROUND, _CHANGED = 32, 120
#: Of more lines, or words in a line, than these no fine difference is looked for: that takes time that is quadratic.
_MOST_LINES, _MOST_WORDS = 400, 400
#: A pointer is made of keys, and these are data, too.
_LONGEST_FIELD = 160

_WORD = re.compile(r"\w+|\s+|[^\w\s]")


class _Piece(NamedTuple):
    """A part of a line, and whether it is what changes."""

    text: str
    changed: bool


class _Line(NamedTuple):
    """A line of a text that goes ("-") or comes ("+"), and its number in the old text."""

    sign: str
    pieces: Sequence[_Piece]
    number: int


def render_change(
    path: str,
    line: int | None,
    before: bytes,
    after: bytes | None,
    rules: Sequence[str] = (),
    *,
    colour: bool = False,
    ascii_only: bool = False,
) -> str:
    """The change of one record, whose lines are `before` and `after` (None: the row goes), by `rules` (what to call
    them). Without `line` it is the file as a whole that is written anew."""
    out = _Printer(colour, ascii_only)
    place = path if line is None else f"{path}:{line}"
    out.head(place, ", ".join(rules))
    if line is None:
        out.say("the file is written anew: UTF-8, no byte order mark, a record a line")
    elif after is None:
        out.say("the row goes" if before.strip() else "the empty line goes")
        if before.strip():
            out.line(_Line("-", _cropped([_Piece(before.decode("utf-8", "backslashreplace"), True)]), 0), quoted=False)
    else:
        _fields(before, after, out)
    return "\n".join(out.lines)


def _fields(before: bytes, after: bytes, out: _Printer) -> None:
    try:
        old, new = json.loads(before), json.loads(after)
        operations = difference(old, new)
    except (ValueError, RecursionError):
        # It could not be read, or is nested too deeply: its characters are all there is to compare.
        texts = (data.decode("utf-8", "backslashreplace") for data in (before, after))
        out.field("", _compared(*texts), several=False)
        return
    for operation in operations[:_FIELDS]:
        place = operation["path"]
        had = None if operation["op"] == "add" else pointers.resolve(old, place)
        has = operation.get("value")
        if isinstance(had, str) and isinstance(has, str):
            out.field(place, _compared(had, has), several="\n" in had)
        else:
            lines = [_Line("-", _shown(had), 1)] if operation["op"] != "add" else []
            lines += [_Line("+", _shown(has), 1)] if operation["op"] != "remove" else []
            out.field(place, iter(lines), several=False, quoted=False)
        old = patched(old, [operation])
    if len(operations) > _FIELDS:
        out.say(f"{out.dots} and {counted(len(operations) - _FIELDS, 'more change')} in this record")


def _shown(value: Any) -> list[_Piece]:
    return _cropped([_Piece(json.dumps(value, ensure_ascii=False), True)])


def _compared(old: str, new: str) -> Iterator[_Line]:
    """The lines of `old` that go and those of `new` that come, a pair at a time where one takes the place of the
    other."""
    a, b = old.split("\n"), new.split("\n")
    head = _alike(a, b)
    tail = _alike(a[head:][::-1], b[head:][::-1])
    a, b = a[head : len(a) - tail], b[head : len(b) - tail]
    if max(len(a), len(b)) <= _MOST_LINES:
        spans = [span[1:] for span in SequenceMatcher(None, a, b, autojunk=False).get_opcodes() if span[0] != "equal"]
    else:
        spans = [(0, len(a), 0, len(b))]
    for start, end, first, last in spans:
        for number, gone, come in _paired(a[start:end], b[first:last], head + start + 1):
            left, right = _words(gone or "", come or "")
            if gone is not None:
                yield _Line("-", left, number)
            if come is not None:
                yield _Line("+", right, number)


def _paired(gone: Sequence[str], come: Sequence[str], number: int) -> Iterator[tuple[int, str | None, str | None]]:
    """The lines that take each other's place, with their numbers from `number`: of unequally many, the first or the
    last ones belong together, whichever are more alike."""
    common = min(len(gone), len(come))
    longer = max(len(gone), len(come)) - common
    before = 0
    if longer and common and longer + common <= _MOST_LINES:
        first = zip(gone[:common], come[:common], strict=True)
        last = zip(gone[len(gone) - common :], come[len(come) - common :], strict=True)
        if sum(_likeness(*pair) for pair in last) > sum(_likeness(*pair) for pair in first):
            before = longer
    left = [None] * (before if len(gone) == common else 0) + list(gone)
    right = [None] * (before if len(come) == common else 0) + list(come)
    for i, (old, new) in enumerate(zip_longest(left, right)):
        yield number + min(i, max(len(gone) - 1, 0)), old, new


def _likeness(old: str, new: str) -> float:
    return SequenceMatcher(None, old[:_AROUND], new[:_AROUND], autojunk=False).quick_ratio()


def _alike(a: Any, b: Any) -> int:
    """How many items of two sequences, from the first on, are the same."""
    return len(os.path.commonprefix([a, b]))  # noqa: RUF071 - of sequences of any kind, not of paths


def _words(old: str, new: str) -> tuple[list[_Piece], list[_Piece]]:
    """The pieces of a line and of what takes its place, cut down to what differs and some characters around it."""
    head = _alike(old, new)
    tail = _alike(old[head:][::-1], new[head:][::-1])
    # Differences are of whole words: half a word says little.
    while head and old[head - 1].isalnum() and (old[head : head + 1] + new[head : head + 1]).isalnum():
        head -= 1
    middle, instead = old[head : len(old) - tail], new[head : len(new) - tail]
    before, behind = old[:head], old[len(old) - tail :]
    left, right = [_Piece(before, False)], [_Piece(before, False)]
    words, others = _WORD.findall(middle), _WORD.findall(instead)
    if max(len(words), len(others)) <= _MOST_WORDS:
        for kind, i, j, k, m in SequenceMatcher(None, words, others, autojunk=False).get_opcodes():
            left.append(_Piece("".join(words[i:j]), kind != "equal"))
            right.append(_Piece("".join(others[k:m]), kind != "equal"))
    else:
        left.append(_Piece(middle, True))
        right.append(_Piece(instead, True))
    return _cropped([*left, _Piece(behind, False)]), _cropped([*right, _Piece(behind, False)])


#: Stands for what is left out: this very object, as a text may be anything.
_CUT = _Piece("cut", False)


def _cropped(pieces: Sequence[_Piece]) -> list[_Piece]:
    """The pieces without what is too long, _CUT in its place."""
    out: list[_Piece] = []
    for number, (text, changed) in enumerate(pieces):
        keep = _CHANGED if changed else _AROUND
        # What is next to a change, even if nothing is left of it here, is kept.
        left = keep if number or changed else 0
        right = keep if number < len(pieces) - 1 or changed else 0
        if len(text) <= left + right + 8:
            out.append(_Piece(text, changed))
            continue
        out += [_Piece(text[:left], changed), _CUT, _Piece(text[len(text) - right :], changed)]
    return [piece for piece in out if piece.text]


class _Printer:
    """Collects the lines of one change."""

    def __init__(self, colour: bool, ascii_only: bool) -> None:
        self.lines: list[str] = []
        self._colour = colour
        self._ascii_only = ascii_only
        self.dots = "..." if ascii_only else "…"

    def head(self, place: str, rules: str) -> None:
        text = self._styled(_BOLD, self._visible(place))
        self.lines.append(f"{text}  {self._visible(rules)}" if rules else text)

    def say(self, text: str) -> None:
        self.lines.append(self._styled(_DIM, f"  {text}"))

    def field(self, pointer: str, lines: Iterator[_Line], *, several: bool, quoted: bool = True) -> None:
        """A field with its lines; `several`: its text has more than one, so numbers say which."""
        shown = pointer if len(pointer) <= _LONGEST_FIELD else pointer[:_LONGEST_FIELD] + self.dots
        number, total = 0, 0
        for line in lines:
            total += 1
            if total > _LINES:
                continue
            if total == 1 or (several and line.number > number + 1):
                at = f"line {line.number}" if several else ""
                label = ", ".join(filter(None, [self._visible(shown), at]))
                if label:
                    self.lines.append(f"  {label}")
            number = line.number
            self.line(line, quoted=quoted)
        if total > _LINES:
            self.say(f"  {self.dots} and {counted(total - _LINES, 'more line')}")

    def line(self, line: _Line, *, quoted: bool) -> None:
        quote = '"' if quoted else ""
        text = "".join(map(self._piece, line.pieces))
        self.lines.append(self._styled(_RED if line.sign == "-" else _GREEN, f"    {line.sign} {quote}{text}{quote}"))

    def _piece(self, piece: _Piece) -> str:
        if piece is _CUT:
            return self.dots
        text = self._visible(piece.text)
        return f"{_REVERSED}{text}{_UPRIGHT}" if self._colour and piece.changed else text

    def _visible(self, text: str) -> str:
        return visible(text, ascii_only=self._ascii_only)

    def _styled(self, style: str, text: str) -> str:
        return f"{style}{text}{_PLAIN}" if self._colour else text
