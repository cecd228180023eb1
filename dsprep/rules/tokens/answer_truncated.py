"""TOK002 answer-truncated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import ExampleRule, RuleMeta, RuleOptions
from dsprep.text.tokens import (
    MessageTokens,
    limit_severity,
    message_tokens,
    token_counter,
    token_counts,
    token_limit,
)

_EXCERPT = 80


class AnswerTruncatedOptions(RuleOptions):
    limit: int | None = Field(None, ge=1, description="most tokens an example may have; by default the target's limit")


class AnswerTruncated(ExampleRule):
    """What the model should learn from lies beyond the token limit.

    ## What it does
    Looks at the examples above the limit and works out what is left of their answers when they are cut there: the texts
    and tool calls of assistant messages, those of weight 0 excepted. Tools count first, as they stand before the
    conversation. Says how many of the tokens to be learnt are lost, names the first message that loses some, and
    quotes where the loss begins.

    A limit that the target marks as unverified only warns.

    ## Why it matters
    An example that is too long in its last question does no harm: nothing is learnt from that. One whose answer
    is cut teaches to stop in the middle; one whose answer lies wholly beyond the limit teaches nothing and is paid for.

    ## Example
    With a limit of 4,096 tokens, a document of 4,000 tokens with a summary of 300.

    ## Fix
    None: where to shorten the prompt is for you to say. too-many-tokens offers to drop the example.

    ## Source
    OpenAI, "Fine-tuning": examples longer than the limit are truncated to it, from the end.
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="TOK002",
        name="answer-truncated",
        severity=Severity.ERROR,
        message="{lost:,} of the {trained:,} tokens to be learnt lie beyond the limit of {limit:,}",
        summary="What the model should learn from lies beyond the token limit.",
    )
    Options = AnswerTruncatedOptions

    def find(self, batch: Batch) -> Iterator[Finding]:
        limit = token_limit(self.context, self.options.limit)
        counts = batch.get(token_counts(self.context.encoding))
        over = np.flatnonzero(counts > limit.value).tolist()
        if not over:
            return
        severity = limit_severity(self.context, self.severity, limit, self.meta.code)
        parts = batch.get(message_tokens(self.context.encoding))
        for i in over:
            found = _loss(parts, i, limit.value)
            if found is None:
                continue
            message, kept, args = found
            pointer = f"/messages/{message}"
            example = batch.examples[i]
            content = example.messages[message].get("content") if example is not None else None
            if type(content) is str:
                pointer += "/content"
                cut = token_counter(self.context.encoding).offset(content, kept)
                args["excerpt"] = content[cut : cut + _EXCERPT]
            yield self.finding(
                batch.location(i, pointer), key=batch.key(i), args={**args, "limit": limit.value}, severity=severity
            )


def _loss(parts: MessageTokens, i: int, limit: int) -> tuple[int, int, dict[str, Any]] | None:
    """What the i-th example loses of its trained tokens beyond `limit`: the first message that loses some, how many
    tokens of that message's content are kept, and the finding's arguments; None if nothing is lost."""
    start, end = np.searchsorted(parts.row, [i, i + 1])
    content = parts.content[start:end].astype(np.int64)
    # The texts of a message are taken to stand at its end, behind what frames them.
    ends = int(parts.tools[i]) + np.cumsum(parts.tokens[start:end], dtype=np.int64)
    lost = np.where(parts.trained[start:end], np.clip(ends - limit, 0, content), 0)
    if not lost.any():
        return None
    first = int(np.flatnonzero(lost)[0])
    trained = int(content[parts.trained[start:end]].sum())
    return (
        int(parts.message[start + first]),
        int(content[first] - lost[first]),
        {"lost": int(lost.sum()), "trained": trained},
    )
