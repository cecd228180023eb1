"""Text that was decoded with the wrong encoding, and what it was meant to be.

Whether a line is such text, and what it should say, ftfy decides: it knows which sequences of characters are unlikely
in any language and still make sense as UTF-8 that was read as something else. It takes 0.2 µs for a character, so it is
asked about lines only that hold such a sequence at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from dsprep.text.turn_bytes import TurnBytes

if TYPE_CHECKING:
    from ftfy import TextFixerConfig

#: The encodings of one byte a character that UTF-8 is taken for.
_ENCODINGS: Final = (
    "latin-1",
    "cp1252",
    "cp1250",
    "cp1251",
    "cp1253",
    "cp1254",
    "cp1257",
    "iso8859-2",
    "mac-roman",
    "cp437",
)
_CONSOLE_TRAIL: Final = re.escape(bytes(range(0x80, 0xC0)).decode("cp437"))
#: UTF-8 on a console of Windows (code page 437), which ftfy takes for box drawings: punctuation, letters within a word.
_CONSOLE: Final = re.compile(
    rf"ΓÇ[{_CONSOLE_TRAIL}]|(?<=[A-Za-z])├[{_CONSOLE_TRAIL}](?=[a-z])|├[\u0080-\u24ff\u2580-\u2593](?=[a-z])"
    rf"|┬[░ú⌐«ó](?=[A-Za-z0-9 ])"
)
REPLACEMENT: Final = "\ufffd"


class Garbled(NamedTuple):
    """A line that was decoded wrongly: its span in the text, and what it should say. `lost` if some of it is not to be
    had any more, and the replacement character stands there."""

    start: int
    end: int
    meant: str
    lost: bool


def _characters(first: int, last: int, encoding: str) -> str:
    return "".join(sorted(set(bytes(range(first, last + 1)).decode(encoding, "ignore"))))


def _class(characters: str) -> str:
    return "[" + "".join(map(re.escape, sorted(set(characters)))) + "]"


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Two tests, each cheaper than the next: any lead byte with a continuation behind it, in whatever encoding; and a
    whole sequence of UTF-8, in one of them."""
    leads, trails, whole = "", "", []
    for encoding in _ENCODINGS:
        trail = _characters(0x80, 0xBF, encoding) + REPLACEMENT
        two, three, four = (_characters(*span, encoding) for span in ((0xC2, 0xDF), (0xE0, 0xEF), (0xF0, 0xF4)))
        leads += two + three + four
        trails += trail
        t = _class(trail)
        if encoding in ("cp1251", "cp1253"):
            # One letter of a real word may look like that; two of them are hardly ever neighbours.
            whole.append(f"(?:{_class(two)}{t}){{2}}")
        else:
            whole.append(_class(two) + t)
        whole += [f"{_class(three)}{t}{t}", f"{_class(four)}{t}{t}{t}"]
    # A no-break space that became a plain one.
    space = "[ÃÂ] "
    return re.compile(f"{_class(leads)}{_class(trails)}|{space}"), re.compile("|".join((*whole, space)))


#: By first byte: characters that a lead byte of UTF-8 is read as, those of two bytes and of three, and the ones that a
#: continuation is read as. Scripts beyond Latin, Greek and Cyrillic have none.
_SHORT_LEAD: Final = bytes(byte in b"\xc3\xc4\xc5\xce\xcf\xd0\xd1" for byte in range(256))
_TRAIL: Final = bytes(byte in b"\xc2\xc3\xc4\xc5\xc6\xcb\xce\xcf\xd0\xd1\xd2\xe2\xef" for byte in range(256))
#: Those of three bytes (`â€™` in Mac Roman, box drawings); what stands before a no-break space that became a plain one.
_LONG_LEAD: Final = re.compile(rb"\xe2(?:\x80\x9a|[\x81-\xbf][\x80-\xbf])[\xc2-\xf4]")
_SPACE: Final = re.compile(rb"\xc3[\x82\x83] ")
_LOST: Final = re.compile(REPLACEMENT.encode())


def maybe_garbled(joined: TurnBytes) -> list[int]:
    """The texts that may be garbled, or hold U+FFFD: their indices in `batch.turns`, ascending."""
    data = joined.data
    if data.isascii():
        return []
    trail = np.frombuffer(data.translate(_TRAIL), np.bool_)
    lead = np.frombuffer(data.translate(_SHORT_LEAD), np.bool_)
    pairs = np.flatnonzero(lead[:-2] & trail[2:])
    others = (turn for pattern in (_LONG_LEAD, _SPACE, _LOST) for turn in joined.holding(pattern))
    return sorted({*joined.at(pairs), *others})


def garbled_lines(text: str) -> Iterator[Garbled]:
    """The lines of `text` that were decoded wrongly, in order."""
    first, whole = _patterns()
    end = 0
    for pair in first.finditer(text):
        if pair.start() < end or whole.match(text, pair.start()) is None:
            continue
        start = text.rfind("\n", 0, pair.start()) + 1
        end = text.find("\n", pair.start())
        end = len(text) if end < 0 else end
        if (meant := _meant(text[start:end])) is not None:
            yield Garbled(start, end, meant, REPLACEMENT in meant)


def _meant(line: str) -> str | None:
    """What `line` was before it was decoded wrongly; None if it is what it should be."""
    from ftfy import fix_encoding
    from ftfy.badness import is_bad
    from ftfy.fixes import fix_c1_controls

    meant = fix_encoding(line, _config()) if is_bad(line) else line
    meant = _CONSOLE.sub(_from_console, meant)
    # Controls from Windows-1252 in a line that is right otherwise are control characters and no more.
    return None if meant in (line, fix_c1_controls(line)) else meant


def _from_console(match: re.Match[str]) -> str:
    try:
        return match.group().encode("cp437").decode("utf-8")
    except UnicodeDecodeError:
        return match.group()


@cache
def _config() -> TextFixerConfig:
    from ftfy import TextFixerConfig

    # Nothing but the encoding: quotes, ligatures, widths, entities and normal forms stay what they are.
    return TextFixerConfig(
        unescape_html=False,
        remove_terminal_escapes=False,
        fix_c1_controls=False,
        fix_latin_ligatures=False,
        fix_character_width=False,
        uncurl_quotes=False,
        fix_line_breaks=False,
        fix_surrogates=False,
        remove_control_chars=False,
        normalization=None,
        explain=False,
    )
