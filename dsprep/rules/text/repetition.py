"""TXT005 repetition."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Final

import numpy as np
from pydantic import Field

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import ExampleRule, RuleMeta, RuleOptions
from dsprep.text.loops import Limits, Loop, loops, suspects
from dsprep.text.message_texts import asked
from dsprep.text.turn_bytes import TURN_BYTES

_EXCERPT: Final = 80
_SHOWN: Final = 60
#: A shorter text goes round in no circle.
_SHORTEST: Final = 60

#: Whoever asks for it gets it.
_ASKED: Final = re.compile(
    r"\b(?:repeat(?:ed|ing|edly)?|repetiti\w+|over and over|infinite(?:ly)?|forever|non-?stop|endless(?:ly)?"
    r"|stutter\w*|verbatim"
    r"|onomatopoe\w+|(?:say|write|print|type|output|send|list|copy|fill)\b[^.?!\n]{0,60}\b(?:\d+|three|four|five"
    r"|six|ten|twenty|fifty"
    r"|hundred|thousand) times)\b",
    re.IGNORECASE,
)
#: And who asks for a song gets a refrain.
_SONG: Final = re.compile(
    r"\b(?:songs?|lyrics?|poems?|poetry|chants?|mantras?|hymns?|rap|verses?|refrain|chorus|ballads?|anthem"
    r"|limericks?|haikus?|rhymes?|lullab\w+"
    r"|nursery|prayers?|litany|villanelle|beatbox|scat|carols?|sing|jingles?|spells?)\b",
    re.IGNORECASE,
)


class RepetitionOptions(RuleOptions):
    words: int = Field(10, ge=10, description="so many times the same word in a row is a loop")
    phrases: int = Field(5, ge=5, description="so many times the same phrase in a row (short ones a little more often)")
    sentences: int = Field(3, ge=3, description="so many times the same sentence, or sequence of sentences, in a row")
    characters: int = Field(
        40,
        ge=40,
        description="so many times the same letter in a row; four times as many of digits and signs, ten times of"
        " rules",
    )
    roles: tuple[str, ...] = Field(("assistant",), description="whose texts to look at")


class Repetition(ExampleRule):
    """An answer says the same thing over and over.

    ## What it does
    Finds words, phrases, sentences and characters that are repeated right behind each other, as models do that are
    caught in a loop: a word 10 times, a phrase 5 times, a sentence 3 times, a letter 40 times. The numbers of a list do
    not count: `1. Be kind 2. Be kind` is a loop.

    Code, tables, rules (`-----`), numbers and drawings are left alone. Songs and poems may have twice as many repeats;
    who asks for repetition gets it.

    ## Why it matters
    Loops come from generated data that nobody read. A few are enough to teach a model to fall into them.

    ## Example
    ```json
    {"role": "assistant", "content": "I am sure. I am sure of it. I am sure of it. I am sure of it. I am sure of it."}
    ```

    ## Fix
    None: take the row out, or cut the answer off before the loop.

    ## Source
    Holtzman et al., "The Curious Case of Neural Text Degeneration" (2020); the repetition filters of Rae et al.,
    "Scaling Language Models" (Gopher, 2021), here for single loops instead of shares of the whole text.
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="TXT005",
        name="repetition",
        severity=Severity.WARNING,
        message="the same {kind} {times:,} times in a row: {said}",
        summary="An answer says the same thing over and over.",
    )
    Options = RepetitionOptions

    def find(self, batch: Batch) -> Iterator[Finding]:
        turns = batch.turns
        options: RepetitionOptions = self.options
        limits = Limits(options.words, options.phrases, options.sentences, options.characters)
        joined = batch.get(TURN_BYTES)
        bounds = [*joined.starts.tolist(), len(joined.data)]
        own = [
            turn for turn, role in enumerate(turns.role) if role in options.roles and len(turns.text[turn]) >= _SHORTEST
        ]
        data = b"".join(joined.data[bounds[turn] : bounds[turn + 1]] for turn in own)
        starts = np.cumsum([0, *(bounds[turn + 1] - bounds[turn] for turn in own)])
        spoken, spelt = suspects(data, starts[:-1])
        for i in sorted(spoken | spelt):
            turn = own[i]
            text = turns.text[turn]
            found = next(loops(text, limits, words=i in spoken, characters=i in spelt), None)
            if found is None:
                continue
            row = turns.row[turn]
            example = batch.examples[row]
            question = "" if example is None else asked(example, turns.message[turn])
            if _ASKED.search(question):
                continue
            if _SONG.search(question):
                found = next(loops(text, Limits(*(2 * limit for limit in limits))), None)
            if found is None or _is_given(found, text, question):
                continue
            yield self.at(
                batch,
                row,
                turns.pointer(turn),
                args={
                    "kind": found.kind,
                    "times": found.times,
                    "said": f"“{_shown(found.unit)}”",
                    "characters": found.length,
                    "excerpt": text[found.start :][:_EXCERPT],
                },
            )


def _is_given(found: Loop, text: str, question: str) -> bool:
    """Whether the loop stands in the question already, which the answer then works on."""
    return bool(question) and text[found.start : found.start + found.length] in question


def _shown(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _SHOWN else f"{words[: _SHOWN - 1]}…"
