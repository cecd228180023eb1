"""What the HTML report shows, worked out before any markup: the template only lays it out."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability, DropRow, Fix, Relabel, Remove, Replace, RewriteFile, Substitute
from dsprep.model.location import Location
from dsprep.model.report import Report, RuleSummary, render_message
from dsprep.reports import (
    counted,
    decisive_settings,
    excerpt_of,
    fixable,
    in_place,
    plain,
    prepared,
    segments,
    standing,
    visible,
)

#: Hard caps, so that a report of a million rows is as light as one of a hundred.
EXAMPLES_PER_RULE = 20
EXAMPLES_IN_ALL = 300
LEAST_EXAMPLES = 3
#: Examples that show at once; the others are folded away.
FIRST_EXAMPLES = 4
LONGEST_TEXT = 400
LONGEST_FIELD = 160
MOST_RELATED = 4
MOST_ACTIONS = 5

_SAFELY = "They drop no row and change no meaning."
_SAFELY_ANEW = (
    "They change no meaning. These inputs are not rewritten in place: this writes a new data set, and puts duplicates "
    "and unusable rows aside."
)
_UNSAFE = ("--fix", "--unsafe-fixes")
#: What `prepare --dedupe` must be told to remove what these rules find.
_DEDUPED = {"DUP001": "exact", "DUP002": "normalized", "DUP003": "near"}
_QUOTED = re.compile(r"`([^`]+)`")
#: Words up to so many characters fit on a line of the narrowest phone.
_UNBROKEN = 24


@dataclass(frozen=True, slots=True)
class Tile:
    """A number worth a glance. `tone` is a css class: error, warning, info, ok or empty."""

    label: str
    value: str
    note: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do, why, and the command that does it or shows where."""

    title: str
    why: str
    command: str
    tone: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One finding as an example."""

    path: str
    line: int | None
    row: int | None
    field: str
    message: Markup
    excerpt: Markup | None
    fix: str
    related: list[str]
    more_related: int


@dataclass(frozen=True, slots=True)
class RuleView:
    """One rule with its findings. `share` is its part of all findings."""

    code: str
    name: str
    summary: str
    severity: str
    counts: list[tuple[str, str]]
    total: int
    safe: int
    unsafe: int
    fixed: str
    share: float
    fix: str
    first: list[Shown]
    folded: list[Shown]
    more: int
    command: str
    anchor: str


def marked(text: str, limit: int = LONGEST_TEXT) -> Markup:
    """`text`, at most `limit` characters of it, HTML-escaped, each hidden character as a marked escape."""
    pieces = [
        Markup('<span class="esc">{}</span>').format(piece) if escape else Markup.escape(piece)
        for piece, escape in segments(text[:limit])
    ]
    if len(text) > limit:
        pieces.append(Markup('<span class="cut">…</span>'))
    return Markup("").join(pieces)


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


def place(location: Location) -> str:
    """`path:line`, cut to a readable length."""
    path = short(location.path)
    return path if location.line is None else f"{path}:{location.line}"


def rules(report: Report) -> list[RuleView]:
    """The rules that found something, worst first, within the caps."""
    found = [summary for summary in report.summaries if summary.tally.total]
    everything = sum(summary.tally.total for summary in found)
    left = EXAMPLES_IN_ALL
    views = []
    for summary in found:
        allowed = max(min(EXAMPLES_PER_RULE, left), LEAST_EXAMPLES)
        findings = summary.tally.sorted()[:allowed]
        left -= len(findings)
        views.append(_rule(report, summary, findings, everything))
    return views


def _rule(report: Report, summary: RuleSummary, findings: list[Finding], everything: int) -> RuleView:
    tally, meta = summary.tally, summary.meta
    safe, unsafe = fixable(report, summary)
    shown = [_shown(summary, finding) for finding in findings]
    # What holds for every example is said once.
    fixes = {item.fix for item in shown}
    common = fixes.pop() if len(fixes) == 1 and len(shown) > 1 else ""
    if common:
        shown = [replace(item, fix="") for item in shown]
    return RuleView(
        code=meta.code,
        name=meta.name,
        summary=as_sentence(meta.summary),
        severity=str(summary.severity),
        counts=[(str(s), counted(n, s.value)) for s in Severity if (n := tally.of_severity(s))],
        total=tally.total,
        safe=safe,
        unsafe=unsafe,
        fixed=_fixed(report, summary),
        share=tally.total / everything if everything else 0.0,
        fix=common,
        first=shown[:FIRST_EXAMPLES],
        folded=shown[FIRST_EXAMPLES:],
        more=tally.total - len(findings),
        command=lint_command(report, "--select", meta.code, "--output-format", "concise"),
        anchor=meta.code.lower(),
    )


def _fixed(report: Report, summary: RuleSummary) -> str:
    if not summary.fixed:
        return ""
    some = "of them" if prepared(report) else "more"
    return f"{summary.fixed:,} {some} {'was' if summary.fixed == 1 else 'were'} fixed in this run."


def _shown(summary: RuleSummary, finding: Finding) -> Shown:
    message = render_message(summary.meta, finding.args)
    excerpt = excerpt_of(finding, message)
    location = finding.location
    return Shown(
        path=short(location.path),
        line=location.line,
        row=location.row,
        field=short(location.field or ""),
        message=sentence(message),
        excerpt=None if excerpt is None else marked(excerpt),
        fix=f"The {finding.fix.applicability} fix {describe_fix(finding.fix)}." if finding.fix else "",
        related=[place(other) for other in finding.related[:MOST_RELATED]],
        more_related=max(len(finding.related) - MOST_RELATED, 0),
    )


def describe_fix(fix: Fix) -> str:
    """What the fix would do, in words: its first edit, and how many more there are."""
    if not fix.edits:
        return ""
    edit = fix.edits[0]
    match edit:
        case Replace(pointer="", value=_):
            text = "writes the record anew"
        case Replace(pointer=pointer, value=value):
            text = f"writes {_value(value)} at {short(pointer, 80)}"
        case Substitute(pointer=pointer, cuts=cuts):
            first = _value(cuts[0][2]) if cuts and cuts[0][2] else "nothing"
            others = f", and {counted(len(cuts) - 1, 'more piece')}," if len(cuts) > 1 else ""
            text = f"writes {first} in place of a piece of the text{others} at {short(pointer, 80)}"
        case Remove(pointer=pointer):
            text = f"removes {short(pointer, 80)}"
        case DropRow():
            text = "drops the row"
        case Relabel(old=old, new=new):
            text = f"relabels {_value(old)} to {_value(new)}"
        case RewriteFile():
            text = "writes the file anew as plain UTF-8"
    more = len(fix.edits) - 1
    return f"{text}, and {counted(more, 'more edit')}" if more else text


def _value(value: Any) -> str:
    if isinstance(value, str):
        return short(f"“{value[:60]}{'…' if len(value) > 60 else ''}”")
    return short(json.dumps(plain(value), ensure_ascii=False), 60)


def lint_command(report: Report, *flags: str) -> str:
    """A `dsprep lint` over the inputs of the report, with `flags`, ready to paste into a shell."""
    words = ["dsprep", "lint"]
    for info in report.inputs:
        if info.split in ("train", "validation", "test"):
            words.append(f"--{info.split}")
        words.append(info.path)
    words += flags
    target = report.settings.get("target")
    if isinstance(target, str) and target != "openai:gpt-3.5-turbo-0125":
        words += ["--target", target]
    return visible(shlex.join(words))


def prepare_command(report: Report, *flags: str) -> str:
    """A `dsprep prepare` over the inputs of the report."""
    paths = [info.path for info in report.inputs]
    return visible(shlex.join(["dsprep", "prepare", *paths, "--out", "prepared", *flags]))


def actions(report: Report) -> list[Action]:
    """What to do first, at most five: what stands in the way of everything, then what a command repairs safely, then
    rule by rule from the worst."""
    out = [
        Action(
            f"Run again without {code}",
            "The rule stopped with an error. Leave it out for now, and report the error above.",
            lint_command(report, "--ignore", code),
            "error",
        )
        for code in dict.fromkeys(error.code for error in report.errors)
    ]
    safe = sum(fixable(report, summary)[0] for summary in report.summaries)
    if safe:
        names = [summary.meta.name for summary in report.summaries if summary.tally.fixable(Applicability.SAFE)]
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        out.append(
            Action(
                "Apply the one safe fix" if safe == 1 else f"Apply the {safe:,} safe fixes",
                f"{_SAFELY if in_place(report) else _SAFELY_ANEW} Rules: {shown}.",
                lint_command(report, "--fix") if in_place(report) else prepare_command(report),
                "ok",
            )
        )
    for severity in Severity:
        left = standing(report, severity)
        for summary in report.summaries:
            rest = left.get(summary.meta.code, 0) - fixable(report, summary)[0]
            if summary.severity is severity and rest > 0:
                out.append(_action(report, summary, rest))
    return out[:MOST_ACTIONS]


def _action(report: Report, summary: RuleSummary, rest: int) -> Action:
    tally, meta, tone = summary.tally, summary.meta, str(summary.severity)
    places, about = counted(rest, "place"), as_sentence(meta.summary)
    if meta.name in ("no-validation-split", "small-validation-split") and not prepared(report):
        return Action("Make a validation split", about, prepare_command(report), tone)
    listing = lint_command(report, "--select", meta.code, "--output-format", "concise")
    if fixable(report, summary)[1]:
        title = f"Decide on {meta.name}: {places}"
        if in_place(report):
            why = f"{about} The fix may drop rows or change meaning: this shows what it would do."
            return Action(title, why, lint_command(report, "--select", meta.code, *_UNSAFE, "--diff"), tone)
        if meta.code in _DEDUPED:
            why = f"{about} This writes a new data set that keeps one of each."
            return Action(title, why, prepare_command(report, "--dedupe", _DEDUPED[meta.code]), tone)
        why = f"{about} This lists every place. `dsprep prepare --unsafe-fixes` would apply the fix to all."
        return Action(title, why, listing, tone)
    if any(finding.key is not None for finding in tally.findings):
        return Action(f"Mend {meta.name} by hand: {places}", f"{about} This lists every place.", listing, tone)
    return Action(f"Look into {meta.name}", about, f"dsprep rule {meta.code}", tone)


def lengths(report: Report) -> str:
    """Whether anything would be cut off for its length, in one sentence; empty if nothing is known."""
    whole, limit = report.stats.get("all"), report.stats.get("limit")
    if not isinstance(whole, Mapping) or not isinstance(limit, Mapping):
        return ""
    over, most, sizes = whole.get("over_limit"), limit.get("tokens"), whole.get("tokens")
    if not isinstance(over, int) or not isinstance(most, int):
        return ""
    if over:
        return f"{counted(over, 'example')} of more than {most:,} tokens would be cut or refused."
    longest = sizes.get("max") if isinstance(sizes, Mapping) else None
    return f"Nothing would be cut: the longest example has {longest:,} of {most:,} tokens." if longest else ""


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


def subject(report: Report) -> str:
    """What the report is about: the inputs, as far as a line holds them."""
    names = [short(info.path, 60) for info in report.inputs]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def tiles(report: Report) -> list[Tile]:
    """The numbers of the first screen."""
    flow, stats = report.funnel, report.stats
    files = counted(len(report.inputs), "file")
    out = [Tile("Rows", f"{flow.rows_in:,}", files)]
    if flow.rejected:
        note = f"{percent(flow.rows_rejected / flow.rows_in)} of all" if flow.rows_in else ""
        out.append(Tile("Rejected", f"{flow.rows_rejected:,}", note, "error" if flow.rows_rejected else "ok"))
    for severity, label in ((Severity.ERROR, "Errors"), (Severity.WARNING, "Warnings"), (Severity.INFO, "Info")):
        found, left = report.count(severity), standing(report, severity)
        n = sum(left.values())
        if not found and severity is Severity.INFO:
            continue
        note = f"by {counted(len(left), 'rule')}" if n else "none"
        out.append(Tile(label, f"{n:,}", f"left of {found:,}" if n < found else note, str(severity) if n else "ok"))
    fixed = sum(summary.fixed for summary in report.summaries)
    pairs = [fixable(report, summary) for summary in report.summaries]
    safe, unsafe = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
    more = f"{unsafe:,} more by unsafe fixes" if unsafe else ""
    if prepared(report):
        out.append(Tile("Fixed", f"{fixed:,}", more))
    elif safe or unsafe:
        out.append(Tile("Fixable", f"{safe:,}", more or "safely"))
    whole = stats.get("all")
    sizes = whole.get("tokens") if isinstance(whole, Mapping) else None
    if isinstance(sizes, Mapping) and isinstance(sizes.get("total"), int) and sizes["total"]:
        middle, longest = sizes.get("median"), sizes.get("max")
        note = f"median {middle:,.0f}, longest {longest:,.0f}" if _is_number(middle) and _is_number(longest) else ""
        out.append(Tile("Tokens", rounded(sizes["total"]), note))
    return out


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


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


def settings(report: Report) -> list[tuple[str, str]]:
    """The settings that the result depends on, each value in one line."""
    return [(str(name), _setting(value)) for name, value in decisive_settings(report).items()]


def _setting(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return ", ".join(value) or "none"
    if value is None:
        return "not set"
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_setting(item)}" for key, item in value.items()) or "none"
    return json.dumps(plain(value, sort=True), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class FunnelRow:
    """A line of the funnel. Shares are of all rows; `start` is where the bar begins, as in a waterfall."""

    label: str
    detail: str
    rows: int
    share: float
    start: float
    kind: str


def funnel(report: Report) -> list[FunnelRow]:
    """Rows in, what was taken away and why, what went where. Empty if nothing was taken away or divided."""
    flow = report.funnel
    if not flow.rows_in or (not flow.rejected and len(flow.out) < 2):
        return []

    def row(label: str, detail: str, rows: int, start: int, kind: str) -> FunnelRow:
        return FunnelRow(short(label, 60), short(detail, 60), rows, rows / flow.rows_in, start / flow.rows_in, kind)

    out = [row("Rows in", "", flow.rows_in, 0, "in")]
    left = flow.rows_in
    for step in flow.rejected:
        left -= step.rows
        out.append(row(step.reason or step.name, step.name if step.reason else "", step.rows, left, "gone"))
    start = 0
    for step in flow.out:
        out.append(row(step.name, step.reason, step.rows, start, "kept"))
        start += step.rows
    return out


def funnel_sum(report: Report) -> str:
    """The sum in figures, as a reader would check it."""
    flow = report.funnel
    parts = [f"{step.rows:,} {short(step.name, 40)}" for step in flow.out]
    if flow.rejected:
        parts.append(f"{flow.rows_rejected:,} rejected")
    sign = "=" if flow.reconciles else "≠"
    return f"{flow.rows_in:,} rows in {sign} {' + '.join(parts)}"
