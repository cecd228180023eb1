"""ACM002 mixed-system-messages."""

from collections.abc import Iterator

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.moving import Shift
from dsprep.model.rule import FoldRule, Rows, RuleMeta

State = tuple[int, int]


class MixedSystemMessages(FoldRule[State]):
    """Some examples have a system message, others have none.

    ## What it does
    Counts both kinds.

    ## Why it matters
    In use the model gets a system message always, or never.

    ## Example
    900 examples with, 100 without.

    ## Fix
    None: only you know which way it will be used.

    ## Source
    Our own mistakes.
    """

    meta = RuleMeta(
        code="ACM002",
        name="mixed-system-messages",
        severity=Severity.INFO,
        message="{without:,} of {all:,} examples have no system message",
        summary="some examples have a system message, others have none",
    )

    def empty(self) -> State:
        return (0, 0)

    def map(self, batch: Batch) -> State:
        having = {row for row, role in zip(batch.turns.row, batch.turns.role, strict=True) if role == "system"}
        return (len(having), sum(example is not None for example in batch.examples) - len(having))

    def merge(self, a: State, b: State) -> State:
        return (a[0] + b[0], a[1] + b[1])

    def moved(self, state: State, shift: Shift) -> State:
        return state

    def finish(self, state: State, rows: Rows) -> Iterator[Finding]:
        having, without = state
        if having and without:
            yield self.finding(rows.dataset, args={"without": without, "all": having + without}, rows=without)
