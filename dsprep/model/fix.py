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


Edit = Replace | Remove | DropRow | Relabel | RewriteFile


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
    """`value` with the record-level edits (Replace, Remove) applied.

    An edit whose place another edit has already taken away is left out: the fixpoint loop sees the finding again and
    decides afresh. Removals in one list go from the back, so that earlier removals do not shift later ones.
    """
    replaces = [edit for edit in edits if isinstance(edit, Replace)]
    removes = [edit for edit in edits if isinstance(edit, Remove)]
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


def _natural(pointer: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key under which `/messages/10` comes after `/messages/9`."""
    return tuple((0, int(t), "") if t.isdigit() else (1, 0, t) for t in pointers.split(pointer))
