"""ENC005 duplicate-json-key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dsprep.folds.faults import SourceFaultRule
from dsprep.model.chat import shown
from dsprep.model.finding import Severity
from dsprep.model.record import Fault
from dsprep.model.rule import RuleMeta


class DuplicateJsonKey(SourceFaultRule):
    """One object has the same key twice.

    ## What it does
    Reports objects in which a key occurs more than once. The record is read with the last value, as most parsers do.

    ## Why it matters
    Parsers differ: some keep the last value, some the first, some refuse the record. So what you checked need not be
    what the model is trained on.

    ## Example
    The answer is written twice:
    ```json
    {"messages": [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4", "content": "5"}]}
    ```

    ## Fix
    None: only you know which of the values is meant.

    ## Source
    RFC 8259, section 4: the names within an object should be unique.
    """

    meta = RuleMeta(
        code="ENC005",
        name="duplicate-json-key",
        severity=Severity.ERROR,
        message="more than once in one object: {names}",
        summary="a key twice in one object",
    )

    @staticmethod
    def arguments(fault: Fault) -> Mapping[str, Any]:
        keys = fault.args.get("keys") or []
        return {**fault.args, "names": ", ".join(f"`{shown(key, 40)}`" for key in keys[:10])}
