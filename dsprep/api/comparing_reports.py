"""`--compare`: what has changed since an earlier JSON report.

An earlier report is a file that somebody hands in: it is checked part by part, of the parts that are used, and nothing
in it is trusted to be more than text and numbers.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dsprep.config import Settings
from dsprep.folds.drift import of_shares, of_summaries
from dsprep.model.finding import Severity, fingerprint
from dsprep.model.report import Comparison, Report, RuleChange, RuleSummary
from dsprep.model.source import InputError
from dsprep.reports import command_of, decisive_settings, judge, listed_findings, plain

#: The version of the JSON report that this module reads.
VERSION: Final = "1"
#: No report is as long: ten thousand findings of each of all rules are some hundred million bytes.
LONGEST: Final = 1 << 30
#: What `prepare` calls its report: a folder stands for the one in it.
NAME: Final = "report.json"
#: Settings that are compared rule by rule rather than as a whole, or that say what is compared anyway.
_APART: Final = frozenset({"rules", "command"})

_Count = Annotated[int, Field(strict=True, ge=0, le=1 << 53)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class _Verdict(_Part):
    sentence: str
    accepted: bool | None


class _Rule(_Part):
    code: str
    name: str
    severity: Annotated[Severity, Field(strict=False)]
    count: _Count
    listed: _Count


class _Summary(_Part):
    verdict: _Verdict
    counts: dict[str, _Count]
    rules: list[_Rule]
    rules_run: list[str]
    errors: list[Any] = []


class _Input(_Part):
    path: str
    sha256: str = ""


class _Funnel(_Part):
    rows_in: _Count
    rows_out: _Count


class _Finding(_Part):
    """`fingerprint` says what the finding is known by, `content` what its row is."""

    code: str
    fingerprint: str | None = None
    content: str | None = None
    args: dict[str, Any] = {}
    location: dict[str, Any] = {}


class EarlierReport(_Part):
    """The parts of a JSON report that a later one is compared with."""

    tool: str
    inputs: list[_Input]
    settings: dict[str, Any]
    summary: _Summary
    stats: dict[str, Any]
    funnel: _Funnel
    findings: list[_Finding]


def read_report(path: str | os.PathLike[str]) -> tuple[str, EarlierReport]:
    """What the file at `path` is to be called, and the JSON report in it; a folder stands for the `report.json` in it.

    Raises InputError.
    """
    file = Path(path)
    if file.is_dir():
        file = file / NAME
    shown = os.fspath(file)
    made = "`--output-format json` and `dsprep prepare` write one"
    try:
        if file.stat().st_size > LONGEST:
            raise InputError(f"{shown} is too large to be a report: it has more than {LONGEST:,} bytes")
        data = file.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{shown}: there is no such report to compare with; {made}") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{shown} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if data.lstrip()[:1] == b"<":
            raise InputError(f"{shown} is no JSON report (it looks like the HTML one); {made}") from error
        if not data.strip():
            raise InputError(f"{shown} is empty; {made}") from error
        raise InputError(
            f"{shown} is no JSON report, or only the beginning of one: line {error.lineno} is no valid JSON; {made}"
        ) from error
    if not isinstance(value, dict) or "version" not in value or "summary" not in value:
        raise InputError(f"{shown} is no JSON report of dsprep; {made}")
    if value["version"] != VERSION:
        version = str(value["version"])[:20]
        raise InputError(
            f"{shown} is a report in version {version!r} of the format, and this dsprep reads version {VERSION!r} alone"
        )
    try:
        return shown, EarlierReport.model_validate(value)
    except (ValidationError, RecursionError) as error:
        raise InputError(f"{shown} is no whole report of dsprep{_fault(error)}; {made}") from error


def earlier_report(settings: Settings) -> tuple[str, EarlierReport] | None:
    """The report that the settings name to compare with, if they do: see `read_report`."""
    return None if settings.compare is None else read_report(settings.compare)


def _fault(error: ValidationError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return ""
    fault = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part)[:40] for part in fault["loc"])
    return f": {place}: {fault['msg'][:1].lower()}{fault['msg'][1:]}"


def with_comparison(report: Report, earlier: tuple[str, EarlierReport] | None) -> Report:
    """`report`, which now says what has changed since the earlier report, if there is one (see `read_report`)."""
    report.comparison = None if earlier is None else compared(*earlier, report)
    return report


def compared(path: str, before: EarlierReport, report: Report) -> Comparison:
    """What has changed from `before`, which was read from `path`, to `report`."""
    verdict = judge(report)
    earlier = {rule.code: rule for rule in before.summary.rules}
    later = {summary.meta.code: summary for summary in report.summaries}
    ran, ran_before = set(report.rules_run), set(before.summary.rules_run)
    there = _known_before(before)
    here = _known_now(report)
    changes, unchanged = [], 0
    not_run, not_run_before = [], []
    for code in sorted({*earlier, *later}):
        if code not in ran:
            not_run += [code] if earlier[code].count else []
        elif code not in ran_before:
            not_run_before += [code] if later[code].tally.total else []
        else:
            change = _change(code, earlier.get(code), later.get(code), there.get(code, []), here.get(code, []))
            changes += [change] if change.new or change.gone else []
            unchanged += not change.new and not change.gone and change.now > 0
    changes.sort(key=lambda change: (change.severity.rank, -change.new, -change.gone, change.code))
    return Comparison(
        path=path,
        tool=before.tool,
        verdict=(before.summary.verdict.sentence, verdict.sentence),
        accepted=(before.summary.verdict.accepted, verdict.accepted),
        rows=(before.funnel.rows_in, report.funnel.rows_in),
        rows_out=(before.funnel.rows_out, report.funnel.rows_out),
        counts={str(kind): (before.summary.counts.get(str(kind), 0), report.count(kind)) for kind in Severity},
        rules=changes,
        unchanged=unchanged,
        not_run=tuple(not_run),
        not_run_before=tuple(not_run_before),
        settings=_settings(before, report),
        inputs=_inputs(before, report),
        tokens=_tokens(before.stats, report.stats),
        labels=_labels(before.stats, report.stats),
        languages=of_shares(_in_splits(before.stats, "languages"), _in_splits(report.stats, "languages")),
        notes=_notes(before, report),
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """What a finding is known by: what its row says (None: nobody knows; what it says itself if it is about no row),
    and what it says itself. `telling`: it quotes the text, so that another row would hardly have the same."""

    content: str | None
    fingerprint: str
    telling: bool


def _change(
    code: str, before: _Rule | None, now: RuleSummary | None, there: Sequence[_Known], here: Sequence[_Known]
) -> RuleChange:
    had = before.count if before is not None else 0
    has = now.tally.total if now is not None else 0
    # All that either report counts must be listed, with something to know it by.
    exact = len(there) == had and len(here) == has
    gone, new = _apart(there, here) if exact else (max(had - has, 0), max(has - had, 0))
    named: tuple[str, Severity] = ("", Severity.INFO)
    if now is not None and (has or before is None):
        named = now.meta.name, now.severity
    elif before is not None:
        named = before.name, before.severity
    return RuleChange(code, *named, had, has, new, gone, exact)


def _apart(there: Sequence[_Known], here: Sequence[_Known]) -> tuple[int, int]:
    """How many findings are gone, and how many are new. A finding is the same if its row says the same. Of rows that
    say something else now, it is if it says the same itself and quotes the text, or comes after the same finding as
    before: then somebody has edited its row."""
    if any(one.content is None for one in (*there, *here)):
        said = [Counter(one.fingerprint for one in some) for some in (there, here)]
        return (said[0] - said[1]).total(), (said[1] - said[0]).total()
    both = Counter(one.content for one in there) & Counter(one.content for one in here)
    rest = [Counter(_rest(some, both)) for some in (there, here)]
    same = (rest[0] & rest[1]).total()
    return rest[0].total() - same, rest[1].total() - same


def _rest(some: Sequence[_Known], both: Counter[str | None]) -> Iterator[tuple[str, Any]]:
    """What is known of findings beyond those of equal content in both reports: what each says and, if it does not tell
    by that which one it is, the one of those that comes before it."""
    left = Counter(both)
    last: Any = None
    for one in some:
        if left[one.content] > 0:
            last = one.content, left[one.content]
            left[one.content] -= 1
        else:
            yield one.fingerprint, None if one.telling else last


def _known_before(before: EarlierReport) -> dict[str, list[_Known]]:
    out: dict[str, list[_Known]] = {}
    for finding in before.findings:
        if finding.fingerprint is not None:
            content, place = finding.content, finding.location
            if place.get("line") is None and place.get("row") is None:
                content = finding.fingerprint
            quotes = bool(finding.args.get("excerpt"))
            out.setdefault(finding.code, []).append(_Known(content, finding.fingerprint, quotes))
    return out


def _known_now(report: Report) -> dict[str, list[_Known]]:
    out: dict[str, list[_Known]] = {}
    for summary, finding, content in listed_findings(report):
        said = fingerprint(finding, summary.meta.about)
        known = None if content is None else content.hex()
        if finding.location.line is None and finding.location.row is None:
            known = said
        out.setdefault(finding.code, []).append(_Known(known, said, bool(finding.args.get("excerpt"))))
    return out


def _settings(before: EarlierReport, report: Report) -> dict[str, tuple[Any, Any]]:
    old, new = _flat(before.settings), _flat(plain(decisive_settings(report)))
    return {
        name: (old.get(name), new.get(name))
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name) and name.partition(".")[0] not in _APART
    }


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Options and severities one by one: `options.TOK001.limit`."""
    out: dict[str, Any] = {}
    for name, value in settings.items():
        if name in ("options", "severity") and isinstance(value, dict):
            for rule, own in value.items():
                inner = own if isinstance(own, dict) else {"": own}
                out.update({f"{name}.{rule}.{key}".rstrip("."): one for key, one in inner.items()})
        else:
            out[name] = value
    return out


