"""What was found, by rule: what the rule looks for, why it matters, and examples with their places."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import DropRow, Fix, Relabel, Remove, Replace, RewriteFile, Substitute
from dsprep.model.report import Report, RuleSummary, render_message
from dsprep.reports import counted, excerpt_of, fixable, plain, prepared
from dsprep.reports.html.commands import lint_command
from dsprep.reports.html.spans import offending
from dsprep.reports.html.view import as_sentence, marked, place, prose, section_of, sentence, short
from dsprep.text.sensitive.showing import concealed, masked_text

#: Hard caps, so that a report of a million rows is as light as one of a hundred.
EXAMPLES_PER_RULE = 20
EXAMPLES_IN_ALL = 300
LEAST_EXAMPLES = 3
#: Examples that show at once; the others are folded away.
FIRST_EXAMPLES = 4
MOST_RELATED = 4
#: How many rules are unfolded from the start: enough to see what matters, few enough to see how many there are.
OPEN_RULES = 2
#: More files than this are found by search alone.
MOST_FILES = 100


@dataclass(frozen=True, slots=True)
class Shown:
    """One finding as an example; `anchor` is the place of the example in the page."""

    anchor: str
    severity: str
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
    why: Markup
    remedy: Markup
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

    @property
    def shown(self) -> list[Shown]:
        """All examples."""
        return [*self.first, *self.folded]


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to filter by, and how many findings it stands for."""

    value: str
    count: str


@dataclass(frozen=True, slots=True)
class Findings:
    """The rules that found something, `total` findings in all; the first `open` are unfolded. `severities` and `files`
    are what can be chosen; `files` is empty if there is nothing to choose."""

    rules: list[RuleView]
    total: int
    open: int
    severities: list[Choice]
    files: list[str]


def findings(report: Report) -> Findings | None:
    """The findings by rule; None if there are none."""
    made = rules(report)
    if not made:
        return None
    files = list(dict.fromkeys(item.path for rule in made for item in rule.shown))
    return Findings(
        rules=made,
        total=sum(rule.total for rule in made),
        open=OPEN_RULES,
        severities=[Choice(str(s), counted(n, s.value)) for s in Severity if (n := report.count(s))],
        files=files if 1 < len(files) <= MOST_FILES else [],
    )


def rules(report: Report) -> list[RuleView]:
    """The rules that found something, worst first, within the caps."""
    found = [summary for summary in report.summaries if summary.tally.total]
    everything = sum(summary.tally.total for summary in found)
    left = EXAMPLES_IN_ALL
    views = []
    for summary in found:
        allowed = max(min(EXAMPLES_PER_RULE, left), LEAST_EXAMPLES)
        listed = summary.tally.sorted()[:allowed]
        left -= len(listed)
        views.append(_rule(report, summary, listed, everything))
    return views


def _rule(report: Report, summary: RuleSummary, listed: Sequence[Finding], everything: int) -> RuleView:
    tally, meta = summary.tally, summary.meta
    safe, unsafe = fixable(report, summary)
    anchor = meta.code.lower()
    shown = [_shown(summary, finding, f"{anchor}-{i}") for i, finding in enumerate(listed, 1)]
    # What holds for every example is said once.
    common = _common(item.fix for item in shown) if len(shown) > 1 else ""
    if common:
        shown = [replace(item, fix="") for item in shown]
    return RuleView(
        code=meta.code,
        name=meta.name,
        summary=as_sentence(meta.summary),
        why=prose(section_of(summary.documentation, "Why it matters")),
        remedy=prose(section_of(summary.documentation, "Fix")),
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
        more=tally.total - len(listed),
        command=lint_command(report, "--select", meta.code, "--output-format", "concise"),
        anchor=anchor,
    )


def _common(texts: Iterable[str]) -> str:
    different = set(texts)
    return different.pop() if len(different) == 1 else ""


def _fixed(report: Report, summary: RuleSummary) -> str:
    if not summary.fixed:
        return ""
    some = "of them" if prepared(report) else "more"
    return f"{summary.fixed:,} {some} {'was' if summary.fixed == 1 else 'were'} fixed in this run."


def _shown(summary: RuleSummary, finding: Finding, anchor: str) -> Shown:
    message = render_message(summary.meta, finding.args)
    excerpt = excerpt_of(finding, message)
    location = finding.location
    return Shown(
        anchor=anchor,
        severity=str(finding.severity),
        path=short(location.path),
        line=location.line,
        row=location.row,
        field=short(location.field or ""),
        message=sentence(message),
        excerpt=None if excerpt is None else marked(excerpt, spans=offending(excerpt, finding, message)),
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
    value = concealed(value, masked_text)
    if isinstance(value, str):
        return short(f"“{value[:60]}{'…' if len(value) > 60 else ''}”")
    return short(json.dumps(plain(value), ensure_ascii=False), 60)
