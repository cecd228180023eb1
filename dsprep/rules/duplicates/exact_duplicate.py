"""DUP001 exact-duplicate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dsprep.folds.exact_keys import ExactKeysRule
from dsprep.folds.keyed import DROP, firsts, group_numbers, split_numbers
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Columns, FixAvailability, Rows, RuleMeta


class ExactDuplicate(ExactKeysRule):
    """The same example again, within one split.

    ## What it does
    Compares everything that is learnt from an example: its messages with all their members, its tools, its label. The
    order of keys does not matter, nor do members such as ids and dates that are not learnt. Every repetition is
    reported, and names the first one, which stays. The same example in another split is LEK001.

    ## Why it matters
    A repeated example is trained on as often as it is repeated, on top of the epochs, and is paid for each time.
    Models learn repeated texts by heart rather than what they have in common.

    ## Example
    ```json
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
    ```

    ## Fix
    Drops the repetitions and keeps the first. Unsafe, because it takes rows out: some data sets repeat on purpose.

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

    def resolve(self, columns: Columns, rows: Rows) -> Iterator[Finding]:
        split, _ = split_numbers(columns)
        group = group_numbers(columns["key"], split)
        first = firsts(group)
        again = np.flatnonzero(first != np.arange(len(first)))
        row = columns["row"]
        copies = np.bincount(group)[group[again]].tolist()
        yield from self.pointing(rows, row[again], row[first[again]], lambda i: {"copies": copies[i]}, fix=DROP)
