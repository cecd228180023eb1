"""CNV005 starts-with-assistant."""

from __future__ import annotations

from collections.abc import Iterator

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import ExampleRule, RuleMeta
from dsprep.text.schema import ROLE_PATTERNS


class StartsWithAssistant(ExampleRule):
    """The first turn of a conversation is the assistant's.

    ## What it does
    Reports conversations whose first message, system messages left aside, is the assistant's.

    ## Why it matters
    The model learns to speak without being asked. Often the question was lost, or the roles are swapped. Some chat
    templates stop with an error.

    ## Example
    ```json
    {"messages": [{"role": "assistant", "content": "Paris."}, {"role": "user", "content": "And of Spain?"},
                  {"role": "assistant", "content": "Madrid."}]}
    ```

    ## Fix
    None: whether the greeting is wanted is your decision.

    ## Source
    LLaMA-Factory's data/README: odd turns are the user's, even ones the assistant's.
    """

    meta = RuleMeta(
        code="CNV005",
        name="starts-with-assistant",
        severity=Severity.WARNING,
        message="the first turn is the assistant's",
        summary="the first turn is the assistant's",
    )

    def find(self, batch: Batch) -> Iterator[Finding]:
        for pattern, rows in batch.get(ROLE_PATTERNS).items():
            first = next((j for j, role in enumerate(pattern) if role != "system"), None)
            if first is not None and pattern[first] == "assistant":
                for i in rows:
                    yield self.at(batch, i, f"/messages/{first}")
