"""CNV004 system-not-first."""

from __future__ import annotations

from collections.abc import Iterator

from dsprep.model.batch import Batch
from dsprep.model.chat import shown
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import ExampleRule, RuleMeta
from dsprep.text.schema import ROLE_PATTERNS


class SystemNotFirst(ExampleRule):
    """A system message stands after the first position.

    ## What it does
    Reports each system (or developer) message that stands after a message of somebody else.

    ## Why it matters
    The system message sets the conversation up. Many chat templates take it from the first position alone, and stop or
    drop it elsewhere; and a model that is used with the instruction in front should be trained like that.

    ## Example
    ```json
    {"messages": [{"role": "user", "content": "hi"}, {"role": "system", "content": "Be brief."},
                  {"role": "assistant", "content": "Hi."}]}
    ```

    ## Fix
    None: moving the message changes what was said before it.

    ## Source
    Fireworks' fine-tuning guide: a system message must be the first one.
    """

    meta = RuleMeta(
        code="CNV004",
        name="system-not-first",
        severity=Severity.WARNING,
        message="a {role} message at position {position}, not first",
        summary="a system message after the first position",
    )

    def find(self, batch: Batch) -> Iterator[Finding]:
        for pattern, rows in batch.get(ROLE_PATTERNS).items():
            if "system" not in pattern[1:]:
                continue
            # Several at the start are what several-system-messages speaks of.
            start = next((j for j, role in enumerate(pattern) if role != "system"), len(pattern))
            late = [j for j, role in enumerate(pattern) if j > start and role == "system"]
            for i in rows:
                example = batch.examples[i]
                assert example is not None
                for j in late:
                    args = {"role": shown(example.messages[j]["role"], 40), "position": j + 1}
                    yield self.at(batch, i, f"/messages/{j}", args=args)
