"""CNV003 roles-not-alternating."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import ExampleRule, RuleMeta
from dsprep.text.schema import ROLE_PATTERNS, RolePattern


class RolesNotAlternating(ExampleRule):
    """The user, or the assistant, speaks twice in a row.

    ## What it does
    Reports two or more messages of the user, or of the assistant, with no other message between them. Replies of tools
    and functions stand between two assistant messages as they should, however many they are. It is an error for targets
    whose format demands that the roles alternate.

    ## Why it matters
    Chat models are trained on turns that alternate, and many chat templates stop with an error otherwise. Mostly a
    message was lost, or one answer was cut into several.

    ## Example
    ```json
    {"messages": [{"role": "user", "content": "hi"}, {"role": "user", "content": "are you there?"},
                  {"role": "assistant", "content": "I am."}]}
    ```

    ## Fix
    None: whether to join the messages or to find the lost one is your decision.

    ## Source
    LLaMA-Factory's data/README: odd turns are the user's, even ones the assistant's; Together's fine-tuning guide.
    """

    meta = RuleMeta(
        code="CNV003",
        name="roles-not-alternating",
        severity=Severity.WARNING,
        message="{count} {role} messages in a row",
        summary="two user or two assistant turns in a row",
    )

    def find(self, batch: Batch) -> Iterator[Finding]:
        default = Severity.ERROR if self.context.target.must_alternate else self.meta.severity
        severity = self.context.severities.get(self.meta.code, default)
        for pattern, rows in batch.get(ROLE_PATTERNS).items():
            for start, count, role in _repeats(pattern):
                pointer = f"/messages/{start + 1}"
                for i in rows:
                    yield self.finding(
                        batch.location(i, pointer),
                        key=batch.key(i),
                        args={"count": count, "role": role},
                        severity=severity,
                    )


def _repeats(pattern: RolePattern) -> list[tuple[int, int, str]]:
    """Where a run of the same speaker begins, how long it is, and who speaks."""
    found: list[tuple[int, int, str]] = []
    start = 0
    for role, run in groupby(pattern):
        count = sum(1 for _ in run)
        if count > 1 and role in ("user", "assistant"):
            found.append((start, count, role))
        start += count
    return found
