"""TOK006 token-quota-exceeded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from dsprep.folds.splits import TRAIN, split_name
from dsprep.folds.statistics import default_epochs
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.moving import Shift
from dsprep.model.rule import FoldRule, Rows, RuleMeta, RuleOptions
from dsprep.model.target import Limit
from dsprep.text.tokens import limit_severity, token_counts


class TokenQuotaExceededOptions(RuleOptions):
    """Options of token-quota-exceeded."""

    quota: int | None = Field(
        None, ge=1, description="The most tokens times epochs that a job may have; without it, the target's quota."
    )
    epochs: int | None = Field(
        None, ge=1, description="How many epochs will be trained; without it, as many as the target takes by itself."
    )


@dataclass(frozen=True, slots=True)
class TokenSum:
    """Training examples, and their tokens in all."""

    examples: int = 0
    tokens: int = 0


class TokenQuotaExceeded(FoldRule[TokenSum]):
    """The training data has more tokens, times epochs, than one job may have.

    ## What it does
    Sums the tokens of all training examples, counted as too-many-tokens does, multiplies them with the epochs and
    compares the product with the quota of the target, if it has one (`quota` sets another). The epochs are those that
    the backend takes if it is not told otherwise; if you tell it otherwise, say so here, too (`epochs`). Rows of no
    named split count as training data.

    A quota that the target marks as unverified only warns.

    ## Why it matters
    The job is refused, after the upload and the wait for it to be checked.

    ## Example
    A job on Azure may have two thousand million tokens times epochs. 900 million tokens in three epochs are 2,700
    million; in two epochs they fit.

    ## Fix
    None by machine. Train fewer epochs, or on fewer examples.

    ## Source
    The target's file names it: `source` and `as_of` of `max_job_tokens` in `rules/targets/`. For Azure: Azure OpenAI
    quotas and limits, "Max training job size (tokens in training file) x (# of epochs)",
    <https://learn.microsoft.com/en-us/azure/ai-services/openai/quotas-limits>.
    """

    meta = RuleMeta(
        code="TOK006",
        name="token-quota-exceeded",
        severity=Severity.ERROR,
        message="{tokens:,} tokens × {epochs} epochs = {total:,}, {over:,} more than the {quota:,} that a job may have",
        summary="the training data has more tokens, times epochs, than one job may have",
    )
    Options = TokenQuotaExceededOptions

    @property
    def quota(self) -> Limit | None:
        """The quota of this run, if there is any."""
        if self.options.quota is not None:
            return Limit(value=self.options.quota, source="option quota")
        return self.context.target.max_job_tokens

    def empty(self) -> TokenSum:
        return TokenSum()

    def map(self, batch: Batch) -> TokenSum:
        if self.quota is None:
            return TokenSum()  # counting is dear
        training = np.fromiter(
            (
                example is not None and split_name(batch.split_of(i)) == TRAIN
                for i, example in enumerate(batch.examples)
            ),
            np.bool_,
            len(batch),
        )
        tokens = batch.get(token_counts(self.context.encoding))
        return TokenSum(int(training.sum()), int(tokens[training].sum(dtype=np.int64)))

    def merge(self, a: TokenSum, b: TokenSum) -> TokenSum:
        return TokenSum(a.examples + b.examples, a.tokens + b.tokens)

    def moved(self, state: TokenSum, shift: Shift) -> TokenSum:
        return state

    def finish(self, state: TokenSum, rows: Rows) -> Iterator[Finding]:
        quota = self.quota
        epochs = self.options.epochs or default_epochs(state.examples, self.context.target.default_epochs)
        total = state.tokens * epochs
        if quota is None or total <= quota.value:
            return
        yield self.finding(
            rows.dataset,
            args={
                "tokens": state.tokens,
                "epochs": epochs,
                "total": total,
                "quota": quota.value,
                "over": total - quota.value,
                "examples": state.examples,
            },
            rows=state.examples,
            severity=limit_severity(self.context, self.severity, quota, self.meta.code),
        )
