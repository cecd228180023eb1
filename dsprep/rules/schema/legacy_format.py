"""SCH013 legacy-format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability, Fix, Replace
from dsprep.model.record import Example
from dsprep.model.rule import ExampleRule, FixAvailability, RuleMeta
from dsprep.text.preference import MEMBERS, SHAPES, pair_faults

#: Rows of a table, and conversations cut out of a chat, are no records of another format: converting them is what they
#: were given for.
_NOT_LEGACY = frozenset({"chat", "table", "transcript"})


class LegacyFormat(ExampleRule):
    """A record is in an older or foreign format where the chat format is expected.

    ## What it does
    Reports records of prompt and completion, Alpaca (`instruction`, `input`, `output`), ShareGPT (`conversations` with
    `from` and `value`), Mistral (`interactions`), Vertex AI (`contents` with `parts`), Bedrock (a `system` text, or
    `schemaVersion`, beside `messages`), and texts in the marks of ChatML, Llama 2 or Llama 3. All other rules look at
    the chat form of such a record. Where the target takes preference records, those in another shape (OpenAI's where
    TRL's is read, or the reverse) are reported, too.

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
    Safe: the record is replaced by its chat form, which says the same. Other members stay what they are.

    ## Source
    OpenAI's API reference, the chat format of fine-tuning input; the layouts of Alpaca and ShareGPT as LLaMA-Factory's
    data/README describes them.
    """

    meta = RuleMeta(
        code="SCH013",
        name="legacy-format",
        severity=Severity.WARNING,
        message="a {format} record where {expected} is expected",
        summary="prompt/completion, Alpaca, ShareGPT and others where chat is expected",
        fix=FixAvailability.ALWAYS,
    )

    def find(self, batch: Batch) -> Iterator[Finding]:
        expected = self.context.target.format
        for i, example in enumerate(batch.examples):
            if example is None or example.format in _NOT_LEGACY:
                continue
            if example.rejected is not None:
                yield from self._pair(batch, i, example)
            elif expected == "chat":
                yield self.at(
                    batch,
                    i,
                    args={"format": example.format, "expected": expected},
                    fix=Fix(Applicability.SAFE, (Replace("", _with_rest(example)),)),
                )

    def _pair(self, batch: Batch, i: int, example: Example) -> Iterator[Finding]:
        """A preference record, in the other shape than the target's. What no shape can hold is another rule's."""
        wanted = self.context.target.preferences
        value = batch.records[i].value
        if wanted is None or example.format == wanted or pair_faults(value, example, wanted):
            return
        known = MEMBERS[example.format]
        own = {key: item for key, item in value.items() if key not in known and key not in example.record}
        yield self.at(
            batch,
            i,
            args={"format": example.format, "expected": wanted},
            fix=Fix(Applicability.SAFE, (Replace("", {**SHAPES[wanted](example), **own}),)),
        )


def _with_rest(example: Example) -> dict[str, Any]:
    """The chat form with what else the record says, under its own names: a safe fix loses nothing."""
    beside = {"label": example.label, "group": example.group, "split": example.split}
    known = {name: value for name, value in beside.items() if value is not None}
    return {
        **example.record,
        **{name: value for name, value in {**example.meta, **known}.items() if name != "messages"},
    }
