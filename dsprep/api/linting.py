"""`lint`: what is wrong. `fix`: the same, after mending what may be mended. `diff`: what `fix` would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dsprep.api.remembering import Run, several
from dsprep.api.session import Input, Paths, Progress, Session, inputs_from, open_session, report_of
from dsprep.config import Settings, with_overrides
from dsprep.engine.folding import Folded, fold
from dsprep.engine.repairing import Repair
from dsprep.folds.statistics import StatisticsFold
from dsprep.model.finding import Finding
from dsprep.model.fix import Relabel
from dsprep.model.report import Funnel, FunnelStep, Report
from dsprep.model.source import InputError
from dsprep.opening import refuse_url
from dsprep.text.labels import relabelled

if TYPE_CHECKING:  # what only checks has nothing to rewrite
    from dsprep.engine.rewriting import Change

#: How often the files may be rewritten until nothing is left to fix: fixes of rows can make duplicates, whose fixes can
#: make nothing worse, so two rounds are usual.
MAX_PASSES = 8


@dataclass
class FixResult:
    """The report of what is left, the fixes made by code, and the files that were rewritten, in order."""

    report: Report
    fixed: Counter[str] = field(default_factory=Counter)
    files: list[str] = field(default_factory=list)


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
    path or several. `overrides` are settings by name (`target="openai:gpt-4o"`, `select=("DUP",)` …).
    """
    chosen = with_overrides(settings, overrides)
    groups = {"train": several(train), "validation": several(validation), "test": several(test)}
    paths = several(paths)
    run = Run.over(paths, **groups, settings=chosen) if chosen.cache else None
    known = run.report() if run is not None else None
    if known is not None:
        return known
    inputs, notes = inputs_from(paths, **groups)
    session = _open(inputs, chosen, {}, progress, notes)
    report = linted(session)
    if run is not None:
        run.keep(report, session)
    return report


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
    """Mend JSON-lines files in place, then report what is left. Safe fixes only, unless `unsafe_fixes` is set.

    Raises InputError if one of the files cannot be rewritten in its own format (a CSV, standard input, a URL).
    """
    from dsprep.engine.rewriting import rewrite

    inputs, notes = inputs_from(paths, train=train, validation=validation, test=test)
    for item in inputs:
        refuse_url(item.path, "which is not fixed in place; `dsprep prepare` writes a repaired data set from it")
    fixed: Counter[str] = Counter()
    files: set[str] = set()
    for _ in range(MAX_PASSES):
        session = _open(inputs, settings, overrides, progress, notes)
        _must_be_lines(session)
        folded = _folded(session, fixing=True)
        if not _fixable(session, folded):
            break
        mending = replace(session.pipeline, repair=_repair(session, folded))
        session.progress.begin("fixing", session.bytes)
        outcome = rewrite(mending, folded.shards, folded.accepted, session.executor, progress=session.progress.advance)
        if not outcome.anything:
            break
        fixed += outcome.fixed
        files.update(session.pipeline.sources[number].display for number, rows in outcome.rows.items() if rows)
        files.update(f.location.path for f in folded.accepted if f.key is None and f.location.path)
    else:
        session = _open(inputs, settings, overrides, progress, notes)
        folded = _folded(session)
    report = _reported(session, folded, fixed)
    return FixResult(report, fixed, sorted(file for file in files if any(item.path == file for item in inputs)))


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
    from dsprep.engine.rewriting import rewrite

    inputs, notes = inputs_from(paths, train=train, validation=validation, test=test)
    session = _open(inputs, settings, overrides, progress, notes)
    _must_be_lines(session)
    folded = _folded(session, fixing=True)
    mending = replace(session.pipeline, repair=_repair(session, folded))
    outcome = rewrite(mending, folded.shards, folded.accepted, session.executor, write=False, keep_changes=True)
    for change in sorted(outcome.changes, key=lambda change: change.key):
        yield folded.table.locate([change.key])[0].path, change


def linted(session: Session) -> Report:
    """The report of a session that only looks."""
    return _reported(session, _folded(session), Counter())


def _reported(session: Session, folded: Folded, fixed: Counter[str]) -> Report:
    statistics = _statistics(session)
    rows = folded.data_rows
    return report_of(
        session,
        folded,
        stats=statistics.finish(folded.states["statistics"]),
        funnel=Funnel(rows, [FunnelStep("checked", rows)] if rows else []),
        fixed=fixed,
    )


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
    return open_session(inputs, with_overrides(settings, overrides), progress=progress, notes=notes)


def _folded(session: Session, *, fixing: bool = False) -> Folded:
    session.progress.begin("checking", session.bytes)
    policy = session.policy()
    return fold(
        session.pipeline,
        session.rules,
        session.executor,
        folds={"statistics": _statistics(session)},
        accept=policy.allows if fixing else lambda finding: False,
        memory_limit=session.settings.memory_limit,
        cache=session.cache,
        progress=session.progress.advance,
    )


def _statistics(session: Session) -> StatisticsFold:
    """Tokens are counted if a rule counts them anyway, or if nothing but the statistics is asked for."""
    codes = [rule.meta.code for rule in session.rules]
    return StatisticsFold(session.context, tokens=not codes or any(code.startswith("TOK") for code in codes))


def _repair(session: Session, folded: Folded) -> Repair:
    return with_relabels(Repair(session.singles, session.policy(), relabelled=relabelled), folded.accepted)


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
        if source.format != "jsonl":
            raise InputError(
                f"{source.display} is {source.format}, which is not fixed in place; "
                f"`dsprep prepare {source.display} --out DIR` writes a repaired data set from it"
            )
