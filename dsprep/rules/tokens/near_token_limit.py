"""TOK003 near-token-limit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from pydantic import Field

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import ExampleRule, RuleMeta, RuleOptions
from dsprep.text.tokens import token_counts, token_limit


class NearTokenLimitOptions(RuleOptions):
    limit: int | None = Field(None, ge=1, description="most tokens an example may have; by default the target's limit")
    margin: float = Field(0.05, gt=0, lt=1, description="how near is near, as a share of the limit")


class NearTokenLimit(ExampleRule):
    """An example has nearly as many tokens as the model takes.

    ## What it does
    Reports examples within 5 % (`margin`) below the limit, or exactly at it. Those above it are reported by
    too-many-tokens.

    ## Why it matters
    A longer system prompt, another tool or another tokenizer will push such an example over the limit, and then its
    answer is cut.

    ## Example
    With a limit of 16,385 tokens, an example of 16,000.

    ## Fix
    None.

    ## Source
    The limit's own source is named by the target.
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="TOK003",
        name="near-token-limit",
        severity=Severity.INFO,
        message="{tokens:,} tokens, only {left:,} below the limit of {limit:,}",
        summary="An example has nearly as many tokens as the model takes.",
    )
    Options = NearTokenLimitOptions

    def find(self, batch: Batch) -> Iterator[Finding]:
        limit = token_limit(self.context, self.options.limit).value
        counts = batch.get(token_counts(self.context.encoding))
        near = (counts <= limit) & (counts >= limit * (1 - self.options.margin)) & (counts > 0)
        for i in np.flatnonzero(near).tolist():
            tokens = int(counts[i])
            yield self.at(batch, i, args={"tokens": tokens, "limit": limit, "left": limit - tokens})
