"""What a record says, as a key: the same wherever the record stands and however its JSON is laid out."""

from __future__ import annotations

import json

from dsprep.model.record import UNDECODED, Record
from dsprep.text.normal import canonical, key_of

#: What keeps the three kinds of content apart: values, bytes that are none, and lines too long to be read.
_VALUE, _BYTES, _LONG = b"value\0", b"bytes\0", b"long\0"


def content_key(record: Record) -> bytes:
    """16 bytes (BLAKE2b) by which the content of `record` is known from one run to the next.

    Of a value, neither the order of keys nor white space counts; of a line that is no JSON, and of a value nested too
    deeply to be written again, its bytes do. Of a line too long to be read, its size and its beginning are known.
    """
    if record.value is not UNDECODED:
        written = canonical(record.value)
        if written is not None:
            return key_of(_VALUE + written)
    if record.raw or record.blank:
        return key_of(_BYTES + record.raw.strip())
    said = [[fault.kind, dict(fault.args)] for fault in record.faults]
    return key_of(_LONG + json.dumps(said, sort_keys=True, default=str).encode("utf-8", "backslashreplace"))
