"""How the HTML report writes texts, places, numbers and commands: escaped, cut to size, hidden characters visible."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from markupsafe import Markup

from dsprep.model.location import Location
from dsprep.reports import segments, visible

LONGEST_TEXT = 400
LONGEST_FIELD = 160

_QUOTED = re.compile(r"`([^`]+)`")
#: Words up to so many characters fit on a line of the narrowest phone.
_UNBROKEN = 24


def marked(text: str, limit: int = LONGEST_TEXT, spans: Sequence[tuple[int, int]] = ()) -> Markup:
    """`text`, at most `limit` characters of it, HTML-escaped, each hidden character as a marked escape; `spans` (start
    and end, in order, apart from each other) are marked as what is meant."""
    pieces, done = [], 0
    for start, end in spans:
        if start >= limit:
            break
        pieces.append(_escaped(text[done:start]))
        pieces.append(Markup("<mark>{}</mark>").format(_escaped(text[start : min(end, limit)])))
        done = end
    if done < limit:
        pieces.append(_escaped(text[done:limit]))
    if len(text) > limit:
        pieces.append(Markup('<span class="cut">…</span>'))
    return Markup("").join(pieces)


def _escaped(text: str) -> Markup:
    return Markup("").join(
        Markup('<span class="esc">{}</span>').format(piece) if escape else Markup.escape(piece)
        for piece, escape in segments(text)
    )


def sentence(text: str, limit: int = LONGEST_TEXT) -> Markup:
    """As `marked`; what stands between backticks, as in the messages of rules, is set as code."""
    pieces = _QUOTED.split(text[:limit])
    out = [
        Markup("<code>{}</code>").format(marked(piece)) if i % 2 else marked(piece) for i, piece in enumerate(pieces)
    ]
    return Markup("").join(out) + (Markup('<span class="cut">…</span>') if len(text) > limit else "")


def as_sentence(text: str) -> str:
    """`text` with a capital and a full stop."""
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}" if text else ""


def section_of(documentation: str, title: str) -> str:
    """The text below the heading `## title` of a rule's docstring; empty if there is none."""
    for part in re.split(r"^## ", documentation, flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        if head.strip() == title:
            return body.strip()
    return ""


def prose(text: str, limit: int = 3_000) -> Markup:
    """Markdown as docstrings of rules use it (paragraphs, lists, code blocks) as HTML; at most `limit` characters."""
    out = []
    for block in re.split(r"\n\s*\n", text[:limit]):
        lines = block.strip().splitlines()
        if not lines:
            continue
        if lines[0].startswith("```"):
            out.append(Markup("<pre>{}</pre>").format(marked("\n".join(lines[1:]).removesuffix("```").rstrip(), limit)))
        elif lines[0].startswith("- "):
            items = [item.replace("\n", " ") for item in re.split(r"(?:^|\n)- ", "\n".join(lines)) if item.strip()]
            out.append(
                Markup("<ul>{}</ul>").format(
                    Markup("").join(Markup("<li>{}</li>").format(sentence(i, limit)) for i in items)
                )
            )
        else:
            out.append(Markup("<p>{}</p>").format(sentence(" ".join(lines), limit)))
    return Markup("").join(out)


def command_line(text: str) -> Markup:
    """A shell command whose short words do not break at their hyphens."""
    words = [
        Markup("<span>{}</span>").format(visible(word)) if len(word) <= _UNBROKEN else Markup.escape(visible(word))
        for word in text.split(" ")
    ]
    return Markup(" ").join(words)


def short(text: str, limit: int = LONGEST_FIELD) -> str:
    """`text` made visible and cut to `limit` characters."""
    return visible(text if len(text) <= limit else text[:limit] + "…")


def quoted_name(name: str, limit: int = 60) -> str:
    """A name that data gave: white space at its ends, which would make two names look the same, and a name that is
    empty show by quotes."""
    return short(name if name and name == name.strip() else f"“{name}”", limit)


def place(location: Location) -> str:
    """`path:line`, cut to a readable length."""
    path = short(location.path)
    return path if location.line is None else f"{path}:{location.line}"


def places(locations: Iterable[Location]) -> list[tuple[str, list[str]]]:
    """Locations by file, in the order given: the path, and `:line` or `row n` for each place in it."""
    out = []
    for path, group in groupby(locations, key=lambda location: location.path):
        lines = [_within(location) for location in group]
        out.append((short(path), list(dict.fromkeys(filter(None, lines)))))
    return out


def _within(location: Location) -> str:
    if location.line is not None:
        return f":{location.line}"
    return "" if location.row is None else f"row {location.row:,}"


def human_bytes(n: int) -> str:
    """`8.8 MB`; decimal units, as file managers and upload limits count."""
    if n < 1000:
        return f"{n} B"
    size = float(n)
    for unit in ("kB", "MB", "GB", "TB"):
        size /= 1000
        if size < 999.95 or unit == "TB":
            break
    return f"{size:.1f} {unit}"


def percent(share: float) -> str:
    """`12.3 %`; never 0.0 % for something nor 100.0 % for not everything."""
    if share in (0, 1):
        return f"{share:.0%}".replace("%", " %")
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    return f"{share * 100:.1f} %"


def rounded(n: int) -> str:
    """`1.24 M`: three digits are enough for a glance. Below a hundred thousand all digits."""
    if n < 100_000:
        return f"{n:,}"
    size, unit = float(n), ""
    for letter in ("k", "M", "G", "T"):
        if size < 999.5:
            break
        size, unit = size / 1000, letter
    return f"{size:.3g} {unit}"
