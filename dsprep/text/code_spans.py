"""Where a text is code: fenced blocks, indented blocks and spans in backticks, as Markdown marks them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

Span = tuple[int, int]

#: A fence is indented by no more than this.
_DEEPEST: Final = 200

#: A line that opens or closes a fenced block; inside lists and quotations it is indented.
_FENCE: Final = re.compile(r"^[ \t>]*(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
#: The bound keeps a text of nothing but backticks from taking quadratic time.
_INLINE: Final = re.compile(r"(?<!`)(`{1,8})(?!`)([^\n]{1,1000}?)(?<!`)\1(?!`)")
#: A run of signs that may be a fence, wherever it stands.
_RUN: Final = re.compile(r"`{3,}|~{3,}")
#: What may stand before a fence on its line: the indentation, marks of quotations and of list items.
_BEFORE_FENCE: Final = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?")
_LANGUAGE: Final = re.compile(r"\w[\w+#./-]{0,40}[ \t]*")
#: A line that is one of a program, whatever the language.
_CODE_LINE: Final = re.compile(
    r"^[ \t]*(?:(?:def|class|function|const|let|var|public|private|return|import|using|package|#include)\b.*|.*[;{}])$",
    re.MULTILINE,
)
_CODE_LINES: Final = 3
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


def unclosed_fence(text: str) -> int | None:
    """The offset of the fence of `text` that lacks its other half; None if there is none.

    Stricter than Markdown in that a fence with a language inside a block opens another one, so that a block that was
    never closed does not swallow the next; and more lenient in that a fence may end a line of code, or follow a
    sentence, as people and models write it: both halves are there.
    """
    if "```" not in text and "~~~" not in text:
        return None
    lines = list(_fence_lines(text))
    # A bare run that ends a sentence may open a block, or be what the sentence is about.
    found = _left_open(lines, sentences=False)
    return None if found is None or _left_open(lines, sentences=True) is None else found


def _left_open(lines: list[tuple[int, str, int, bool, str]], *, sentences: bool) -> int | None:
    """The offset of the first fence that stays open; `sentences`: a bare run that ends one opens a block, too."""
    opened: list[tuple[str, int]] = []
    for at, mark, runs, alone, rest in lines:
        if opened and opened[-1][0][0] == mark[0] and len(mark) >= len(opened[-1][0]) and not rest.strip():
            # The other half, at the start of its line or behind the last line of code.
            if alone or runs % 2:
                opened.pop()
        elif alone:
            inside = bool(opened)
            if mark[0] == "`" and "`" in rest:
                continue  # a span of code
            if not inside or (mark[0] == opened[-1][0][0] and len(mark) >= len(opened[-1][0])):
                opened.append((mark, at))
        elif not opened and runs % 2 and (_LANGUAGE.fullmatch(rest) or (sentences and not rest.strip())):
            opened.append((mark, at))
    return opened[0][1] if opened else None


def _fence_lines(text: str) -> Iterator[tuple[int, str, int, bool, str]]:
    """The lines with runs of three signs or more. Of each: the offset of the first run if it stands alone at the start
    of the line, else of the last; that run; how many runs there are; whether it stands at the start; what follows."""
    end = -1
    line: list[tuple[int, str]] = []
    for match in _RUN.finditer(text):
        if match.start() > end:
            if line:
                yield _fence_line(text, line, end)
            line = []
            end = text.find("\n", match.end())
            end = len(text) if end < 0 else end
        line.append((match.start(), match.group()))
    if line:
        yield _fence_line(text, line, end)


def _fence_line(text: str, runs: list[tuple[int, str]], end: int) -> tuple[int, str, int, bool, str]:
    first, mark = runs[0]
    start = text.rfind("\n", 0, first) + 1
    if first - start <= _DEEPEST and _BEFORE_FENCE.fullmatch(text, start, first):
        return first, mark, len(runs), True, text[first + len(mark) : end]
    last, mark = runs[-1]
    return last, mark, len(runs), False, text[last + len(mark) : end]


def has_code_lines(text: str) -> bool:
    """Whether some lines of `text` are lines of a program, fenced or not."""
    return sum(1 for _ in _CODE_LINE.finditer(text)) >= _CODE_LINES


def code_blocks(text: str) -> list[Span]:
    """The fenced and the indented blocks of `text` as offsets, in order and without overlap."""
    spans = fenced_blocks(text)
    if "    " in text or "\t" in text:
        spans += [match.span(1) for match in _INDENTED.finditer(text)]
    return _merged(spans)


def code_spans(text: str) -> list[Span]:
    """All code of `text` as offsets, in order and without overlap: fenced and indented blocks, spans in backticks."""
    spans = code_blocks(text)
    if "`" in text:
        spans += [match.span() for match in _INLINE.finditer(text)]
    return _merged(spans)


def _merged(spans: list[Span]) -> list[Span]:
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
