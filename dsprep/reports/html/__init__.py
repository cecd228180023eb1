"""The HTML report: one self-contained file, readable without script, that asks nothing of any network."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import jinja2
from markupsafe import Markup

from dsprep.model.report import Report
from dsprep.reports import counted, failures, judge, visible
from dsprep.reports.html import charts, figures, view

#: How many rules are unfolded from the start: enough to see what matters, few enough to see how many there are.
_OPEN = 2


def render(report: Report) -> str:
    """The page. The same report gives the same page; it holds no date, no path but those of the report."""
    environment = _environment()
    style = environment.get_template("style.css").render()
    verdict = judge(report)
    tokens, labels, twins = figures.tokens(report), figures.labels(report), figures.twins(report)
    actions = view.actions(report)
    rules = view.rules(report)
    funnel = view.funnel(report)
    sections = [
        ("first", "Do first", actions),
        ("findings", "Findings", rules),
        ("tokens", "Tokens", tokens),
        ("labels", "Labels", labels),
        ("duplicates", "Duplicates", twins),
        ("funnel", "Rows", funnel),
        ("provenance", "Inputs", True),
    ]
    return environment.get_template(
        "report.html.j2"
    ).render(
        style=Markup(style),  # noqa: S704 - our own file, no part of it comes from data
        style_hash=Markup("sha256-") + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        tool=report.tool,
        subject=view.subject(report),
        verdict=verdict,
        reason=verdict.reason[:1].upper() + verdict.reason[1:],
        sign=charts.icon(verdict.status.value),
        lengths=view.lengths(report),
        failures=failures(report),
        tiles=view.tiles(report),
        sections=[(id_, name) for id_, name, present in sections if present],
        actions=actions,
        rules=rules,
        total=sum(rule.total for rule in rules),
        open=_OPEN,
        tokens=tokens,
        labels=labels,
        twins=twins,
        funnel=funnel,
        funnel_sum=view.funnel_sum(report),
        inputs=report.inputs,
        notes=report.notes,
        settings=view.settings(report),
        rules_run=report.rules_run,
    )


def dumps(report: Report) -> bytes:
    """The page as a file, in UTF-8."""
    return render(report).encode()


def _environment() -> jinja2.Environment:
    """Templates from the package. Whatever a template prints is made visible, then HTML-escaped, unless it is markup
    that this package built."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("dsprep.reports.html"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["marked"] = view.marked
    environment.filters["sentence"] = view.sentence
    environment.filters["command"] = view.command_line
    environment.filters["short"] = view.short
    environment.filters["percent"] = view.percent
    environment.filters["human_bytes"] = view.human_bytes
    environment.globals["bar"] = charts.bar
    environment.globals["counted"] = counted
    return environment


def _finalized(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
