"""ENC010 invalid-json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dsprep.folds.faults import SourceFaultRule
from dsprep.model.finding import Severity
from dsprep.model.record import Fault
from dsprep.model.rule import RuleMeta


class InvalidJson(SourceFaultRule):
    """A line is not JSON.

    ## What it does
    Reports lines that do not parse and that no other rule of this group explains, with the line, the column (in
    characters, from 1) and the parser's reason.

    ## Why it matters
    Backends refuse the file because of one such line. Loaders stop at it, or lose the row without a word.

    ## Example
    A Python dictionary printed as it is, with single quotes:
    ```
    {'messages': [{'role': 'user', 'content': 'hi'}, {'role': 'assistant', 'content': 'hello'}]}
    ```

    ## Fix
    None: what was meant is a guess. Write such files with a JSON library, never by joining strings.

    ## Source
    RFC 8259, section 2: the grammar of a JSON text.
    """

    meta = RuleMeta(
        code="ENC010",
        name="invalid-json",
        severity=Severity.ERROR,
        message="not JSON{at}: {reason}",
        summary="a line that does not parse",
    )

    @staticmethod
    def arguments(fault: Fault) -> Mapping[str, Any]:
        at = f" at column {fault.column}" if fault.column else ""
        return {"reason": "it does not parse", **fault.args, "at": at}
