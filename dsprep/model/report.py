"""The report: the one result that every output format renders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dsprep.model.finding import Finding, Severity, Tally
from dsprep.model.fix import Applicability
from dsprep.model.meta import RuleMeta
from dsprep.model.source import InputInfo


@dataclass(slots=True)
class RuleSummary:
    """What one rule found. `listed` findings are in the report in full; `total` counts them all."""

    meta: RuleMeta
    tally: Tally
    fixed: int = 0

    @property
    def severity(self) -> Severity:
        """The worst severity that the rule's findings have in this run."""
        present = [severity for (severity, _), n in self.tally.counts.items() if n]
        return min(present, key=lambda severity: severity.rank, default=self.meta.severity)


@dataclass(slots=True)
class FunnelStep:
    """Rows that went a way: `name` such as `rejected`, `reason` such as `SCH002 missing-messages`."""

    name: str
    rows: int
    reason: str = ""


@dataclass(slots=True)
class Funnel:
    """Rows in, and where each of them went. `reconciles` must hold at the end of every run."""

    rows_in: int = 0
    out: list[FunnelStep] = field(default_factory=list)
    rejected: list[FunnelStep] = field(default_factory=list)

    @property
    def rows_out(self) -> int:
        return sum(step.rows for step in self.out)

    @property
    def rows_rejected(self) -> int:
        return sum(step.rows for step in self.rejected)

    @property
    def reconciles(self) -> bool:
        """Rows in = rows out + rows rejected."""
        return self.rows_in == self.rows_out + self.rows_rejected


@dataclass(slots=True)
class EngineError:
    """A rule that raised: which, on what, and the exception in words. It makes the exit code 2."""

    code: str
    path: str
    message: str


@dataclass(slots=True)
class Hidden:
    """Findings that were made and do not count, because somebody has accepted them: by code, how many are in the
    baseline and how many are suppressed; `errors` are how many of them all are errors.

    `stale` is how many entries of the baseline, and `unused` how many suppressions, match nothing any more.
    """

    baseline: Counter[str] = field(default_factory=Counter)
    suppressed: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    stale: int = 0
    unused: int = 0

    @property
    def total(self) -> int:
        """How many findings are hidden."""
        return self.baseline.total() + self.suppressed.total()


@dataclass(slots=True)
class Report:
    """Everything a run has to say. `stats` is plain JSON data (see docs/json-report.md), `summaries` are sorted worst
    first (severity, then count, then code)."""

    tool: str
    inputs: list[InputInfo]
    settings: Mapping[str, Any]
    summaries: list[RuleSummary]
    stats: dict[str, Any]
    funnel: Funnel
    notes: list[str] = field(default_factory=list)
    errors: list[EngineError] = field(default_factory=list)
    rules_run: tuple[str, ...] = ()
    hidden: Hidden = field(default_factory=Hidden)

    @property
    def findings(self) -> list[Finding]:
        """All listed findings, grouped by rule, worst rule first, each rule's in order of place."""
        return [finding for summary in self.summaries for finding in summary.tally.sorted()]

    def count(self, severity: Severity) -> int:
        """How many findings of that severity there are, listed or not."""
        return sum(summary.tally.of_severity(severity) for summary in self.summaries)

    def fixable(self, applicability: Applicability) -> int:
        """How many findings carry a fix of that kind."""
        return sum(summary.tally.fixable(applicability) for summary in self.summaries)

    def meta(self, code: str) -> RuleMeta:
        """The metadata of the rule with `code`. Raises KeyError if it found nothing."""
        for summary in self.summaries:
            if summary.meta.code == code:
                return summary.meta
        raise KeyError(code)

    def message(self, finding: Finding) -> str:
        """The sentence of one of the report's findings. Data stand in it as they are: escape before you show it."""
        return render_message(self.meta(finding.code), finding.args)

    def exit_code(self, fail_on: Severity | None, max_warnings: int | None = None) -> int:
        """0 clean, 1 findings at or above `fail_on` (None: never) or more than `max_warnings` warnings (None: any
        number will do), 2 a rule failed."""
        if self.errors:
            return 2
        if max_warnings is not None and self.count(Severity.WARNING) > max_warnings:
            return 1
        if fail_on is None:
            return 0
        return int(any(self.count(severity) for severity in Severity if severity.rank <= fail_on.rank))


def render_message(meta: RuleMeta, args: Mapping[str, Any]) -> str:
    """The sentence of a finding. A template that does not fit its args is shown as it is rather than failing a run."""
    try:
        return meta.message.format(**args)
    except (LookupError, ValueError, TypeError, AttributeError):
        return meta.message
