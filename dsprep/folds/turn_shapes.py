"""The shapes of conversations: who speaks in which order, repeats folded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

#: So many shapes are told apart, the shortest ones: others are summed up.
MOST_SHAPES: Final = 200
#: So many of them are listed, the most frequent first.
LISTED: Final = 40
#: What repeats is looked for in groups of up to so many turns: a question, a call, its result and an answer are four.
_PERIOD: Final = 4
#: A shape has up to so many groups. What goes on longer without repeating itself would be a shape of its own.
_GROUPS: Final = 12

#: What stands in a shape for an assistant's message that calls tools.
CALLS: Final = "assistant calls"
OTHER_SHAPES: Final = "(other)"


@dataclass(slots=True)
class Shapes:
    """How many examples have each shape, and how many messages the shortest and the longest of them has.

    Of more than MOST_SHAPES the shortest stay, by their length as texts, then in order: what is left out of a part is
    left out of the whole. `examples` counts all."""

    known: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    examples: int = 0

    def merged(self, other: Shapes) -> Shapes:
        """The shapes of both; neither operand is changed."""
        known = dict(self.known)
        for shape, (n, least, most) in other.known.items():
            known[shape] = _joined(known.get(shape), n, least, most)
        return Shapes(known, self.examples + other.examples).settled()

    def settled(self) -> Shapes:
        """These shapes, as many as are kept."""
        if len(self.known) <= MOST_SHAPES:
            return self
        kept = sorted(self.known, key=lambda shape: (len(shape), shape))[:MOST_SHAPES]
        return Shapes({shape: self.known[shape] for shape in kept}, self.examples)

    def described(self) -> list[dict[str, Any]]:
        """Plain JSON data, the most frequent first: see StatisticsFold.finish."""
        listed = sorted(self.known.items(), key=lambda item: (-item[1][0], len(item[0]), item[0]))[:LISTED]
        out: list[dict[str, Any]] = [
            {"shape": shape, "examples": n, "min_messages": least, "max_messages": most}
            for shape, (n, least, most) in listed
        ]
        rest = self.examples - sum(n for _, (n, _, _) in listed)
        if rest:
            out.append({"shape": OTHER_SHAPES, "examples": rest, "min_messages": None, "max_messages": None})
        return out


def shapes_of(conversations: Iterable[tuple[Sequence[str], int]]) -> Shapes:
    """The shapes of conversations: the roles of their messages in order, and how many conversations have these."""
    known: dict[str, tuple[int, int, int]] = {}
    examples = 0
    for roles, n in conversations:
        examples += n
        shape = shape_of(roles)
        known[shape] = _joined(known.get(shape), n, len(roles), len(roles))
    return Shapes(known, examples).settled()


def shape_of(roles: Sequence[str]) -> str:
    """`system, (user, assistant) × n`: the roles in order, with a group of up to four that follows itself written once,
    whatever the number of times."""
    out: list[str] = []
    i = 0
    while i < len(roles):
        if len(out) >= _GROUPS:
            out.append("…")
            break
        period, times = _repeat(roles, i)
        group = list(roles[i : i + period])
        if times > 1:
            out.append(f"{group[0]} × n" if period == 1 else f"({', '.join(group)}) × n")
        else:
            out.extend(group)
        i += period * times
    return ", ".join(out) or "no messages"


def _repeat(roles: Sequence[str], start: int) -> tuple[int, int]:
    """The length of the group at `start` that follows itself, and how often it stands there: the one that covers most,
    the shortest of several. One turn, once, if none does."""
    best = (1, 1)
    for period in range(1, _PERIOD + 1):
        times = 1
        at = start + period
        while roles[at : at + period] == roles[start : start + period]:
            times += 1
            at += period
        if times > 1 and period * times > best[0] * best[1]:
            best = (period, times)
    return best


def _joined(known: tuple[int, int, int] | None, n: int, least: int, most: int) -> tuple[int, int, int]:
    return (n, least, most) if known is None else (known[0] + n, min(known[1], least), max(known[2], most))
