"""What is told to an editor about findings: diagnostics, edits, and what is shown when the mouse rests on one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate, takewhile
from typing import Final

from lsprotocol import types

from dsprep.editor.drafts import LineEdit, Spot
from dsprep.editor.texts import Position, Text
from dsprep.model.finding import Severity
from dsprep.model.fix import Applicability
from dsprep.model.meta import RuleMeta
from dsprep.model.report import render_message
from dsprep.reports import counted, visible

SOURCE: Final = "dsprep"
#: So many findings are shown in a document: an editor is of no help with more, and slow.
MOST: Final = 1000
#: Messages may quote data, which may be long.
_LONGEST: Final = 600

_SEVERITIES: Final[Mapping[Severity, types.DiagnosticSeverity]] = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.INFO: types.DiagnosticSeverity.Information,
}
_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]()<>#+!|~&])")

Metas = Callable[[str], RuleMeta]


def title(meta: RuleMeta) -> str:
    """What a rule is called where there is little room."""
    return f"{meta.code} {meta.name}"


def said(spot: Spot, meta: RuleMeta) -> str:
    """The sentence of a finding, in which data cannot do anything."""
    text = visible(render_message(meta, spot.finding.args))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def diagnostics(
    spots: Sequence[Spot], text: Text, metas: Metas, uri: str, *, related: bool = True
) -> list[tuple[Spot | None, types.Diagnostic]]:
    """A diagnostic for each finding, worst first if there are too many, with a last one that says so; `related`:
    whether the editor knows about places that belong together."""
    shown = spots
    if len(spots) > MOST:
        worst = sorted(spots, key=lambda spot: (spot.finding.severity.rank, spot.start))[:MOST]
        shown = sorted(worst, key=lambda spot: spot.start)
    out: list[tuple[Spot | None, types.Diagnostic]] = []
    for spot in shown:
        meta = metas(spot.finding.code)
        places = _related(spot, text, uri) if related else []
        diagnostic = types.Diagnostic(
            range=range_of(text, spot.start, spot.end),
            message=said(spot, meta),
            severity=_SEVERITIES[spot.finding.severity],
            code=meta.code,
            source=SOURCE,
            related_information=places or None,
            data={"digest": spot.digest.hex()},
        )
        out.append((spot, diagnostic))
    if len(spots) > len(shown):
        more = counted(len(spots) - len(shown), "more finding")
        sentence = f"and {more} in this file; `dsprep lint` lists all of them"
        out.append((None, plain(sentence, types.DiagnosticSeverity.Information)))
    return out


def plain(sentence: str, severity: types.DiagnosticSeverity = types.DiagnosticSeverity.Error) -> types.Diagnostic:
    """A diagnostic about the document itself."""
    start = types.Position(0, 0)
    return types.Diagnostic(types.Range(start, start), visible(sentence), severity, source=SOURCE)


def range_of(text: Text, start: int, end: int) -> types.Range:
    """The range of characters `start` to `end`."""
    return types.Range(_position(text.position(start)), _position(text.position(end)))


def position_of(position: types.Position) -> Position:
    """A position of the protocol as one of a text."""
    return Position(position.line, position.character)


def edits(text: Text, changes: Iterable[LineEdit]) -> list[types.TextEdit]:
    """Edits of the protocol, each as small as it can be: what stays is not written again, so that cursors stay, too."""
    lines = text.content.split("\n")
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    out = []
    for number, after in changes:
        start, before = starts[number], lines[number]
        if after is None:
            stop = min(starts[number + 1], len(text.content))
            out.append(types.TextEdit(range_of(text, start, stop), ""))
            continue
        head = _alike(before, after)
        tail = _alike(before[head:][::-1], after[head:][::-1])
        stop = start + len(before) - tail
        out.append(types.TextEdit(range_of(text, start + head, stop), after[head : len(after) - tail]))
    return out


def hover(spots: Sequence[Spot], metas: Metas, page: Callable[[str], str]) -> str:
    """Markdown: each finding, and the pages of their rules."""
    parts = []
    for spot in spots:
        meta = metas(spot.finding.code)
        fix = ""
        if spot.finding.fix is not None:
            safe = spot.finding.fix.applicability is Applicability.SAFE
            fix = (
                "  \nA fix is at hand." if safe else "  \nA fix is at hand, which may change the meaning or drop rows."
            )
        parts.append(f"**{title(meta)}** ({spot.finding.severity}): {escaped(said(spot, meta))}{fix}")
    pages = [page(code) for code in dict.fromkeys(spot.finding.code for spot in spots)]
    return "\n\n".join(parts) + "".join(f"\n\n---\n\n{page}" for page in pages)


def escaped(text: str) -> str:
    """Text that is nothing but text in Markdown."""
    return _MARKDOWN.sub(r"\\\1", text)


def _alike(a: str, b: str) -> int:
    """How many characters two texts begin with in common."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))


def _position(position: Position) -> types.Position:
    return types.Position(*position)


def _related(spot: Spot, text: Text, uri: str) -> list[types.DiagnosticRelatedInformation]:
    out = []
    line = text.position(spot.start).line
    for start, end in spot.related:
        there = text.position(start).line
        said = "what belongs to it" if there == line else f"the other record, line {there + 1:,}"
        out.append(types.DiagnosticRelatedInformation(types.Location(uri, range_of(text, start, end)), said))
    return out
