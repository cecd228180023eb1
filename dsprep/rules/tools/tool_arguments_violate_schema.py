"""TOL004 tool-arguments-violate-schema."""

from __future__ import annotations

from collections.abc import Iterator

from dsprep.folds.tools import ToolRule
from dsprep.model.batch import Batch
from dsprep.model.chat import shown
from dsprep.model.finding import Finding, Severity
from dsprep.model.record import Example
from dsprep.model.rule import RuleMeta
from dsprep.text.tool_schemas import MAX_LEVELS, MAX_STEPS, Flaw, named
from dsprep.text.tool_use import ToolUse, below

#: So many are told; the others are counted.
_TOLD = 3


class ToolArgumentsViolateSchema(ToolRule):
    r"""The arguments of a call break the JSON Schema that their tool declares.

    ## What it does
    Validates the arguments of each call against `parameters` of the function of that name: by draft 2020-12, or by the
    draft that `$schema` names. One finding for each call says what is wrong. Null is taken where the schema says
    `nullable`, a word of OpenAPI, or has it as the default. Nulls that are padding (`null-padded-arguments`), arguments
    that are no object (`tool-arguments-not-json`) and schemas that are invalid (`invalid-tool-schema`) are left to
    those rules.

    Schemas are somebody else's, so validation is bounded. Nothing is fetched. Patterns run on RE2, in linear time; what
    needs look-around or back-references, is longer than 500 characters, or meets a text of more than 2,000, is passed
    over, as are `format` (an annotation), `unevaluatedItems` and `unevaluatedProperties`, and schemas whose parts
    have an `$id`. After 20,000 steps or 60 levels it is given up, and a warning says so.

    ## Why it matters
    The model learns to leave out what is required, or to write text where a number must stand; the calls that it makes
    then fail.

    ## Example
    `minutes` is declared as an integer:
    ```json
    {"name": "find_free_slots", "arguments": "{\"date\": \"2024-05-14\", \"minutes\": \"half an hour\"}"}
    ```

    ## Fix
    None: the right value is not known. It may be the schema that is wrong.

    ## Source
    JSON Schema, draft 2020-12, https://json-schema.org; OpenAI's API reference: `parameters` are "described as a JSON
    Schema object".
    """

    meta = RuleMeta(
        code="TOL004",
        name="tool-arguments-violate-schema",
        severity=Severity.ERROR,
        message="the arguments of `{tool}`: {problem}",
        summary="arguments that break the declared JSON Schema",
    )

    def look(self, batch: Batch, i: int, example: Example, use: ToolUse) -> Iterator[Finding]:
        for call in use.calls:
            schema = use.schema(call)
            value, faults = call.decoded
            if schema is None or schema.value is None or faults or not isinstance(value, dict):
                continue
            pointer = f"{call.function}/arguments"
            flaws = schema.violations(use.unpadded(call))
            if flaws is None:
                problem = f"not checked: it takes more than {MAX_STEPS:,} steps or {MAX_LEVELS} levels"
                yield self.there(
                    batch,
                    i,
                    pointer,
                    args={"tool": shown(call.called, 40), "problem": problem, "violations": 0},
                    severity=None if self.meta.code in self.context.severities else Severity.WARNING,
                )
            elif flaws:
                # A text has no places inside it.
                place = pointer if isinstance(call.arguments, str) else below(pointer, flaws[0].path)
                args = {"tool": shown(call.called, 40), "problem": _told(flaws), "violations": len(flaws)}
                yield self.there(batch, i, place, args=args)


def _told(flaws: list[Flaw]) -> str:
    told = [f"`{named(flaw.path)}` {flaw.says}" if flaw.path else flaw.says for flaw in flaws[:_TOLD]]
    more = len(flaws) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")
