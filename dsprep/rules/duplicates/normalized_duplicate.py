"""DUP002 normalized-duplicate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pydantic import Field

from dsprep.folds.keyed import DROP, Keep, group_numbers, kept_rows, split_numbers
from dsprep.folds.normal_keys import NormalKeysRule
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Columns, FixAvailability, Rows, RuleMeta, RuleOptions


class NormalizedDuplicateOptions(RuleOptions):
    """Options of normalized-duplicate."""

    keep: Keep = Field(
        "first",
        description="Which one stays: the first in reading order, or with `fewest-findings` the first of those on "
        "which rules about single records find least. The other choices of near-duplicate mean the first here.",
    )


class NormalizedDuplicate(NormalKeysRule):
    """The same example again but for case, white space or Unicode form, within one split.

    ## What it does
    Compares the texts and roles of all messages after Unicode normalisation (NFKC), case folding and collapsing white
    space; tool calls, tools and other members must be equal as they are. Rows that are equal to the last byte are
    DUP001's and are not reported again. One example stays (`keep`), the finding stands on the other.

    ## Why it matters
    Copies of one text that came by different ways (a scraper that trims, an export that composes accents) are not equal
    byte by byte, yet teach the model the same thing twice.

    ## Example
    ```json
    {"messages": [{"role": "user", "content": "Who wrote Emma?"}, {"role": "assistant", "content": "Jane Austen"}]}
    {"messages": [{"role": "user", "content": "who wrote  Emma? "}, {"role": "assistant", "content": "Jane Austen"}]}
    ```

    ## Fix
    Drops all but the one that is named. Unsafe: it takes rows out, and where case or indentation carries meaning
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
    Options = NormalizedDuplicateOptions

    def resolve(self, columns: Columns, rows: Rows) -> Iterator[Finding]:
        split, _ = split_numbers(columns)
        keep: Keep = self.options.keep
        kept = kept_rows(group_numbers(columns["key"], split), columns, keep)
        here = np.arange(len(kept))
        # Of rows that are equal to the last byte only the one that stays is looked at.
        new = kept_rows(group_numbers(columns["exact"], split), columns, keep) == here
        again = np.flatnonzero((kept != here) & new)
        row = columns["row"]
        yield from self.pointing(rows, row[again], row[kept[again]], lambda i: {}, fix=DROP)
