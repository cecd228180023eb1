"""Conversations in the page: what is said, and what has changed of it. Texts keep their lines; hidden characters are
shown as escapes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dsprep.model.sample import Part, Piece, Said, Talk
from dsprep.reports import counted, segments
from dsprep.reports.html.view import short
from dsprep.text.word_diffs import Change, Op, cropped, word_diff

_ESCAPE = Markup('<span class="esc">{}</span>')
_LAYOUT = {r"\n": Markup("\n"), r"\t": Markup("\t")}
_CUT = Markup('<span class="cut"> … </span>')
_TAGS = {Op.GONE: Markup("<del>{}</del>"), Op.COME: Markup("<ins>{}</ins>")}
#: A changed piece longer than this is cut in its middle.
_LONGEST_CHANGE = 600


@dataclass(frozen=True, slots=True)
class PieceView:
    """A piece of a message. `title` is what to call it if it is folded away or is a call; `note` what is left out."""

    part: str
    text: Markup
    title: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Bubble:
    """A message. `tone` is its class: the role if it is a known one."""

    role: str
    tone: str
    pieces: list[PieceView]
    note: str = ""


def bubbles(talk: Talk) -> list[Bubble]:
    """The messages of a conversation."""
    return [_bubble(said, [_piece(piece) for piece in said.pieces]) for said in talk.said]


def changed_bubbles(before: Talk, after: Talk) -> list[Bubble] | None:
    """The messages of both as one, with what is gone and what has come; None if they are not the same messages."""
    if not same_shape(before, after):
        return None
    return [
        _bubble(
            said,
            [
                _piece(new) if old == new else PieceView(str(new.part), diffed(_difference(old, new)))
                for old, new in zip(had.pieces, said.pieces, strict=True)
            ],
        )
        for had, said in zip(before.said, after.said, strict=True)
    ]


def _difference(old: Piece, new: Piece) -> list[Change]:
    changes = word_diff(old.text, new.text)
    if old.left_out or new.left_out:
        # Texts that are cut to a length end at different places if one of them has lost something before.
        while changes and changes[-1].op is not Op.SAME:
            changes.pop()
        changes.append(Change(Op.CUT, ""))
    return changes


def same_shape(one: Talk, other: Talk) -> bool:
    """Whether two conversations have the same roles and pieces, whatever these say."""
    return [(said.role, [piece.part for piece in said.pieces]) for said in one.said] == [
        (said.role, [piece.part for piece in said.pieces]) for said in other.said
    ]


def lines(text: str) -> Markup:
    """`text` with its line ends and tabs, HTML-escaped, other hidden characters as marked escapes."""
    pieces: list[Markup] = []
    for piece, escape in segments(text):
        if escape and piece in _LAYOUT:
            pieces.append(_LAYOUT[piece])
        else:
            pieces.append(_ESCAPE.format(piece) if escape else Markup.escape(piece))
    return Markup("").join(pieces)


def diffed(changes: Iterable[Change], around: int | None = None) -> Markup:
    """The pieces of two texts: what is gone in `<del>`, what has come in `<ins>`, in which white space can be seen.
    With `around`, no more than so many characters of what is the same are shown beside a difference."""
    shown = list(changes) if around is None else cropped(list(changes), around)
    out: list[Markup] = []
    for op, text in shown:
        if op is Op.CUT:
            out.append(_CUT)
        elif op is Op.SAME:
            out.append(lines(text))
        else:
            out.append(_TAGS[op].format(_seen(text)))
    return Markup("").join(out)


def _seen(text: str) -> Markup:
    """A changed piece: line ends, too, are part of what has changed."""
    if len(text) > _LONGEST_CHANGE:
        half = _LONGEST_CHANGE // 2
        return _seen(text[:half]) + _CUT + _seen(text[-half:])
    pieces: list[Markup] = []
    for piece, escape in segments(text):
        pieces.append(_ESCAPE.format(piece) if escape else Markup.escape(piece))
        if escape and piece == r"\n":
            pieces.append(Markup("\n"))
    return Markup("").join(pieces)


def _bubble(said: Said, pieces: Sequence[PieceView]) -> Bubble:
    role = short(said.role, 40) or "no role"
    known = ("system", "developer", "user", "assistant", "tool", "function")
    tone = said.role if said.role in known else "other"
    return Bubble(role, tone, list(pieces), "the rejected answer" if said.rejected else "")


def _piece(piece: Piece) -> PieceView:
    note = f"{counted(piece.left_out, 'more character')}" if piece.left_out else ""
    match piece.part:
        case Part.REASONING:
            title = f"Reasoning, {counted(len(piece.text) + piece.left_out, 'character')}"
        case Part.CALL:
            title = f"calls {short(piece.name, 80)}" if piece.name else "calls a tool"
        case Part.IMAGE:
            title = "image"
        case _:
            title = ""
    return PieceView(str(piece.part), lines(piece.text), title, note)
