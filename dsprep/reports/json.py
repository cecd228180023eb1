"""The JSON report as a file: documented key by key in docs/json-report.md, described by report.schema.json.

What it holds is put together by `dsprep.reports.as_json`, since other formats carry it, too.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

import orjson

from dsprep.model.report import Report
from dsprep.reports import VERSION as VERSION
from dsprep.reports import as_json as as_json
from dsprep.reports import encoded


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
