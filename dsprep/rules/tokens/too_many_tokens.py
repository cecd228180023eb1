"""TOK001 too-many-tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from pydantic import Field

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability, DropRow, Fix
from dsprep.model.rule import ExampleRule, FixAvailability, RuleMeta, RuleOptions
from dsprep.text.tokens import limit_severity, token_counts, token_limit


class TooManyTokensOptions(RuleOptions):
    limit: int | None = Field(None, ge=1, description="most tokens an example may have; by default the target's limit")


class TooManyTokens(ExampleRule):
    """An example has more tokens than the model takes.

    ## What it does
    Counts the tokens of each example as the backend does: 3 for each message, the tokens of each text in it, 1 more for
    a name, those of tools and tool calls as JSON, and 3 for the reply. Reports examples above the limit. The encoding
    is the target's, or the one given with `--encoding`. Special tokens in a text count as the ordinary text they are.

    A limit that the target marks as unverified only warns.

    ## Why it matters
    OpenAI cuts the example at the limit, some trainers drop it, both without a word. What is cut is the end, and
    the end is the answer: the model learns to stop in the middle of it.

    ## Example
    With a limit of 16,385 tokens, a question that carries a whole book of 20,000 tokens leaves nothing of its answer.

    ## Fix
    Unsafe: the example is dropped. Shorten it by hand, or split it into several examples, to keep it.

    ## Source
    OpenAI, "Fine-tuning": examples longer than the limit are truncated to it. OpenAI cookbook, "How to count tokens
    with tiktoken", for the tokens that frame a message.
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="TOK001",
        name="too-many-tokens",
        severity=Severity.ERROR,
        message="{tokens:,} tokens, {over:,} more than the limit of {limit:,}",
        summary="An example has more tokens than the model takes.",
        fix=FixAvailability.ALWAYS,
    )
    Options = TooManyTokensOptions

    def find(self, batch: Batch) -> Iterator[Finding]:
        limit = token_limit(self.context, self.options.limit)
        severity = limit_severity(self.context, self.severity, limit, self.meta.code)
        counts = batch.get(token_counts(self.context.encoding))
        for i in np.flatnonzero(counts > limit.value).tolist():
            tokens = int(counts[i])
            yield self.finding(
                batch.location(i),
                key=batch.key(i),
                args={"tokens": tokens, "limit": limit.value, "over": tokens - limit.value},
                fix=Fix(Applicability.UNSAFE, (DropRow(),)),
                severity=severity,
            )
