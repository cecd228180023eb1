"""The report as Markdown, for a comment on a pull request or the summary of a job.

A comment on GitHub holds 65,536 characters (what its API answers to more: "body is too long (maximum is 65536
characters)"), the summary of a step 1 MiB
(https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands, read in November 2026). One limit
serves both.

Text of data sets must not become links, images, HTML, formulas, emoji, or references to people (`@name`), issues
(`#1`, `GH-1`, `ABC-1`) and commits, which GitHub makes of text even where Markdown does not. None of that is done in
code, so there is only one way out of code: words of letters and digits, and of those not such as GitHub looks at.
"""

from __future__ import annotations

import html
import re
from typing import Final

from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability
from dsprep.model.location import Location
from dsprep.model.report import Report, RuleSummary, render_message
from dsprep.reports import (
    Status,
    counted,
    excerpt_of,
    failures,
    fixable,
    in_place,
    judge,
    prepared,
    shortened,
    visible,
)

#: The first line, by which whoever keeps one comment up to date finds it again.
MARK: Final = "<!-- dsprep report -->"
#: Characters, counted as UTF-16 does, of all there is.
MOST_CHARACTERS: Final = 65_536
_EXAMPLES: Final = 5
_RESERVE: Final = 1_000
_LONGEST: Final = 400
_SIGN: Final = {Status.PASS: "✅", Status.WARN: "⚠️", Status.FAIL: "❌", Status.INCOMPLETE: "❗"}

#: A word as people write it, with what stands around it: no more than letters and digits with a few marks between.
_WORD: Final = re.compile(r"[(“\"']?[^\W_]+(?:[’'.,–-][^\W_]+)*[%×)”\"']?[.,;:!?)]*|[.,;:!?()%“”\"'–—…±×]+")
#: Of these, what GitHub takes for addresses, commits and references.
_SPECIAL: Final = re.compile(r"\W?(?:.*www\..*|[0-9a-f]{7,64}|.*[^\W\d].*-\d.*)\W*", re.IGNORECASE)
_QUOTED: Final = re.compile("(?<!`)`([^`]+)`(?!`)")
_TICKS: Final = re.compile("`+")


def dumps(report: Report, *, most: int = MOST_CHARACTERS) -> tuple[bytes, list[str]]:
    """The report in no more than `most` characters, and sentences on what is not in it: verdict, a table of the rules,
    then the first findings of each rule, folded away. What does not fit is left out from the end, and it says so."""
    found = [summary for summary in report.summaries if summary.tally.total]
    head = _head(report)
    table, in_table = _table(report, found, most - _size(head) - _RESERVE)
    parts = [head, table]
    left = most - sum(map(_size, parts)) - _RESERVE
    detailed = 0
    for block in (*map(_examples, found[:in_table]), _notes(report)):
        if _size(block) > left:
            break
        parts.append(block)
        left -= _size(block)
        detailed += 1
    notes = []
    if in_table < len(found):
        notes.append(f"{counted(len(found) - in_table, 'rule')} with findings left out of the table, for want of room")
    if detailed < len(found):
        notes.append(f"the examples of {counted(len(found) - detailed, 'rule')} are left out, for want of room")
    parts += [f"\n_{inline(note)}_\n" for note in notes]
    return "".join(parts).encode("utf-8", "backslashreplace"), notes


def inline(text: str) -> str:
    """`text` in one line of Markdown, so that it says what it says and does nothing: words that are nothing but words
    as they are, all else as code. What stands in backquotes already is code without them."""
    out = ""
    for number, piece in enumerate(_QUOTED.split(visible(text))):
        said = _code(piece) if number % 2 else _words(piece)
        # Two pieces of code that touch would share their backquotes.
        out += f" {said}" if out.endswith("`") and said.startswith("`") else said
    return out.strip(" ")


def _words(text: str) -> str:
    """`text`, which is visible, as far as it is words; words that are more than that, and what is between, as code."""
    out: list[str] = []
    code: list[str] = []
    for word in text.split(" "):
        if (_WORD.fullmatch(word) and not _SPECIAL.fullmatch(word)) or not (word or code):
            if code:
                out.append(_as_code(" ".join(code)))
                code = []
            out.append(word)
        else:
            code.append(word)
    if code:
        out.append(_as_code(" ".join(code)))
    return " ".join(out)


def _as_code(text: str) -> str:
    """`text`, which is no empty text, as code, but for the marks of the sentence and the spaces behind it."""
    bare = text.rstrip(" ,.;") or text
    return _code(bare) + text[len(bare) :]


def _code(text: str) -> str:
    """`text`, which is visible, as code, whatever is in it."""
    text = text.strip(" ") or "(nothing)"
    longest = max(map(len, _TICKS.findall(text)), default=0)
    fence = "`" * (longest + 1)
    gap = " " if text[0] == "`" or text[-1] == "`" else ""
    return f"{fence}{gap}{text}{gap}{fence}"