def _inputs(before: EarlierReport, report: Report) -> dict[str, str]:
    old = {one.path: one.sha256 for one in before.inputs}
    new = {info.path: info.sha256 for info in report.inputs}
    if sorted(old.values()) == sorted(new.values()) and all(old.values()):
        return {}  # the same files, whatever they are called now
    gone = dict.fromkeys(old.keys() - new.keys(), "removed")
    come = dict.fromkeys(new.keys() - old.keys(), "added")
    changed = {path: "changed" for path in old.keys() & new.keys() if old[path] != new[path]}
    return dict(sorted({**gone, **come, **changed}.items()))


def _tokens(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    if before.get("encoding") != now.get("encoding"):
        return {}
    old, new = (_part(_part(stats, "all"), "tokens") for stats in (before, now))
    drift = of_summaries(old, new, (_part(before, "histogram"), _part(now, "histogram")))
    over = [_part(stats, "all").get("over_limit") for stats in (before, now)]
    return {**drift, "over_limit": over} if drift and all(type(n) is int for n in over) else drift


def _labels(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    if _part(before, "labels").get("source") is None or _part(now, "labels").get("source") is None:
        return {}
    return of_shares(_in_splits(before, "labels"), _in_splits(now, "labels"))


def _in_splits(stats: Mapping[str, Any], name: str) -> Counter[str]:
    out: Counter[str] = Counter()
    splits = _part(_part(stats, name), "splits")
    for split in splits:
        out.update(_counts(_part(splits, split)))
    return out


def _counts(value: Mapping[str, Any]) -> dict[str, int]:
    return {name: n for name, n in value.items() if type(n) is int and n > 0}


def _part(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = value.get(name)
    return inner if isinstance(inner, Mapping) else {}


def _notes(before: EarlierReport, report: Report) -> list[str]:
    notes = []
    if before.tool != report.tool:
        notes.append(f"the earlier report is by {before.tool[:60]}, this one by {report.tool}: rules may differ")
    commands = before.settings.get("command"), command_of(report)
    if isinstance(commands[0], str) and commands[0] != commands[1]:
        notes.append(f"the earlier report is of `dsprep {commands[0][:20]}`, this one of `dsprep {commands[1]}`")
    if before.summary.errors:
        notes.append("a rule failed in the earlier run, so what it would have found is missing there")
    if before.stats.get("encoding") != report.stats.get("encoding"):
        notes.append("tokens were counted with another encoding, so their numbers are not compared")
    return notes
