"""ENC009 empty-file."""

from __future__ import annotations

from dsprep.folds.faults import SourceFaultRule
from dsprep.model.finding import Severity
from dsprep.model.rule import RuleMeta


class EmptyFile(SourceFaultRule):
    """The file holds no record at all.

    ## What it does
    Reports files without any record: of no bytes at all, or of blank lines only.

    ## Why it matters
    There is nothing to train on. Mostly a step before this one failed without saying so.

    ## Example
    ```
    $ wc -c train.jsonl
    0 train.jsonl
    ```

    ## Fix
    None: see what should have written the file.

    ## Source
    OpenAI's fine-tuning guide: at least ten examples are required.
    """

    meta = RuleMeta(
        code="ENC009",
        name="empty-file",
        severity=Severity.ERROR,
        message="the file holds no record",
        summary="no record at all",
    )
