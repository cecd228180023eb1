"""`lint`: what is wrong. `fix`: the same, after mending what may be mended. `diff`: what `fix` would do."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from os import fspath
from typing import TYPE_CHECKING, Any

from dsprep.api.describing import described, statistics_of
from dsprep.api.remembering import Run, several
from dsprep.api.session import Input, Paths, Progress, Session, inputs_from, open_session, report_of
from dsprep.api.showing import changed_by_fixing, clusters_of
from dsprep.config import Settings, with_overrides
from dsprep.engine.folding import Folded, fold
from dsprep.engine.repairing import Repair
from dsprep.folds.masking import masked_findings
from dsprep.folds.samples import SamplesFold, samples_of
from dsprep.model.finding import Finding
from dsprep.model.fix import DropRow, Relabel
from dsprep.model.report import Funnel, FunnelStep, Report
from dsprep.model.sample import Sample
from dsprep.model.source import InputError, Source
from dsprep.opening import refuse_url
from dsprep.text.content import content_key
from dsprep.text.labels import relabelled
from dsprep.text.preference import in_place
from dsprep.version import VERSION

if TYPE_CHECKING:  # what only checks has nothing to rewrite
    from dsprep.engine.ledger import Ledger
    from dsprep.engine.rewriting import Change, Rewriting

#: How often the files may be rewritten until nothing is left to fix: fixes of rows can make duplicates, whose fixes can
#: make nothing worse, so two rounds are usual.
MAX_PASSES = 8
#: Groups of rules whose fixes take out what is nobody's business.
REDACTING = ("PII", "SEC")


@dataclass
class FixResult:
    """The report of what is left, the fixes made by code, and the files that were rewritten, in order, with the ledgers
    by which `undo` takes it back."""

    report: Report
    fixed: Counter[str] = field(default_factory=Counter)
    files: list[str] = field(default_factory=list)
    ledgers: list[str] = field(default_factory=list)


def lint(
    paths: Paths = (),
    *,
    train: Paths = (),
    validation: Paths = (),
    test: Paths = (),
    settings: Settings | None = None,
    progress: Progress | None = None,
    **overrides: Any,
) -> Report:
    """Check files and report what is wrong with them; nothing is written.

    Files without a split are one data set; `train`, `validation` and `test` name the parts of a split one. Each is a
    path or several. `overrides` are settings by name (`target="openai:gpt-4o"`, `select=("DUP",)` …). With the setting
    `compare`, what has changed since that report is `Report.comparison`.
    """
    chosen = with_overrides(settings, overrides)
    compared = comparison_for(chosen)
    groups = {"train": several(train), "validation": several(validation), "test": several(test)}
    paths = several(paths)
    run = Run.over(paths, **groups, settings=chosen) if chosen.cache else None
    known = run.report() if run is not None else None
    if known is not None:
        return compared(known)
    inputs, notes = inputs_from(paths, **groups)
    session = _open(inputs, chosen, {}, progress, notes)
    report = linted(session)
    if run is not None:
        run.keep(report, session)
    return compared(report)


def fix(
    paths: Paths = (),
    *,
    train: Paths = (),
    validation: Paths = (),
    test: Paths = (),
    settings: Settings | None = None,
    progress: Progress | None = None,
    **overrides: Any,
) -> FixResult:
    """Mend JSON-lines files in place, then report what is left. Safe fixes only, unless `unsafe_fixes` is set. What is
    accepted (see api.accepted) is left alone.

    Every change is put down in a ledger: `NAME.changes` beside the file, or the one that the setting `ledger` names.
    Raises InputError if one of the files cannot be rewritten in its own format (a CSV, standard input, a URL), or a
    ledger is something else.
    """
    inputs, notes = inputs_from(paths, train=train, validation=validation, test=test)
    for item in inputs:
        refuse_url(item.path, "which is not fixed in place; `dsprep prepare` writes a repaired data set from it")
    chosen = with_overrides(settings, overrides)
    compared = comparison_for(chosen)
    fixed: Counter[str] = Counter()
    files: set[str] = set()
    changed: list[Sample] = []
    ledgers = _Ledgers(chosen)
    for number in range(1, MAX_PASSES + 1):
        session = _open(inputs, chosen, {}, progress, notes)
        _must_be_lines(session)
        for source in session.pipeline.sources:
            ledgers.of(source)
        folded = folded_of(session, fixing=True)
        if not _fixable(session, folded):
            break
        rewriting = _rewriting(session, folded)
        if number == 1:
            changed = changed_by_fixing(folded, rewriting.pipeline, session.policy(), rewriting.drop)
        session.progress.begin("fixing", session.bytes)
        outcome = rewriting.write(partial(ledgers.of, used=True), _closing(number, session))
        if not outcome.anything:
            break
        fixed += outcome.fixed
        files.update(session.pipeline.sources[number].display for number in outcome.written)
        if session.accepted is not None:
            session.accepted.follow(outcome.followed)
    else:
        session = _open(inputs, chosen, {}, progress, notes)
        folded = folded_of(session)
    report = _reported(session, folded, fixed)
    report.samples = [*changed, *report.samples]
    if ledgers.used:
        report.notes.append(_how_to_undo(ledgers.used, fixed))
    return FixResult(compared(report), fixed, sorted(files), list(ledgers.used))


def comparison_for(settings: Settings) -> Callable[[Report], Report]:
    """What makes a report say what has changed since the one that the settings name, which is read now; nothing if they
    name none. Raises InputError."""
    if settings.compare is None:
        return lambda report: report
    from dsprep.api.comparing_reports import earlier_report, with_comparison

    return partial(with_comparison, earlier=earlier_report(settings))


class _Ledgers:
    """The ledgers of a run of `fix`; `used` are those that changes were put down in, as the user knows them."""

    def __init__(self, settings: Settings) -> None:
        self._one = settings.ledger
        self._known: dict[str, Ledger] = {}
        self.used: dict[str, None] = {}

    def of(self, source: Source, *, used: bool = False) -> Ledger:
        """The ledger for the file of `source`. Raises InputError if something else is in its place."""
        from dsprep.engine.ledger import SUFFIX, Ledger

        path = source.path + SUFFIX if self._one is None else fspath(self._one)
        if path not in self._known:
            self._known[path] = Ledger.at(path)
        if used:
            self.used[source.display + SUFFIX if self._one is None else path] = None
        return self._known[path]


def _closing(number: int, session: Session) -> dict[str, Any]:
    """What the closing lines of a pass begin with."""
    baseline = session.accepted.baseline if session.accepted is not None else None
    return {"pass": number, "tool": f"dsprep {VERSION}", **({"baseline": baseline.path} if baseline else {})}


def _how_to_undo(ledgers: Iterable[str], fixed: Counter[str]) -> str:
    names = list(ledgers)
    commands = " and ".join(f"`dsprep undo {shlex.quote(name)}`" for name in names[:3])
    more = f" (and so on for {len(names) - 3:,} more)" if len(names) > 3 else ""
    kept = ""
    if any(code.startswith(REDACTING) for code in fixed):
        kept = "; what was redacted is still in there, so keep it apart or delete it"
    return f"every change is in {', '.join(names[:3])}: {commands}{more} takes it back{kept}"


def diff(
    paths: Paths = (),
    *,
    train: Paths = (),
    validation: Paths = (),
    test: Paths = (),
    settings: Settings | None = None,
    progress: Progress | None = None,
    **overrides: Any,
) -> Iterator[tuple[str, Change]]:
    """What the first round of `fix` would change: (path, change) per record, in reading order. Nothing is written."""
    inputs, notes = inputs_from(paths, train=train, validation=validation, test=test)
    session = _open(inputs, with_overrides(settings, overrides), {}, progress, notes)
    _must_be_lines(session)
    yield from _rewriting(session, folded_of(session, fixing=True)).changes()


def linted(session: Session) -> Report:
    """The report of a session that only looks."""
    return _reported(session, folded_of(session), Counter())


def _reported(session: Session, folded: Folded, fixed: Counter[str]) -> Report:
    statistics = statistics_of(session)
    rows = folded.data_rows
    report = report_of(
        session,
        folded,
        stats=statistics.finish(folded.states["statistics"]),
        funnel=Funnel(rows, [FunnelStep("checked", rows)] if rows else []),
        fixed=fixed,
    )
    report.samples = samples_of(folded.states[SamplesFold.name])
    report.clusters = clusters_of(folded.tallies, folded.table)
    return described(report, session, folded, statistics)


def _fixable(session: Session, folded: Folded) -> bool:
    """Whether anything was found whose fix may be applied."""
    policy = session.policy()
    return any(
        kind is not None and policy.allows_kind(code, kind)
        for code, tally in folded.tallies.items()
        for _, kind in tally.counts
    )


def _open(
    inputs: Sequence[Input],
    settings: Settings | None,
    overrides: dict[str, Any],
    progress: Progress | None,
    notes: Sequence[str],
) -> Session:
    return open_session(
        inputs, with_overrides(settings, overrides), progress=progress, notes=notes, accepting="everything"
    )


def folded_of(session: Session, *, fixing: bool = False) -> Folded:
    """Pass one over the files of a session, with statistics; `fixing`: which findings' fixes are wanted is noted."""
    session.progress.begin("checking", session.bytes)
    policy = session.policy()
    return fold(
        session.pipeline,
        session.rules,
        session.executor,
        folds={"statistics": statistics_of(session), SamplesFold.name: SamplesFold()},
        accept=policy.allows if fixing else lambda finding: False,
        hiding=session.hiding,
        masking=masked_findings,
        memory_limit=session.settings.memory_limit,
        cache=session.cache,
        progress=session.progress.advance,
    )


