"""SCH003 empty-messages."""

from __future__ import annotations

from dsprep.folds.faults import SchemaFaultRule
from dsprep.model.finding import Severity
from dsprep.model.rule import RuleMeta


class EmptyMessages(SchemaFaultRule):
    """`messages` is an empty list.

    ## What it does
    Reports records whose list of messages has no item.

    ## Why it matters
    There is nothing in the record to train on, and backends refuse the file.

    ## Example
    ```json
    {"messages": []}
    ```

    ## Fix
    None: take the record out, or see why its messages were lost.

    ## Source
    OpenAI's API reference, the chat format of fine-tuning input: `messages` has at least one item.
    """

    meta = RuleMeta(
        code="SCH003",
        name="empty-messages",
        severity=Severity.ERROR,
        message="`messages` is empty",
        summary="`messages` is empty",
    )
