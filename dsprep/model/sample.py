"""Rows to look at: a few examples as conversations, before and after fixes, and clusters of duplicates.

Plain data, cut to bounds and masked (see text.sensitive.showing) where it is made, so that whatever shows it need not
ask what may be shown. The texts are unescaped.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dsprep.model.location import Location


class Part(StrEnum):
    """What a piece of a message is."""

    TEXT = "text"
    REASONING = "reasoning"
    CALL = "call"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a message. `text` is what it says: of a call the arguments, of an image what kind of address it has;
    `name` is that of the tool. `left_out` is how many more characters the text has."""

    part: Part
    text: str
    name: str = ""
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """A message: who says what. `rejected`: it belongs to the answer that another one is preferred to."""

    role: str
    pieces: tuple[Piece, ...]
    rejected: bool = False


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation. `left_out` is how many more messages there are, behind the first ones."""

    said: tuple[Said, ...]
    tools: tuple[str, ...] = ()
    left_out: int = 0


class Why(StrEnum):
    """Why a row was taken: by lot, because something was found in it, or because fixes changed it."""

    LOT = "lot"
    FOUND = "found"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Sample:
    """A row to look at. `key` is its row key (see `model.location`), of which findings of the report speak, too; None
    if the file has been rewritten since. `before` is the row as it was, None if no fix has changed it; `after` is the
    row as it is, None if it goes. `rules` are the codes of the rules that changed it, as far as that is known."""

    why: Why
    split: str
    key: int | None
    location: Location
    after: Talk | None
    before: Talk | None = None
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """A row of a cluster; `similarity` is that to the first one, None where it is the first, or equal but for form."""

    location: Location
    talk: Talk
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    """Rows that say the same, or nearly: found by the rule with `code`, `size` in all as far as they are listed.
    `members` are some of them, the one that the others point to first."""

    code: str
    size: int
    members: tuple[Member, ...]
