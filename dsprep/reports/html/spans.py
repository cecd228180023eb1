"""Which part of an excerpt is the offending one, as far as a finding says so."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Final

from dsprep.model.finding import Finding
from dsprep.model.fix import Replace

#: More marks than this help nobody.
MOST_SPANS: Final = 12
#: Args that quote what is wrong, alone or in a list.
_QUOTING: Final = ("what", "token", "phrase", "value", "first", "escape", "names")
_CODE_POINT: Final = re.compile(r"\bU\+([0-9A-F]{4,6})\b")
_TIMES: Final = re.compile(r" × \d+(?: more)?$")
_BACKTICKS: Final = re.compile(r"`([^`]+)`")
#: A change of a text is looked for where so much of the excerpt stands in what the fix would write.
_FOOTHOLD: Final = 12


def offending(excerpt: str, finding: Finding, message: str) -> list[tuple[int, int]]:
    """Start and end of the parts of `excerpt` that the finding is about, in order and apart from each other: what its
    message or args quote, the characters they name (`U+200B`), or what the fix would change. Empty if none can be
    told."""
    found = _named(excerpt, finding) + _quoted(excerpt, finding, message)
    if not found:
        found = _changed(excerpt, finding)
    return _apart(found)


def _named(excerpt: str, finding: Finding) -> list[tuple[int, int]]:
    said = " ".join(value for name, value in finding.args.items() if isinstance(value, str) and name != "excerpt")
    characters = {chr(int(code, 16)) for code in _CODE_POINT.findall(said) if int(code, 16) < 0x110000}
    return [(i, i + 1) for i, character in enumerate(excerpt) if character in characters]


def _quoted(excerpt: str, finding: Finding, message: str) -> list[tuple[int, int]]:
    quotes = _BACKTICKS.findall(message)
    for name in _QUOTING:
        value = finding.args.get(name)
        if isinstance(value, str):
            quotes += [value, *(_TIMES.sub("", part) for part in value.split(", "))]
    out = []
    for quote in dict.fromkeys(quotes):
        # A single letter or digit stands anywhere.
        if len(quote) > 1 or (quote and not quote.isalnum() and not quote.isspace()):
            out += [(match.start(), match.end()) for match in re.finditer(re.escape(quote), excerpt)]
    return out


def _changed(excerpt: str, finding: Finding) -> list[tuple[int, int]]:
    if finding.fix is None or len(excerpt) < 2 * _FOOTHOLD:
        return []
    for edit in finding.fix.edits:
        if not isinstance(edit, Replace) or not isinstance(edit.value, str):
            continue
        # The excerpt begins or ends with what stays as it is.
        start = edit.value.find(excerpt[:_FOOTHOLD])
        if start < 0:
            end = edit.value.find(excerpt[-_FOOTHOLD:])
            start = max(end + _FOOTHOLD - len(excerpt), 0)
            if end < 0:
                continue
        window = edit.value[start : start + len(excerpt)]
        blocks = SequenceMatcher(None, excerpt, window, autojunk=False).get_matching_blocks()
        if sum(block.size for block in blocks) < len(excerpt) / 2:
            continue
        # What the window lacks at its end may stand behind it.
        last = max((block.a + block.size for block in blocks if block.size), default=0)
        out, done = [], 0
        for block in blocks:
            if done < block.a < last:
                out.append((done, block.a))
            done = max(done, block.a + block.size)
        return out
    return []


def _apart(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out[:MOST_SPANS]
