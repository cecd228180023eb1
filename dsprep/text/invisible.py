"""Characters that are not seen: which of them a text needs, and which only hide in it.

What is needed is said by the Unicode Standard: joiners in scripts whose letters join (chapter 23.2), tag characters in
the flags of regions and variation selectors behind what they vary (Unicode Technical Standard 51 and chapter 23.4),
marks of direction where text runs from right to left (Annex 9), spaces without width where no spaces part the words.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, NamedTuple

#: Every character that this module judges. Spaces and line separators have a width; controls are no part of it.
_INVISIBLE: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f\U000e0100-\U000e01ef"
)
INVISIBLE: Final = re.compile(f"[{_INVISIBLE}]")

#: Letters and marks of scripts whose letters join, so that a joiner or non-joiner between them changes their shape:
#: Arabic, Syriac, N'Ko, Mandaic; the Indic scripts with Sinhala; Tibetan, Myanmar, Khmer; Mongolian; scripts of Java,
#: Bali and their neighbours; Arabic in presentation forms; Brahmi's other descendants, Adlam.
_JOINING: Final = (
    "\u0600-\u0605\u0610-\u061b\u061d-\u07ff\u0840-\u085f\u0860-\u08ff\u0900-\u0dff\u0f00-\u0fff\u1000-\u109f"
    "\u1700-\u18af\u19e0-\u1cff\ua800-\ua8ff\ua900-\uaaff\uabc0-\uabff\ufb50-\ufdff\ufe70-\ufefc"
    "\U00010a00-\U00010fff\U00011000-\U0001177f\U0001e900-\U0001e95f"
)
_JOINING_LETTER: Final = re.compile(f"[{_JOINING}]")
#: Scripts written without spaces between words: Thai, Lao, Tibetan, Myanmar, Khmer, those of the Tai, of Java and Bali.
_UNSPACED_LETTER: Final = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\u1b00-\u1b7f\ua980-\ua9ff\uaa00-\uaadf]"
)
_RIGHT_TO_LEFT: Final = re.compile(
    "[\u05be\u05c0-\u05f4\u0608-\u061b\u061d-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff"
    "\U0001e800-\U0001efff]"
)
#: The flags of England, Scotland, Texas …: a black flag, the code of a region, the tag that ends it.
_FLAG: Final = re.compile(
    "\U0001f3f4[\U000e0061-\U000e007a]{2}[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,4}\U000e007f"
)
#: What an emoji is made of that is no symbol by its category: the bases of keycaps, marks and letters with a picture.
_EMOJI_OTHERS: Final = frozenset("0123456789#*\u203c\u2049\u2139\u3030\u303d\u20e3\u200d\ufe0f\U000e007f")
_IDEOGRAPH: Final = re.compile(
    "[\u2e80-\u2fdf\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
#: Other bases of standardised variants: Myanmar's dotted letters, Phags-pa, a slashed nought.
_VARIED: Final = re.compile("[0\u1000-\u109f\ua840-\ua877\uaa60-\uaa7f\uff01-\uff5e]")
_JAMO: Final = re.compile("[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]")

_OVERRIDES: Final = "\u202d\u202e"
_EMBEDDINGS: Final = "\u202a\u202b"
_POP_EMBEDDING: Final = "\u202c"
_ISOLATES: Final = "\u2066\u2067\u2068"
_POP_ISOLATE: Final = "\u2069"
_MARKS: Final = "\u200e\u200f\u061c"
_BIDI: Final = re.compile(f"[{_OVERRIDES}{_EMBEDDINGS}{_POP_EMBEDDING}{_ISOLATES}{_POP_ISOLATE}]")

#: A word needs one joiner at a place; a row of them is no spelling, but may be data.
_JOINERS: Final = re.compile("[\u200b-\u200d\u2060\ufeff]{4,}")
_SELECTORS: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2,}")
_TAGS: Final = re.compile("[\U000e0001-\U000e007f]+")
_PARAGRAPH: Final = re.compile("[^\n\r\x1c-\x1e\x85\u2029]+")


class Hidden(NamedTuple):
    """Text that invisible characters spell: what kind of them, and what it says."""

    how: str
    text: str


def unneeded(text: str) -> list[int]:
    """The offsets of the invisible characters of `text` that nothing in it needs, ascending.

    Bidirectional embeddings and isolates are needed only where the text has letters that run from right to left, and
    each is closed in its paragraph; overrides never are.
    """
    needed: set[int] = set()
    for flag in _FLAG.finditer(text):
        needed.update(range(flag.start() + 1, flag.end()))
    hiding: set[int] = set()
    for run in (*_JOINERS.finditer(text), *_SELECTORS.finditer(text)):
        # Two selectors behind one emoji are a slip of a keyboard: the second one is not needed, but hides nothing.
        hiding.update(range(run.start(), run.end()))
    leftward = _RIGHT_TO_LEFT.search(text) is not None
    if leftward:
        needed |= _closed(text)
    out = []
    for match in INVISIBLE.finditer(text):
        at, character = match.start(), match.group()
        if at in needed:
            continue
        if (at in hiding and not _varies(text, at)) or not _is_needed(text, at, character, leftward=leftward):
            out.append(at)
    return out


def without(text: str, offsets: list[int]) -> str:
    """`text` without the characters at `offsets` (ascending)."""
    out: list[str] = []
    place = 0
    for at in offsets:
        out.append(text[place:at])
        place = at + 1
    out.append(text[place:])
    return "".join(out)


def hidden_texts(text: str) -> list[Hidden]:
    """What invisible characters of `text` spell, as far as it can be read: ASCII in tag characters, bytes in variation
    selectors, bits in characters without width."""
    found = []
    plain = _FLAG.sub("", text)
    for run in _TAGS.findall(plain):
        said = "".join(chr(ord(tag) - 0xE0000) for tag in run)
        if any(character.isprintable() for character in said):
            found.append(Hidden("tag characters", said))
    for run in _SELECTORS.findall(plain):
        data = bytes(ord(c) - 0xFE00 if c <= "\ufe0f" else ord(c) - 0xE0100 + 16 for c in run)
        if len(data) > 2:
            found.append(Hidden("variation selectors", data.decode("utf-8", "replace")))
    bits = (_from_bits(run) for run in _JOINERS.findall(plain))
    return found + [Hidden("characters without width", said) for said in bits if said is not None]


def _from_bits(run: str) -> str | None:
    """The ASCII text that `run`, of two different characters (others part it), spells in bits; None if it does not."""
    kinds = sorted(set(run))
    for nought in kinds:
        for one in kinds:
            bits = "".join("0" if c == nought else "1" for c in run if c in (nought, one))
            for size in (8, 7, 16):
                if nought == one or len(bits) % size or len(bits) < 2 * size:
                    continue
                said = "".join(chr(int(bits[i : i + size], 2)) for i in range(0, len(bits), size))
                if said.isascii() and said.isprintable():
                    return said
    return None


def _closed(text: str) -> set[int]:
    """The offsets of embeddings and isolates that are closed in their paragraph, and of what closes them."""
    out: set[int] = set()
    if _BIDI.search(text) is None:
        return out
    for paragraph in _PARAGRAPH.finditer(text):
        opened: list[tuple[str, int]] = []
        for match in _BIDI.finditer(text, paragraph.start(), paragraph.end()):
            character, at = match.group(), match.start()
            if character == _POP_EMBEDDING:
                # Nothing inside an isolate closes what was opened before it.
                if opened and opened[-1][0] not in _ISOLATES:
                    kind, start = opened.pop()
                    if kind not in _OVERRIDES:
                        out |= {start, at}
            elif character == _POP_ISOLATE:
                while opened and opened[-1][0] not in _ISOLATES:
                    opened.pop()
                if opened:
                    out |= {opened.pop()[1], at}
            else:
                opened.append((character, at))
    return out


def _is_needed(text: str, at: int, character: str, *, leftward: bool) -> bool:
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if character == "\u200d":
        return (_is_emoji(before) and _is_emoji(after)) or _joins(before, after)
    if character == "\u200c":
        return _joins(before, after)
    if character == "\u200b":
        return bool((before and _UNSPACED_LETTER.match(before)) or (after and _UNSPACED_LETTER.match(after)))
    if character in _MARKS:
        return leftward
    if "\ufe00" <= character <= "\ufe0f" or character >= "\U000e0100":
        return _varies(text, at)
    if character in "\u115f\u1160":
        return bool((before and _JAMO.match(before)) or (after and _JAMO.match(after)))
    if "\u180b" <= character <= "\u180f":
        return "\u1800" <= before <= "\u18af"
    if character in "\u17b4\u17b5":
        return "\u1780" <= before <= "\u17ff"
    if character == "\u034f":
        # Keeps marks in an order that they would not have by themselves.
        return before != "" and unicodedata.category(before) in ("Mn", "Me") and unicodedata.combining(after or "a") > 0
    return False


def _joins(before: str, after: str) -> bool:
    return bool((before and _JOINING_LETTER.match(before)) or (after and _JOINING_LETTER.match(after)))


def _is_emoji(character: str) -> bool:
    return bool(character) and (
        character in _EMOJI_OTHERS or unicodedata.category(character) in ("So", "Sk", "Sm", "Cn")
    )


def _varies(text: str, at: int) -> bool:
    """Whether the character at `at` is a variation selector behind something that has variants."""
    character, before = text[at], text[at - 1 : at]
    if not before:
        return False
    if character in "\ufe0e\ufe0f":
        # A colour of skin that nobody sees, or the keycap, may stand between.
        return (before != "\ufe0f" and before != "\u200d" and _is_emoji(before)) or _IDEOGRAPH.match(before) is not None
    if character >= "\U000e0100":
        return _IDEOGRAPH.match(before) is not None
    if "\ufe00" <= character <= "\ufe0d":
        return unicodedata.category(before) in ("Sm", "So") or bool(_IDEOGRAPH.match(before) or _VARIED.match(before))
    return False
