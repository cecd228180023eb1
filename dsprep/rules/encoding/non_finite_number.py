"""ENC006 non-finite-number."""

from __future__ import annotations

from dsprep.folds.faults import SourceFaultRule
from dsprep.model.finding import Severity
from dsprep.model.rule import RuleMeta


class NonFiniteNumber(SourceFaultRule):
    """A number is NaN or infinite.

    ## What it does
    Reports `NaN`, `Infinity` and `-Infinity`, which Python's json module writes by default.

    ## Why it matters
    JSON has no such numbers. Backends and most parsers refuse the whole line.

    ## Example
    ```
    {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello", "weight": NaN}]}
    ```

    ## Fix
    None: what should stand there cannot be known. Such values mostly come from an empty cell of a table; leave the key
    out, and write with `json.dumps(..., allow_nan=False)` to be told the next time.

    ## Source
    RFC 8259, section 6: numeric values such as Infinity and NaN are not permitted.
    """

    meta = RuleMeta(
        code="ENC006",
        name="non-finite-number",
        severity=Severity.ERROR,
        message="{value} is not a JSON number",
        summary="NaN, Infinity or -Infinity",
    )
