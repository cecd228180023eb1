"""What of new data is in an index already: on a terminal, one line per row, as JSON, and as JSON lines.

The texts and file names shown come from data and from an index that somebody else may have made: all are escaped.
"""

from __future__ import annotations

from typing import Any

import orjson
from rich.console import Console
from rich.text import Text

from dsprep.model.match import Comparison, Match, MatchKind
from dsprep.reports import counted, encoded, plain, visible

_STYLE = {MatchKind.EXACT: "bold red", MatchKind.NORMALIZED: "bold red", MatchKind.NEAR: "yellow"}
_MEANING = {
    MatchKind.EXACT: "equal to a row of the index",
    MatchKind.NORMALIZED: "equal but for case, white space or Unicode form",
    MatchKind.NEAR: "{:g}% or more of the word 5-grams in common with a row of the index",
}


def render_full(comparison: Comparison, console: Console, *, examples: int = 3) -> None:
    """The matches by kind, the closest kind first, with up to `examples` of each, then notes and the summary."""
    for kind, found in comparison.found.items():
        if not found:
            continue
        head = Text(str(kind), _STYLE[kind])
        head.append(f"  {counted(found, 'row')}: {_MEANING[kind].format(100 * comparison.threshold)}")
        _print(head, console)
        for match in [match for match in comparison.matches if match.kind is kind][:examples]:
            line = Text("  ")
            line.append(_shown(match.location.place, console), "bold")
            how = f"{_percent(match)} like" if kind is MatchKind.NEAR else "equal to"
            line.append(f"  {how} {_shown(match.known_at.place, console)}")
            _print(line, console)
            if match.excerpt:
                dim = "| " if _ascii_only(console) else "│ "
                quoted = Text(f"      {dim}", "dim")
                quoted.append(_shown(match.excerpt, console), "not dim")
                quoted.truncate(console.width, overflow="crop")
                _print(quoted, console)
        if found > examples:
            dots = "..." if _ascii_only(console) else "…"
            _print(Text(f"  {dots} and {found - examples:,} more", "dim"), console)
        _print(Text(), console)
    _print_end(comparison, console)


def render_concise(comparison: Comparison, console: Console) -> None:
    """One line per match, `path:line kind path:line` (`near` with its similarity), then notes and the summary."""
    for match in comparison.matches:
        line = Text(_shown(match.location.place, console), "bold")
        line.append(" ")
        line.append(str(match.kind), _STYLE[match.kind])
        line.append(f" {_percent(match)}" if match.kind is MatchKind.NEAR else "")
        line.append(f" {_shown(match.known_at.place, console)}")
        _print(line, console)
    if comparison.matches:
        _print(Text(), console)
    _print_end(comparison, console)


def dumps_json(comparison: Comparison) -> bytes:
    """The whole comparison as one JSON document (docs/index.md)."""
    value = {
        "tool": comparison.tool,
        "index": comparison.index,
        "threshold": comparison.threshold,
        "inputs": [
            {"path": info.path, "format": info.format, "bytes": info.bytes, "sha256": info.sha256}
            for info in comparison.inputs
        ],
        "rows": comparison.rows,
        "new": comparison.new,
        "unusable": comparison.unusable,
        "found": {str(kind): rows for kind, rows in comparison.found.items()},
        "matches": [_as_dict(match) for match in comparison.matches],
        "notes": comparison.notes,
    }
    return encoded(plain(value), orjson.OPT_INDENT_2) + b"\n"


def dumps_jsonl(comparison: Comparison) -> bytes:
    """The matches, one JSON object a line."""
    return b"".join(encoded(plain(_as_dict(match))) + b"\n" for match in comparison.matches)


def _as_dict(match: Match) -> dict[str, Any]:
    return {
        "kind": str(match.kind),
        "similarity": round(match.similarity, 4),
        "location": match.location.as_dict(),
        "known_at": match.known_at.as_dict(),
        "excerpt": match.excerpt,
    }


def _percent(match: Match) -> str:
    # Rounded down: 99.96 % is not all of it.
    return f"{int(match.similarity * 1000) / 10:g}%"


def _print_end(comparison: Comparison, console: Console) -> None:
    for note in comparison.notes:
        line = Text("note", "bold cyan")
        line.append(f": {_shown(note, console)}")
        _print(line, console)
    if comparison.notes:
        _print(Text(), console)
    index, rows = _shown(comparison.index, console), counted(comparison.rows, "row")
    if comparison.matches:
        found = [f"{n:,} {kind}" for kind, n in comparison.found.items() if n]
        line = Text(f"{len(comparison.matches):,} of {rows} {_are(len(comparison.matches))} in {index} already", "bold")
        line.append(f" ({', '.join(found)}); {comparison.new:,} {_are(comparison.new)} new.")
    elif comparison.new:
        line = Text(f"None of {rows} is in {index}.", "bold green")
    else:
        line = Text(f"There is no row to look for in {index}.")
    _print(line, console)
    if comparison.unusable:
        some = "is no conversation and was" if comparison.unusable == 1 else "are no conversations and were"
        _print(
            Text(f"{counted(comparison.unusable, 'row')} {some} not compared; `dsprep lint` says why.", "yellow"),
            console,
        )
    if comparison.new_file is not None:
        _print(Text(f"{counted(comparison.new, 'new row')} written to {_shown(comparison.new_file, console)}"), console)


def _are(n: int) -> str:
    return "is" if n == 1 else "are"


def _shown(text: str, console: Console) -> str:
    return visible(text, ascii_only=_ascii_only(console))


def _ascii_only(console: Console) -> bool:
    """Whether the output cannot hold every character; writing one that it cannot hold would end the run."""
    return not console.encoding.lower().startswith("utf")


def _print(text: Text, console: Console) -> None:
    console.print(text, soft_wrap=True)
