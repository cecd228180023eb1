"""Duplicates: how many there are, and the largest clusters of rows that say nearly the same, with the words in which
they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dsprep.model.report import Report
from dsprep.model.sample import Cluster, Member, Piece, Talk
from dsprep.reports import counted
from dsprep.reports.html import figures
from dsprep.reports.html.talks import diffed, same_shape
from dsprep.reports.html.view import place, short
from dsprep.text.word_diffs import word_diff

#: How much of what is the same is shown on each side of a difference.
_AROUND = 110
_LONGEST_TITLE = 140
_WHAT = {
    "DUP002": "equal but for case, spaces or Unicode form",
    "DUP003": "nearly the same",
    "DUP004": "the same prompt with different answers",
    "LEK002": "nearly the same, in two splits",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A message that is not the same in both rows; `role` is empty where messages cannot be paired."""

    role: str
    text: Markup


@dataclass(frozen=True, slots=True)
class MemberView:
    """A row as it differs from the first one."""

    place: str
    how: str
    differences: list[Difference]
    same: str


@dataclass(frozen=True, slots=True)
class ClusterView:
    """A cluster: `first` is where its first row is, `title` how that begins."""

    code: str
    what: str
    size: str
    first: str
    title: str
    members: list[MemberView]
    more: str


@dataclass(frozen=True, slots=True)
class Duplicates:
    """The section."""

    lead: str
    rows: Sequence[figures.Twin]
    clusters: list[ClusterView]


def duplicates(report: Report) -> Duplicates | None:
    """What is there twice; None if no rule looked for it."""
    twins = figures.twins(report)
    if twins is None:
        return None
    return Duplicates(twins.lead, twins.rows, [_cluster(cluster) for cluster in report.clusters])


def _cluster(cluster: Cluster) -> ClusterView:
    first, others = cluster.members[0], cluster.members[1:]
    rest = cluster.size - len(cluster.members)
    return ClusterView(
        code=cluster.code,
        what=_WHAT.get(cluster.code, ""),
        size=counted(cluster.size, "row"),
        first=place(first.location),
        title=_title(first.talk),
        members=[_member(first.talk, other) for other in others],
        more=f"{counted(rest, 'more row')} of this cluster {'is' if rest == 1 else 'are'} not shown." if rest else "",
    )


def _title(talk: Talk) -> str:
    """How a conversation begins: what the user asks, or whatever comes first."""
    asked = [said for said in talk.said if said.role == "user"] or list(talk.said)
    text = " ".join(_texts(asked[0].pieces).split()) if asked else ""
    return short(text, _LONGEST_TITLE)


def _member(first: Talk, other: Member) -> MemberView:
    how = "" if other.similarity is None else f"{int(other.similarity * 1000) / 10:g} % alike"
    found = []
    if same_shape(first, other.talk):
        pairs = list(zip(first.said, other.talk.said, strict=True))
        for one, two in pairs:
            old, new = _texts(one.pieces), _texts(two.pieces)
            if old != new:
                found.append(Difference(short(one.role, 40), diffed(word_diff(old, new), _AROUND)))
        equal = len(pairs) - len(found)
        same = f"{counted(equal, 'other message')} {'is' if equal == 1 else 'are'} the same." if equal else ""
    else:
        found.append(Difference("", diffed(word_diff(_whole(first), _whole(other.talk)), _AROUND)))
        same = ""
    if not found:
        same = "What is shown of both is the same: they differ further on, or in what is not text."
    return MemberView(place(other.location), how, found, same)


def _texts(pieces: Sequence[Piece]) -> str:
    return "\n".join(f"{piece.name} {piece.text}" if piece.name else piece.text for piece in pieces)


def _whole(talk: Talk) -> str:
    return "\n".join(f"{said.role}: {_texts(said.pieces)}" for said in talk.said)
