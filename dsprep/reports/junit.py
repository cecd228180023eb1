"""The report as JUnit XML: a suite per file, and in it a test case per rule, for whatever shows results of tests.

There is no standard; this keeps to what the XSD of Jenkins' xUnit plugin (junit-10.xsd) and GitLab's reader have in
common (https://docs.gitlab.com/ci/testing/unit_test_reports/, read in November 2026). GitLab reads no more than 500,000
test cases, and no file with more than 250,000 nodes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from dsprep.model.finding import Finding, Severity
from dsprep.model.report import Report, RuleSummary
from dsprep.reports import counted, failures, path_below, shortened, told, unlisted, visible

#: Places that one test case lists.
MOST_PLACES: Final = 20
#: With more files than this, rules that found nothing in a file are no test case of it.
MOST_FILES: Final = 200
_LONGEST_EXCERPT: Final = 200
_LONGEST: Final = 1_000


def dumps(
    report: Report,
    *,
    fail_on: Severity | None = Severity.ERROR,
    names: Mapping[str, str] | None = None,
    root: str | None = None,
) -> tuple[bytes, list[str]]:
    """The report as a file, and sentences on what is not in it.

    A case fails if it has a finding of severity `fail_on` or worse (None: none does); milder findings are its output.
    So tests fail if the command exits with 1. `names` are the names of rules by code, for those that found nothing.
    `root` is the folder that paths are seen from (None: the working directory).
    """
    names = dict(names or {}) | {summary.meta.code: summary.meta.name for summary in report.summaries}
    found: dict[str, dict[str, list[Finding]]] = {info.path: {} for info in report.inputs}
    for finding in report.findings:
        found.setdefault(finding.location.path, {}).setdefault(finding.code, []).append(finding)
    notes = unlisted(report)
    every = report.rules_run if len(found) <= MOST_FILES else ()
    if len(found) > MOST_FILES:
        notes.append(f"there are more than {MOST_FILES} files, so rules that found nothing in one are no test cases")
    summaries = {summary.meta.code: summary for summary in report.summaries}
    broken = {error.code for error in report.errors}
    suites = []
    totals = [0, 0, 0]
    for path, by_code in found.items():
        shown = visible(path_below(path, root))
        cases, failed = [], 0
        for code in (*by_code, *(code for code in every if code not in by_code and code not in broken)):
            findings = by_code.get(code, [])
            bad = [one for one in findings if fail_on is not None and one.severity.rank <= fail_on.rank]
            failed += bool(bad)
            cases.append(_case(shown, f"{code} {names.get(code, '')}".strip(), summaries.get(code), findings, bad))
        suites.append(_suite(shown, cases, failed, 0))
        totals[0] += len(cases)
        totals[1] += failed
    if errors := [_error(error.code, names, error.path, error.message, more) for error, more in failures(report)]:
        suites.append(_suite("dsprep", errors, 0, len(errors)))
        totals[0] += len(errors)
        totals[2] += len(errors)
    counts = f'tests="{totals[0]}" failures="{totals[1]}" errors="{totals[2]}"'
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="dsprep" {counts}>\n{"".join(suites)}</testsuites>\n'
    )
    return text.encode(), notes


def _suite(name: str, cases: Sequence[str], failures: int, errors: int) -> str:
    head = (
        f'<testsuite name={quoteattr(name)} tests="{len(cases)}" failures="{failures}" errors="{errors}" skipped="0">'
    )
    return f"  {head}\n{''.join(cases)}  </testsuite>\n"


def _case(
    path: str, name: str, summary: RuleSummary | None, findings: Sequence[Finding], bad: Sequence[Finding]
) -> str:
    head = f"    <testcase classname={quoteattr(path)} name={quoteattr(visible(name))}"
    if summary is None or not findings:
        return f'{head} time="0"/>\n'
    lines = [_line(path, summary, finding) for finding in findings[:MOST_PLACES]]
    if more := len(findings) - len(lines):
        lines.append(f"… and {more:,} more")
    text = escape("\n".join(lines))
    if bad:
        said = quoteattr(f"{counted(len(findings), 'finding')}, first: {lines[0]}")
        kind = quoteattr(str(bad[0].severity))
        inner = f"<failure message={said} type={kind}>{text}</failure>"
    else:
        inner = f"<system-out>{text}</system-out>"
    return f'{head} time="0">\n      {inner}\n    </testcase>\n'


def _error(code: str, names: Mapping[str, str], path: str, message: str, more: int) -> str:
    where = f" on {path}" if path else ""
    others = f" and {counted(more, 'more place')}" if more else ""
    text = shortened(visible(f"{code} failed{where}{others}: {message}"), _LONGEST)
    name = quoteattr(visible(f"{code} {names.get(code, '')}".strip()))
    inner = f'<error message={quoteattr(text)} type="rule-failed">{escape(text)}</error>'
    return f'    <testcase classname="dsprep" name={name} time="0">\n      {inner}\n    </testcase>\n'


def _line(path: str, summary: RuleSummary, finding: Finding) -> str:
    """One finding in one line."""
    location = finding.location
    text, excerpt = told(summary, finding)
    place = path if location.line is None else f"{path}:{location.line}"
    more = "" if excerpt is None else f": {shortened(excerpt, _LONGEST_EXCERPT)}"
    return f"{place}: {finding.severity}: {text}{more}"
