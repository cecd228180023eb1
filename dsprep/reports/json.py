"""The JSON report: documented key by key in docs/json-report.md, described by report.schema.json."""

from __future__ import annotations

from importlib import resources
from typing import Any

import orjson

from dsprep.model.finding import Severity
from dsprep.model.fix import Applicability
from dsprep.model.report import FunnelStep, Report, RuleSummary
from dsprep.reports import decisive_settings, encoded, finding_as_dict, judge, plain

#: The version of the format, not of dsprep. It changes only when a key changes its meaning or goes away.
VERSION = "1"


def as_json(report: Report) -> dict[str, Any]:
    """`report` as plain JSON data, exactly what parsing the output of `dumps` gives back."""
    return {
        "version": VERSION,
        "tool": plain(report.tool),
        "inputs": plain(_inputs(report)),
        "settings": plain(decisive_settings(report), sort=True),
        "summary": plain(_summary(report)),
        "stats": plain(report.stats),
        "funnel": plain(
            {
                "rows_in": report.funnel.rows_in,
                "rows_out": report.funnel.rows_out,
                "rows_rejected": report.funnel.rows_rejected,
                "reconciles": report.funnel.reconciles,
                "out": [_step(step) for step in report.funnel.out],
                "rejected": [_step(step) for step in report.funnel.rejected],
            }
        ),
        "findings": [
            finding_as_dict(finding, summary.meta) for summary in report.summaries for finding in summary.tally.sorted()
        ],
    }


def dumps(report: Report) -> bytes:
    """The JSON report as a file: UTF-8, one finding per line so that two reports compare by `diff`, a newline at the
    end. The same report gives the same bytes."""
    data = as_json(report)
    findings = data.pop("findings")
    head = encoded(data, orjson.OPT_INDENT_2)[:-2]
    if not findings:
        return head + b',\n  "findings": []\n}\n'
    return head + b',\n  "findings": [\n    ' + b",\n    ".join(encoded(item) for item in findings) + b"\n  ]\n}\n"


def schema() -> dict[str, Any]:
    """The JSON Schema of the report (draft 2020-12), from the file shipped beside this module."""
    loaded: dict[str, Any] = orjson.loads(resources.files("dsprep.reports").joinpath("report.schema.json").read_bytes())
    return loaded


def _inputs(report: Report) -> list[dict[str, Any]]:
    return [
        {
            "path": info.path,
            "format": info.format,
            "bytes": info.bytes,
            "sha256": info.sha256,
            "split": info.split,
            "encoding": info.encoding,
            "notes": list(info.notes),
        }
        for info in report.inputs
    ]


def _summary(report: Report) -> dict[str, Any]:
    return {
        "verdict": judge(report).as_dict(),
        "counts": {str(severity): report.count(severity) for severity in Severity},
        "fixable": {str(kind): report.fixable(kind) for kind in Applicability},
        "fixed": sum(summary.fixed for summary in report.summaries),
        "rules": [_rule(summary) for summary in report.summaries],
        "hidden": {
            "baseline": dict(sorted(report.hidden.baseline.items())),
            "suppressed": dict(sorted(report.hidden.suppressed.items())),
            "errors": report.hidden.errors.total(),
            "stale": report.hidden.stale,
            "unused": report.hidden.unused,
        },
        "rules_run": list(report.rules_run),
        "notes": list(report.notes),
        "errors": [{"code": e.code, "path": e.path, "message": e.message} for e in report.errors],
    }


def _rule(summary: RuleSummary) -> dict[str, Any]:
    tally = summary.tally
    return {
        "code": summary.meta.code,
        "name": summary.meta.name,
        "severity": str(summary.severity),
        "summary": summary.meta.summary,
        "count": tally.total,
        "listed": len(tally.sorted()),
        "fixable": {str(kind): tally.fixable(kind) for kind in Applicability},
        "fixed": summary.fixed,
    }


def _step(step: FunnelStep) -> dict[str, Any]:
    out: dict[str, Any] = {"name": step.name, "rows": step.rows}
    if step.reason:
        out["reason"] = step.reason
    return out
