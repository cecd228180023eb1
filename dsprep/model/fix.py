"""Fixes are data: a rule says what would mend a finding, the engine decides whether to do it, and does it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from dsprep.model import pointer as pointers


class Applicability(StrEnum):
    """`safe` fixes never change meaning and never drop a row; `unsafe` ones may, and are done only on request."""

    SAFE = "safe"
    UNSAFE = "unsafe"


@dataclass(frozen=True, slots=True)
class Replace:
    """Put `value` at `pointer` (the empty pointer is the whole record)."""

    pointer: str
    value: Any

    def as_dict(self) -> dict[str, Any]:
        return {"op": "replace", "pointer": self.pointer, "value": self.value}

    def __reduce__(self) -> tuple[Any, ...]:
        # As for Location.
        return Replace, (self.pointer, self.value)


@dataclass(frozen=True, slots=True)
class Substitute:
    """Put other words in place of parts of the text at `pointer`.

    `cuts` are (start, end, instead): offsets in characters of the text as it is, in order and without overlap. The rest
    of the text is not in the edit, so an edit that redacts shows nobody what it leaves; and edits of several rules in
    one text can be made together.
    """

    pointer: str
    cuts: tuple[tuple[int, int, str], ...]

    def as_dict(self) -> dict[str, Any]:
        cuts = [{"start": start, "end": end, "instead": instead} for start, end, instead in self.cuts]
        return {"op": "substitute", "pointer": self.pointer, "cuts": cuts}


@dataclass(frozen=True, slots=True)
class Remove:
    """Take the member or item at `pointer` out of the record."""

    pointer: str

    def as_dict(self) -> dict[str, Any]:
        return {"op": "remove", "pointer": self.pointer}


@dataclass(frozen=True, slots=True)
class DropRow:
    """Take the whole record out of the data."""

    def as_dict(self) -> dict[str, Any]:
        return {"op": "drop-row"}


@dataclass(frozen=True, slots=True)
class Relabel:
    """Write label `new` wherever a record's label is exactly `old`; one edit for all rows of a run."""

    old: str
    new: str

    def as_dict(self) -> dict[str, Any]:
        return {"op": "relabel", "old": self.old, "new": self.new}


@dataclass(frozen=True, slots=True)
class RewriteFile:
    """Write the file anew in plain form: UTF-8, no mark, one object a line. The records stay what they are."""

    def as_dict(self) -> dict[str, Any]:
        return {"op": "rewrite-file"}


Edit = Replace | Substitute | Remove | DropRow | Relabel | RewriteFile


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that belong together, with what they risk. Pointers are into the record in its chat form."""

    applicability: Applicability
    edits: tuple[Edit, ...]

    def as_dict(self) -> dict[str, Any]:
        return {"applicability": str(self.applicability), "edits": [edit.as_dict() for edit in self.edits]}

    def __reduce__(self) -> tuple[Any, ...]:
        # As for Location.
        return Fix, (self.applicability, self.edits)


def edit_value(value: Any, edits: Iterable[Edit]) -> Any:
    """`value` with the record-level edits (Substitute, Replace, Remove) applied.

    An edit whose place another edit has already taken away is left out: the fixpoint loop sees the finding again and
    decides afresh. Removals in one list go from the back, so that earlier removals do not shift later ones.
    """
    edits = list(edits)
    replaces = [edit for edit in edits if isinstance(edit, Replace)]
    removes = [edit for edit in edits if isinstance(edit, Remove)]
    cuts: dict[str, list[tuple[int, int, str]]] = {}
    for edit in edits:
        if isinstance(edit, Substitute):
            cuts.setdefault(edit.pointer, []).extend(edit.cuts)
    for pointer, wanted in cuts.items():
        try:
            text = pointers.resolve(value, pointer)
        except (KeyError, IndexError, ValueError, TypeError):
            continue
        if isinstance(text, str):
            value = pointers.replace(value, pointer, _substituted(text, wanted))
    for edit in replaces:
        try:
            value = pointers.replace(value, edit.pointer, edit.value)
        except (KeyError, IndexError, ValueError, TypeError):
            continue
    for gone in sorted(removes, key=lambda edit: _natural(edit.pointer), reverse=True):
        try:
            value = pointers.remove(value, gone.pointer)
        except (KeyError, IndexError, ValueError, TypeError):
            continue
    return value


def _substituted(text: str, cuts: Iterable[tuple[int, int, str]]) -> str:
    """`text` with the cuts made; one that overlaps an earlier one is left out."""
    out: list[str] = []
    place = 0
    for start, end, instead in sorted(cuts):
        if start >= place:
            out += (text[place:start], instead)
            place = end
    return "".join((*out, text[place:]))


def _natural(pointer: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key under which `/messages/10` comes after `/messages/9`."""
    return tuple((0, int(t), "") if t.isdigit() else (1, 0, t) for t in pointers.split(pointer))
