"""TOL006 invalid-tool-schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dsprep.folds.tools import ToolRule
from dsprep.model.batch import Batch
from dsprep.model.chat import shown
from dsprep.model.finding import Finding, Severity
from dsprep.model.record import Example
from dsprep.model.rule import RuleMeta
from dsprep.text.tool_schemas import Flaw, named
from dsprep.text.tool_use import Declaration, ToolUse, below

#: So many flaws of one declaration are told; the others are counted.
_TOLD = 3


class InvalidToolSchema(ToolRule):
    """A declared tool has parameters that are no valid JSON Schema.

    ## What it does
    Checks `parameters` of each declared function: types that there are, keywords with values that they take, references
    that lead somewhere, patterns that are regular expressions, and `object` as the type of the whole. The draft is
    2020-12, or the one that `$schema` names. References that lead out of the declaration are reported; nothing is
    fetched. So are declarations of more than 200,000 bytes or 60 levels, which are not checked further. For targets
    that take OpenAI's format, a tool without `function` is reported, too. One finding for each declaration.

    Nulls that a columnar loader added are left to `null-padded-arguments`, and wrong types outside of `parameters` to
    `wrong-type`.

    ## Why it matters
    Backends refuse such a declaration, or leave the tool out. No call can be checked against it.

    ## Example
    ```json
    {"type": "function", "function": {"name": "get_weather", "parameters": {
        "type": "dict", "properties": {"city": {"type": "str", "required": true}}}}}
    ```
    Use instead:
    ```json
    {"type": "function", "function": {"name": "get_weather", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}
    ```

    ## Fix
    None: correct the declaration where it is made; mostly all records share it.

    ## Source
    JSON Schema, the meta-schemas of drafts 4 to 2020-12, https://json-schema.org; OpenAI's API reference: `parameters`
    are "described as a JSON Schema object".
    """

    meta = RuleMeta(
        code="TOL006",
        name="invalid-tool-schema",
        severity=Severity.ERROR,
        message="the declaration of `{tool}`: {problem}",
        summary="a tool declaration that is not a valid JSON Schema",
    )

    def look(self, batch: Batch, i: int, example: Example, use: ToolUse) -> Iterator[Finding]:
        for declaration in use.declarations:
            flaws = declaration.schema.flaws if declaration.schema is not None else ()
            if flaws:
                yield self.there(
                    batch,
                    i,
                    below(f"{declaration.pointer}/parameters", flaws[0].path),
                    args={**_named(declaration), "problem": _told(flaws), "flaws": len(flaws)},
                )
            elif self.context.target.strict and not declaration.pointer.endswith("/function") and _wrapped(declaration):
                problem = "it has no `function`, in which name and parameters belong"
                yield self.there(
                    batch, i, declaration.pointer, args={**_named(declaration), "problem": problem, "flaws": 1}
                )


def _wrapped(declaration: Declaration) -> bool:
    """Whether a declaration in that place has its name and parameters in a wrapper."""
    return declaration.pointer.startswith("/tools/")


def _named(declaration: Declaration) -> dict[str, Any]:
    return {"tool": shown(declaration.name or "?", 40)}


def _told(flaws: tuple[Flaw, ...]) -> str:
    told = [f"`{named(('parameters', *flaw.path))}` {flaw.says}" for flaw in flaws[:_TOLD]]
    more = len(flaws) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")
