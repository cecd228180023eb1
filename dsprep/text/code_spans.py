"""Where a text is code: fenced blocks, indented blocks and spans in backticks, as Markdown marks them."""

from __future__ import annotations

import re
from typing import Final

Span = tuple[int, int]

#: A line that opens or closes a fenced block; inside lists and quotations it is indented.
_FENCE: Final = re.compile(r"^[ \t>]*(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
#: The bound keeps a text of nothing but backticks from taking quadratic time.
_INLINE: Final = re.compile(r"(?<!`)(`{1,8})(?!`)([^\n]{1,1000}?)(?<!`)\1(?!`)")
_INDENTED: Final = re.compile(r"(?:\A|\n[ \t]*\n)((?:(?: {4}|\t)[^\n]*(?:\n|\Z))+)")


def fenced_blocks(text: str) -> list[Span]:
    """The fenced blocks of `text`, fences included, as offsets in order. One that is never closed reaches the end."""
    if "```" not in text and "~~~" not in text:
        return []
    blocks: list[Span] = []
    start, fence = -1, ""
    for match in _FENCE.finditer(text):
        mark, rest = match.group(1), match.group(2)
        if start < 0:
            # A fence of backticks with a backtick behind it on the line is a span of code, not a block.
            if mark[0] == "~" or "`" not in rest:
                start, fence = match.start(), mark
        elif mark[0] == fence[0] and len(mark) >= len(fence) and not rest.strip():
            blocks.append((start, match.end()))
            start = -1
    if start >= 0:
        blocks.append((start, len(text)))
    return blocks


def code_spans(text: str) -> list[Span]:
    """All code of `text` as offsets, in order and without overlap: fenced and indented blocks, spans in backticks."""
    spans = fenced_blocks(text)
    if "    " in text or "\t" in text:
        spans += [match.span(1) for match in _INDENTED.finditer(text)]
    if "`" in text:
        spans += [match.span() for match in _INLINE.finditer(text)]
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def prose_spans(text: str) -> list[Span]:
    """What `code_spans` leaves: the offsets of the prose, in order."""
    out: list[Span] = []
    place = 0
    for start, end in code_spans(text):
        if start > place:
            out.append((place, start))
        place = max(place, end)
    if place < len(text):
        out.append((place, len(text)))
    return out
