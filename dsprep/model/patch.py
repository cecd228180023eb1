"""JSON Patch (RFC 6902): what leads from one JSON value to another, and the same applied.

Only `add`, `remove` and `replace` are written and understood: they are enough for any two values. Two numbers are the
same if they are written the same: 1 is not 1.0, nor true.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from dsprep.model import pointer as pointers

#: One operation: `op`, `path`, and `value` unless it removes.
Operation = dict[str, Any]


def difference(before: Any, after: Any) -> list[Operation]:
    """Operations that make `after` of `before`, as few as is found without search: items of arrays are compared in
    place once what is equal at both ends is left out."""
    out: list[Operation] = []
    _compare(before, after, [], out)
    return out


def patched(value: Any, operations: Sequence[Operation]) -> Any:
    """`value` with `operations` made, in order; the one that was given is not changed.

    Raises ValueError if one of them does not fit, or is of another kind than those that `difference` writes.
    """
    value = copy.deepcopy(value)
    for operation in operations:
        try:
            value = _applied(value, operation["op"], pointers.split(operation["path"]), operation.get("value"))
        except (KeyError, IndexError, TypeError) as error:
            raise ValueError(f"the patch does not fit: {operation.get('op')} {operation.get('path')}") from error
    return value


def same(a: Any, b: Any) -> bool:
    """Whether two JSON values are the same; the order of the members of objects does not matter."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(value, b[key]) for key, value in a.items())
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b) or (a != a and b != b)


def _compare(before: Any, after: Any, place: list[str | int], out: list[Operation]) -> None:
    if isinstance(before, dict) and isinstance(after, dict):
        out.extend({"op": "remove", "path": pointers.join([*place, key])} for key in before if key not in after)
        for key, value in after.items():
            if key in before:
                _compare(before[key], value, [*place, key], out)
            else:
                out.append({"op": "add", "path": pointers.join([*place, key]), "value": value})
    elif isinstance(before, list) and isinstance(after, list):
        _compare_items(before, after, place, out)
    elif not same(before, after):
        out.append({"op": "replace", "path": pointers.join(place), "value": after})


def _compare_items(before: list[Any], after: list[Any], place: list[str | int], out: list[Operation]) -> None:
    if len(before) == len(after):
        for i, (old, new) in enumerate(zip(before, after, strict=True)):
            _compare(old, new, [*place, i], out)
        return
    shorter = min(len(before), len(after))
    head = 0
    while head < shorter and same(before[head], after[head]):
        head += 1
    tail = 0
    while tail < shorter - head and same(before[-1 - tail], after[-1 - tail]):
        tail += 1
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    common = min(len(old), len(new))
    for i in range(common):
        _compare(old[i], new[i], [*place, head + i], out)
    # From the back, so that each index is right when its turn comes.
    out.extend({"op": "remove", "path": pointers.join([*place, head + i])} for i in range(len(old) - 1, common - 1, -1))
    out.extend(
        {"op": "add", "path": pointers.join([*place, head + i]), "value": new[i]} for i in range(common, len(new))
    )


def _applied(value: Any, op: str, tokens: list[str], new: Any) -> Any:
    if op not in ("add", "remove", "replace"):
        raise ValueError(f"an operation {op!r} is none of a ledger's")
    if not tokens:
        return None if op == "remove" else copy.deepcopy(new)
    *way, last = tokens
    parent = value
    for token in way:
        parent = parent[_index(token)] if isinstance(parent, list) else parent[token]
    if isinstance(parent, list):
        i = len(parent) if last == "-" and op == "add" else _index(last)
        if op == "add":
            if i > len(parent):
                raise IndexError(i)
            parent.insert(i, copy.deepcopy(new))
        elif op == "remove":
            del parent[i]
        else:
            parent[i] = copy.deepcopy(new)
    elif isinstance(parent, dict):
        if op != "add" and last not in parent:
            raise KeyError(last)
        if op == "remove":
            del parent[last]
        else:
            parent[last] = copy.deepcopy(new)
    else:
        raise TypeError(f"nothing is inside of {type(parent).__name__}")
    return value


def _index(token: str) -> int:
    # int() takes signs, blanks and other digits, of which RFC 6901 knows nothing.
    if not (token.isascii() and token.isdigit()) or str(int(token)) != token:
        raise KeyError(token)
    return int(token)
