"""What a text quotes: between quotation marks, or in lines that begin with `>`."""

from __future__ import annotations

import re
from typing import Final

_PAIRS: Final = (("“", "”"), ("«", "»"), ("「", "」"), ("„", "“"))
#: An apostrophe is no quotation mark; one with a space before it, or behind it, is.
_OPENED: Final = re.compile(r"(?:^|[\s(])['‘](?=\w)")
_CLOSED: Final = re.compile(r"[\w.,!?]['’](?=[\s.,!?)]|$)")
#: No more of a line than this is looked at.
_REACH: Final = 2_000


def is_quoted(text: str, at: int) -> bool:
    """Whether what stands at `at` is within quotation marks that were opened before it in its line, or in a line that
    is quoted as a whole."""
    start = text.rfind("\n", 0, at) + 1
    before = text[max(start, at - _REACH) : at]
    if text.startswith(">", start) or before.count('"') % 2:
        return True
    if any(before.rfind(opened) > before.rfind(closed) for opened, closed in _PAIRS):
        return True
    return len(_OPENED.findall(before)) > len(_CLOSED.findall(before))
