"""What differs between two texts, by words."""

from __future__ import annotations

import os.path
import re
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any, Final, NamedTuple

_WORD: Final = re.compile(r"\w+|\s+|[^\w\s]")
#: Of more words than this no fine difference is looked for: that takes time that is quadratic.
_MOST_WORDS: Final = 600
#: Words that both have between two changes are part of the change if they are no longer than this: a change that is
#: broken up into letters and spaces cannot be read.
_LEAST_COMMON: Final = 3


class Op(StrEnum):
    """What becomes of a piece of the old text, or where a piece of the new one comes from."""

    SAME = "same"
    GONE = "gone"
    COME = "come"
    #: Stands for text that both have and that is not shown.
    CUT = "cut"


class Change(NamedTuple):
    """A piece of one of the texts, or of both."""

    op: Op
    text: str


def word_diff(old: str, new: str) -> list[Change]:
    """The way from `old` to `new`: the pieces that are the same and those that are gone make up `old`, those that are
    the same and those that come `new`."""
    head = _alike(old, new)
    tail = _alike(old[head:][::-1], new[head:][::-1])
    # Differences are of whole words.
    while head and _within_word(old, new, head):
        head -= 1
    behind = len(old) - tail
    while tail and _within_word(old[::-1], new[::-1], tail):
        tail -= 1
    behind = len(old) - tail
    words, others = _WORD.findall(old[head:behind]), _WORD.findall(new[head : len(new) - tail])
    out = [Change(Op.SAME, old[:head])]
    if max(len(words), len(others)) > _MOST_WORDS:
        out += [Change(Op.GONE, "".join(words)), Change(Op.COME, "".join(others))]
    else:
        for kind, i, j, k, m in SequenceMatcher(None, words, others, autojunk=False).get_opcodes():
            gone, come = "".join(words[i:j]), "".join(others[k:m])
            out += [Change(Op.SAME, gone)] if kind == "equal" else [Change(Op.GONE, gone), Change(Op.COME, come)]
    return _readable([*out, Change(Op.SAME, old[behind:])])


def cropped(changes: list[Change], around: int) -> list[Change]:
    """`changes` with no more than `around` characters of what is the same on each side of a difference, and a CUT where
    something is left out."""
    out: list[Change] = []
    for number, change in enumerate(changes):
        if change.op is not Op.SAME:
            out.append(change)
            continue
        left = around if number else 0
        right = around if number < len(changes) - 1 else 0
        if len(change.text) <= left + right + 8:
            out.append(change)
            continue
        head, tail = _whole_words(change.text, left), _whole_words(change.text[::-1], right)[::-1]
        pieces = (Change(Op.SAME, head), Change(Op.CUT, ""), Change(Op.SAME, tail))
        out += [piece for piece in pieces if piece.text or piece.op is Op.CUT]
    return out


def _whole_words(text: str, size: int) -> str:
    """The first `size` characters without a word that is cut off, unless it is all there is."""
    end = size
    while end and end < len(text) and _is_word(text[end - 1]) and _is_word(text[end]):
        end -= 1
    return text[: end or size]


def _readable(changes: list[Change]) -> list[Change]:
    """Neighbouring changes as one, with the few letters between them."""
    out: list[Change] = []
    gone = come = between = ""
    for op, text in changes:
        if op is Op.GONE:
            gone, come, between = gone + between + text, come + between, ""
        elif op is Op.COME:
            gone, come, between = gone + between, come + between + text, ""
        elif (gone or come) and len(between + text) <= _LEAST_COMMON:
            between += text
        else:
            out += [Change(Op.GONE, gone), Change(Op.COME, come), Change(Op.SAME, between + text)]
            gone = come = between = ""
    out += [Change(Op.GONE, gone), Change(Op.COME, come), Change(Op.SAME, between)]
    return [change for change in out if change.text]


def _alike(a: Any, b: Any) -> int:
    """How many items of two sequences, from the first on, are the same."""
    return len(os.path.commonprefix([a, b]))  # noqa: RUF071 - of texts, not of paths


def _within_word(old: str, new: str, at: int) -> bool:
    return _is_word(old[at - 1]) and any(_is_word(text[at]) for text in (old, new) if at < len(text))


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"
