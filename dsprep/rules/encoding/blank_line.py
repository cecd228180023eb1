"""ENC003 blank-line."""

from __future__ import annotations

from dsprep.folds.faults import SourceFaultRule
from dsprep.model.batch import Batch
from dsprep.model.finding import Severity
from dsprep.model.fix import Applicability, DropRow, Fix
from dsprep.model.record import Fault
from dsprep.model.rule import FixAvailability, RuleMeta


class BlankLine(SourceFaultRule):
    """A line of a JSON Lines file is empty.

    ## What it does
    Reports lines that are empty or hold nothing but white space.

    ## Why it matters
    Each line of a JSON Lines file is a JSON value, and an empty line is none. Some loaders skip it, some stop with an
    error at it, and line numbers no longer agree with row numbers.

    ## Example
    ```
    {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}

    {"messages": [{"role": "user", "content": "bye"}, {"role": "assistant", "content": "so long"}]}
    ```

    ## Fix
    Safe: the line is left out. It is no row of the data, so no row is lost.

    ## Source
    The JSON Lines format, https://jsonlines.org: each line is a valid JSON value.
    """

    meta = RuleMeta(
        code="ENC003",
        name="blank-line",
        severity=Severity.WARNING,
        message="the line is empty",
        summary="an empty line inside JSON Lines",
        fix=FixAvailability.ALWAYS,
    )

    def remedy(self, batch: Batch, i: int | None, fault: Fault) -> Fix | None:
        return Fix(Applicability.SAFE, (DropRow(),))
