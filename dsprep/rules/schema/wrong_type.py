"""SCH006 wrong-type."""

from __future__ import annotations

from dsprep.folds.faults import SchemaFaultRule
from dsprep.model.finding import Severity
from dsprep.model.rule import RuleMeta


class WrongType(SchemaFaultRule):
    """A field has a value of the wrong JSON type.

    ## What it does
    Reports fields of the record and of its messages whose type is not the one that the format asks for: content that is
    a number, `null` where nothing replaces the content, `messages` that is an object, tool arguments that are not a
    string of JSON, a content part of a kind that the role cannot have.

    ## Why it matters
    Backends refuse the file. A loader that builds columns takes the type from the first rows, and fails, or turns
    values into text, at the first one that differs.

    ## Example
    ```json
    {"messages": [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": 4}]}
    ```
    Use instead:
    ```json
    {"messages": [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4"}]}
    ```

    ## Fix
    None: see what wrote the value.

    ## Source
    OpenAI's API reference, the chat format of fine-tuning input.
    """

    meta = RuleMeta(
        code="SCH006",
        name="wrong-type",
        severity=Severity.ERROR,
        message="{field} should be {expected}, not {found}",
        summary="a field of the wrong JSON type",
    )
