"""The report as a Code Quality report of GitLab: https://docs.gitlab.com/ci/testing/code_quality/ (read in November
2026). It wants of each finding a description, a name, a fingerprint, a severity, a path below the root of the
repository and a line."""

from __future__ import annotations

from typing import Any, Final

from dsprep.model.finding import Finding, Severity
from dsprep.model.report import Report, RuleSummary
from dsprep.reports import encoded, known_as, path_below, plain, shortened, told, unlisted, visible

#: GitLab's severities are info, minor, major, critical and blocker. An error does not stop everything, as another
#: target may take the data; so nothing is a blocker.
SEVERITIES: Final = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.INFO: "info"}
_LONGEST_EXCERPT: Final = 200


def dumps(report: Report, *, root: str | None = None) -> tuple[bytes, list[str]]:
    """The report as a file, a JSON array with an issue a line, and sentences on what is not in it.

    `root` is the folder that paths are seen from (None: the working directory). Fingerprints are of what a row says:
    they stay when rows move.
    """
    issues = [encoded(plain(_issue(report, *found, root))) for found in known_as(report)]
    body = b"[\n" + b",\n".join(issues) + b"\n]\n" if issues else b"[]\n"
    return body, unlisted(report)


def _issue(report: Report, summary: RuleSummary, finding: Finding, known: str, root: str | None) -> dict[str, Any]:
    location = finding.location
    text, excerpt = told(summary, finding)
    if excerpt is not None:
        text += f": {shortened(excerpt, _LONGEST_EXCERPT)}"
    paths = [info.path for info in report.inputs]
    # What is about all inputs together stands at the first: there is no issue without a file.
    path = location.path if location.path in paths or not paths else paths[0]
    return {
        "type": "issue",
        "check_name": f"{finding.code} {summary.meta.name}",
        "description": f"{finding.code} {summary.meta.name}: {text}",
        "categories": ["Bug Risk"],
        "severity": SEVERITIES[finding.severity],
        "fingerprint": known,
        "location": {"path": visible(path_below(path, root)), "lines": {"begin": location.line or 1}},
    }
