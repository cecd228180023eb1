"""The report as annotations of GitHub Actions: commands to the runner, one a line, in what a step prints.

Commands and their escapes: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands and
`command.ts` of https://github.com/actions/toolkit. Of each level a step can make 10 annotations, a job 50 in all:
https://github.com/actions/toolkit/blob/main/docs/problem-matchers.md (both read in November 2026). Others are dropped
without a word, so here they are summed up.
"""

from __future__ import annotations

from typing import Final

from dsprep.model.finding import Finding, Severity
from dsprep.model.report import Report, RuleSummary
from dsprep.reports import counted, failures, path_below, shortened, told, visible

#: Annotations of each level that GitHub keeps of one step.
MOST: Final = 10
_LEVEL: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_LONGEST_EXCERPT: Final = 200
_LONGEST: Final = 1_000


def dumps(report: Report, *, root: str | None = None) -> bytes:
    """The commands.

    `root` is the folder that paths are seen from (None: the working directory). Every rule has an annotation, the first
    in reading order, and the first rules have more if there is room; the last one of a rule says how many more findings
    it has, and where there are more rules than room, the last of the level names the others.
    """
    lines = []
    for severity, level in _LEVEL.items():
        room = MOST
        if severity is Severity.ERROR:
            failed = _failed(report)
            lines += failed
            room -= len(failed)
        lines += _of_level(report, severity, level, room, root)
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")


def _failed(report: Report) -> list[str]:
    """Rules that failed, in no more than three annotations."""
    out = []
    found = failures(report)
    for error, more in found[: 3 if len(found) <= 3 else 2]:
        others = f" (and {counted(more, 'more place')})" if more else ""
        where = f" on {error.path}" if error.path else ""
        text = f"{error.code} failed{where}{others}, so what it would have found is missing: {error.message}"
        out.append(_command("error", shortened(visible(text), _LONGEST), title="dsprep: a rule failed"))
    if len(found) > 3:
        codes = ", ".join(error.code for error, _ in found[2:])
        out.append(_command("error", visible(f"{codes} failed, too"), title="dsprep: rules failed"))
    return out


def _of_level(report: Report, severity: Severity, level: str, room: int, root: str | None) -> list[str]:
    found = {
        summary.meta.code: [finding for finding in summary.tally.sorted() if finding.severity is severity]
        for summary in report.summaries
    }
    rules = [summary for summary in report.summaries if summary.tally.of_severity(severity)]
    shown = rules if len(rules) <= room else rules[: room - 1]
    share = dict.fromkeys((summary.meta.code for summary in shown), 0)
    left = room if len(rules) <= room else room - 1
    # A place for each rule, then another for each that has more, as long as there are any.
    while left and any(share[code] < len(found[code]) for code in share):
        for code in share:
            if left and share[code] < len(found[code]):
                share[code] += 1
                left -= 1
    lines = []
    for summary in shown:
        code = summary.meta.code
        own = found[code][: share[code]]
        more = summary.tally.of_severity(severity) - len(own)
        for number, finding in enumerate(own, 1):
            lines.append(_annotation(report, summary, finding, level, more if number == len(own) else 0, root))
        if not own:
            # None of this severity is among those that are listed.
            text = f"{counted(more, 'finding')}, none of them listed"
            lines.append(_command(level, visible(text), title=_title(summary)))
    if rest := rules[len(shown) :]:
        named = ", ".join(
            f"{summary.meta.code} {summary.meta.name} ({summary.tally.of_severity(severity):,})" for summary in rest
        )
        lines.append(
            _command(
                level,
                shortened(visible(f"also found: {named}"), _LONGEST),
                title=f"dsprep: {counted(len(rest), 'more rule')}",
            )
        )
    return lines


def _annotation(report: Report, summary: RuleSummary, finding: Finding, level: str, more: int, root: str | None) -> str:
    location = finding.location
    text, excerpt = told(summary, finding)
    if excerpt is not None:
        text += f"\n{shortened(excerpt, _LONGEST_EXCERPT)}"
    if more:
        text += f"\n… and {more:,} more of {finding.code} {summary.meta.name}"
    place: dict[str, str] = {}
    if any(info.path == location.path for info in report.inputs):
        place["file"] = visible(path_below(location.path, root))
    if location.line is not None:
        place["line"] = str(location.line)
        if location.column is not None and location.field is None:
            place["col"] = location.column
    return _command(level, text, **place, title=_title(summary))


def _title(summary: RuleSummary) -> str:
    return f"dsprep: {summary.meta.code} {visible(summary.meta.name)}"


def _command(name: str, message: str, **properties: str) -> str:
    """One command; nothing in `message` or `properties` can begin another one."""
    given = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name} {given}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
