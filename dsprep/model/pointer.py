"""RFC 6901 JSON pointers: read, replace and remove by address, without changing the value that was given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def escape(token: str) -> str:
    """One reference token as it stands in a pointer."""
    return token.replace("~", "~0").replace("/", "~1")


def join(tokens: Sequence[str | int]) -> str:
    """The pointer made of `tokens`; no token gives the whole document."""
    return "".join(f"/{escape(str(token))}" for token in tokens)


def split(pointer: str) -> list[str]:
    """The tokens of `pointer`. Raises ValueError if it is neither empty nor starts with a slash."""
    if not pointer:
        return []
    if pointer[0] != "/":
        raise ValueError(f"not a JSON pointer: {pointer!r}")
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/")]


def resolve(document: Any, pointer: str) -> Any:
    """The value at `pointer`. Raises KeyError, IndexError or ValueError when nothing is there."""
    for token in split(pointer):
        document = document[int(token)] if isinstance(document, list) else document[token]
    return document


def replace(document: Any, pointer: str, value: Any) -> Any:
    """A copy of `document` with `value` at `pointer`; what does not change is shared with the original."""
    return _rebuilt(document, split(pointer), value, removing=False)


def remove(document: Any, pointer: str) -> Any:
    """A copy of `document` without the member or item at `pointer`."""
    return _rebuilt(document, split(pointer), None, removing=True)


def _rebuilt(document: Any, tokens: list[str], value: Any, *, removing: bool) -> Any:
    if not tokens:
        if removing:
            raise ValueError("the whole document cannot be removed")
        return value
    head, rest = tokens[0], tokens[1:]
    last = not rest
    if isinstance(document, list):
        index = int(head)
        items = list(document)
        if last and removing:
            del items[index]
        else:
            items[index] = value if last else _rebuilt(items[index], rest, value, removing=removing)
        return items
    members = dict(document)
    if last and removing:
        del members[head]
    else:
        members[head] = value if last else _rebuilt(members[head], rest, value, removing=removing)
    return members
