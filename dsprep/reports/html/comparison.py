"""What has changed since an earlier report: `--compare report.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dsprep.model.report import Report, RuleChange
from dsprep.reports import counted
from dsprep.reports.html.view import as_sentence, percent, quoted_name, short

#: Lines of a table beyond these are summed up.
MOST_LINES = 60
#: The figures of tokens that are worth a line.
_TOKENS = {
    "total": "Tokens",
    "median": "Tokens of an example, median",
    "p95": "Tokens of an example, 95 % below",
    "max": "Tokens of an example, longest",
    "over_limit": "Examples above the limit",
}


@dataclass(frozen=True, slots=True)
class Pair:
    """A number or text before and now. `tone` is `ok` for better, `error` for worse, or empty."""

    name: str
    before: str
    now: str
    change: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Drift:
    """Classes whose share has changed, the largest change first; `more` are left out."""

    title: str
    lead: str
    classes: list[Pair]
    more: int


@dataclass(frozen=True, slots=True)
class Changed:
    """The section. `verdicts` are those before and now; `rules` are those that have changed, worst first; `more` are
    left out."""

    lead: str
    verdicts: tuple[str, str]
    pairs: list[Pair]
    drifts: list[Drift]
    rules: list[RuleChange]
    more: int
    linked: frozenset[str]
    inputs: list[tuple[str, str]]
    settings: list[Pair]
    notes: list[str]


def comparison(report: Report) -> Changed | None:
    """What has changed; None if the report was compared with none."""
    change = report.comparison
    if change is None:
        return None
    lead = f"Against {short(change.path)}, by {short(change.tool, 60)}: "
    lead += (
        f"{counted(change.new, 'finding')} came, {change.gone:,} went."
        if change.new or change.gone
        else "the same findings."
    )
    if change.unchanged:
        lead += f" {counted(change.unchanged, 'rule')} found as much as before."
    if not change.exact:
        lead += " Where findings are not listed in full, they are told apart by number alone."
    pairs = [
        _numbers("Rows", *change.rows),
        *([_numbers("Rows out", *change.rows_out)] if change.rows_out != change.rows else []),
        *(_numbers(_plural(name), *counts, worse=1) for name, counts in change.counts.items()),
        *_tokens(change.tokens),
    ]
    return Changed(
        lead=lead,
        verdicts=(as_sentence(short(change.verdict[0], 600)), as_sentence(short(change.verdict[1], 600))),
        pairs=pairs,
        drifts=[*_drift("Labels", change.labels), *_drift("Languages", change.languages)],
        rules=change.rules[:MOST_LINES],
        more=max(len(change.rules) - MOST_LINES, 0),
        linked=frozenset(summary.meta.code for summary in report.summaries if summary.tally.total),
        inputs=[(short(name), short(what, 40)) for name, what in list(change.inputs.items())[:MOST_LINES]],
        settings=[
            Pair(short(str(name), 60), _text(before), _text(now)) for name, (before, now) in change.settings.items()
        ][:MOST_LINES],
        notes=[
            *(as_sentence(note) for note in change.notes),
            *_not_run("found something before and did not run now", change.not_run),
            *_not_run("found something now and did not run before", change.not_run_before),
        ],
    )


def _not_run(what: str, codes: tuple[str, ...]) -> list[str]:
    return [f"{', '.join(short(code, 20) for code in codes[:MOST_LINES])} {what}."] if codes else []


def _plural(severity: str) -> str:
    return {"error": "Errors", "warning": "Warnings", "info": "Infos"}.get(severity, short(severity, 40))


def _numbers(name: str, before: float, now: float, worse: int = 0) -> Pair:
    """`worse` is 1 if more is worse, 0 if it is neither."""
    difference = now - before
    tone = "" if not worse or not difference else "error" if difference * worse > 0 else "ok"
    sign = "+" if difference > 0 else "−"
    change = f"{sign}{_number(abs(difference))}" if difference else "="
    return Pair(name, _number(before), _number(now), change, tone)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def _tokens(tokens: Mapping[str, Any]) -> list[Pair]:
    out = []
    for name, title in _TOKENS.items():
        value = tokens.get(name)
        if isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_number, value)):
            out.append(_numbers(title, value[0], value[1], worse=int(name == "over_limit")))
    return out


def _drift(title: str, data: Mapping[str, Any]) -> list[Drift]:
    """The section on `title`, if anything has changed; what it says is that of `folds.drift.of_shares`."""
    changes = data.get("changes")
    if not isinstance(changes, list) or not changes:
        return []
    distance = data.get("distance")
    lead = f"{percent(distance)} of the examples would have to change class for equal shares." if distance else ""
    if data.get("beyond_chance") is True:
        lead += " That is more than drawing the examples anew would give."
    classes = [Pair(quoted_name(str(one["name"])), _part(one, "before"), _part(one, "now")) for one in changes]
    more = data.get("more")
    return [Drift(title, lead, classes, more if isinstance(more, int) else 0)]


def _part(change: Mapping[str, Any], when: str) -> str:
    return f"{change[when]:,} ({percent(change[f'share_{when}'])})"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, list | tuple):
        return short(", ".join(map(str, value))) or "none"
    return short(str(value))
