"""SCH016 reserved-text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from dsprep.model.batch import Batch
from dsprep.model.chat import shown
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import ExampleRule, RuleMeta, RuleOptions
from dsprep.text.turn_bytes import TURN_BYTES

_EXCERPT = 80
_BEFORE = 24


class ReservedTextOptions(RuleOptions):
    """Options of reserved-text."""

    words: tuple[Annotated[str, Field(pattern=r"\S")], ...] = Field(
        (), description="words that no text may hold, besides the target's, such as `\\nHuman:`; case counts"
    )


class ReservedText(ExampleRule):
    r"""A text holds a word that the target reserves.

    ## What it does
    Looks for the target's `reserved` words, and those in `words`, in the texts of all messages. Case counts, and so
    does white space in a word: `\nHuman:` is found at the beginning of a line only, and not of the text. A target
    without reserved words has nothing reported, unless you name some. Once per text.

    ## Why it matters
    Such words mark whose turn it is in the form that the backend makes of a conversation. It refuses the file, or reads
    one message as two.

    ## Example
    With `words = ["\nHuman:", "\nAssistant:"]`:
    ```json
    {"role": "user", "content": "Continue this chat:\nHuman: hi"}
    ```

    ## Fix
    None: the text may be about the word. Say it in another way, or take the record out.

    ## Source
    Amazon Bedrock's user guide, preparing data for fine-tuning: reserved words of the Claude and Nova models.
    """

    meta = RuleMeta(
        code="SCH016",
        name="reserved-text",
        severity=Severity.ERROR,
        message="{target} reserves {word!r} (reserved words in this text: {count})",
        summary="a word the target reserves",
    )
    Options = ReservedTextOptions

    def find(self, batch: Batch) -> Iterator[Finding]:
        words = sorted({*self.context.target.reserved, *self.options.words}, key=lambda word: (-len(word), word))
        if not words:
            return
        turns = batch.turns
        # Without the line ends, which stand between the texts there; the look at the text itself is exact.
        anchors = b"|".join(sorted({re.escape(word.strip().encode("utf-8", "surrogatepass")) for word in words}))
        exact = re.compile("|".join(map(re.escape, words)))
        for turn in batch.get(TURN_BYTES).holding(re.compile(anchors)):
            text = turns.text[turn]
            found = [match.span() for match in exact.finditer(text)]
            if not found:
                continue
            start, end = found[0]
            args = {
                "word": shown(text[start:end], _EXCERPT),
                "count": len(found),
                "target": self.context.target.name,
                "excerpt": text[max(0, start - _BEFORE) :][:_EXCERPT],
            }
            yield self.at(batch, turns.row[turn], turns.pointer(turn), args=args)
