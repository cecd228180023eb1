"""TAB002 missing-value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dsprep.folds.faults import SourceFaultRule
from dsprep.model.finding import Severity
from dsprep.model.record import Fault
from dsprep.model.rule import RuleMeta


class MissingValue(SourceFaultRule):
    """A cell that the conversation is made of is empty.

    ## What it does
    Reports rows of a table in which a column that the mapping uses for the user's or the assistant's message has
    nothing but white space. No conversation can be made of such a row: `dsprep convert` and `dsprep prepare` put it
    with the rejected ones, whole.

    ## Why it matters
    A question without an answer, or an answer without a question, teaches nothing. Many of them mean that the wrong
    column is mapped.

    ## Example
    ```
    text,label
    ,positive
    ```

    ## Fix
    None: the text is not there. Fill the cell in, or map another column.

    ## Source
    dsprep's own.
    """

    meta = RuleMeta(
        code="TAB002",
        name="missing-value",
        severity=Severity.WARNING,
        message="{reason}, so the row makes no conversation",
        summary="an empty cell in a column that is mapped",
    )

    @staticmethod
    def arguments(fault: Fault) -> Mapping[str, Any]:
        return {"reason": "the cell is empty", **fault.args}
