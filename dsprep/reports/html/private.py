"""Personal data and secrets: how much of which kind, where, and how to take it out. All that is shown is masked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dsprep.model.finding import Finding
from dsprep.model.report import Report, RuleSummary
from dsprep.reports import counted, in_place, prepared
from dsprep.reports.html.commands import lint_command, prepare_command
from dsprep.reports.html.view import place, short

#: The rules by code, with what they find.
KINDS = {
    "SEC001": "API keys and tokens",
    "SEC002": "Private keys",
    "SEC004": "Passwords in URLs",
    "PII001": "E-mail addresses",
    "PII002": "Telephone numbers",
    "PII003": "Payment cards",
    "PII004": "National identifiers, bank accounts",
    "PII005": "IP addresses",
}
_MOST_PLACES = 3
_MOST_SAMPLES = 4
_MOST_FIELDS = 3
_INDEX = re.compile(r"/\d+(?=/|$)")


@dataclass(frozen=True, slots=True)
class KindRow:
    """One kind. `samples` are masked."""

    name: str
    code: str
    tone: str
    texts: str
    rows: str
    fields: list[str]
    samples: list[str]
    kinds: str
    places: list[str]


@dataclass(frozen=True, slots=True)
class Private:
    """The section. `command` takes out what was found, `preview` shows what it would do; empty if nothing was."""

    lead: str
    rows: list[KindRow]
    command: str
    preview: str
    advice: str


def private(report: Report) -> Private | None:
    """What the rules about personal data and secrets found; None if none of them ran."""
    found = {s.meta.code: s for s in report.summaries if s.meta.code in KINDS and (s.tally.total or s.fixed)}
    ran = [code for code in KINDS if code in report.rules_run or code in found]
    if not ran:
        return None
    if not found:
        rules = counted(len(ran), "rule")
        return Private(f"{rules} looked for personal data and secrets, and found none.", [], "", "", "")
    rows = [_row(found[code]) for code in ran if code in found]
    texts = sum(summary.tally.total for summary in found.values())
    keys = {finding.key for summary in found.values() for finding in summary.tally.sorted()}
    listed = all(len(summary.tally.sorted()) == summary.tally.total for summary in found.values())
    lead = f"{counted(texts, 'place')} in {'' if listed else 'at least '}{counted(len(keys), 'row')}."
    fixed = sum(summary.fixed for summary in found.values())
    if fixed:
        lead += f" {fixed:,} {'was' if fixed == 1 else 'were'} redacted in this run."
    left = texts - fixed if prepared(report) else texts
    codes = ",".join(code for code in KINDS if code in found)
    command = preview = ""
    if left > 0 and in_place(report):
        flags = ("--select", codes, "--fix", "--unsafe-fixes", "--redact", "label")
        command, preview = lint_command(report, *flags), lint_command(report, *flags, "--diff")
    elif left > 0:
        command = prepare_command(report, "--unsafe-fixes", "--redact", "label")
    secret = any(code.startswith("SEC") for code in found)
    advice = "Revoke the keys and change the passwords: whoever had the data has them. " if secret else ""
    return Private(
        lead,
        rows,
        command,
        preview,
        f"{advice}Rules find what has a form; names and addresses of people have none, and are not looked for.",
    )


def _row(summary: RuleSummary) -> KindRow:
    listed = summary.tally.sorted()
    keys = {finding.key for finding in listed}
    more = "" if len(listed) == summary.tally.total else "≥ "
    return KindRow(
        name=KINDS[summary.meta.code],
        code=summary.meta.code,
        tone=str(summary.severity),
        texts=f"{summary.tally.total:,}",
        rows=f"{more}{len(keys):,}",
        fields=_fields(listed),
        samples=_samples(listed),
        kinds=_kinds(listed),
        places=[place(finding.location) for finding in listed[:_MOST_PLACES]],
    )


def _fields(listed: Sequence[Finding]) -> list[str]:
    """The fields that hold most of them, whatever the number of the message."""
    fields = Counter(_INDEX.sub("/*", finding.location.field or "") for finding in listed)
    return [short(name, 60) for name, _ in fields.most_common(_MOST_FIELDS) if name]


def _samples(listed: Sequence[Finding]) -> list[str]:
    """What a few of them look like, masked by the rule."""
    out: dict[str, None] = {}
    for finding in listed:
        what = finding.args.get("what")
        first = what.split(", ")[0] if isinstance(what, str) else ""
        if "…" in first and any(map(str.isalnum, first)):
            out.setdefault(short(first, 40))
        if len(out) == _MOST_SAMPLES:
            break
    return list(out)


def _kinds(listed: Sequence[Finding]) -> str:
    """Of which kinds they are, if a rule knows several."""
    kinds: Counter[str] = Counter()
    for finding in listed:
        said = finding.args.get("kinds")
        for part in said.split(", ") if isinstance(said, str) else ():
            name, _, times = part.partition(" × ")
            kinds[name] += int(times) if times.isdecimal() else 1
    return ", ".join(f"{short(name, 40)} ({n:,})" for name, n in kinds.most_common(4)) if len(kinds) > 1 else ""