def _cell(text: str) -> str:
    # What escapes a bar in a table depends on what is before it.
    return inline(text.replace("|", "¦"))


def _head(report: Report) -> str:
    verdict = judge(report)
    lines = [
        MARK,
        f"### {_SIGN[verdict.status]} dsprep: {inline(shortened(verdict.headline, _LONGEST))}",
        "",
        f"{inline(shortened(verdict.reason[:1].upper() + verdict.reason[1:], 2 * _LONGEST))}",
        "",
    ]
    counts = ", ".join(counted(report.count(severity), severity.value) for severity in Severity)
    rows = f"{counted(report.funnel.rows_in, 'row')} of {counted(len(report.inputs), 'file')}"
    hidden = f"; {report.hidden.total:,} more accepted" if report.hidden.total else ""
    lines.append(f"**{counts}** in {rows}{hidden}.{_mending(report)}")
    if report.comparison is not None:
        then = report.comparison
        lines += ["", f"Since {inline(shortened(then.path, _LONGEST))}: {then.new:,} new, {then.gone:,} gone."]
    if report.funnel.rejected and prepared(report):
        gone = report.funnel.rows_rejected
        lines += ["", f"{counted(report.funnel.rows_out, 'row')} written, {gone:,} put aside."]
    for error, more in failures(report):
        others = f" (and {counted(more, 'more place')})" if more else ""
        lines += ["", f"**{error.code} failed**{others}: {inline(shortened(error.message, _LONGEST))}"]
    return "\n".join(lines) + "\n"


def _mending(report: Report) -> str:
    """What was mended, and what could be."""
    fixed = sum(summary.fixed for summary in report.summaries)
    said = f" {counted(fixed, 'finding')} fixed." if fixed else ""
    if prepared(report):
        return said
    kinds = [sum(fixable(report, summary)[i] for summary in report.summaries) for i in range(len(Applicability))]
    command = "dsprep lint --fix" if in_place(report) else "dsprep prepare"
    if kinds[0]:
        said += f" `{command}` mends {kinds[0]:,} of them."
    if kinds[1]:
        said += f" `{command} --unsafe-fixes` mends {kinds[1]:,}{' more' if kinds[0] else ' of them'}: look first."
    return said


def _table(report: Report, found: list[RuleSummary], room: int) -> tuple[str, int]:
    """The table of rules, and how many of them had room."""
    if not found:
        return "", 0
    out = "\n| | rule | findings | what it looks for |\n|---|---|--:|---|\n"
    shown = 0
    for summary in found:
        meta = summary.meta
        fixed = f", {summary.fixed:,} fixed" if summary.fixed else ""
        cells = (
            str(summary.severity),
            f"{_cell(meta.code)} {_cell(meta.name)}",
            f"{summary.tally.total:,}{fixed}",
            _cell(shortened(meta.summary[:1].upper() + meta.summary[1:], _LONGEST)),
        )
        row = f"| {' | '.join(cells)} |\n"
        if _size(out) + _size(row) > room:
            break
        out += row
        shown += 1
    return out, shown


def _examples(summary: RuleSummary) -> str:
    tally = summary.tally
    counts = [(severity, tally.of_severity(severity)) for severity in Severity]
    said = ", ".join(counted(n, severity.value) for severity, n in counts if n)
    name = html.escape(visible(f"{summary.meta.code} {summary.meta.name}"))
    lines = ["", f"<details><summary><code>{name}</code>: {said}</summary>", ""]
    shown = tally.sorted()[:_EXAMPLES]
    lines += [_example(summary, finding) for finding in shown]
    if more := tally.total - len(shown):
        lines.append(f"- … and {more:,} more")
    return "\n".join([*lines, "", "</details>", ""])


def _example(summary: RuleSummary, finding: Finding) -> str:
    message = render_message(summary.meta, finding.args)
    excerpt = excerpt_of(finding, message)
    line = f"- {_place(finding.location)}: {inline(shortened(message, _LONGEST))}"
    return line if excerpt is None else f"{line}\\\n  {_code(shortened(visible(excerpt), _LONGEST))}"


def _place(location: Location) -> str:
    place = _code(shortened(visible(location.place), _LONGEST))
    return f"{place} {_code(shortened(visible(location.field), 160))}" if location.field else place


def _notes(report: Report) -> str:
    if not report.notes:
        return ""
    lines = [f"- {inline(shortened(note, 2 * _LONGEST))}" for note in report.notes]
    return "\n".join(["", "<details><summary>Notes</summary>", "", *lines, "", "</details>", ""])


def _size(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
