"""Which script a text is written in, by the blocks of Unicode: enough to see that two cannot be of one language."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from typing import Final

#: Where a script begins among the code points; it reaches to the next entry. Symbols, marks and what nobody writes
#: prose in are of no script, an empty string. The source is Blocks.txt of the Unicode Character Database.
_BLOCKS: Final = (
    (0x0000, "latin"), (0x0370, "greek"), (0x0400, "cyrillic"), (0x0530, "armenian"), (0x0590, "hebrew"),
    (0x0600, "arabic"), (0x0700, ""), (0x0750, "arabic"), (0x0780, ""), (0x08A0, "arabic"), (0x0900, "devanagari"),
    (0x0980, "bengali"), (0x0A00, "gurmukhi"), (0x0A80, "gujarati"), (0x0B00, "oriya"), (0x0B80, "tamil"),
    (0x0C00, "telugu"), (0x0C80, "kannada"), (0x0D00, "malayalam"), (0x0D80, "sinhala"), (0x0E00, "thai"),
    (0x0E80, "lao"), (0x0F00, "tibetan"), (0x1000, "burmese"), (0x10A0, "georgian"), (0x1100, "hangul"),
    (0x1200, "ethiopic"), (0x13A0, ""), (0x1780, "khmer"), (0x1800, "mongolian"), (0x18B0, ""), (0x1E00, "latin"),
    (0x1F00, "greek"), (0x2000, ""), (0x3040, "kana"), (0x3100, ""), (0x3130, "hangul"), (0x3190, ""),
    (0x31F0, "kana"), (0x3200, ""), (0x3400, "han"), (0xA000, ""), (0xAC00, "hangul"), (0xD7B0, ""), (0xF900, "han"),
    (0xFB00, "latin"), (0xFB1D, "hebrew"), (0xFB50, "arabic"), (0xFE00, ""), (0xFE70, "arabic"), (0xFEFF, ""),
    (0xFF21, "latin"), (0xFF66, "kana"), (0xFFA0, ""), (0x20000, "han"), (0x32000, ""),
)  # fmt: skip
_STARTS: Final = [start for start, _ in _BLOCKS]
_NAMES: Final = [name for _, name in _BLOCKS]

#: Scripts whose words stand without spaces between them, so that a character stands for a word.
UNSPACED: Final = frozenset({"han", "kana", "thai", "lao", "khmer", "burmese", "tibetan"})
#: So many characters, evenly spread, are looked at.
_LOOKS: Final = 24


def script_of(char: str) -> str:
    """The script of a character, such as `latin` or `han`; an empty string if it has none that is told apart here."""
    return _NAMES[bisect_right(_STARTS, ord(char)) - 1]


def main_script(text: str) -> str:
    """The script of most letters of `text`; an empty string if there is no letter.

    Chinese characters and kana together are `kana`: that is Japanese.
    """
    if text.isascii():
        return "latin" if any(map(str.isalpha, text)) else ""
    counts = Counter(script_of(char) for char in text[:: max(1, len(text) // _LOOKS)] if char.isalpha())
    if counts["kana"] * 10 > counts["han"]:
        counts["kana"] += counts.pop("han", 0)
    return max(counts, key=lambda name: (counts[name], name)) if counts.total() else ""
