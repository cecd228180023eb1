"""The HTML report: one self-contained file, readable without script, that asks nothing of any network.

Its content security policy allows one style and one script, both by their hash, and nothing else: no request, no form,
no other script, not even one that data could bring in. The script adds filters, a search, copying and unfolding to what
is there without it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jinja2
from markupsafe import Markup

from dsprep.model.report import Report
from dsprep.reports import counted, judge, visible
from dsprep.reports.html import charts, embedded, sections, verdict, view
from dsprep.reports.html.sections import Section

#: Where the JSON report goes into the page. Data cannot bring this character: it would be shown as an escape.
_HERE = Markup("\0")


def render(report: Report) -> str:
    """The page, at most `embedded.LARGEST` bytes in UTF-8: its sections have caps, and the JSON report in it takes the
    room that they leave. The same report gives the same page; it holds no date, no path but those of the report."""
    environment = _environment()
    style, script = _style(environment), _source(environment, "script.js")
    page = environment.get_template("report.html.j2").render(
        style=Markup(style),  # noqa: S704 - our own files, no part of them comes from data
        script=Markup(script),  # noqa: S704
        style_hash=_hash(style),
        script_hash=_hash(script),
        tool=report.tool,
        headline=judge(report).headline,
        subject=verdict.subject(report),
        head=_filled(sections.HEAD, report),
        sections=_filled(sections.SECTIONS, report),
        here=_HERE,
    )
    data = embedded.embedded(report, len(page.encode()))
    section = environment.get_template("sections/json.html.j2").render(it=data)
    return page.replace(_HERE, section)


def _hash(text: str) -> Markup:
    """What a content security policy calls `text`, and nothing else, by."""
    return Markup("sha256-") + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@dataclass(frozen=True, slots=True)
class _Filled:
    """A section with what its template shows."""

    id: str
    nav: str
    heading: str
    template: str
    it: Any


def _style(environment: jinja2.Environment) -> str:
    """The page's style, and behind it those of the sections that have one."""
    names = [f"sections/{section.id}.css" for section in (*sections.HEAD, *sections.SECTIONS)]
    known = environment.list_templates(extensions=["css"])
    return "".join(_source(environment, name) for name in ["style.css", *names] if name in known)


def _source(environment: jinja2.Environment, name: str) -> str:
    """A file of the package as it is."""
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _filled(all_sections: Iterable[Section], report: Report) -> list[_Filled]:
    """The sections that have something to show."""
    made = ((section, section.context(report)) for section in all_sections)
    return [_Filled(section.id, section.nav, section.heading, section.template, it) for section, it in made if it]


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
