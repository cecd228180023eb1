"""TXT002 mojibake."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability, Fix, Replace
from dsprep.model.rule import ExampleRule, FixAvailability, RuleMeta
from dsprep.text.message_texts import speaking_of
from dsprep.text.mojibake import REPLACEMENT, Garbled, garbled_lines, maybe_garbled
from dsprep.text.turn_bytes import TURN_BYTES

#: A conversation about such text shows it on purpose.
_ABOUT: Final = re.compile(
    r"\b(?:mojibake|garbled|gibberish|replacement characters?|(?:wrong|character|text|utf-?8) encoding"
    r"|encoding (?:issue|problem|error)s?|(?:de|en)coded (?:as|in|with|using) (?:utf|latin|iso|windows|cp|ascii)"
    r"|u\+fffd)\b",
    re.IGNORECASE,
)
_EXCERPT: Final = 80
_BEFORE: Final = 24
_SHOWN: Final = 32


class Mojibake(ExampleRule):
    """A text was decoded with the wrong encoding.

    ## What it does
    Finds UTF-8 that was read as Windows-1252, Latin-1, another encoding of one byte a character, or more than once
    (`donâ€™t` for `don’t`, `cafÃ©` for `café`), and U+FFFD, which a decoder writes where it had to give up. ftfy judges
    each line that holds such a sequence. Conversations about encodings are left alone.

    One encoding of one byte taken for another (Cyrillic in Windows-1251 read as Latin-1) is not seen.

    ## Why it matters
    Each such character is several tokens of noise, and the model learns to write them.

    ## Example
    ```json
    {"role": "assistant", "content": "Itâ€™s the cafÃ© on the corner."}
    ```

    ## Fix
    Unsafe. Writes the line as it was meant, and changes nothing but the encoding. What was lost (U+FFFD) cannot be
    mended: a line that holds it is left for you.

    ## Source
    ftfy, "fix_encoding" and its heuristic of badness: <https://ftfy.readthedocs.io/en/latest/heuristic.html>.
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="TXT002",
        name="mojibake",
        severity=Severity.WARNING,
        message="decoded with the wrong encoding: {what}",
        summary="A text was decoded with the wrong encoding.",
        fix=FixAvailability.SOMETIMES,
    )

    def find(self, batch: Batch) -> Iterator[Finding]:
        turns = batch.turns
        about = speaking_of(batch, _ABOUT)
        for turn in maybe_garbled(batch.get(TURN_BYTES)):
            text = turns.text[turn]
            garbled = list(garbled_lines(text))
            lost = text.count(REPLACEMENT)
            if not garbled and not lost:
                continue
            row = turns.row[turn]
            if about(row):
                continue
            pointer = turns.pointer(turn)
            place = _first_difference(text, garbled[0]) if garbled else text.index(REPLACEMENT)
            mended = _mended(text, garbled)
            yield self.at(
                batch,
                row,
                pointer,
                args={
                    "what": _what(text, garbled, lost),
                    "lines": len(garbled),
                    "excerpt": text[max(0, place - _BEFORE) :][:_EXCERPT],
                },
                fix=Fix(Applicability.UNSAFE, (Replace(pointer, mended),)) if mended != text else None,
            )


def _first_difference(text: str, line: Garbled) -> int:
    meant = line.meant
    for i in range(line.end - line.start):
        if meant[i : i + 1] != text[line.start + i]:
            return line.start + i
    return line.start


def _what(text: str, garbled: list[Garbled], lost: int) -> str:
    said = []
    if garbled:
        first = garbled[0]
        place = _first_difference(text, first)
        # From the beginning of the word to the next space, in both.
        start = max(text.rfind(" ", first.start, place) + 1, first.start, place - _SHOWN)
        wrong = text[start : min(first.end, start + _SHOWN)].partition(" ")[0]
        right = first.meant[start - first.start :][:_SHOWN].partition(" ")[0]
        said.append(f"`{wrong}` is `{right}`")
        if len(garbled) > 1:
            said.append(f"{len(garbled):,} lines in all")
    if lost:
        said.append(f"U+FFFD × {lost:,}, what stood there is lost")
    return "; ".join(said)


def _mended(text: str, garbled: list[Garbled]) -> str:
    out: list[str] = []
    place = 0
    for line in garbled:
        if not line.lost:
            out += (text[place : line.start], line.meant)
            place = line.end
    out.append(text[place:])
    return "".join(out)
