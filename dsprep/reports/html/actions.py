"""What to do first: the few things that would change the most, each with its command and the rows it touches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability
from dsprep.model.report import Report, RuleSummary
from dsprep.reports import counted, fixable, in_place, prepared, standing
from dsprep.reports.html.commands import lint_command, prepare_command
from dsprep.reports.html.view import as_sentence, places

MOST_ACTIONS = 5
#: So many places say where the rows are; the findings have more.
MOST_PLACES = 4

_SAFELY = "They drop no row and change no meaning."
_SAFELY_ANEW = "They change no meaning. This writes a new data set, and puts duplicates and unusable rows aside."
_UNSAFE = ("--fix", "--unsafe-fixes")
#: What `prepare --dedupe` must be told to remove what these rules find.
_DEDUPED = {"DUP001": "exact", "DUP002": "normalized", "DUP003": "near"}


@dataclass(frozen=True, slots=True)
class Touched:
    """The rows that something is about: how many, in words; the first `places` (path, then lines); whether there are
    more than these; and the rule that lists them, as an anchor."""

    rows: str
    places: list[tuple[str, list[str]]]
    more: bool
    anchor: str


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do, why, the command that does it or shows where, and the rows it touches."""

    title: str
    why: str
    command: str
    tone: str
    touched: Touched | None = None


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
        mended = [summary for summary in report.summaries if summary.tally.fixable(Applicability.SAFE)]
        names = [summary.meta.name for summary in mended]
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        out.append(
            Action(
                "Apply the one safe fix" if safe == 1 else f"Apply the {safe:,} safe fixes",
                f"{_SAFELY if in_place(report) else _SAFELY_ANEW} Rules: {shown}.",
                lint_command(report, "--fix") if in_place(report) else prepare_command(report),
                "ok",
                _touched(mended, Applicability.SAFE),
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
    places_, about, touched = counted(rest, "place"), as_sentence(meta.summary), _touched([summary])
    if meta.name in ("no-validation-split", "small-validation-split") and not prepared(report):
        return Action("Make a validation split", about, prepare_command(report), tone, touched)
    listing = lint_command(report, "--select", meta.code, "--output-format", "concise")
    unsafe = fixable(report, summary)[1]
    if 2 * unsafe >= rest:
        title = f"Decide on {meta.name}: {places_}"
        if in_place(report):
            why = f"{about} Fixing may drop rows or change meaning: this shows how."
            command = lint_command(report, "--select", meta.code, *_UNSAFE, "--diff")
            return Action(title, why, command, tone, touched)
        if meta.code in _DEDUPED:
            why = f"{about} This writes a new data set with one of each."
            return Action(title, why, prepare_command(report, "--dedupe", _DEDUPED[meta.code]), tone, touched)
        why = f"{about} This lists every place. `dsprep prepare --unsafe-fixes` would apply the fix to all."
        return Action(title, why, listing, tone, touched)
    if any(finding.key is not None for finding in tally.findings):
        title = f"Mend {meta.name} by hand: {places_}"
        some = f" For {unsafe:,} of them there is a fix, which may change meaning." if unsafe else ""
        return Action(title, f"{about} This lists every place.{some}", listing, tone, touched)
    return Action(f"Look into {meta.name}", about, f"dsprep rule {meta.code}", tone, touched)


def _touched(summaries: Sequence[RuleSummary], kind: Applicability | None = None) -> Touched | None:
    """The rows that findings of these rules are about; with `kind`, those alone with a fix of that kind."""
    found = [
        finding
        for summary in summaries
        for finding in summary.tally.sorted()
        if kind is None or (finding.fix is not None and finding.fix.applicability is kind)
    ]
    if not found:
        return None
    whole = all(summary.tally.total == len(summary.tally.findings) for summary in summaries)
    keys = {finding.key for finding in found}
    if None in keys and len(keys) == 1 and all(finding.rows == 1 for finding in found):
        paths = list(dict.fromkeys(finding.location.path for finding in found))
        rows = "The data as a whole"
        shown: list[tuple[str, list[str]]] = [] if not paths[0] else places([found[0].location])
        return Touched(rows, shown, len(paths) > 1, summaries[0].meta.code.lower())
    n = _rows(found)
    found.sort(key=lambda finding: (finding.key is None, finding.key or 0))
    first = list({finding.location: None for finding in found if finding.key is not None})[:MOST_PLACES]
    rows = counted(n, "row") if whole else f"{n:,} rows or more"
    return Touched(rows, places(first), n > len(first), summaries[0].meta.code.lower())


def _rows(found: Sequence[Finding]) -> int:
    """How many rows the findings are about: a row counts once, however much is wrong with it."""
    return len({finding.key for finding in found if finding.key is not None and finding.rows == 1}) + sum(
        finding.rows for finding in found if finding.rows != 1
    )
