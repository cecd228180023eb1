"""ENC004 not-json-lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dsprep.folds.faults import SourceFaultRule
from dsprep.model.batch import Batch
from dsprep.model.finding import Severity
from dsprep.model.fix import Applicability, Fix, RewriteFile
from dsprep.model.record import Fault
from dsprep.model.rule import FixAvailability, RuleMeta

_WHAT = {"array": "a JSON array", "pretty-printed": "pretty-printed JSON"}


class NotJsonLines(SourceFaultRule):
    """The file holds JSON, but not one object a line.

    ## What it does
    Reports a JSON array, or objects printed over several lines, in a file that should be JSON Lines. It is said once;
    the records are read and checked all the same.

    ## Why it matters
    Backends and loaders read such a file line by line, and refuse it at the first one.

    ## Example
    ```
    [
      {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}
    ]
    ```
    Use instead:
    ```
    {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}
    ```

    ## Fix
    Safe: the file is written anew with one object a line. The records stay as they are. There is no fix while one of
    them cannot be read.

    ## Source
    The JSON Lines format, https://jsonlines.org; OpenAI's fine-tuning guide, which asks for it.
    """

    meta = RuleMeta(
        code="ENC004",
        name="not-json-lines",
        severity=Severity.ERROR,
        message="the file holds {what}, not one object a line",
        summary="a JSON array, or pretty-printed JSON, where JSON Lines is expected",
        fix=FixAvailability.SOMETIMES,
    )

    @staticmethod
    def arguments(fault: Fault) -> Mapping[str, Any]:
        return {**fault.args, "what": _WHAT.get(str(fault.args.get("kind")), "other JSON")}

    def remedy(self, batch: Batch, i: int | None, fault: Fault) -> Fix | None:
        return Fix(Applicability.SAFE, (RewriteFile(),)) if fault.args.get("readable", True) else None
