"""TXT003 control-character."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import ClassVar, Final

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability, Fix, Replace
from dsprep.model.rule import ExampleRule, FixAvailability, RuleMeta
from dsprep.text.turn_bytes import TURN_BYTES

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_C0_BYTES: Final = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]+")
_C1_BYTES: Final = re.compile(rb"\xc2[\x80-\x9f]")
_ORDINARY: Final = bytes({*range(256)} - {*range(0x20), 0x7F} | {0x09, 0x0A})
_C1: Final = re.compile(r"[\x80-\x9f]")

#: Commands to a terminal (ECMA-48): colours and cursor moves, titles and links, choice of character set. A sole escape
#: character is not taken to begin one, or it would take the next letter with it.
_TERMINAL: Final = re.compile(
    r"\x1b\[[0-?]{0,64}[ -/]{0,8}[@-~]|\x1b\][^\x07\x1b\n]{0,2048}(?:\x07|\x1b\\)|\x1b[()][0-9A-Za-z]|\x1b[=>78]"
    r"|\x9b[0-9;]+[A-Za-z]"
)
_LINE_ENDS: Final = re.compile(r"\r\n?|[\x0b\x0c]")

_NAMES: Final = {"\0": "NUL", "\b": "BS", "\v": "VT", "\f": "FF", "\r": "CR", "\x1b": "ESC", "\x7f": "DEL"}
_EXCERPT: Final = 80
_BEFORE: Final = 24
_SHOWN: Final = 5


class ControlCharacter(ExampleRule):
    """A text holds control characters other than line feed and tab.

    ## What it does
    Reports characters of Unicode's blocks C0 (U+0000 to U+001F, without line feed and tab), U+007F and C1 (U+0080 to
    U+009F). Line ends of Windows and old Macs count: a carriage return is a control character.

    ## Why it matters
    They come from terminals, word processors, wrong decodings and broken exports. Nobody sees them, and the model
    learns to write them. `\\r\\n` is another token than `\\n`: a data set that has both teaches the same answer twice.

    ## Example
    ```json
    {"role": "assistant", "content": "\\u001b[31mError\\u001b[0m\\r\\n"}
    ```

    ## Fix
    Safe. Commands to terminals are removed whole; `\\r\\n`, a sole `\\r`, vertical tabs and form feeds become line
    feeds; C1 characters become what they stand for in Windows-1252, from which they nearly always come (U+0093 is a
    quotation mark there); all others are removed. A text of nothing else is left for you to look at.

    ## Source
    The Unicode Standard, chapter 23.1; ECMA-48 for terminals; ftfy, `fix_c1_controls`.
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="TXT003",
        name="control-character",
        severity=Severity.WARNING,
        message="control characters in the text: {characters}",
        summary="A text holds control characters other than line feed and tab.",
        fix=FixAvailability.SOMETIMES,
    )

    def find(self, batch: Batch) -> Iterator[Finding]:
        turns = batch.turns
        joined = batch.get(TURN_BYTES)
        suspects = set(joined.holding(_C1_BYTES))
        # Deleting all other bytes is ten times as fast as searching for a class of them, and mostly nothing remains.
        if joined.data.translate(None, _ORDINARY):
            suspects.update(joined.holding(_C0_BYTES))
        for turn in sorted(suspects):
            text = turns.text[turn]
            first = _CONTROL.search(text)
            if first is None:
                continue
            found = Counter(_CONTROL.findall(text))
            kinds = [f"{_name(character)} × {count}" for character, count in sorted(found.items())]
            if len(kinds) > _SHOWN:
                kinds[_SHOWN:] = [f"{len(kinds) - _SHOWN} others"]
            pointer = turns.pointer(turn)
            cleaned = _without_controls(text)
            yield self.at(
                batch,
                turns.row[turn],
                pointer,
                args={
                    "characters": ", ".join(kinds),
                    "count": found.total(),
                    "excerpt": text[max(0, first.start() - _BEFORE) :][:_EXCERPT],
                },
                fix=Fix(Applicability.SAFE, (Replace(pointer, cleaned),)) if cleaned.strip() else None,
            )


def _name(character: str) -> str:
    code = f"U+{ord(character):04X}"
    return f"{code} {_NAMES[character]}" if character in _NAMES else code


def _without_controls(text: str) -> str:
    text = _LINE_ENDS.sub("\n", _TERMINAL.sub("", text))
    if _C1.search(text):
        from ftfy.fixes import fix_c1_controls

        text = fix_c1_controls(text)
    return _CONTROL.sub("", text)
