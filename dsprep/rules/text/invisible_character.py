"""TXT004 invisible-character."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import ClassVar, Final

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability, Fix, Replace
from dsprep.model.rule import ExampleRule, FixAvailability, RuleMeta
from dsprep.text.invisible import INVISIBLE, hidden_texts, unneeded, without

_EXCERPT: Final = 80
_BEFORE: Final = 24
_SHOWN: Final = 4
#: So much of a hidden text is shown.
_SAID: Final = 200
#: Taking a character away may leave another one without what it varied.
_ROUNDS: Final = 8


class InvisibleCharacter(ExampleRule):
    """A text holds characters that nobody sees and that it does not need.

    ## What it does
    Finds characters without width (U+200B, U+2060, U+FEFF), soft hyphens, joiners, marks, embeddings and overrides of
    the direction of writing, tag characters, variation selectors and Hangul fillers. If they spell a text (ASCII in tag
    characters, bytes in variation selectors, bits in characters without width), the finding shows it.

    What a text needs is left alone: joiners between emoji and in Persian, Arabic and Indic words, selectors behind
    emoji and ideographs, the flags of Scotland and other regions, U+200B between words of Thai, Khmer, Lao and Burmese,
    marks of direction in texts with Arabic or Hebrew, and embeddings and isolates there, if each is closed.

    ## Why it matters
    They come with copied web pages and are tokens like any others: `a\\u200bb` is not `ab`, and the model learns to
    write it. Some can hide instructions that a person never sees, or show code in another order than it runs.

    ## Example
    ```json
    {"role": "user", "content": "zero\\u200bwidth and\\u00adhyphen"}
    ```

    ## Fix
    Unsafe. Takes them out. A text of nothing else is left for you to look at.

    ## Source
    The Unicode Standard, chapter 23; Unicode Technical Standard 51, "Unicode Emoji"; Boucher and Anderson, "Trojan
    Source: Invisible Vulnerabilities" (2021).
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="TXT004",
        name="invisible-character",
        severity=Severity.WARNING,
        message="invisible characters in the text: {characters}{hidden}",
        summary="A text holds characters that nobody sees and that it does not need.",
        fix=FixAvailability.SOMETIMES,
    )

    def find(self, batch: Batch) -> Iterator[Finding]:
        turns = batch.turns
        for turn, text in enumerate(turns.text):
            if text.isascii() or INVISIBLE.search(text) is None:
                continue
            offsets = unneeded(text)
            if not offsets:
                continue
            found = Counter(text[at] for at in offsets)
            kinds = [f"{_name(character)} × {count}" for character, count in sorted(found.items())]
            if len(kinds) > _SHOWN:
                kinds[_SHOWN:] = [f"{len(kinds) - _SHOWN} others"]
            said = hidden_texts(text)
            pointer = turns.pointer(turn)
            cleaned = _cleaned(text)
            yield self.at(
                batch,
                turns.row[turn],
                pointer,
                args={
                    "characters": ", ".join(kinds),
                    "count": len(offsets),
                    "hidden": "".join(f"; hidden in {how}: {_escaped(text)}" for how, text in said[:_SHOWN]),
                    "excerpt": text[max(0, offsets[0] - _BEFORE) :][:_EXCERPT],
                },
                fix=Fix(Applicability.UNSAFE, (Replace(pointer, cleaned),)) if cleaned.strip() else None,
            )


def _name(character: str) -> str:
    code = ord(character)
    if 0xE0000 <= code <= 0xE007F:
        return f"U+{code:04X} TAG"
    return f"U+{code:04X} {unicodedata.name(character, '')}".strip()


def _escaped(text: str) -> str:
    """`text` in quotes, as in JSON: what was hidden once must not hide again."""
    return json.dumps(text if len(text) <= _SAID else f"{text[:_SAID]}…")


def _cleaned(text: str) -> str:
    for _ in range(_ROUNDS):
        offsets = unneeded(text)
        if not offsets:
            break
        text = without(text, offsets)
    return text
