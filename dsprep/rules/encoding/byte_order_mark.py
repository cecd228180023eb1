"""ENC002 byte-order-mark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dsprep.folds.faults import SourceFaultRule
from dsprep.model.batch import Batch
from dsprep.model.finding import Severity
from dsprep.model.fix import Applicability, Fix, RewriteFile
from dsprep.model.record import Fault
from dsprep.model.rule import FixAvailability, RuleMeta


class ByteOrderMark(SourceFaultRule):
    """The file starts with a byte order mark.

    ## What it does
    Reports the invisible mark that some editors and spreadsheets put at the start of a text file.

    ## Why it matters
    Many JSON parsers refuse the first line because of it, or take it for a part of the first key, so that the first
    row is lost.

    ## Example
    ```
    <EF BB BF>{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}
    ```

    ## Fix
    Safe: the file is written without the mark. The records stay as they are.

    ## Source
    RFC 8259, section 8.1: a byte order mark must not be added to JSON text.
    """

    meta = RuleMeta(
        code="ENC002",
        name="byte-order-mark",
        severity=Severity.WARNING,
        message="the file starts with a byte order mark ({encoding})",
        summary="a byte order mark at the start",
        fix=FixAvailability.ALWAYS,
    )

    @staticmethod
    def arguments(fault: Fault) -> Mapping[str, Any]:
        return {"encoding": "utf-8", **fault.args}

    def remedy(self, batch: Batch, i: int | None, fault: Fault) -> Fix | None:
        return Fix(Applicability.SAFE, (RewriteFile(),))
