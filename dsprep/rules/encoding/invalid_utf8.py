"""ENC001 invalid-utf8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dsprep.folds.faults import SourceFaultRule
from dsprep.model.batch import Batch
from dsprep.model.finding import Severity
from dsprep.model.fix import Applicability, Fix, Replace, RewriteFile
from dsprep.model.record import UNDECODED, Fault
from dsprep.model.rule import FixAvailability, RuleMeta
from dsprep.text.json_text import decode_json


class InvalidUtf8(SourceFaultRule):
    """A file, or a line of it, is not UTF-8.

    ## What it does
    Reports bytes that are not UTF-8, with the byte offset of the first of them, and the encoding that the text most
    likely has. A file that is in another encoding throughout (UTF-16, say) is reported once, and read in that encoding.

    ## Why it matters
    JSON is exchanged as UTF-8. Backends refuse other bytes, and tools that "repair" them on the way turn letters into
    replacement characters, which the model then learns to write.

    ## Example
    The letter é as Latin-1 writes it, one byte where UTF-8 has two:
    ```
    {"messages": [{"role": "user", "content": "caf<E9>"}, {"role": "assistant", "content": "un café"}]}
    ```

    ## Fix
    Unsafe: the text is decoded with the detected encoding and written as UTF-8. The encoding is a guess, so look at the
    result. A line that is no JSON in that encoding either is left alone.

    ## Source
    RFC 8259, section 8.1: JSON text exchanged between systems must be UTF-8.
    """

    meta = RuleMeta(
        code="ENC001",
        name="invalid-utf8",
        severity=Severity.ERROR,
        message="not UTF-8; it reads as {encoding}",
        summary="bytes that are not UTF-8",
        fix=FixAvailability.SOMETIMES,
    )

    @staticmethod
    def arguments(fault: Fault) -> Mapping[str, Any]:
        args = {**fault.args, "encoding": fault.args.get("encoding") or "no encoding that is known"}
        if fault.args.get("bad"):
            args["excerpt"] = str(fault.args["bad"])[:80]
        return args

    def remedy(self, batch: Batch, i: int | None, fault: Fault) -> Fix | None:
        if i is None:
            return Fix(Applicability.UNSAFE, (RewriteFile(),))
        try:
            text = batch.records[i].raw.decode(str(fault.args.get("encoding"))).encode()
        except (LookupError, ValueError):
            # An encoding that is unknown, or in which the bytes make no sense either.
            return None
        value, faults = decode_json(text)
        # The edit would hide a further fault: let the line stand until that one is mended by hand.
        return None if value is UNDECODED or faults else Fix(Applicability.UNSAFE, (Replace("", value),))
