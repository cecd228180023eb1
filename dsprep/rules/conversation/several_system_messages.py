"""CNV009 several-system-messages."""

from __future__ import annotations

from collections.abc import Iterator

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import ExampleRule, RuleMeta
from dsprep.text.schema import ROLE_PATTERNS


class SeveralSystemMessages(ExampleRule):
    """A conversation begins with more than one system message.

    ## What it does
    Reports conversations that open with two or more system (or developer) messages in a row, one finding each, at the
    second of them. System messages that come later, behind what user or assistant say, are reported by
    system-not-first (CNV004) alone, so that no message is reported twice.

    ## Why it matters
    Many chat templates take one system message: some stop at a second one, some drop it without a word, some join them
    in a way of their own. What the model is trained on is then not what stands in the file, and in use it gets one.

    ## Example
    ```json
    {"messages": [{"role": "system", "content": "You are a travel agent."}, {"role": "system", "content": "Be brief."},
                  {"role": "user", "content": "Where to in May?"}, {"role": "assistant", "content": "To Crete."}]}
    ```

    ## Fix
    None: join them into one, or take out the one that is not meant. Which, the file does not say.

    ## Source
    The chat templates of Mistral and Llama 2 models on the Hugging Face Hub, which take the first message alone as the
    system message.
    """

    meta = RuleMeta(
        code="CNV009",
        name="several-system-messages",
        severity=Severity.WARNING,
        message="{count} system messages in a row at the start, where one is expected",
        summary="a conversation begins with more than one system message",
    )

    def find(self, batch: Batch) -> Iterator[Finding]:
        for pattern, rows in batch.get(ROLE_PATTERNS).items():
            if pattern[:2] != ("system", "system"):
                continue
            count = next((j for j, role in enumerate(pattern) if role != "system"), len(pattern))
            for i in rows:
                yield self.at(batch, i, "/messages/1", args={"count": count})
