"""ENC008 truncated-file."""

from __future__ import annotations

from dsprep.folds.faults import SourceFaultRule
from dsprep.model.finding import Severity
from dsprep.model.rule import RuleMeta


class TruncatedFile(SourceFaultRule):
    """The file is cut off in the middle of its last record.

    ## What it does
    Reports a last line that has no line end and begins a JSON value that never ends, the last page of a web archive
    that is shorter than it says, and a saved page without its end.

    ## Why it matters
    The file was half written: by a full disk, a broken download or a program that was killed. One record is damaged,
    and nobody knows how many are missing behind it.

    ## Example
    ```
    {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}
    {"messages": [{"role": "user", "content": "by
    ```

    ## Fix
    None: write or fetch the file again.

    ## Source
    RFC 8259, section 2: the grammar of a JSON text.
    """

    meta = RuleMeta(
        code="ENC008",
        name="truncated-file",
        severity=Severity.ERROR,
        message="the file is cut off in the middle of its last record",
        summary="the file is cut off in the middle of its last record",
    )
