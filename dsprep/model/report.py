"""The report: the one result that every output format renders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dsprep.model.finding import Finding, Severity, Tally
from dsprep.model.fix import Applicability
from dsprep.model.meta import RuleMeta
from dsprep.model.sample import Cluster, Sample
from dsprep.model.source import InputInfo


@dataclass(slots=True)
class RuleSummary:
    """What one rule found. `listed` findings are in the report in full; `total` counts them all. `documentation` is the
    rule's docstring, in Markdown: what it does, why it matters."""

    meta: RuleMeta
    tally: Tally
    fixed: int = 0
    documentation: str = ""

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
class RuleChange:
    """How many findings a rule had in an earlier report and has now. `new` and `gone` are told apart finding by finding
    if `exact`, else by number alone. `severity` is the worst one of now, or of then if there is nothing left."""

    code: str
    name: str
    severity: Severity
    before: int
    now: int
    new: int
    gone: int
    exact: bool = True


@dataclass(slots=True)
class Comparison:
    """What has changed since an earlier report. All of it came out of a file, so texts are no more to be trusted than
    data: escape before you show them.

    `verdict`, `accepted`, `rows` (read), `rows_out` and `counts` (by severity) are pairs: before, now. `rules` are
    those that have changed, worst first; `unchanged` is how many others found something. `not_run` are codes of rules
    that found something before and did not run now, `not_run_before` the other way around; neither counts as new or
    gone. `settings` are the settings that differ, by name (before, now; None where there was none); `inputs` the files
    that differ (`added`, `removed`, `changed`), by name. `tokens`, `labels` and `languages` are plain JSON data
    (docs/json-report.md, `summary.comparison`), empty if they cannot be compared. `notes` say what could not be
    compared, and why.
    """

    path: str
    tool: str
    verdict: tuple[str, str]
    accepted: tuple[bool | None, bool | None]
    rows: tuple[int, int]
    rows_out: tuple[int, int]
    counts: dict[str, tuple[int, int]]
    rules: list[RuleChange] = field(default_factory=list)
    unchanged: int = 0
    not_run: tuple[str, ...] = ()
    not_run_before: tuple[str, ...] = ()
    settings: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, Any] = field(default_factory=dict)
    languages: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def new(self) -> int:
        """How many findings are new."""
        return sum(change.new for change in self.rules)

    @property
    def gone(self) -> int:
        """How many findings are gone."""
        return sum(change.gone for change in self.rules)

    @property
    def exact(self) -> bool:
        """Whether all new and gone findings were told apart one by one."""
        return all(change.exact for change in self.rules)


@dataclass(slots=True)
class Report:
    """Everything a run has to say. `stats` is plain JSON data (see docs/json-report.md), `summaries` are sorted worst
    first (severity, then count, then code). `comparison` is that with an earlier report, if one was given."""

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
    comparison: Comparison | None = None
    #: Rows to look at, and clusters of rows that say nearly the same: a few, within bounds, masked. They are for
    #: people, and not in the JSON report.
    samples: list[Sample] = field(default_factory=list)
    clusters: list[Cluster] = field(default_factory=list)
    #: By row key, 16 bytes that stand for what the row says: of the rows that listed findings are about, if a format
    #: was asked for that needs them (see `Settings.by_content`).
    contents: dict[int, bytes] = field(default_factory=dict)
    #: What made the result beside input and settings: version of Python, digest of the rules with their options.
    versions: dict[str, str] = field(default_factory=dict)

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
