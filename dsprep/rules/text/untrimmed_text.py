"""TXT009 untrimmed-text."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import ClassVar, Final

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability, Fix, Replace
from dsprep.model.rule import ExampleRule, FixAvailability, RuleMeta
from dsprep.text.code_spans import fenced_blocks
from dsprep.text.turn_bytes import TURN_BYTES

_BLANK_BYTES: Final = re.compile(rb"\n[ \t]*\n[ \t]*\n[ \t]*\n")
#: Three empty lines or more. What stands before the text of the next line is its indentation and stays.
_BLANK_LINES: Final = re.compile(r"\n(?:[ \t]*\n){3,}")
_LEADING_LINES: Final = re.compile(r"(?:[^\S\n]*\n)+")
#: What programs return is quoted as it is.
_VERBATIM: Final = ("tool", "function")


class UntrimmedText(ExampleRule):
    """A text begins or ends with white space, or has runs of blank lines.

    ## What it does
    Reports white space at the end of a text, blank lines at its beginning, spaces at the beginning of a text of one
    line, and three or more blank lines in a row outside fenced code. The indentation of a first line that is followed
    by others is left alone, as it may be code; so are the ends of a part of a message, which another part may continue,
    and what tools return.

    ## Why it matters
    Tokenizers join a space to the word that follows it. A prompt that ends in a space, or an answer that begins with
    one, is another row of tokens than what the model will meet in use.

    ## Example
    ```json
    {"role": "assistant", "content": " Paris.\\n\\n"}
    ```

    ## Fix
    Safe. The white space at the ends is cut off, a run of blank lines becomes one blank line.

    ## Source
    OpenAI's former guide to completions asked for prompts without a space at the end, for the reason above.
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="TXT009",
        name="untrimmed-text",
        severity=Severity.INFO,
        message="{what}",
        summary="A text begins or ends with white space, or has runs of blank lines.",
        fix=FixAvailability.ALWAYS,
    )

    def find(self, batch: Batch) -> Iterator[Finding]:
        turns = batch.turns
        suspects = set(batch.get(TURN_BYTES).holding(_BLANK_BYTES))
        suspects.update(
            turn
            for turn, (text, part) in enumerate(zip(turns.text, turns.part, strict=True))
            if part is None and (text[-1:].isspace() or text[:1].isspace())
        )
        for turn in sorted(suspects):
            text = turns.text[turn]
            if turns.role[turn] in _VERBATIM or not text.strip():
                continue
            whole = turns.part[turn] is None
            what = _faults(text, whole=whole)
            if not what:
                continue
            pointer = turns.pointer(turn)
            yield self.at(
                batch,
                turns.row[turn],
                pointer,
                args={"what": ", ".join(what)},
                fix=Fix(Applicability.SAFE, (Replace(pointer, _trimmed(text, whole=whole)),)),
            )


def _faults(text: str, *, whole: bool) -> list[str]:
    what = []
    if whole and not text.startswith(_inner(text)):
        what.append("white space at the beginning")
    if whole and text[-1].isspace():
        what.append("white space at the end")
    if runs := len(_runs(_inner(text) if whole else text)):
        what.append("a run of blank lines" if runs == 1 else f"{runs} runs of blank lines")
    return what


def _inner(text: str) -> str:
    """`text` without what is cut off at its ends."""
    text = text.rstrip()
    if match := _LEADING_LINES.match(text):
        text = text[match.end() :]
    return text if "\n" in text else text.lstrip()


def _runs(text: str) -> list[re.Match[str]]:
    """The runs of blank lines outside fenced code."""
    runs = list(_BLANK_LINES.finditer(text))
    if not runs:
        return runs
    blocks = fenced_blocks(text)
    starts = [start for start, _ in blocks]
    inside = [bisect_right(starts, run.start()) - 1 for run in runs]
    return [run for run, i in zip(runs, inside, strict=True) if i < 0 or run.start() >= blocks[i][1]]


def _trimmed(text: str, *, whole: bool) -> str:
    if whole:
        text = _inner(text)
    out: list[str] = []
    place = 0
    for run in _runs(text):
        out += (text[place : run.start()], "\n\n")
        place = run.end()
    out.append(text[place:])
    return "".join(out)
