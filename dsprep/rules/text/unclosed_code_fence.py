"""TXT010 unclosed-code-fence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

from dsprep.model.batch import Batch, Turns
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import ExampleRule, RuleMeta
from dsprep.text.code_spans import unclosed_fence

#: What programs return is quoted as it is.
_VERBATIM: Final = ("tool", "function")
_EXCERPT: Final = 80


class UnclosedCodeFence(ExampleRule):
    """A fence of a code block has no other half.

    ## What it does
    Pairs the fences (three backticks or tildes, or more) in the texts of messages, as Markdown does: longer ones hold
    shorter ones, and those of the other kind; inside lists and quotations they are indented. A fence with a language
    inside a block that is not closed opens another one. A fence at the end of a line of code closes, one behind a
    sentence opens. Three backticks within a line of prose are no fence.

    A prompt that ends in an open block which the answer closes is left alone.

    ## Why it matters
    The answer was cut off, or its export lost a line. A model that learns from it forgets to close blocks, and all that
    follows is shown as code.

    ## Example
    ````json
    {"role": "assistant", "content": "Use this:\\n```python\\nprint(1)\\n\\nIt prints 1."}
    ````

    ## Fix
    None: where the block should have ended, only a reader can tell.

    ## Source
    CommonMark 0.31, section 4.5, "Fenced code blocks".
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="TXT010",
        name="unclosed-code-fence",
        severity=Severity.WARNING,
        message="the code fence in line {line} of the text has no other half",
        summary="A fence of a code block has no other half.",
    )

    def find(self, batch: Batch) -> Iterator[Finding]:
        turns = batch.turns
        found: dict[int, int] = {}
        for turn, text in enumerate(turns.text):
            if "```" not in text and "~~~" not in text:
                continue
            if turns.role[turn] not in _VERBATIM and (at := unclosed_fence(text)) is not None:
                found[turn] = at
        for turn, at in found.items():
            if (turn + 1 in found and _closes(turns, turn)) or (turn - 1 in found and _closes(turns, turn - 1)):
                continue
            text = turns.text[turn]
            yield self.at(
                batch,
                turns.row[turn],
                turns.pointer(turn),
                args={"line": text.count("\n", 0, at) + 1, "excerpt": text[text.rfind("\n", 0, at) + 1 :][:_EXCERPT]},
            )


def _closes(turns: Turns, turn: int) -> bool:
    """Whether the next turn is the answer to this one, and closes what it left open."""
    if turns.row[turn + 1] != turns.row[turn] or turns.message[turn + 1] != turns.message[turn] + 1:
        return False
    if turns.role[turn + 1] != "assistant" or turns.role[turn] == "assistant":
        return False
    return unclosed_fence(f"{turns.text[turn]}\n{turns.text[turn + 1]}") is None