def _rewriting(session: Session, folded: Folded) -> Rewriting:
    """What there is to mend, of what was found."""
    from dsprep.engine.rewriting import Rewriting

    known = folded.sieve.settled() if folded.sieve is not None else {}
    spared = session.hiding.spared(known) if session.hiding is not None else None
    repair = Repair(session.singles, session.policy(), relabelled=relabelled, in_place=in_place, spared=spared)
    accepted = _one_stays(folded.accepted)
    pipeline = replace(session.pipeline, repair=with_relabels(repair, accepted))
    advance = session.progress.advance
    return Rewriting(pipeline, folded.shards, accepted, session.executor, content_key, advance)


def _one_stays(accepted: Iterable[Finding]) -> list[Finding]:
    """Those of the findings whose fixes can be made together: none drops a row in favour of one that another of them
    drops. What is left out is found again in the next pass, if it is still true then."""
    gone: set[tuple[str, int | None]] = set()
    out: list[Finding] = []
    for finding in accepted:
        if finding.fix is not None and DropRow() in finding.fix.edits and finding.related:
            twin = finding.related[0]
            if (twin.path, twin.offset) in gone:
                continue
            gone.add((finding.location.path, finding.location.offset))
        out.append(finding)
    return out


def with_relabels(repair: Repair, accepted: Iterable[Finding]) -> Repair:
    """`repair`, which also makes the label changes of the accepted findings; itself if there are none."""
    changes: dict[str, str] = {}
    code = ""
    for finding in accepted:
        for edit in finding.fix.edits if finding.fix else ():
            if isinstance(edit, Relabel):
                changes[edit.old] = edit.new
                code = finding.code
    return replace(repair, relabel=changes, relabel_code=code) if changes else repair


def _must_be_lines(session: Session) -> None:
    for source in session.pipeline.sources:
        if source.display == "-":
            raise InputError("standard input cannot be fixed in place; write it to a file first")
        if source.packing is not None:
            raise InputError(
                f"{source.display} is compressed, and not fixed in place; unpack it first, or "
                f"`dsprep prepare {source.display} --out DIR` writes a repaired data set from it"
            )
        if source.format != "jsonl":
            raise InputError(
                f"{source.display} is {source.format}, which is not fixed in place; "
                f"`dsprep prepare {source.display} --out DIR` writes a repaired data set from it"
            )
