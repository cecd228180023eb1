"""TOL005 undeclared-tool."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator

from dsprep.folds.tools import ToolRule
from dsprep.model.batch import Batch
from dsprep.model.chat import shown
from dsprep.model.finding import Finding, Severity
from dsprep.model.record import Example
from dsprep.model.rule import RuleMeta
from dsprep.text.tool_use import ToolUse

#: So many names are listed; so many are compared, of at most so many characters.
_LISTED = 5
_COMPARED = 100
_LONGEST = 100


class UndeclaredTool(ToolRule):
    """A call names a tool that the record does not declare.

    ## What it does
    Looks each called name up in `tools` and `functions`, and reports those that are in neither, with the declared name
    that is nearest. A record that declares no tool at all is reported only for targets that take tools as a field of
    the request: chat templates may have them in the system message. Once per name and record.

    ## Why it matters
    The model learns to call what it has not been offered, which is how it comes to invent tools. Often the name is
    misspelt, or a tool was renamed in one of the two places.

    ## Example
    ```json
    {"messages": [{"role": "user", "content": "Weather in Bergen?"},
                  {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function",
                                                        "function": {"name": "getWeather", "arguments": "{}"}}]}],
     "tools": [{"type": "function", "function": {"name": "get_weather"}}]}
    ```

    ## Fix
    None: declare the tool, or call another one.

    ## Source
    OpenAI's fine-tuning guide: each example of function calling has the functions that may be called in `tools`.
    """

    meta = RuleMeta(
        code="TOL005",
        name="undeclared-tool",
        severity=Severity.ERROR,
        message="`{tool}` is called, but {declared}",
        summary="a call to a tool that `tools` does not declare",
    )

    def look(self, batch: Batch, i: int, example: Example, use: ToolUse) -> Iterator[Finding]:
        if not use.readable or not (use.declarations or self.context.target.strict):
            return
        told: set[str] = set()
        for call in use.calls:
            if call.name is None or call.name in use.by_name or call.name in told:
                continue
            told.add(call.name)
            # Comparing names takes its time, so it is done for a few.
            compared = len(told) <= _LISTED
            args = {"tool": shown(call.name, 40), "declared": _declared(call.name, use, compared=compared)}
            yield self.there(batch, i, f"{call.function}/name", args=args)


def _declared(name: str, use: ToolUse, *, compared: bool) -> str:
    count = len(use.by_name)
    if not use.declarations:
        return "the record declares no tools"
    if compared and len(name) <= _LONGEST:
        short = [other for other in itertools.islice(use.by_name, _COMPARED) if len(other) <= _LONGEST]
        near = difflib.get_close_matches(name, short, n=1, cutoff=0.6)
        if near:
            return f"it is not declared; did you mean `{near[0]}`?"
    listed = ", ".join(f"`{shown(other, 40)}`" for other in itertools.islice(use.by_name, _LISTED))
    more = f" and {count - _LISTED} more" if count > _LISTED else ""
    return f"only {listed}{more} {'is' if count == 1 else 'are'} declared"
