"""One changed record as a diff that a person can read: its JSON, indented, before and after."""

from __future__ import annotations

import difflib
import json

_COLOURS = {"+": "\x1b[32m", "-": "\x1b[31m", "@": "\x1b[36m"}


def render_change(path: str, line: int | None, before: bytes, after: bytes | None, *, colour: bool = False) -> str:
    """The diff of one record; `after` is None where the whole row goes. Control characters are shown as escapes."""
    name = path if line is None else f"{path}:{line}"
    old = _lines(before)
    new = [] if after is None else _lines(after)
    out = [
        piece.rstrip("\n")
        for piece in difflib.unified_diff(old, new, name, name if after is not None else "(row removed)", lineterm="")
    ]
    if not colour:
        return "\n".join(out)
    return "\n".join(f"{_COLOURS[piece[0]]}{piece}\x1b[0m" if piece[:1] in _COLOURS else piece for piece in out)


def _lines(data: bytes) -> list[str]:
    text = data.decode("utf-8", "backslashreplace")
    try:
        # ensure_ascii keeps terminal escapes and bidi controls of hostile text inert, and shows what a fix removed.
        return json.dumps(json.loads(text), indent=2, ensure_ascii=not text.isascii() or _hidden(text)).splitlines()
    except (ValueError, RecursionError):
        return [text.encode("unicode_escape").decode()]


def _hidden(text: str) -> bool:
    return any(not char.isprintable() for char in text)
