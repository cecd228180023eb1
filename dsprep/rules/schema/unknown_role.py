"""SCH005 unknown-role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dsprep.folds.faults import SchemaFaultRule
from dsprep.model.chat import SchemaFault, suggested_role
from dsprep.model.finding import Severity
from dsprep.model.fix import Applicability, Fix, Replace
from dsprep.model.rule import FixAvailability, RuleMeta


class UnknownRole(SchemaFaultRule):
    """A message has a role that the target does not know.

    ## What it does
    Reports roles other than those of the target, and suggests the one that is meant where that is plain: other case or
    white space (`User`), a usual alias (`human`, `gpt`, `bot`), a small misspelling (`asistant`).

    ## Why it matters
    Backends refuse the file. Trainers with a chat template stop with an error, or leave the message out.

    ## Example
    ```json
    {"messages": [{"role": "human", "content": "hi"}, {"role": "gpt", "content": "hello"}]}
    ```
    Use instead:
    ```json
    {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}
    ```

    ## Fix
    Safe where only case or white space differs. Unsafe for an alias or a misspelling, because it is a guess who speaks.

    ## Source
    OpenAI's API reference, the messages of chat fine-tuning input; the roles of other targets are in `rules/targets/`.
    """

    meta = RuleMeta(
        code="SCH005",
        name="unknown-role",
        severity=Severity.ERROR,
        message="unknown role `{role}`{hint} ({target} takes {known})",
        summary="a role the target does not know",
        fix=FixAvailability.SOMETIMES,
    )

    def arguments(self, fault: SchemaFault) -> Mapping[str, Any]:
        target = self.context.target
        # `or`, not a comma, before the last one: exactly one of them must be chosen.
        known = " or ".join(filter(None, [", ".join(target.roles[:-1]), *target.roles[-1:]]))
        suggestion, _ = suggested_role(fault.args["role"], target.roles)
        hint = "" if suggestion is None else f"; did you mean `{suggestion}`?"
        return {**fault.args, "suggestion": suggestion, "hint": hint, "target": target.name, "known": known}

    def remedy(self, fault: SchemaFault) -> Fix | None:
        suggestion, safe = suggested_role(fault.args["role"], self.context.target.roles)
        if suggestion is None:
            return None
        return Fix(Applicability.SAFE if safe else Applicability.UNSAFE, (Replace(fault.pointer, suggestion),))
