"""Rules about tools: each looks at the records that have any, one by one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Fix
from dsprep.model.record import Example
from dsprep.model.rule import ExampleRule
from dsprep.text.tool_use import TOOL_USE, ToolUse, near


class ToolRule(ExampleRule):
    """Base of the rules about tools: write `look`."""

    @abstractmethod
    def look(self, batch: Batch, i: int, example: Example, use: ToolUse) -> Iterator[Finding]:
        """The findings of the i-th record of `batch`."""

    def find(self, batch: Batch) -> Iterator[Finding]:
        for i, use in batch.get(TOOL_USE):
            example = batch.examples[i]
            assert example is not None
            yield from self.look(batch, i, example, use)

    def there(
        self,
        batch: Batch,
        i: int,
        pointer: str,
        *,
        args: Mapping[str, Any],
        related: str | None = None,
        fix: Fix | None = None,
        severity: Severity | None = None,
    ) -> Finding:
        """A finding at `pointer` in the i-th record's chat form, or at the nearest place that the record has; `related`
        is the pointer of a place that it has to do with."""
        example = batch.examples[i]
        assert example is not None
        return self.finding(
            batch.location(i, near(example, pointer)),
            key=batch.key(i),
            args=args,
            related=() if related is None else (batch.location(i, near(example, related)),),
            fix=fix,
            severity=severity,
        )
