"""JSON made of whole columns of texts at once, byte for byte what orjson makes of them one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

_SHORT: Final = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def escaped(texts: pa.StringArray) -> pa.StringArray:
    """Each of `texts`, of which none is null, as the inside of a JSON string."""
    import pyarrow.compute as pc

    data = content(texts)
    if b"\\" in data:
        texts = pc.replace_substring(texts, "\\", "\\\\")
    if b'"' in data:
        texts = pc.replace_substring(texts, '"', '\\"')
    numbers = np.frombuffer(data, np.uint8)
    controls = numbers < 0x20
    if controls.any():
        for code in np.unique(numbers[controls]).tolist():
            texts = pc.replace_substring(texts, chr(code), _SHORT.get(chr(code), f"\\u{code:04x}"))
    return texts


def content(texts: pa.StringArray) -> bytes:
    """All of `texts`, one behind the other, in UTF-8."""
    offsets = bounds(texts)
    buffer, start = texts.buffers()[2], int(offsets[0])
    return b"" if buffer is None else bytes(buffer.slice(start, int(offsets[-1]) - start).to_pybytes())


def bounds(texts: pa.StringArray) -> NDArray[np.int32]:
    """Where in their content texts begin, and where the last of them ends; one number more than there are texts."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32)
    return offsets[texts.offset : texts.offset + len(texts) + 1]


def blank(texts: pa.StringArray) -> pa.BooleanArray:
    """Which of `texts` are empty or nothing but white space, as Python has it."""
    import pyarrow.compute as pc

    return pc.or_(pc.equal(texts, ""), pc.utf8_is_space(texts))


def joined(pieces: Sequence[pa.StringArray | str]) -> pa.StringArray:
    """Texts put together of columns and of fixed texts, row by row."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.binary_join_element_wise(*[pa.scalar(p) if isinstance(p, str) else p for p in pieces], "")
