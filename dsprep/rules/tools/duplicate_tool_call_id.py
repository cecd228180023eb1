"""TOL002 duplicate-tool-call-id."""

from __future__ import annotations

from collections.abc import Iterator

from dsprep.folds.tools import ToolRule
from dsprep.model.batch import Batch
from dsprep.model.chat import shown
from dsprep.model.finding import Finding, Severity
from dsprep.model.record import Example
from dsprep.model.rule import RuleMeta
from dsprep.text.tool_use import ToolUse


class DuplicateToolCallId(ToolRule):
    r"""Two calls of one conversation have the same id.

    ## What it does
    Compares the ids of all tool calls of a conversation, and reports each that an earlier call has.

    ## Why it matters
    The id is all that ties a reply to its call. With two of one id the replies can be read the wrong way round, and
    backends refuse the file. It comes from ids that were counted anew for each message, or copied with the call.

    ## Example
    ```json
    {"role": "assistant", "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Oslo\"}"}},
        {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Rome\"}"}}]}
    ```

    ## Fix
    None: which reply belongs to which of the calls is not known.

    ## Source
    OpenAI's API reference, `tool_calls`: "The ID of the tool call", to which a tool message responds.
    """

    meta = RuleMeta(
        code="TOL002",
        name="duplicate-tool-call-id",
        severity=Severity.ERROR,
        message="the id {id!r} again: an earlier call, of `{first}`, has it",
        summary="the same id twice in one conversation",
    )

    def look(self, batch: Batch, i: int, example: Example, use: ToolUse) -> Iterator[Finding]:
        first = {call.id: call for call in reversed(use.calls) if call.id is not None}
        for call in use.calls:
            if call.id is not None and first[call.id] is not call:
                earlier = first[call.id]
                yield self.there(
                    batch,
                    i,
                    f"{call.pointer}/id",
                    args={"id": shown(call.id, 40), "first": shown(earlier.called, 40)},
                    related=f"{earlier.pointer}/id",
                )
