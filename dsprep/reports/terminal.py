"""The report on a terminal: grouped by rule with a few examples (`full`), or one line per finding (`concise`).

All text goes through `rich.text.Text`, never through markup, and all text that comes from data is escaped first, so
that nothing in a data set can colour, clear or rewrite the terminal. Colours are styles, and rich leaves them out where
they are not wanted (NO_COLOR, a pipe, a file).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from dsprep.model.finding import Finding, Severity
from dsprep.model.location import Location
from dsprep.model.report import Comparison, Report, RuleSummary, render_message
from dsprep.reports import (
    Status,
    counted,
    excerpt_of,
    failures,
    fixable,
    in_place,
    judge,
    prepared,
    segments,
    visible,
)

_SEVERITY = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_STATUS = {
    Status.PASS: "bold green",
    Status.WARN: "bold yellow",
    Status.FAIL: "bold red",
    Status.INCOMPLETE: "bold magenta",
}
_PLACE = "bold"
_ESCAPE = "magenta"
_QUIET = "dim"
_FIXABLE = "green"

# An excerpt is 80 characters by contract; a message quotes arguments, which may be anything.
_LONGEST_MESSAGE = 400
# Keys of records are data too, and a pointer is made of them.
_LONGEST_FIELD = 160
# Of what has changed since an earlier report, so many rules, and so many names of settings, are shown.
_MOST_CHANGES, _MOST_NAMES = 10, 5
# Exceptions like to quote the whole of what they did not understand.
_LONGEST_NOTE = 1000


def render_full(report: Report, console: Console, *, examples: int = 3, show_fixes: bool = False) -> None:
    """The verdict, then each rule, worst first, with up to `examples` of its findings, then notes and the summary."""
    found = [summary for summary in report.summaries if summary.tally.total]
    if found or report.errors:
        _print_verdict(report, console)
    for summary in found:
        _print_rule(report, summary, console, examples)
    _print_end(report, console, show_fixes)


def render_concise(report: Report, console: Console, *, show_fixes: bool = False) -> None:
    """One line per listed finding, `path:line:field CODE message`, then notes and the summary."""
    unlisted = 0
    for summary in report.summaries:
        findings = summary.tally.sorted()
        unlisted += summary.tally.total - len(findings)
        for finding in findings:
            line = Text()
            line.append(_shown(_place(finding.location, ":"), console), _PLACE)
            line.append(" ")
            line.append(finding.code, _SEVERITY[finding.severity])
            line.append(" ")
            line.append_text(_message(summary, finding, console))
            _print(line, console)
    if unlisted:
        _print(Text(f"{_dots(console)} and {unlisted:,} more, counted but not listed", _QUIET), console)
    if any(summary.tally.total for summary in report.summaries):
        _print(Text(), console)
    _print_end(report, console, show_fixes)


def render_statistics(report: Report, console: Console) -> None:
    """A table of the rules that found something: count, code, whether fixable, name; then the summary.

    `[*]` marks rules of which `--fix` repairs something, `[-]` those that need `--unsafe-fixes`.
    """
    found = [summary for summary in report.summaries if summary.tally.total]
    width = max((len(f"{summary.tally.total:,}") for summary in found), default=0)
    for summary in found:
        line = Text()
        line.append(f"{summary.tally.total:>{width},}", "bold")
        line.append("  ")
        line.append(summary.meta.code, _SEVERITY[summary.severity])
        line.append("  ")
        mark = _mark(report, summary)
        line.append(mark or "[ ]", _FIXABLE if mark else _QUIET)
        line.append(f" {summary.meta.name}")
        _print(line, console)
    if found:
        _print(Text(), console)
    render_summary(report, console)
    if report.comparison is not None:
        render_comparison(report.comparison, console)


def render_fixes(report: Report, console: Console) -> None:
    """What was fixed, by rule; nothing if nothing was."""
    fixed = [summary for summary in report.summaries if summary.fixed]
    if not fixed:
        return
    total = sum(summary.fixed for summary in fixed)
    _print(Text(f"Fixed {counted(total, 'finding')}:", "bold"), console)
    width = max(len(f"{summary.fixed:,}") for summary in fixed)
    for summary in fixed:
        line = Text(f"  {summary.fixed:>{width},} x ")
        line.append(summary.meta.code, _FIXABLE)
        line.append(f" {summary.meta.name}")
        _print(line, console)
    _print(Text(), console)


def render_notes(report: Report, console: Console) -> None:
    """What was assumed about the input, and an empty line; nothing if nothing was."""
    several = len(report.inputs) > 1
    of_inputs = [
        f"{info.path}: {note}" if several and not note.startswith(info.path) else note
        for info in report.inputs
        for note in info.notes
    ]
    for note in (*of_inputs, *report.notes):
        _print_headed("note", "bold cyan", note, console, hang=6)
    if of_inputs or report.notes:
        _print(Text(), console)


def render_summary(report: Report, console: Console) -> None:
    """The last lines: how much was found in how much, and what `--fix` would repair."""
    rows = counted(report.funnel.rows_in, "row")
    counts = [(severity, report.count(severity)) for severity in Severity]
    if report.errors:
        n = len({error.code for error in report.errors})
        line = Text(f"{counted(n, 'rule')} failed; what {'it' if n == 1 else 'they'} would have found is missing.")
        line.stylize(_STATUS[Status.INCOMPLETE])
        _print(line, console)
    fixed = sum(summary.fixed for summary in report.summaries)
    if not any(n for _, n in counts):
        fixes = f" {counted(fixed, 'finding')} fixed." if fixed else ""
        if report.errors:
            _print(Text(f"The other rules found nothing in {rows}.{fixes}"), console)
        else:
            passed = f"All checks passed: {rows}, 0 findings{_hidden(report)}.{fixes}"
            _print(Text(passed, _STATUS[Status.PASS]), console)
        return
    line = Text("Found ")
    parts = [Text(counted(n, severity.value), _SEVERITY[severity]) for severity, n in counts if n]
    line.append_text(Text(", ").join(parts))
    line.append(f" in {rows} ({counted(len(report.inputs), 'file')}){_hidden(report)}.")
    if fixed:
        some = "of them" if prepared(report) else "more"
        line.append(f" {fixed:,} {some} {'was' if fixed == 1 else 'were'} fixed.", _FIXABLE)
    _print(line, console)
    _print_fixable(report, console)


def render_comparison(comparison: Comparison, console: Console) -> None:
    """What has changed since an earlier report: new and gone findings, by rule, and what else differs, in short."""
    new, gone = comparison.new, comparison.gone
    about = "" if comparison.exact else "at least "
    head = Text(about)
    head.append(f"+{new:,} new", _SEVERITY[Severity.WARNING] if new else "")
    head.append(", ")
    head.append(f"{gone:,} gone", _FIXABLE if gone else "")
    before, now = comparison.rows
    rows = f"{before:,} {_arrow(console)} {counted(now, 'row')}" if before != now else counted(now, "row")
    head.append(f" since {_shown(comparison.path, console)} ({rows})")
    _print(Text(), console)
    _print(head, console)
    shown = comparison.rules[:_MOST_CHANGES]
    wide = max((len(f"{max(change.new, change.gone):,}") for change in shown), default=0) + 1
    for change in shown:
        line = Text("  ")
        line.append(f"{f'+{change.new:,}' if change.new else '':>{wide}} ", _SEVERITY[change.severity])
        line.append(f"{f'-{change.gone:,}' if change.gone else '':>{wide}}  ", _FIXABLE)
        line.append(_shown(change.code, console), _SEVERITY[change.severity])
        line.append(f" {_shown(change.name[:_LONGEST_FIELD], console)}  ")
        line.append(f"{change.before:,} {_arrow(console)} {change.now:,}", _QUIET)
        _print(line, console)
    if more := len(comparison.rules) - len(shown):
        _print(Text(f"  {_dots(console)} and {counted(more, 'more rule')}", _QUIET), console)
    for word, said in _differences(comparison, _arrow(console)):
        _print_headed(f"  {word}", "", said, console, hang=4)


def _differences(comparison: Comparison, arrow: str) -> Iterator[tuple[str, str]]:
    """What differs beside findings: a word, and what there is to say."""
    before, now = comparison.accepted
    if before != now:
        words = {True: "would be accepted", False: "would not be accepted", None: "unknown"}
        yield "verdict", f"{words[before]} {arrow} {words[now]}"
    for codes, when in ((comparison.not_run, "then and not now"), (comparison.not_run_before, "now and not then")):
        if codes:
            yield "not compared", f"{_few(codes)}, which ran {when}"
    if comparison.settings:
        yield "settings that differ", _few(comparison.settings)
    if comparison.tokens.get("beyond_chance"):
        pairs = [(name, *comparison.tokens[name]) for name in ("median", "p95")]
        yield "tokens per example", ", ".join(f"{name} {a:,.0f} {arrow} {b:,.0f}" for name, a, b in pairs)
    for what, drift in (("labels", comparison.labels), ("languages", comparison.languages)):
        if drift.get("beyond_chance"):
            changes = drift["changes"][:_MOST_NAMES]
            shares = [(one["name"][:_LONGEST_FIELD], one["share_before"], one["share_now"]) for one in changes]
            yield what, ", ".join(f'"{name}" {a:.1%} {arrow} {b:.1%}' for name, a, b in shares)
    for note in comparison.notes:
        yield "note", note


def _few(names: Iterable[str]) -> str:
    known = [name[:_LONGEST_FIELD] for name in names]
    more = f" and {len(known) - _MOST_NAMES:,} more" if len(known) > _MOST_NAMES else ""
    return ", ".join(known[:_MOST_NAMES]) + more


def _hidden(report: Report) -> str:
    """How many findings do not count, if any."""
    n = report.hidden.total
    return f"; {n:,} more {'is' if n == 1 else 'are'} hidden" if n else ""


def _print_fixable(report: Report, console: Console) -> None:
    """A line per mark, which says what the mark means and how to have it done."""
    pairs = {summary.meta.code: fixable(report, summary) for summary in report.summaries}
    near = 0
    if not in_place(report):
        # Which duplicates go is said to `prepare` by an option of its own; equal ones go by default.
        duplicates = {code: sum(pairs.pop(code)) for code in list(pairs) if code.startswith("DUP")}
        near = duplicates.pop("DUP003", 0)
        pairs["DUP"] = (sum(duplicates.values()), 0)
    safe, unsafe = (sum(pair[i] for pair in pairs.values()) for i in (0, 1))
    # Not every input can be rewritten in place, and `prepare` has no --fix: it does the safe fixes by itself.
    if in_place(report):
        safely, unsafely = "with `--fix`", "with `--fix --unsafe-fixes`"
    elif prepared(report):
        safely, unsafely = "with `--dedupe normalized`", "with `--unsafe-fixes`"
    else:
        safely, unsafely = "with `dsprep prepare`", "with `dsprep prepare --unsafe-fixes`"
    if safe:
        _print(Text.assemble(("[*]", _FIXABLE), f" {safe:,} fixable {safely}."), console)
    if unsafe:
        more = " more" if safe else ""
        _print(Text.assemble(("[-]", _QUIET), f" {unsafe:,}{more} fixable {unsafely}: look at them first."), console)
    if near:
        _print(
            Text.assemble(("[-]", _QUIET), f" {counted(near, 'more duplicate')} would go with `--dedupe near`."),
            console,
        )


def _print_verdict(report: Report, console: Console) -> None:
    verdict = judge(report)
    _print_headed(verdict.headline, _STATUS[verdict.status], verdict.reason, console, hang=2)
    _print(Text(), console)


def _print_headed(head: str, style: str, rest: str, console: Console, *, hang: int) -> None:
    """`head: rest`, the head styled."""
    line = Text()
    line.append(_shown(head, console), style)
    line.append(": ")
    line.append_text(_escaped(rest if len(rest) <= _LONGEST_NOTE else rest[:_LONGEST_NOTE] + "…", console))
    _print(line, console, hang)


def _print_rule(report: Report, summary: RuleSummary, console: Console, examples: int) -> None:
    tally = summary.tally
    header = Text()
    header.append(summary.meta.code, _SEVERITY[summary.severity])
    header.append(f" {summary.meta.name}", "bold")
    # Severity and count in one: a rule whose findings differ in severity says how many are what.
    counts = [(severity, tally.of_severity(severity)) for severity in Severity]
    header.append("  ")
    header.append_text(
        Text(", ").join(Text(counted(n, severity.value), _SEVERITY[severity]) for severity, n in counts if n)
    )
    if mark := _mark(report, summary):
        header.append(f"  {mark}", _FIXABLE)
    if summary.fixed:
        header.append(f"  {summary.fixed:,} fixed", _FIXABLE)
    _print(header, console)
    shown = tally.sorted()[: max(examples, 0)]
    for finding in shown:
        _print_example(summary, finding, console)
    if more := tally.total - len(shown):
        lead = f"{_dots(console)} and {more:,} more" if shown else f"{counted(more, 'finding')}"
        _print(Text(f"  {lead}", _QUIET), console)
    _print(Text(), console)


def _print_example(summary: RuleSummary, finding: Finding, console: Console) -> None:
    line = Text("  ")
    line.append(_shown(_place(finding.location, " "), console), _PLACE)
    line.append("  ")
    line.append_text(_message(summary, finding, console))
    _print(line, console, hang=6)
    excerpt = excerpt_of(finding, render_message(summary.meta, finding.args))
    if excerpt is not None:
        quoted = Text("      ")
        quoted.append("| " if _ascii_only(console) else "│ ", _QUIET)
        quoted.append_text(_escaped(excerpt, console))
        _cut(quoted, console)
        _print(quoted, console)


def _print_end(report: Report, console: Console, show_fixes: bool) -> None:
    for error, more in failures(report):
        where = f" on {error.path}" if error.path else ""
        others = f" and {counted(more, 'more place')}" if more else ""
        head = f"{error.code} failed{where}{others}"
        _print_headed(head, _STATUS[Status.INCOMPLETE], error.message, console, hang=2)
    if report.errors:
        _print(Text(), console)
    render_notes(report, console)
    if show_fixes:
        render_fixes(report, console)
    render_summary(report, console)
    if report.comparison is not None:
        render_comparison(report.comparison, console)


def _place(location: Location, separator: str) -> str:
    """`path:line` with the field behind `separator`."""
    field = location.field
    if field and len(field) > _LONGEST_FIELD:
        field = field[:_LONGEST_FIELD] + "…"
    return f"{location.place}{separator}{field}" if field else location.place


def _mark(report: Report, summary: RuleSummary) -> str:
    safe, unsafe = fixable(report, summary)
    return "[*]" if safe else "[-]" if unsafe else ""


def _message(summary: RuleSummary, finding: Finding, console: Console) -> Text:
    message = render_message(summary.meta, finding.args)
    if len(message) > _LONGEST_MESSAGE:
        message = message[:_LONGEST_MESSAGE] + _dots(console)
    return _escaped(message, console)


def _escaped(text: str, console: Console) -> Text:
    """`text` made visible, the escapes set apart by style."""
    out = Text()
    for piece, is_escape in segments(text):
        out.append(piece if is_escape else _shown(piece, console), _ESCAPE if is_escape else "")
    return out


def _shown(text: str, console: Console) -> str:
    return visible(text, ascii_only=_ascii_only(console))


def _ascii_only(console: Console) -> bool:
    """Whether the output cannot hold every character; writing one that it cannot hold would end the run."""
    return not console.encoding.lower().startswith("utf")


def _dots(console: Console) -> str:
    return "..." if _ascii_only(console) else "…"


def _arrow(console: Console) -> str:
    return "->" if _ascii_only(console) else "→"


def _cut(text: Text, console: Console) -> None:
    """Shorten `text`, in place, to the width of the terminal."""
    if _ascii_only(console):
        if cell_len(text.plain) > console.width:
            text.truncate(max(console.width - 3, 1))
            text.append("...", _QUIET)
        return
    text.truncate(console.width, overflow="ellipsis")


def _print(text: Text, console: Console, hang: int = 0) -> None:
    """One line. On a terminal a long one wraps with its continuation indented by `hang`; elsewhere it stays whole, so
    that `grep` finds it."""
    if hang and console.is_terminal and console.width > 2 * hang:
        lines = text.wrap(console, console.width - hang, overflow="fold")
        for number, line in enumerate(lines):
            line.rstrip()
            console.print(Text(" " * hang if number else "").append_text(line), soft_wrap=True)
        return
    console.print(text, soft_wrap=True)
