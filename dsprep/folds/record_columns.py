"""The columns of written records, as whoever loads them as a table has to know them, from the data dictionary."""

from __future__ import annotations

from typing import Final

from dsprep.folds.dictionary import DEEPEST, Member, Members, Path
from dsprep.model.card import Column, ColumnType

_ITEMS: Final = "["
#: A JSON Schema is no column of its own: its keys are those of the tool that it describes.
_SCHEMA: Final = ".parameters"
#: Columns come in this order, others after them, the fullest first.
_ORDER: Final = {
    name: place
    for place, name in enumerate(
        (
            *("messages", "prompt", "completion", "input", "preferred_output", "non_preferred_output", "chosen"),
            *("rejected", "role", "content", "name", "tool_calls", "tool_call_id", "weight", "tools"),
            *("parallel_tool_calls", "id", "type", "function", "description", "parameters", "arguments", "label"),
        )
    )
}
_SCALARS: Final[dict[str, ColumnType]] = {
    "string": "string",
    "boolean": "bool",
    "integer": "int64",
    "number": "float64",
}


def columns_of(members: Members) -> tuple[Column, ...]:
    """The columns of records with these members; none if the records are not objects, or have too many members.

    What has no type of its own is of type `json`: values of several kinds, objects without a key in common (their keys
    are data), JSON Schemas, and what is nested too deep to have been looked at.
    """
    root = members.known.get(())
    if members.more or root is None or set(root.types) != {"object"}:
        return ()
    below: dict[Path, list[Path]] = {}
    for path in members.known:
        if path:
            below.setdefault(path[:-1], []).append(path)
    return _members(members, below, ())


def _members(members: Members, below: dict[Path, list[Path]], path: Path) -> tuple[Column, ...]:
    named = [(child[-1].removeprefix("."), child) for child in below.get(path, ()) if child[-1] != _ITEMS]
    named.sort(key=lambda item: (_ORDER.get(item[0], len(_ORDER)), -_filled(members.known[item[1]]), item[0]))
    return tuple(_column(members, below, child, name) for name, child in named)


def _column(members: Members, below: dict[Path, list[Path]], path: Path, name: str) -> Column:
    kinds = set(members.known[path].types) - {"null"}
    if kinds == {"integer", "number"}:
        kinds = {"number"}
    if not kinds:
        return Column(name, "null")
    kind = kinds.pop()
    if kinds or (kind in ("object", "array") and (len(path) >= DEEPEST or path[-1] == _SCHEMA)):
        return Column(name, "json")
    if kind == "array" and path[-1] == _ITEMS:
        return Column(name, "json")  # what lists in lists hold is not noted
    if kind == "array":
        items = (*path, _ITEMS)
        item = _column(members, below, items, "") if items in members.known else Column("", "null")
        return Column(name, "list", (item,))
    if kind == "object":
        objects = members.known[path].types["object"]
        inner = [members.known[child] for child in below.get(path, ()) if child[-1] != _ITEMS]
        shared = any(member.count == objects for member in inner)
        if not inner or (len(inner) > 1 and not shared):
            return Column(name, "json")
        return Column(name, "struct", _members(members, below, path))
    return Column(name, _SCALARS.get(kind, "json"))


def _filled(member: Member) -> int:
    return member.count - member.types.get("null", 0)
