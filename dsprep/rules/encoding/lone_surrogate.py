"""ENC007 lone-surrogate."""

from __future__ import annotations

from typing import Any

from dsprep.folds.faults import SourceFaultRule
from dsprep.model import pointer as pointers
from dsprep.model.batch import Batch
from dsprep.model.chat import without_surrogates
from dsprep.model.finding import Severity
from dsprep.model.fix import Applicability, Fix, Replace
from dsprep.model.record import UNDECODED, Fault
from dsprep.model.rule import FixAvailability, RuleMeta


class LoneSurrogate(SourceFaultRule):
    r"""A text has one half of a surrogate pair in it.

    ## What it does
    Reports escapes from `\ud800` to `\udfff` that do not come in pairs. They are halves of characters beyond U+FFFF,
    mostly emoji, that were cut in two.

    ## Why it matters
    Such a text cannot be written as UTF-8. Some parsers refuse the line, some put something else in its place, and
    tokenizers stop with an error.

    ## Example
    The first half of an emoji:
    ```json
    {"messages": [{"role": "user", "content": "hi \ud83d"}, {"role": "assistant", "content": "hello"}]}
    ```

    ## Fix
    Unsafe: the half is replaced by U+FFFD, the replacement character. The other half cannot be known.

    ## Source
    RFC 8259, section 8.2: the behaviour of software that receives unpaired surrogates is unpredictable.
    """

    meta = RuleMeta(
        code="ENC007",
        name="lone-surrogate",
        severity=Severity.ERROR,
        message="unpaired surrogate {escape}",
        summary="an unpaired surrogate escape",
        fix=FixAvailability.SOMETIMES,
    )

    def remedy(self, batch: Batch, i: int | None, fault: Fault) -> Fix | None:
        if i is None or batch.records[i].value is UNDECODED:
            return None
        example = batch.examples[i]
        if example is not None and example.format == "chat":
            return Fix(Applicability.UNSAFE, (_edit(example.record, fault.pointer),))
        # The fault's pointer is into the original record here, edits are into the chat form: replace the whole.
        return Fix(Applicability.UNSAFE, (Replace("", without_surrogates(batch.records[i].value)),))


def _edit(record: dict[str, Any], pointer: str | None) -> Replace:
    """The smallest edit after which no lone surrogate is left in `record`."""
    mended = without_surrogates(record)
    if pointer:
        try:
            edit = Replace(pointer, pointers.resolve(mended, pointer))
            if pointers.replace(record, edit.pointer, edit.value) == mended:
                return edit
        except (KeyError, IndexError, ValueError, TypeError, RecursionError):
            pass
    return Replace("", mended)
