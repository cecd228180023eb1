"""TOL007 invalid-tool-id."""

from __future__ import annotations

from collections.abc import Iterator

from dsprep.folds.limits import under
from dsprep.folds.tools import ToolRule
from dsprep.model.batch import Batch
from dsprep.model.chat import shown
from dsprep.model.finding import Finding, Severity
from dsprep.model.record import Example
from dsprep.model.rule import RuleMeta
from dsprep.text.tool_use import ToolUse


class InvalidToolId(ToolRule):
    """The id of a tool call, or the name of a function, is not of the form that the target asks for.

    ## What it does
    Holds ids of calls, and of replies to them, to the target's `tool_id`, and names of declared and called functions to
    its `function_name`. A target without such a form has nothing reported. Each id and each name is reported once for
    each record, at its first place.

    ## Why it matters
    Backends refuse the file: Mistral takes ids of nine letters and digits only, OpenAI names of at most 64 characters.

    ## Example
    For `mistral`, which takes nine letters and digits:
    ```json
    {"id": "call_001", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    ```

    ## Fix
    None: the new name must be the same wherever the old one is used, in your code as well.

    ## Source
    The target's file in `rules/targets/` names it. For OpenAI the API reference (`function.name`), for Mistral the
    validation in mistral-common.
    """

    meta = RuleMeta(
        code="TOL007",
        name="invalid-tool-id",
        severity=Severity.ERROR,
        message="the {what} {value!r} is not made of {form}, as {target} asks",
        summary="an id or function name outside the target's pattern",
    )

    def look(self, batch: Batch, i: int, example: Example, use: ToolUse) -> Iterator[Finding]:
        target = self.context.target
        ids = [(call.id, f"{call.pointer}/id") for call in use.calls]
        ids += [(reply.id, f"/messages/{reply.message}/tool_call_id") for reply in use.replies]
        names = [(declared.name, f"{declared.pointer}/name") for declared in use.declarations]
        names += [(call.name, f"{call.function}/name") for call in use.calls]
        for what, form, found in (("id", target.tool_id, ids), ("name", target.function_name, names)):
            if form is None:
                continue
            # From the back, so that the first place of each stays.
            places = {value: place for value, place in reversed(found) if value is not None}
            for value, place in found:
                if value is not None and places[value] == place and not form.fits(value):
                    yield self.there(
                        batch,
                        i,
                        place,
                        args={"what": what, "value": shown(value, 80), "form": form.says, "target": target.name},
                        severity=under(self, unverified=form.unverified),
                    )
