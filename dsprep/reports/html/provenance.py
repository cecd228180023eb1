"""What was read, how, and with what: enough to make the same run again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dsprep.model.report import Report
from dsprep.model.source import InputInfo
from dsprep.reports import decisive_settings, plain
from dsprep.reports.html.commands import same_run

#: Files beyond these are summed up: each takes some 400 bytes.
MOST_INPUTS = 500


@dataclass(frozen=True, slots=True)
class Provenance:
    """What was read, how, and with what. `more` inputs are not listed; `accepted` findings were hidden by a baseline or
    suppressions that the command does not name."""

    inputs: list[InputInfo]
    more: int
    notes: list[str]
    command: str
    accepted: int
    versions: list[tuple[str, str]]
    settings: list[tuple[str, str]]
    rules_run: tuple[str, ...]


def provenance(report: Report) -> Provenance:
    """What was read, how, and with what."""
    named = {"python": "Python", "rulebook": "rules (SHA-256)"}
    return Provenance(
        inputs=report.inputs[:MOST_INPUTS],
        more=max(len(report.inputs) - MOST_INPUTS, 0),
        notes=report.notes,
        command=same_run(report),
        accepted=report.hidden.total,
        versions=[("tool", report.tool), *((named.get(name, name), value) for name, value in report.versions.items())],
        settings=settings(report),
        rules_run=report.rules_run,
    )


def settings(report: Report) -> list[tuple[str, str]]:
    """The settings that the result depends on, each value in one line."""
    shown = decisive_settings(report)
    shown.pop("rules", None)  # they are listed below
    return [(name, _setting(value)) for name, value in shown.items()]


def _setting(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return ", ".join(value) or "none"
    if value is None:
        return "not set"
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_setting(item)}" for key, item in value.items()) or "none"
    return json.dumps(plain(value, sort=True), ensure_ascii=False)
