"""Which targets would take the data: in short for the first screen, and as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dsprep.model.report import Report
from dsprep.reports.html.view import short

_ANSWERS = {
    "yes": ("Accepted", "ok"),
    "after-prepare": ("After prepare", "warning"),
    "unknown": ("Not known", "info"),
    "no": ("No", "error"),
}
_MOST_REASONS = 3
#: So many lines fit on the first screen.
_MOST_LINES = 12
_DOUBLE = 2


@dataclass(frozen=True, slots=True)
class Line:
    """A backend on the first screen, with those of its models that have one answer: whether an upload would be
    accepted, what would be too long, and the first reason if it is not accepted."""

    name: str
    models: str
    checked: bool
    answer: str
    tone: str
    beyond: str
    why: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What the first screen says; `more` is how many lines there is no room for."""

    lines: list[Line]
    more: int


@dataclass(frozen=True, slots=True)
class Row:
    """A backend, with those of its models of which the same holds."""

    name: str
    models: str
    title: str
    checked: bool
    answer: str
    tone: str
    limit: str
    beyond: str
    examples: str
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class Table:
    """All targets, and the one that the run was for."""

    own: str
    rows: list[Row]


def summary(report: Report) -> Summary | None:
    """The targets in short; None if nobody has looked."""
    lines = []
    for same in _grouped(_entries(report), lambda entry: (entry["accepted"], _beyond(report, entry))):
        entry = same[0]
        answer, tone = _ANSWERS[entry["accepted"]]
        models = _models(same)
        several = f"{len(models)} models" if len(models) > 1 else models[0] if models else ""
        reasons = _reasons(entry)
        why = short(reasons[0], 70) if reasons and entry["accepted"] != "yes" else ""
        checked = any(other.get("checked") is True for other in same)
        lines.append(
            Line(
                _backend(entry),
                short(several, 40),
                checked,
                answer,
                tone,
                _said(_beyond(report, entry), bool(why)),
                why,
            )
        )
    return Summary(lines[:_MOST_LINES], len(lines[_MOST_LINES:])) if lines else None


def _said(beyond: str, why: bool) -> str:
    """`none too long`; nothing where that is no news beside a reason."""
    none = beyond in ("none", "~none")
    if why:
        return "" if none or beyond == "not counted" else beyond
    return f"{beyond} too long" if none else beyond


def table(report: Report) -> Table | None:
    """Every target; None if nobody has looked."""
    entries = _entries(report)
    if not entries:
        return None
    rows = [_row(report, same) for same in _grouped(entries, _alike)]
    own = next((str(entry["target"]) for entry in entries if entry.get("checked") is True), "")
    return Table(short(own, 60), rows)


def _grouped(
    entries: Iterable[Mapping[str, Any]], key: Callable[[Mapping[str, Any]], Any]
) -> list[list[Mapping[str, Any]]]:
    """Entries of one backend of which the same holds, in order; those of a backend stand together."""
    backends: dict[str, dict[Any, list[Mapping[str, Any]]]] = {}
    for entry in entries:
        backends.setdefault(_backend(entry), {}).setdefault(key(entry), []).append(entry)
    return [same for groups in backends.values() for same in groups.values()]


def _backend(entry: Mapping[str, Any]) -> str:
    return short(entry["target"].partition(":")[0], 40)


def _models(same: Iterable[Mapping[str, Any]]) -> list[str]:
    return [model for entry in same if (model := entry["target"].partition(":")[2])]


def _entries(report: Report) -> list[Mapping[str, Any]]:
    found = report.stats.get("targets")
    if not isinstance(found, list):
        return []
    return [
        entry
        for entry in found
        if isinstance(entry, Mapping) and entry.get("accepted") in _ANSWERS and isinstance(entry.get("target"), str)
    ]


def _alike(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(value) for key, value in entry.items() if key not in ("target", "title"))


def _row(report: Report, same: list[Mapping[str, Any]]) -> Row:
    entry = same[0]
    answer, tone = _ANSWERS[entry["accepted"]]
    limit, least, have = entry.get("limit"), entry.get("min_examples"), entry.get("examples")
    examples = f"{have:,}" if isinstance(have, int) else "–"
    if isinstance(least, int) and least > 1:
        examples += f" of at least {least:,}{'?' if entry.get('min_examples_unverified') is True else ''}"
    return Row(
        name=_backend(entry),
        models=short(", ".join(_models(same)), 200),
        title=short(str(entry.get("title", "")), 80),
        checked=entry.get("checked") is True,
        answer=answer,
        tone=tone,
        limit=f"{limit:,}{'?' if entry.get('limit_unverified') is True else ''}" if isinstance(limit, int) else "–",
        beyond=_beyond(report, entry),
        examples=examples,
        reasons=[short(reason, 160) for reason in _reasons(entry)],
    )


def _reasons(entry: Mapping[str, Any]) -> tuple[str, ...]:
    found = entry.get("reasons")
    return tuple(str(reason) for reason in found[:_MOST_REASONS]) if isinstance(found, list) else ()


def _beyond(report: Report, entry: Mapping[str, Any]) -> str:
    """`12 truncated`, `none`, `~3 too long`."""
    beyond, limit = entry.get("beyond"), entry.get("limit")
    if not isinstance(beyond, Mapping) or not isinstance(beyond.get("examples"), int):
        return "not counted"
    n = beyond["examples"]
    about = "~" if beyond.get("estimated") is True else ""
    if n:
        becomes = beyond.get("becomes")
        return f"{about}{n:,} {becomes if isinstance(becomes, str) else 'too long'}"
    whole = report.stats.get("all")
    sizes = whole.get("tokens") if isinstance(whole, Mapping) else None
    longest = sizes.get("max") if isinstance(sizes, Mapping) else None
    # However another tokenizer counts, it does not double the length.
    far = isinstance(longest, int) and isinstance(limit, int) and _DOUBLE * longest < limit
    return "none" if far else f"{about}none"
