"""Which texts of a batch are worth a closer look: one pass of RE2 over all of them, however many words it looks for."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dsprep.text.linear_patterns import linear
from dsprep.text.turn_bytes import TurnBytes


def any_of(words: Iterable[str]) -> str:
    """A pattern that matches each of `words`, which hold no line feed."""
    return "|".join(map(re.escape, words))


def turns_matching(joined: TurnBytes, pattern: str, *, lines: bool = False) -> list[int]:
    """The texts in which `pattern`, in RE2's syntax, matches: their indices in `batch.turns`, ascending.

    It may begin with a line feed only if `lines` is set, and then that of the line before; the first line of a text has
    one before it, too. It must not match another one.
    """
    # With a line feed put before all, what follows the first character of a match stands where the match began.
    data = b"\n" + joined.data if lines else joined.data
    return joined.at([start for start, _ in linear(pattern).spans(data)])
