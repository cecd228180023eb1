"""SCH013 legacy-format."""

from __future__ import annotations

from collections.abc import Iterator

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability, Fix, Replace
from dsprep.model.rule import ExampleRule, FixAvailability, RuleMeta

#: Rows of a table are no records of another format: converting them is what they were given for.
_NOT_LEGACY = frozenset({"chat", "table"})


class LegacyFormat(ExampleRule):
    """A record is in an older or foreign format where the chat format is expected.

    ## What it does
    Reports records of prompt and completion, Alpaca (`instruction`, `input`, `output`) and ShareGPT (`conversations`
    with `from` and `value`). All other rules look at the chat form of such a record.

    ## Why it matters
    A target that trains on chat records refuses the others.

    ## Example
    ```json
    {"prompt": "The capital of France is", "completion": "Paris"}
    ```
    Use instead:
    ```json
    {"messages": [{"role": "user", "content": "The capital of France is"}, {"role": "assistant", "content": "Paris"}]}
    ```

    ## Fix
    Safe: the record is replaced by its chat form, which says the same.

    ## Source
    OpenAI's API reference, the chat format of fine-tuning input; the layouts of Alpaca and ShareGPT as LLaMA-Factory's
    data/README describes them.
    """

    meta = RuleMeta(
        code="SCH013",
        name="legacy-format",
        severity=Severity.WARNING,
        message="a {format} record where {expected} is expected",
        summary="prompt/completion, Alpaca or ShareGPT where chat is expected",
        fix=FixAvailability.ALWAYS,
    )

    def find(self, batch: Batch) -> Iterator[Finding]:
        expected = self.context.target.format
        for i, example in enumerate(batch.examples):
            if example is not None and example.format not in _NOT_LEGACY:
                yield self.at(
                    batch,
                    i,
                    args={"format": example.format, "expected": expected},
                    fix=Fix(Applicability.SAFE, (Replace("", example.record),)),
                )
