"""SCH001 not-an-object."""

from __future__ import annotations

from dsprep.folds.faults import SchemaFaultRule
from dsprep.model.finding import Severity
from dsprep.model.rule import RuleMeta


class NotAnObject(SchemaFaultRule):
    """A record is not a JSON object.

    ## What it does
    Reports records that are a string, a number, an array, a boolean or null. Nothing else is said of such a record.

    ## Why it matters
    A chat record is an object with a list of messages. Backends refuse a file with anything else in it.

    ## Example
    ```json
    ["hi", "hello"]
    ```
    Use instead:
    ```json
    {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}
    ```

    ## Fix
    None: what the value means cannot be known.

    ## Source
    OpenAI's API reference, the chat format of fine-tuning input; its cookbook, "Data preparation and analysis for chat
    model fine-tuning", checks the same.
    """

    meta = RuleMeta(
        code="SCH001",
        name="not-an-object",
        severity=Severity.ERROR,
        message="the record is {found}, not an object",
        summary="a record that is not a JSON object",
    )
