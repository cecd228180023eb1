"""The data dictionary: which members the records have, how often, of which types, with a value of each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from dsprep.model.batch import Batch
from dsprep.model.moving import Shift
from dsprep.model.record import UNDECODED

#: So many members are described: those nearest to the top of a record, of one depth the first in order of their paths.
MOST_MEMBERS: Final = 300
#: Members further down than this are not described: `messages[].tool_calls[].function.arguments` is six steps deep.
DEEPEST: Final = 6
#: What stands below a member of this name describes a tool, not the data.
_NOT_BELOW: Final = ".parameters"
#: A value that serves as an example is kept up to so many characters, and shown up to so many.
_KEPT, _SHOWN = 160, 40
#: A worker sorts its notes when there are so many of them, so that hostile data does not fill its memory.
_NOTES: Final = 5_000

#: A step of a path: `.name` into a member, `[` into the items of an array.
_ITEMS: Final = "["

_NAMES: Final[Mapping[type, str]] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
    dict: "object",
    list: "array",
}

#: The type of a cell that has nothing in it.
EMPTY: Final = "empty"


class _Empty:
    """Stands for that type."""


#: What may say who somebody is, or open a door: addresses, long numbers (dates are none), long words of keys.
_TELLING: Final = re.compile(
    r"[^\s@]{0,64}@[^\s@]{1,64}|(?<![\w.:-])(?!\d{4}-\d\d-\d\d|\d\d:\d\d)\+?\d(?:[ ().:/-]{0,2}\d){6,}"
    r"|[A-Za-z0-9+=_-]{20,}|\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){3,7}"
)

Path = tuple[str, ...]


@dataclass(slots=True)
class Member:
    """What is known of one path: how often it occurs by type, and of each type the first value in reading order, with
    the key of its row (values that are no scalars: None)."""

    types: dict[str, int] = field(default_factory=dict)
    firsts: dict[str, tuple[int, Any]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return sum(self.types.values())

    def add(self, kind: str, n: int, key: int, value: Any) -> None:
        """Note `n` values of a type, the first of them `value` in the row `key`."""
        self.types[kind] = self.types.get(kind, 0) + n
        known = self.firsts.get(kind)
        if known is None or key < known[0]:
            self.firsts[kind] = (key, value)

    def merged(self, other: Member) -> Member:
        """What is known from both; neither operand is changed."""
        out = Member(dict(self.types), dict(self.firsts))
        for kind, n in other.types.items():
            out.add(kind, n, *other.firsts[kind])
        return out


@dataclass(slots=True)
class Members:
    """What the fold carries. Of more than MOST_MEMBERS paths the first ones are kept, by depth, then by name: a path
    that is left out of a part is left out of the whole, so that the order of merging does not count. `more` says that
    some were left out."""

    known: dict[Path, Member] = field(default_factory=dict)
    more: bool = False

    def merged(self, other: Members) -> Members:
        """The members of both; neither operand is changed."""
        known = dict(self.known)
        for path, member in other.known.items():
            own = known.get(path)
            known[path] = member if own is None else own.merged(member)
        return Members(known, self.more or other.more).settled()

    def settled(self) -> Members:
        """These members, as many as are kept."""
        if len(self.known) <= MOST_MEMBERS:
            return self
        kept = sorted(self.known, key=lambda path: (len(path), path))[:MOST_MEMBERS]
        return Members({path: self.known[path] for path in kept}, True)

    def moved(self, shift: Shift) -> Members:
        """The members of rows that stand elsewhere."""
        return Members(
            {
                path: Member(
                    member.types, {kind: (shift.key(key), value) for kind, (key, value) in member.firsts.items()}
                )
                for path, member in self.known.items()
            },
            self.more,
        )

    def described(self) -> list[dict[str, Any]]:
        """Plain JSON data, an entry per path, each below the one that it belongs to, of those beside each other the
        most frequent first: see StatisticsFold.finish."""
        below: dict[Path, list[Path]] = {}
        for path in self.known:
            if path:
                below.setdefault(path[:-1], []).append(path)
        out: list[dict[str, Any]] = []
        todo: list[Path] = [()]
        while todo:
            path = todo.pop()
            if path:
                out.append(self._described(path))
            children = sorted(below.get(path, ()), key=lambda child: (-self.known[child].count, child))
            todo.extend(reversed(children))
        return out

    def _described(self, path: Path) -> dict[str, Any]:
        member, parent = self.known[path], self.known.get(path[:-1])
        within = "array" if path[-1] == _ITEMS else "object"
        types = dict(sorted(member.types.items(), key=lambda item: (-item[1], item[0])))
        return {
            "path": named(path),
            "present": member.count,
            "of": parent.types.get(within, 0) if parent is not None else 0,
            "types": types,
            "example": _example(member, types),
        }


def members_of(batch: Batch) -> Members:
    """The members of the records of `batch`."""
    out = Members()
    notes = _Notes()
    keys = batch.keys.tolist()
    for record, key in zip(batch.records, keys, strict=True):
        value = record.value
        if value is UNDECODED:
            continue
        if type(value) is dict:
            notes.object(notes.root, value, key, cells="messages" not in value)
        else:
            notes.other(notes.root, value, key)
        if notes.size > _NOTES:
            out = out.merged(notes.settled())
            notes = _Notes()
    return out.merged(notes.settled())


def named(path: Path) -> str:
    """`messages[].role`."""
    return "".join("[]" if step == _ITEMS else step for step in path).removeprefix(".")


class _Node:
    """What was seen at one path of a batch: objects by their shape, other values by their type."""

    __slots__ = ("children", "others", "path", "shapes")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shapes: dict[tuple[tuple[str, ...], tuple[type, ...]], _Shape] = {}
        self.others: dict[type, list[Any]] = {}
        self.children: dict[str, _Node] = {}


class _Shape:
    """Objects with the same members of the same types: how many, the first of them with its row, and which members lead
    further down. Records of one source have few shapes, so that noting one more is all that most of them cost."""

    __slots__ = ("cells", "count", "first", "inner", "key")

    def __init__(self, first: dict[str, Any], key: int, inner: list[tuple[str, _Node]], cells: bool) -> None:
        self.cells = cells
        self.count = 1
        self.first = first
        self.key = key
        self.inner = inner


class _Notes:
    """What was seen in the records of a batch, or a piece of one."""

    def __init__(self) -> None:
        self.root = _Node(())
        self.size = 0

    def object(self, node: _Node, value: dict[str, Any], key: int, *, cells: bool = False) -> None:
        """Note an object. With `cells`, empty texts are told apart: in a row of a table they stand for nothing."""
        if cells:
            sign = (tuple(value), tuple([_Empty if item == "" else type(item) for item in value.values()]))
        else:
            sign = (tuple(value), tuple(map(type, value.values())))
        shape = node.shapes.get(sign)
        if shape is None:
            shape = node.shapes[sign] = _Shape(value, key, self._inner(node, value), cells)
            self.size += 1
        else:
            shape.count += 1
        for name, child in shape.inner:
            inside = value[name]
            if type(inside) is dict:
                self.object(child, inside, key)
                continue
            items = self._child(child, _ITEMS)
            for item in inside:
                if type(item) is dict:
                    self.object(items, item, key)
                else:
                    self.other(items, item, key)

    def other(self, node: _Node, value: Any, key: int) -> None:
        kind = type(value)
        seen = node.others.get(kind)
        if seen is None:
            node.others[kind] = [1, key, value]
            self.size += 1
        else:
            seen[0] += 1

    def _inner(self, node: _Node, value: dict[str, Any]) -> list[tuple[str, _Node]]:
        if len(node.path) >= DEEPEST - 1 or node.path[-1:] == (_NOT_BELOW,):
            return []
        return [
            (name, self._child(node, f".{name}"))
            for name, item in value.items()
            if type(item) is dict or type(item) is list
        ]

    def _child(self, node: _Node, step: str) -> _Node:
        child = node.children.get(step)
        if child is None:
            child = node.children[step] = _Node((*node.path, step))
            self.size += 1
        return child

    def settled(self) -> Members:
        """What the notes say."""
        known: dict[Path, Member] = {}
        more = False
        todo = [self.root]
        while todo:
            node = todo.pop()
            todo.extend(node.children.values())
            # That a member is an object is noted with those beside it.
            counted = not node.path or node.path[-1] == _ITEMS
            for shape in node.shapes.values():
                if counted:
                    _member(known, node.path).add("object", shape.count, shape.key, None)
                if len(node.path) >= DEEPEST:
                    continue
                names: Iterable[Any] = shape.first
                if len(shape.first) > MOST_MEMBERS:
                    # Of an object with very many members, those that could be kept.
                    names, more = sorted(shape.first, key=str)[:MOST_MEMBERS], True
                for name in names:
                    value = shape.first[name]
                    kind = EMPTY if shape.cells and value == "" else _kind(value)
                    _member(known, (*node.path, f".{name}")).add(kind, shape.count, shape.key, _kept(value))
            for n, key, value in node.others.values():
                _member(known, node.path).add(_kind(value), n, key, _kept(value))
        return Members(known, more).settled()


def _member(known: dict[Path, Member], path: Path) -> Member:
    member = known.get(path)
    if member is None:
        member = known[path] = Member()
    return member


def _kind(value: Any) -> str:
    kind = type(value)
    return _NAMES.get(kind) or kind.__name__.lower()


def _kept(value: Any) -> Any:
    """`value` as far as it can be an example: nothing of objects and arrays, the beginning of a text."""
    if value is None or type(value) is bool or type(value) is float:
        return value
    if type(value) is dict or type(value) is list:
        return None
    if type(value) is int and -(2**63) <= value < 2**64:
        return value
    text = value if type(value) is str else str(value)
    return text[:_KEPT]


def _example(member: Member, types: Mapping[str, int]) -> Any:
    """The first value of the commonest type that says something, sheltered and short."""
    for kind in types:
        value = member.firsts[kind][1]
        if type(value) is str and value.strip():
            return sheltered(value)
        if value is not None and type(value) is not str:
            return value
    return None


def sheltered(text: str) -> str:
    """The beginning of `text` in one line, without what may say who somebody is: of such a piece the first two and the
    last two characters."""
    flat = " ".join(_TELLING.sub(lambda found: f"{found[0][:2]}…{found[0][-2:]}", text).split())
    return flat if len(flat) <= _SHOWN else f"{flat[:_SHOWN].rstrip()}…"
