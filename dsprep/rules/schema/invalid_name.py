"""SCH010 invalid-name."""

from __future__ import annotations

from collections.abc import Iterator

from dsprep.folds.limits import under
from dsprep.model.batch import Batch
from dsprep.model.chat import role_group, shown
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import ExampleRule, RuleMeta


class InvalidName(ExampleRule):
    """The `name` of a message is not of the form that the target asks for.

    ## What it does
    Holds the `name` of each message to the target's `message_name`. A target without such a form has nothing reported.
    A name that is no string is left to `wrong-type`, the name in a reply, which is a function's, to `invalid-tool-id`.

    ## Why it matters
    Backends refuse the file because of a name with a space in it.

    ## Example
    ```json
    {"role": "user", "name": "Ada Lovelace", "content": "hi"}
    ```
    Use instead:
    ```json
    {"role": "user", "name": "Ada_Lovelace", "content": "hi"}
    ```

    ## Fix
    None: two people must not come to share a name.

    ## Source
    The target's file in `rules/targets/` names it, `source` of `message_name`.
    """

    meta = RuleMeta(
        code="SCH010",
        name="invalid-name",
        severity=Severity.ERROR,
        message="the name {name!r} is not made of {form}, as {target} asks",
        summary="`name` outside the target's pattern",
    )

    def find(self, batch: Batch) -> Iterator[Finding]:
        target = self.context.target
        form = target.message_name
        if form is None:
            return
        severity = under(self, unverified=form.unverified)
        for i, example in enumerate(batch.examples):
            if example is None:
                continue
            for j, message in enumerate(example.messages):
                # Nearly every message is a role and a content.
                if type(message) is not dict or "name" not in message:
                    continue
                name, role = message["name"], message.get("role")
                if type(name) is not str or form.fits(name) or (type(role) is str and role_group(role) == "tool"):
                    continue
                yield self.finding(
                    batch.location(i, f"/messages/{j}/name"),
                    key=batch.key(i),
                    args={"name": shown(name, 80), "form": form.says, "target": target.name},
                    severity=severity,
                )
