"""The section of the HTML report about what records and conversations look like."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from dsprep.model.report import Report
from dsprep.reports import plain
from dsprep.reports.html import charts
from dsprep.reports.html.view import percent, quoted_name, short

#: So many members and shapes are shown at once; the rest is folded away, and beyond the second number left out.
_MEMBERS = (30, 120)
_SHAPES = (12, 41)
_LONGEST_SHAPE = 160
_WHO = {"assistant": "assistant", "user": "user", "system": "system", "tool": "tool", "other": "other roles"}


@dataclass(frozen=True, slots=True)
class Member:
    """One member of the records: where, of what types, in how many of those that could have it."""

    path: str
    types: str
    present: str
    share: str
    bar: Markup
    example: str


@dataclass(frozen=True, slots=True)
class Shape:
    """Who speaks in which order, and how many examples do."""

    shape: str
    examples: str
    share: str
    bar: Markup
    messages: str


@dataclass(frozen=True, slots=True)
class Dictionary:
    """The section: shapes, lengths of turns by who says them, members. The lists are shown, folded."""

    lead: str
    shapes: tuple[list[Shape], list[Shape]]
    turns: list[tuple[str, list[str]]]
    members: tuple[list[Member], list[Member]]
    more: str


def dictionary(report: Report) -> Dictionary | None:
    """What the records are made of; None if there are none."""
    stats = report.stats
    members = [item for item in _listed(stats, "members") if _shown(item)]
    shapes = [item for item in _listed(stats, "shapes") if isinstance(item.get("examples"), int)]
    if not members and not shapes:
        return None
    turns = _turns(stats)
    whole = sum(item["examples"] for item in shapes)
    rows = [_member(item) for item in members[: _MEMBERS[1]]]
    forms = [_shape(item, whole) for item in shapes[: _SHAPES[1]]]
    left = len(members) - len(rows)
    more = ""
    if left > 0 or stats.get("more_members") is True:
        more = "Records have more members than are shown here; the JSON report lists up to 300 of them."
    return Dictionary(_lead(stats, shapes), _folded(forms, _SHAPES[0]), turns, _folded(rows, _MEMBERS[0]), more)


def _listed(stats: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = stats.get(key)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _folded(rows: list[Any], shown: int) -> tuple[list[Any], list[Any]]:
    """Few rows are not worth folding away."""
    return (rows, []) if len(rows) <= shown + 3 else (rows[:shown], rows[shown:])


def _lead(stats: Mapping[str, Any], shapes: Sequence[Mapping[str, Any]]) -> str:
    formats = stats.get("formats")
    named = []
    if isinstance(formats, Mapping):
        named = [f"{n:,} {short(str(name), 30)}" for name, n in formats.items() if isinstance(n, int)]
    lead = f"Records by format: {', '.join(named)}." if named else ""
    if len(shapes) > 1:
        rest = shapes[-1].get("shape") == "(other)"
        lead += f" Conversations have {f'more than {len(shapes) - 1}' if rest else len(shapes)} shapes."
    return lead


def _shown(item: Mapping[str, Any]) -> bool:
    """The items of an array of objects say nothing that the members of these do not say."""
    types = item.get("types")
    if not isinstance(item.get("path"), str) or not isinstance(types, Mapping) or not types:
        return False
    return not (item["path"].endswith("[]") and set(types) == {"object"})


def _member(item: Mapping[str, Any]) -> Member:
    types: Mapping[str, Any] = item["types"]
    present, of = item.get("present"), item.get("of")
    n = present if isinstance(present, int) else 0
    share = n / of if isinstance(of, int) and of and not item["path"].endswith("[]") else None
    whole = sum(types.values()) or 1
    kinds = ", ".join(
        f"{short(str(kind), 20)}{f' {percent(count / whole)}' if len(types) > 1 else ''}"
        for kind, count in types.items()
    )
    return Member(
        quoted_name(item["path"], 80),
        kinds,
        f"{n:,}",
        percent(min(share, 1.0)) if share is not None else "",
        charts.bar(share) if share is not None else Markup(""),
        _example(item.get("example")),
    )


def _example(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return short(value, 60) if value.strip() else "(empty)" if not value else "(white space)"
    if isinstance(value, float):
        return f"{value:.6g}"
    return short(json.dumps(plain(value), ensure_ascii=False), 60)


def _shape(item: Mapping[str, Any], whole: int) -> Shape:
    n = item["examples"]
    least, most = item.get("min_messages"), item.get("max_messages")
    messages = ""
    if isinstance(least, int) and isinstance(most, int):
        messages = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    text = str(item.get("shape"))
    text = "other shapes" if text == "(other)" else text.replace(", ", " → ")
    return Shape(short(text, _LONGEST_SHAPE), f"{n:,}", percent(n / whole), charts.bar(n / whole), messages)


def _turns(stats: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    found = stats.get("turn_tokens")
    out = []
    for role, name in _WHO.items():
        sizes = found.get(role) if isinstance(found, Mapping) else None
        if isinstance(sizes, Mapping):
            out.append((name, [_number(sizes.get(key)) for key in ("median", "mean", "p95", "max", "total")]))
    return out


def _number(value: Any) -> str:
    """Whole from a hundred on: a tenth of a token in thousands says nothing."""
    if not isinstance(value, int | float):
        return "–"
    return f"{value:,.1f}" if isinstance(value, float) and value < 100 else f"{round(value):,}"
