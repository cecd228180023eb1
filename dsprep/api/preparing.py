"""`prepare`: from raw files to splits that a backend accepts, with a report and a certificate."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from dsprep.api.certifying import CheckedOutput, certificate, checked_output, provenance
from dsprep.api.destinations import (
    SPLIT_FOLDS,
    destinations,
    funnel_of,
    output_folder,
    shares_missed,
    writer,
)
from dsprep.api.linting import with_relabels
from dsprep.api.session import (
    PathLike,
    Paths,
    Progress,
    Session,
    inputs_from,
    labels_note,
    open_session,
    settings_of,
    sort_summaries,
)
from dsprep.config import Settings, with_overrides
from dsprep.engine.distributing import distribute
from dsprep.engine.folding import Folded, fold
from dsprep.engine.repairing import Repair
from dsprep.engine.splitting import SplitPlan
from dsprep.engine.writing import AtomicFile
from dsprep.folds.labels import label_table
from dsprep.formats import Mapping as ColumnMapping
from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import DropRow, Relabel
from dsprep.model.record import Example
from dsprep.model.report import Funnel, Report, RuleSummary, render_message
from dsprep.model.source import InputError
from dsprep.reports import html as as_html
from dsprep.reports import json as as_json
from dsprep.text.labels import LabelSource, relabelled
from dsprep.version import VERSION

Dedupe = Literal["none", "exact", "normalized", "near"]

_DEDUPE_CODES: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "exact": ("DUP001",),
    "normalized": ("DUP001", "DUP002"),
    "near": ("DUP001", "DUP002", "DUP003"),
}
#: What the target rejects is no part of the shape that is asked for, so leaving it out is conversion. It is reported.
_CONVERSION = ("SCH008",)
#: Rules about what is written rather than about what is read: they run on the output.
_OUTPUT_GROUPS = ("LEK", "BAL", "SET")
#: … but this one's fix must be made before duplicates are looked for.
_BEFORE = ("BAL004",)
MANIFEST, REPORT_JSON, REPORT_HTML = "manifest.json", "report.json", "report.html"


@dataclass
class PrepareResult:
    """What `prepare` made: the report, rows by destination, the manifest, and the folder that holds all of it.

    `remaining` are the errors that stand in the written files: what makes the exit code 1.
    """

    folder: Path
    report: Report
    rows: Counter[str]
    manifest: dict[str, Any]
    remaining: int = 0


def prepare(
    paths: Paths,
    out: PathLike,
    *,
    mapping: ColumnMapping | None = None,
    records: str | None = None,
    split: str = "0.9/0.1",
    dedupe: Dedupe = "normalized",
    keep_best: bool = False,
    settings: Settings | None = None,
    progress: Progress | None = None,
    **overrides: Any,
) -> PrepareResult:
    """Convert, check, mend, remove duplicates, split and write; then check what was written.

    Rows with an error that no fix mends go to rejected.jsonl, whole, with place and reason, and so do duplicates:
    rows in = rows out + rows rejected. Rows with warnings are kept and reported. `split` is as for SplitPlan.parse.
    """
    chosen = with_overrides(settings, overrides)
    plan = SplitPlan.parse(split, chosen.seed)
    if dedupe not in _DEDUPE_CODES:
        raise InputError(f"dedupe is one of {', '.join(_DEDUPE_CODES)}, not {dedupe!r}")
    granted = (*_DEDUPE_CODES[dedupe], *_CONVERSION)
    folder = output_folder(out)
    inputs, _ = inputs_from(paths)
    inputs = [replace(item, split=None) for item in inputs]  # whatever the names say, the rows are split anew
    keep = {"DUP003": {"keep": "best"}} if keep_best else {}
    session = open_session(
        inputs,
        chosen.model_copy(update={"extend_select": (*chosen.extend_select, *_DEDUPE_CODES[dedupe])}),
        mapping=mapping,
        records=records,
        codes=lambda code: code in _BEFORE or not code.startswith(_OUTPUT_GROUPS),
        options=keep,
        infer=True,
        progress=progress,
    )
    cleaned = _cleaned(session, granted)
    destination = destinations(
        cleaned.folded,
        plan,
        removed=cleaned.removed,
        source=cleaned.labels,
    )
    names = list(plan.shares)
    session.progress.begin("writing", session.bytes)
    rows = distribute(
        writer(session, cleaned.folded, destination, cleaned.removed, chat_form),
        cleaned.folded.shards,
        names,
        folder,
        session.executor,
        session.progress.advance,
    )
    funnel = funnel_of(session, cleaned.folded, destination, cleaned.removed, names)
    if not funnel.reconciles:
        raise RuntimeError(f"{funnel.rows_in} rows in, {funnel.rows_out} out and {funnel.rows_rejected} rejected")
    output = checked_output(session, folder, names)
    report = _report(session, cleaned, output, funnel, {"split": split, "dedupe": dedupe, "keep_best": keep_best})
    report.notes.extend(shares_missed(destination, plan))
    manifest = {
        **provenance(report),
        "rows": {name: rows[name] for name in (*names, "rejected")},
        "certificate": certificate(output, cleaned.folded, destination, names),
    }
    for name, data in (
        (REPORT_JSON, as_json.dumps(report)),
        (REPORT_HTML, as_html.dumps(report)),
        (MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"),
    ):
        with AtomicFile(folder / name) as file:
            file.write(data)
    remaining = sum(tally.of_severity(Severity.ERROR) for tally in output.folded.tallies.values())
    return PrepareResult(folder, report, rows, manifest, remaining)


def chat_form(example: Example) -> dict[str, Any]:
    """What is written of an example."""
    return example.record


@dataclass
class _Cleaned:
    """Pass one of `prepare`: the fold over repaired rows, the rows that duplicates rules take out (key to code and
    message), and where labels come from."""

    folded: Folded
    removed: dict[int, tuple[str, str]]
    labels: LabelSource | None


def _cleaned(session: Session, granted: Sequence[str]) -> _Cleaned:
    policy = session.policy(granted=granted)
    metas = {rule.meta.code: rule.meta for rule in session.rules}
    removed: dict[int, tuple[str, str]] = {}
    spellings: list[Finding] = []

    def accept(finding: Finding) -> bool:
        # Which duplicates go is said by `dedupe` alone, whatever other unsafe fixes are wanted.
        if finding.fix is None or not policy.allows(finding):
            return False
        if finding.code.startswith("DUP") and finding.code not in granted:
            return False
        for edit in finding.fix.edits:
            if isinstance(edit, DropRow) and finding.key is not None:
                removed.setdefault(finding.key, (finding.code, render_message(metas[finding.code], finding.args)))
            elif isinstance(edit, Relabel):
                spellings.append(finding)
        return False

    def run(source: LabelSource | None) -> Folded:
        session.progress.begin("checking", session.bytes)
        removed.clear()
        # Duplicates are looked for among the rows as they will be written, so rows are mended before.
        repair = Repair(session.singles, policy, relabelled=partial(relabelled, source=source), converting=True)
        session.pipeline = replace(session.pipeline, repair=with_relabels(repair, spellings))
        return fold(
            session.pipeline,
            session.rules,
            session.executor,
            folds=SPLIT_FOLDS,
            accept=accept,
            memory_limit=session.settings.memory_limit,
            cache=session.cache,
            progress=session.progress.advance,
        )

    folded = run(None)
    source = label_table(folded.states["labels"]).source
    if spellings:
        before = folded
        folded = run(source)
        # What the first round found about labels is what was wrong with them; the second finds them mended.
        for code in _BEFORE:
            if code in before.tallies:
                folded.tallies[code] = before.tallies[code]
    folded.fixed += Counter(code for code, _ in removed.values())
    return _Cleaned(folded, removed, source)


def _report(
    session: Session, cleaned: _Cleaned, output: CheckedOutput, funnel: Funnel, choices: Mapping[str, Any]
) -> Report:
    """What was wrong with the input and how much of it was mended, then what can be said of the output alone."""
    metas = {rule.meta.code: rule.meta for rule in (*session.rules, *output.session.rules)}
    tallies = {
        **{code: tally for code, tally in output.folded.tallies.items() if code.startswith(_OUTPUT_GROUPS)},
        **cleaned.folded.tallies,
    }
    fixed = cleaned.folded.fixed
    summaries = [
        RuleSummary(metas[code], tally, fixed[code]) for code, tally in tallies.items() if tally.total or fixed[code]
    ]
    settings = settings_of(session, "prepare")
    settings["rules"] = sorted(tallies)
    return Report(
        tool=f"dsprep {VERSION}",
        inputs=[source.info for source in session.pipeline.sources],
        settings={**settings, **choices},
        summaries=sort_summaries(summaries),
        stats=output.stats,
        funnel=funnel,
        notes=[*session.notes, *labels_note(output.stats)],
        errors=[*cleaned.folded.errors, *output.folded.errors],
        rules_run=tuple(sorted(tallies)),
    )
