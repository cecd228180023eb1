"""DUP002 normalized-duplicate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dsprep.folds.keyed import DROP, firsts, group_numbers, split_numbers
from dsprep.folds.normal_keys import NormalKeysRule
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Columns, FixAvailability, Rows, RuleMeta


class NormalizedDuplicate(NormalKeysRule):
    """The same example again but for case, white space or Unicode form, within one split.

    ## What it does
    Compares the texts and roles of all messages after Unicode normalisation (NFKC), case folding and collapsing white
    space; tool calls, tools and other members must be equal as they are. Rows that are equal to the last byte are
    DUP001's and are not reported again. The first example stays, the finding stands on the other.

    ## Why it matters
    Copies of one text that came by different ways (a scraper that trims, an export that composes accents) are not equal
    byte by byte, yet teach the model the same thing twice.

    ## Example
    ```json
    {"messages": [{"role": "user", "content": "Who wrote Emma?"}, {"role": "assistant", "content": "Jane Austen"}]}
    {"messages": [{"role": "user", "content": "who wrote  Emma? "}, {"role": "assistant", "content": "Jane Austen"}]}
    ```

    ## Fix
    Drops the later ones and keeps the first. Unsafe: it takes rows out, and where case or indentation carries meaning
    (code), the rows may not be the same.

    ## Source
    Unicode Standard Annex 15, https://www.unicode.org/reports/tr15/
    """

    meta = RuleMeta(
        code="DUP002",
        name="normalized-duplicate",
        severity=Severity.WARNING,
        message="the same as {twin} but for case, white space or Unicode form",
        summary="the same example again but for case, white space or Unicode form, within one split",
        fix=FixAvailability.ALWAYS,
    )

    def resolve(self, columns: Columns, rows: Rows) -> Iterator[Finding]:
        split, _ = split_numbers(columns)
        first = firsts(group_numbers(columns["key"], split))
        here = np.arange(len(first))
        new = firsts(group_numbers(columns["exact"], split)) == here
        again = np.flatnonzero((first != here) & new)
        row = columns["row"]
        yield from self.pointing(rows, row[again], row[first[again]], lambda i: {}, fix=DROP)
