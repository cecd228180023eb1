"""DUP001 exact-duplicate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pydantic import Field

from dsprep.folds.exact_keys import ExactKeysRule
from dsprep.folds.keyed import DROP, Keep, group_numbers, kept_rows, split_numbers
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Columns, FixAvailability, Rows, RuleMeta, RuleOptions


class ExactDuplicateOptions(RuleOptions):
    """Options of exact-duplicate."""

    keep: Keep = Field(
        "first",
        description="Which one stays: the first in reading order, or with `fewest-findings` the first of those on "
        "which rules about single records find least. The other choices of near-duplicate mean the first here.",
    )


class ExactDuplicate(ExactKeysRule):
    """The same example again, within one split.

    ## What it does
    Compares everything that is learnt from an example: its messages with all their members, its tools, its label. The
    order of keys does not matter, nor do members such as ids and dates that are not learnt. Every repetition is
    reported, and names the one that stays (`keep`). The same example in another split is LEK001.

    ## Why it matters
    A repeated example is trained on as often as it is repeated, on top of the epochs, and is paid for each time.
    Models learn repeated texts by heart rather than what they have in common.

    ## Example
    ```json
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
    ```

    ## Fix
    Drops the repetitions and keeps the one that is named. Unsafe, because it takes rows out: some data sets repeat on
    purpose.

    ## Source
    Lee et al., Deduplicating Training Data Makes Language Models Better, ACL 2022, https://arxiv.org/abs/2107.06499
    """

    meta = RuleMeta(
        code="DUP001",
        name="exact-duplicate",
        severity=Severity.WARNING,
        message="the same example as {twin} ({copies} in all)",
        summary="the same example again, within one split",
        fix=FixAvailability.ALWAYS,
    )
    Options = ExactDuplicateOptions

    def resolve(self, columns: Columns, rows: Rows) -> Iterator[Finding]:
        split, _ = split_numbers(columns)
        group = group_numbers(columns["key"], split)
        kept = kept_rows(group, columns, self.options.keep)
        again = np.flatnonzero(kept != np.arange(len(kept)))
        row = columns["row"]
        copies = np.bincount(group)[group[again]].tolist()
        yield from self.pointing(rows, row[again], row[kept[again]], lambda i: {"copies": copies[i]}, fix=DROP)
