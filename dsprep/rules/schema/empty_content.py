"""SCH007 empty-content."""

from __future__ import annotations

from dsprep.folds.faults import SchemaFaultRule
from dsprep.model.finding import Severity
from dsprep.model.rule import RuleMeta


class EmptyContent(SchemaFaultRule):
    """A message's content is empty, or only white space.

    ## What it does
    Reports contents, and text parts, without any visible character. An assistant message with `tool_calls` or a
    `function_call` may be empty.

    ## Why it matters
    An empty question teaches nothing, and an empty answer teaches the model to say nothing. Mostly it is the trace of a
    missing value in a table.

    ## Example
    ```json
    {"messages": [{"role": "user", "content": "Sum up: ..."}, {"role": "assistant", "content": " "}]}
    ```

    ## Fix
    None: fill the content in, or take the record out.

    ## Source
    OpenAI's cookbook, "Data preparation and analysis for chat model fine-tuning", reports messages without content.
    """

    meta = RuleMeta(
        code="SCH007",
        name="empty-content",
        severity=Severity.ERROR,
        message="the {role} message's content is {state}",
        summary="content empty or only white space",
    )
