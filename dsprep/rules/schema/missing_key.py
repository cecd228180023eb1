"""SCH004 missing-key."""

from __future__ import annotations

from dsprep.folds.faults import SchemaFaultRule
from dsprep.model.finding import Severity
from dsprep.model.rule import RuleMeta


class MissingKey(SchemaFaultRule):
    """A message has no `role`, or no `content` where nothing replaces it.

    ## What it does
    Reports messages without a role, and messages without content. An assistant message with `tool_calls` or a
    `function_call` needs no content.

    ## Why it matters
    Backends refuse a file in which a message says neither who speaks nor what.

    ## Example
    The key of the second message's text is misspelt:
    ```json
    {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "contents": "hello"}]}
    ```

    ## Fix
    None: what should stand there cannot be known.

    ## Source
    OpenAI's API reference, the messages of chat fine-tuning input; its cookbook, "Data preparation and analysis for
    chat model fine-tuning", checks the same.
    """

    meta = RuleMeta(
        code="SCH004",
        name="missing-key",
        severity=Severity.ERROR,
        message="the message has no `{key}`",
        summary="a message without `role`, or without `content` where nothing replaces it",
    )
