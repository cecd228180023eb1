"""The report as SARIF 2.1.0, for code scanning and for editors.

The format is that of OASIS (Static Analysis Results Interchange Format 2.1.0 with errata 01; numbers of sections below
are its). The limits are GitHub's, which refuses a file beyond them:
https://docs.github.com/en/code-security/code-scanning/troubleshooting-sarif-uploads/results-exceed-limit and
https://docs.github.com/en/code-security/code-scanning/troubleshooting-sarif-uploads/file-too-large (read in November
2026): 20 runs a file, 25,000 results a run of which the first 5,000 are shown, 25,000 rules a run, 1,000 locations a
result of which 100 are shown, 20 tags a rule of which 10 are shown, 10 MB compressed by gzip. There is one run.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote

from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability, DropRow
from dsprep.model.location import Location
from dsprep.model.report import Report, RuleSummary
from dsprep.opening import is_url
from dsprep.reports import (
    counted,
    encoded,
    failures,
    known_as,
    path_below,
    plain,
    shortened,
    told,
    unlisted,
    visible,
)

#: Where the schema is; validators look for it by this name.
SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
#: GitHub's limits, see above.
MOST_RESULTS: Final = 25_000
SHOWN_RESULTS: Final = 5_000
MOST_BYTES: Final = 10_000_000
_MOST_RELATED: Final = 100

#: What relative paths are relative to (3.14.14): GitHub takes it for the root of the repository.
_ROOT: Final = "%SRCROOT%"
_LEVEL: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_PROBLEM: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "recommendation"}
_GROUPS: Final = {
    "BAL": "balance",
    "CNV": "conversation",
    "DUP": "duplicates",
    "ENC": "encoding",
    "LBL": "labels",
    "LEK": "leakage",
    "LNG": "language",
    "PII": "privacy",
    "PRF": "preference",
    "SCH": "schema",
    "SEC": "security",
    "SET": "dataset",
    "TAB": "tables",
    "TOK": "tokens",
    "TOL": "tools",
    "TXT": "text",
}
#: Groups of rules that judge what a text means; the findings of the other groups can be checked by counting.
_JUDGING: Final = frozenset({"LBL", "LNG", "PII", "SEC", "TXT"})
_PLACEHOLDER: Final = re.compile(r"\{(\d+)\}")
_LONGEST_EXCERPT: Final = 200
_LONGEST: Final = 1_000


def dumps(
    report: Report,
    *,
    root: str | None = None,
    most_results: int = MOST_RESULTS,
    most_bytes: int = MOST_BYTES,
) -> tuple[bytes, list[str]]:
    """The report as a file, and sentences on what is not in it, which stand in it as well, as notifications.

    `root` is the folder that relative paths are seen from (None: the working directory). The worst findings come
    first: errors before warnings, and within a severity the first of every rule before the second of any, so that what
    the limits cut off is more of what is there. The same report gives the same bytes.
    """
    rules = {summary.meta.code: i for i, summary in enumerate(report.summaries)}
    results = [
        encoded(plain(_result(report, rules[finding.code], summary, finding, known, root)))
        for summary, finding, known in _worst_first(report)
    ]
    found = len(results)
    del results[most_results:]
    while True:
        notes = _notes(report, found, len(results), most_results)
        data = _file(report, results, notes, root)
        size = len(data)
        if size > most_bytes:
            size = len(gzip.compress(data, 6, mtime=0))
        if size <= most_bytes or not results:
            return data, notes
        del results[min(int(len(results) * most_bytes / size * 0.95), len(results) - 1) :]


def _worst_first(report: Report) -> list[tuple[RuleSummary, Finding, str]]:
    turn: dict[tuple[str, Severity], int] = {}
    order: list[tuple[int, int, int]] = []
    listed = known_as(report)
    for number, (_, finding, _) in enumerate(listed):
        kind = finding.code, finding.severity
        turn[kind] = turn.get(kind, 0) + 1
        order.append((finding.severity.rank, turn[kind], number))
    return [listed[number] for _, _, number in sorted(order)]


def _notes(report: Report, found: int, kept: int, most: int) -> list[str]:
    notes = unlisted(report)
    if kept < found:
        why = f"{most:,} results" if kept == most else "10 MB"
        notes.append(
            f"{found - kept:,} of {found:,} listed findings are not in this file, as GitHub takes {why} at most; those "
            "that are left out are the least severe ones, and further ones of the same rules"
        )
    if kept > SHOWN_RESULTS:
        notes.append(f"GitHub shows the first {SHOWN_RESULTS:,} of these {kept:,} results")
    if report.hidden.total:
        notes.append(
            f"{counted(report.hidden.total, 'finding')} more {'is' if report.hidden.total == 1 else 'are'} accepted "
            f"(baseline: {report.hidden.baseline.total():,}, suppressed: {report.hidden.suppressed.total():,}) and not "
            "in this file"
        )
    return notes


def _file(report: Report, results: Sequence[bytes], notes: Sequence[str], root: str | None) -> bytes:
    name, _, version = report.tool.partition(" ")
    run = {
        "tool": {
            "driver": {
                "name": name,
                "version": version,
                "rules": [_rule(summary) for summary in report.summaries],
            }
        },
        "invocations": [
            {
                "executionSuccessful": not report.errors,
                "toolExecutionNotifications": [
                    *_failed(report),
                    *({"level": "note", "message": {"text": _inert(visible(note))}} for note in notes),
                ],
            }
        ],
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository."}}},
        "artifacts": [
            {
                "location": _artifact(info.path, root),
                **({"length": info.bytes} if info.bytes else {}),
                **({"hashes": {"sha-256": info.sha256}} if info.sha256 else {}),
                "roles": ["analysisTarget"],
            }
            for info in report.inputs
        ],
        "columnKind": "unicodeCodePoints",
    }
    head = encoded(plain({"$schema": SCHEMA, "version": "2.1.0", "runs": []}))[:-2]
    # A result a line: two files compare by `diff`.
    body = b",\n".join(results)
    return head + encoded(plain(run))[:-1] + b',"results":[\n' + body + (b"\n" if results else b"") + b"]}]}\n"


def _rule(summary: RuleSummary) -> dict[str, Any]:
    """A reportingDescriptor (3.49). `problem.severity` and `precision` are GitHub's, see
    https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
    """
    meta = summary.meta
    group = _GROUPS.get(meta.code[:3])
    about = shortened(visible(meta.summary), _LONGEST)
    properties: dict[str, Any] = {
        "tags": ["data-quality", *([group] if group else [])],
        "problem.severity": _PROBLEM[meta.severity],
    }
    if group:
        # Rules of plugins and packs do not say how sure they are.
        properties["precision"] = "medium" if meta.code[:3] in _JUDGING else "very-high"
    more = f"`dsprep rule {meta.code}` says more." if group else ""
    return {
        "id": meta.code,
        "name": meta.name,
        "shortDescription": {"text": _inert(about or meta.name)},
        "fullDescription": {"text": _inert(about or meta.name)},
        "help": {
            "text": _inert(f"{about} {more}".strip() or meta.name),
            "markdown": f"# {meta.name} ({meta.code})\n\n{summary.documentation or about}\n",
        },
        "defaultConfiguration": {"level": _LEVEL[meta.severity]},
        "properties": properties,
    }


def _failed(report: Report) -> Iterator[dict[str, Any]]:
    """Rules that failed, as notifications (3.58)."""
    for error, more in failures(report):
        where = f" on {error.path}" if error.path else ""
        others = f" and {counted(more, 'more place')}" if more else ""
        text = f"{error.code} failed{where}{others}, so what it would have found is missing: {error.message}"
        yield {
            "level": "error",
            "message": {"text": _inert(shortened(visible(text), _LONGEST))},
            "descriptor": {"id": "rule-failed"},
        }


def _result(
    report: Report, rule: int, summary: RuleSummary, finding: Finding, known: str, root: str | None
) -> dict[str, Any]:
    """A result (3.27). GitHub tells results apart by `primaryLocationLineHash`, beside rule and file."""
    text, excerpt = told(summary, finding)
    if excerpt is not None:
        text += f": {shortened(excerpt, _LONGEST_EXCERPT)}"
    out: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": _LEVEL[finding.severity],
        "message": {"text": _inert(text)},
        "locations": [_location(report, finding.location, root)],
        "partialFingerprints": {"primaryLocationLineHash": known},
    }
    if finding.related:
        related = [_location(report, place, root) for place in finding.related[:_MOST_RELATED]]
        out["relatedLocations"] = [{"id": number, **place} for number, place in enumerate(related, 1)]
    if finding.rows != 1:
        out["properties"] = {"rows": finding.rows}
    fix = _fix(report, finding, root)
    if fix is not None:
        out["fixes"] = [fix]
    return out


def _location(report: Report, location: Location, root: str | None) -> dict[str, Any]:
    """A location (3.28). What is about a file as a whole, or a row of a file without lines, stands at line 1: GitHub
    shows nothing without a line. What is about all inputs together stands at the first."""
    paths = [info.path for info in report.inputs]
    path = location.path if location.path in paths or not paths else paths[0]
    region: dict[str, Any] = {"startLine": location.line or 1}
    if location.line is not None and location.column is not None and location.field is None:
        region["startColumn"] = max(int(location.column), 1)
    if location.line is not None and location.offset is not None:
        region["byteOffset"] = location.offset
    out: dict[str, Any] = {"physicalLocation": {"artifactLocation": _artifact(path, root), "region": region}}
    names = []
    if location.row is not None:
        names.append({"fullyQualifiedName": f"row {location.row}", "kind": "row"})
    if location.field:
        kind = "column" if location.field == location.column else "property"
        names.append({"fullyQualifiedName": visible(location.field), "kind": kind})
    if names:
        out["logicalLocations"] = names
    return out


def _artifact(path: str, root: str | None) -> dict[str, Any]:
    """An artifactLocation (3.4): a relative URI below the root, else a whole one."""
    below = path_below(path, root)
    # Names of files may hold bytes that are no text.
    data = below.encode("utf-8", "surrogateescape" if _escaped(below) else "surrogatepass")
    if is_url(below):
        return {"uri": quote(data, safe=":/?#[]@!$&'()*+,;=%~")}
    uri = quote(data, safe="/~")
    if below.startswith("/"):
        return {"uri": f"file://{uri}"}
    if len(below) > 2 and below[1] == ":" and below[2] in "/\\":
        return {"uri": f"file:///{uri}"}
    return {"uri": uri, "uriBaseId": _ROOT}


def _escaped(path: str) -> bool:
    try:
        path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def _fix(report: Report, finding: Finding, root: str | None) -> dict[str, Any] | None:
    """A fix (3.55), if it can be said in terms of text: to take out a line. Other fixes are of values in a record, and
    which of its bytes these are is not in a report; `dsprep lint --fix` makes them."""
    fix, location = finding.fix, finding.location
    if fix is None or fix.edits != (DropRow(),) or location.line is None or location.row is not None:
        return None
    if not any(info.path == location.path and info.format == "jsonl" for info in report.inputs):
        return None
    sure = "safe" if fix.applicability is Applicability.SAFE else "unsafe: look at it first"
    line = location.line
    region = {"startLine": line, "startColumn": 1, "endLine": line + 1, "endColumn": 1}
    return {
        "description": {"text": f"Take out the row ({sure})"},
        "artifactChanges": [
            {"artifactLocation": _artifact(location.path, root), "replacements": [{"deletedRegion": region}]}
        ],
    }


def _inert(text: str) -> str:
    r"""`text` that no viewer takes for more than text: in messages `[a](b)` is a link (3.11.6) and `{0}` a placeholder
    (3.11.5), unless written `\[a\](b)` and `{{0}}`. Other brackets and braces stay, as most viewers show escapes as
    they are."""
    if "](" in text:
        text = text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    return _PLACEHOLDER.sub(r"{{\1}}", text)
