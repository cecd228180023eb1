"""PRF001 identical-preference-pair."""

from __future__ import annotations

from collections.abc import Iterator

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability, DropRow, Fix
from dsprep.model.rule import ExampleRule, FixAvailability, RuleMeta
from dsprep.text.preference import PAIR_TEXTS, chosen_of


class IdenticalPreferencePair(ExampleRule):
    """The chosen answer of a preference record is the rejected one.

    ## What it does
    Compares the two answers: to the last character, and folded as for DUP002 (Unicode form, case, white space). Tool
    calls must be equal, too; names and weights of messages do not count. Empty answers are SCH014's.

    ## Why it matters
    Such a pair says nothing about what is better: at best it costs its tokens, and it pulls the reward margin towards
    zero. Many of them mean that the export took the same column twice, or that the model which wrote the answers was
    sampled without any randomness.

    ## Example
    ```json
    {"prompt": "Who wrote Emma?", "chosen": "Jane Austen.", "rejected": "Jane Austen. "}
    ```

    ## Fix
    Drops the row. Unsafe, as it takes rows out; and where case or indentation is what the answers differ in on purpose
    (code), the pair may be a good one.

    ## Source
    Rafailov et al., Direct Preference Optimization, NeurIPS 2023, https://arxiv.org/abs/2305.18290: the loss of a pair
    depends on the difference of its two answers alone.
    """

    meta = RuleMeta(
        code="PRF001",
        name="identical-preference-pair",
        severity=Severity.ERROR,
        message="the chosen answer and the rejected one are {sameness}",
        summary="chosen equals rejected",
        fix=FixAvailability.ALWAYS,
    )

    def find(self, batch: Batch) -> Iterator[Finding]:
        texts = batch.get(PAIR_TEXTS)
        for i, ours, theirs in zip(texts.index, texts.chosen, texts.rejected, strict=True):
            example = batch.examples[i]
            if not ours or ours != theirs or example is None:
                continue
            chosen = chosen_of(example)
            exactly = chosen == example.rejected
            yield self.at(
                batch,
                i,
                "/rejected/0/content",
                args={
                    "sameness": "the same" if exactly else "equal but for case, white space or Unicode form",
                    "excerpt": _shown(chosen),
                },
                fix=Fix(Applicability.UNSAFE, (DropRow(),)),
            )


def _shown(messages: list[object]) -> str:
    content = messages[0].get("content") if isinstance(messages[0], dict) else None
    return content[:80] if isinstance(content, str) else ""
