"""CNV001 no-assistant-message."""

from __future__ import annotations

from collections.abc import Iterator

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import ExampleRule, RuleMeta
from dsprep.text.schema import ROLE_PATTERNS


class NoAssistantMessage(ExampleRule):
    """A conversation has no assistant message.

    ## What it does
    Reports conversations in which the assistant says nothing. A role that plainly means the assistant (`gpt`, `bot`)
    counts as one, and a conversation with a message of no readable role is left to the schema rules.

    ## Why it matters
    The assistant's messages are what the model learns to write. Without one there is nothing to learn from, and
    backends refuse the file.

    ## Example
    ```json
    {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}]}
    ```

    ## Fix
    None: add the answer, or take the record out.

    ## Source
    OpenAI's cookbook, "Data preparation and analysis for chat model fine-tuning", reports the same.
    """

    meta = RuleMeta(
        code="CNV001",
        name="no-assistant-message",
        severity=Severity.ERROR,
        message="no assistant message: there is nothing to learn from",
        summary="nothing to learn from",
    )

    def find(self, batch: Batch) -> Iterator[Finding]:
        for pattern, rows in batch.get(ROLE_PATTERNS).items():
            # A message whose role cannot be read may be the answer; the schema rules speak of it.
            if pattern and "assistant" not in pattern and "" not in pattern:
                for i in rows:
                    yield self.at(batch, i)
