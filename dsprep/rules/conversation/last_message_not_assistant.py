"""CNV002 last-message-not-assistant."""

from __future__ import annotations

from collections.abc import Iterator

from dsprep.model.batch import Batch
from dsprep.model.chat import shown
from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability, Fix, Remove
from dsprep.model.rule import ExampleRule, FixAvailability, RuleMeta
from dsprep.text.schema import ROLE_PATTERNS


class LastMessageNotAssistant(ExampleRule):
    """A conversation ends on a message that is not the assistant's.

    ## What it does
    Reports conversations with an assistant message that go on after the last one. (Without any, `no-assistant-message`
    reports them.) A last message whose role is unknown is left to `unknown-role`.

    ## Why it matters
    What comes after the last answer is never learnt from: it costs tokens and does nothing. Some backends refuse it.
    Often the answer was lost.

    ## Example
    ```json
    {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"},
                  {"role": "user", "content": "thanks"}]}
    ```

    ## Fix
    Unsafe: the messages after the last answer are removed.

    ## Source
    Mistral's fine-tuning guide: the last message must be the assistant's.
    """

    meta = RuleMeta(
        code="CNV002",
        name="last-message-not-assistant",
        severity=Severity.ERROR,
        message="the conversation ends on a {role} message, not the assistant's",
        summary="the conversation ends on another role",
        fix=FixAvailability.ALWAYS,
    )

    def find(self, batch: Batch) -> Iterator[Finding]:
        for pattern, rows in batch.get(ROLE_PATTERNS).items():
            if "assistant" not in pattern or pattern[-1] in ("assistant", "other", ""):
                continue
            last = len(pattern) - 1
            answer = last - pattern[::-1].index("assistant")
            tail = range(answer + 1, len(pattern))
            fix = Fix(Applicability.UNSAFE, tuple(Remove(f"/messages/{j}") for j in tail))
            for i in rows:
                example = batch.examples[i]
                assert example is not None
                role = shown(example.messages[last]["role"], 40)
                yield self.at(batch, i, f"/messages/{last}", args={"role": role, "tail": len(tail)}, fix=fix)
