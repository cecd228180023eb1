"""The sections of the HTML report, in the order of the page.

Each has a template `templates/sections/ID.html.j2`, which sees as `it` what the section's function made of the report,
and may have a style of its own beside it, `ID.css`. The page itself writes the `<section>`, its heading (`<h2>`; what
stands in a section begins with `<h3>`) and its entry in the contents. What two sections lay out alike is a macro of
`templates/macros.html.j2`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dsprep.model.report import Report
from dsprep.reports.html import (
    actions,
    clusters,
    comparison,
    dictionary,
    examples,
    figures,
    findings,
    funnel,
    leakage,
    private,
    provenance,
    targets,
    verdict,
)


@dataclass(frozen=True, slots=True)
class Section:
    """One section. `nav` is its short name in the contents, `heading` its title; `context` gives what its template
    needs, or None (or something empty) where the report has nothing of that kind: then the section is left out."""

    id: str
    nav: str
    heading: str
    context: Callable[[Report], Any]

    @property
    def template(self) -> str:
        return f"sections/{self.id}.html.j2"


#: The first screen: the verdict, and whatever belongs right below it. These have no entry in the contents.
HEAD = (
    Section("verdict", "", "", verdict.head),
    Section("targets", "", "", targets.summary),
    Section("tiles", "", "", verdict.tiles),
)

SECTIONS = (
    Section("first", "Do first", "Do this first", actions.actions),
    Section("findings", "Findings", "Findings by rule", findings.findings),
    Section("funnel", "Rows", "Where the rows went", funnel.flow),
    Section("tokens", "Tokens", "Length in tokens", figures.tokens),
    Section("labels", "Labels", "Labels", figures.labels),
    Section("languages", "Languages", "Languages", figures.languages),
    Section("duplicates", "Duplicates", "Duplicates and overlap", clusters.duplicates),
    Section("leakage", "Leakage", "Leakage between splits", leakage.leakage),
    Section("private", "Private", "Personal data and secrets", private.private),
    Section("dictionary", "Data", "Conversations and records", dictionary.dictionary),
    Section("examples", "Examples", "Rows to look at", examples.examples),
    Section("backends", "Targets", "Every target", targets.table),
    Section("provenance", "Provenance", "Inputs, versions, settings", provenance.provenance),
    Section("comparison", "Changes", "Since the previous report", comparison.comparison),
)
