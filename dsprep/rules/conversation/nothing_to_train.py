"""CNV006 nothing-to-train."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dsprep.model.batch import Batch
from dsprep.model.chat import role_group
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import ExampleRule, RuleMeta
from dsprep.text.schema import ROLE_PATTERNS


class NothingToTrain(ExampleRule):
    """Every assistant message of a conversation has weight 0.

    ## What it does
    Reports conversations with assistant messages, all of which are excluded from training by `"weight": 0`. For
    targets that take no weights, nothing is reported.

    ## Why it matters
    A message of weight 0 is read, not learnt. If all are, the record costs tokens and teaches nothing, and backends
    refuse it.

    ## Example
    ```json
    {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello", "weight": 0}]}
    ```

    ## Fix
    None: give the message to be learnt the weight 1, or take the record out.

    ## Source
    OpenAI's fine-tuning guide, multi-turn chat examples: a weight of 0 disables training on a message.
    """

    meta = RuleMeta(
        code="CNV006",
        name="nothing-to-train",
        severity=Severity.ERROR,
        message="every assistant message has weight 0: there is nothing to train on",
        summary="every assistant message has weight 0",
    )

    def find(self, batch: Batch) -> Iterator[Finding]:
        if not any(role_group(role) == "assistant" for role in self.context.target.weighted_roles):
            return
        for pattern, rows in batch.get(ROLE_PATTERNS).items():
            answers = [j for j, role in enumerate(pattern) if role == "assistant"]
            if not answers:
                continue
            first = answers[0]
            for i in rows:
                example = batch.examples[i]
                assert example is not None
                messages = example.messages
                # Nearly every conversation is settled by its first answer.
                if _excluded(messages[first]) and all(_excluded(messages[j]) for j in answers):
                    yield self.at(batch, i, args={"answers": len(answers)})


def _excluded(message: dict[str, Any]) -> bool:
    weight = message.get("weight")
    return type(weight) is int and weight == 0
