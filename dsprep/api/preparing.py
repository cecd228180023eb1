"""`prepare`: from raw files to splits that a backend accepts, with a report and a certificate."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from dsprep.api.accepted import Suppression, dump_suppressions
from dsprep.api.card import CardFiles, card_of, remove_card, write_card
from dsprep.api.certifying import CheckedOutput, certificate, checked_output, provenance
from dsprep.api.describing import CONVERSION, described
from dsprep.api.destinations import (
    SPLIT_FOLDS,
    destinations,
    funnel_of,
    output_folder,
    shares_missed,
    writer,
)
from dsprep.api.linting import REDACTING, comparison_for, with_relabels
from dsprep.api.masking import concealing
from dsprep.api.session import (
    PathLike,
    Paths,
    Progress,
    Session,
    contents_in,
    hidden_in,
    inputs_from,
    labels_note,
    open_session,
    settings_of,
    sort_summaries,
    versions_of,
)
from dsprep.api.showing import clusters_of, in_new_splits
from dsprep.config import SIDECAR, Settings, with_overrides
from dsprep.engine.distributing import CHANGES_FILE, REJECTED_FILE, Distributed, distribute
from dsprep.engine.folding import Folded, fold
from dsprep.engine.repairing import Repair
from dsprep.engine.splitting import SplitPlan
from dsprep.engine.writing import AtomicFile
from dsprep.folds.labels import label_table
from dsprep.folds.masking import masked_findings
from dsprep.folds.pair_rows import PairRowsFold
from dsprep.folds.samples import SamplesFold, samples_of
from dsprep.formats import Mapping as ColumnMapping
from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability, DropRow, Relabel
from dsprep.model.record import Example
from dsprep.model.report import Funnel, Hidden, Report, RuleSummary, render_message
from dsprep.model.source import InputError
from dsprep.reports import html as as_html
from dsprep.reports import json as as_json
from dsprep.text.content import content_key
from dsprep.text.labels import LabelSource, relabelled
from dsprep.text.preference import in_place
from dsprep.version import VERSION

Dedupe = Literal["none", "exact", "normalized", "near"]

_DEDUPE_CODES: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "exact": ("DUP001",),
    "normalized": ("DUP001", "DUP002"),
    "near": ("DUP001", "DUP002", "DUP003"),
}
#: Rules about what is written rather than about what is read: they run on the output.
_OUTPUT_GROUPS = ("LEK", "BAL", "SET")
#: … but this one looks at rows by themselves, and what it finds is not to be written.
_OF_ROWS = ("LEK005",)
#: … but this one's fix must be made before duplicates are looked for.
_BEFORE = ("BAL004",)
MANIFEST, REPORT_JSON, REPORT_HTML = "manifest.json", "report.json", "report.html"


@dataclass
class PrepareResult:
    """What `prepare` made: the report, rows by destination, the manifest, and the folder that holds all of it.

    `remaining` are the errors that stand in the written files: what makes the exit code 1. `card` are the files of the
    dataset card.
    """

    folder: Path
    report: Report
    rows: Counter[str]
    manifest: dict[str, Any]
    remaining: int = 0
    card: CardFiles = field(default_factory=CardFiles)


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

    Conversations are written as chat. Preference records stay what they are, mended in place; if the target takes
    none, they are rejected, or refused with InputError if there is nothing else.

    With the setting `compare`, what has changed since that report is `Report.comparison`; it may be that of the same
    folder.
    """
    chosen = with_overrides(settings, overrides)
    compared = comparison_for(chosen)
    plan = SplitPlan.parse(split, chosen.seed)
    if dedupe not in _DEDUPE_CODES:
        raise InputError(f"dedupe is one of {', '.join(_DEDUPE_CODES)}, not {dedupe!r}")
    granted = (*_DEDUPE_CODES[dedupe], *CONVERSION)
    folder = output_folder(out)
    inputs, _ = inputs_from(paths)
    inputs = [replace(item, split=None) for item in inputs]  # whatever the names say, the rows are split anew
    keep = {"DUP003": {"keep": "best"}} if keep_best else {}
    session = open_session(
        inputs,
        chosen.model_copy(update={"extend_select": (*chosen.extend_select, *_DEDUPE_CODES[dedupe])}),
        mapping=mapping,
        records=records,
        codes=lambda code: code in (*_BEFORE, *_OF_ROWS) or not code.startswith(_OUTPUT_GROUPS),
        options=keep,
        infer=True,
        progress=progress,
        accepting="suppressions",
    )
    cleaned = _cleaned(session, granted)
    _set_pairs_apart(session, cleaned)
    destination = destinations(
        cleaned.folded,
        plan,
        removed=cleaned.removed,
        source=cleaned.labels,
    )
    names = list(plan.shares)
    session.progress.begin("writing", session.bytes)
    task = writer(session, cleaned.folded, destination, cleaned.removed, chat_form, names, content_key)
    written = distribute(task, cleaned.folded.shards, folder, session.executor, session.progress.advance)
    rows = written.rows
    _suppressions_follow(session, written, folder, names)
    funnel = funnel_of(session, cleaned.folded, destination, cleaned.removed, names)
    if not funnel.reconciles:
        raise RuntimeError(f"{funnel.rows_in} rows in, {funnel.rows_out} out and {funnel.rows_rejected} rejected")
    output = checked_output(session, folder, names)
    choices = {
        "split": split,
        "dedupe": dedupe,
        "keep_best": keep_best,
        **({} if mapping is None else {"mapping": mapping.model_dump(mode="json", exclude_defaults=True)}),
        **({} if records is None else {"records": records}),
    }
    report = _report(session, cleaned, output, funnel, choices)
    described(report, output.session, output.folded, output.statistics)
    report.samples = in_new_splits(
        samples_of(cleaned.folded.states[SamplesFold.name]), cleaned.folded.table, destination, names
    )
    report.clusters = clusters_of(cleaned.folded.tallies, cleaned.folded.table)
    report.notes.extend(shares_missed(destination, plan))
    if any(code.startswith(REDACTING) for code in written.changed):
        report.notes.append(f"{CHANGES_FILE} holds what was redacted: keep it apart from the data, or delete it")
    if rows["rejected"] and _finds_secrets(report):
        report.notes.append(
            f"{REJECTED_FILE} holds its rows as they were, with whatever secrets and personal data are in them: keep "
            "it apart from the data, or delete it"
        )
    report = compared(report)
    manifest = {
        **provenance(report),
        "rows": {name: rows[name] for name in (*names, "rejected")},
        "changes": {
            "file": CHANGES_FILE,
            "rows": written.changes,
            "rules": dict(sorted(written.changed.items())),
        },
        "suppressed": dict(sorted(report.hidden.suppressed.items())),
        "certificate": certificate(output, cleaned.folded, destination, names),
    }
    files = CardFiles()
    if chosen.card is None or chosen.card.write:
        files = write_card(folder, card_of(session, chosen, choices, output, report, manifest), report)
        manifest["card"] = files.written
    else:
        remove_card(folder)
    for name, data in (
        (REPORT_JSON, as_json.dumps(report)),
        (REPORT_HTML, as_html.dumps(report)),
        (MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"),
    ):
        with AtomicFile(folder / name) as file:
            file.write(data)
    remaining = sum(tally.of_severity(Severity.ERROR) for tally in output.folded.tallies.values())
    return PrepareResult(folder, report, rows, manifest, remaining, files)


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
        respelled = partial(relabelled, source=source)
        spared = session.hiding.spared() if session.hiding is not None else None
        repair = Repair(
            session.singles, policy, relabelled=respelled, in_place=in_place, converting=True, spared=spared
        )
        session.pipeline = replace(session.pipeline, repair=with_relabels(repair, spellings))
        return fold(
            session.pipeline,
            session.rules,
            session.executor,
            folds={
                **SPLIT_FOLDS,
                PairRowsFold.name: PairRowsFold(),
                SamplesFold.name: SamplesFold(session.pipeline.normalisers),
            },
            accept=accept,
            hiding=session.hiding,
            masking=masked_findings,
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


def _set_pairs_apart(session: Session, cleaned: _Cleaned) -> None:
    """Have preference records rejected where the target takes none: as conversations they would be halves of pairs.

    Raises InputError if there is nothing else.
    """
    if session.target.preferences is not None:
        return
    folded = cleaned.folded
    pairs = [key for piece in folded.states[PairRowsFold.name] for key in piece["row"].tolist()]
    if not pairs:
        return
    if len(pairs) == sum(len(piece["row"]) for piece in folded.states["split-keys"]):
        names = ", ".join(source.display for source in session.pipeline.sources)
        raise InputError(
            f"{names}: preference records are all there is to prepare, and {session.target.name} trains on "
            "conversations; use --target openai-dpo or --target trl to prepare the pairs, or "
            "`dsprep convert --to chat` to go on with the chosen answers alone"
        )
    why = f"a preference record, and {session.target.name} takes none; --target openai-dpo and --target trl do"
    cleaned.removed.update((key, ("SCH011", why)) for key in pairs)


def _report(
    session: Session, cleaned: _Cleaned, output: CheckedOutput, funnel: Funnel, choices: Mapping[str, Any]
) -> Report:
    """What was wrong with the input and how much of it was mended, then what can be said of the output alone."""
    metas = {rule.meta.code: rule.meta for rule in (*session.rules, *output.session.rules)}
    documents = {rule.meta.code: rule.documentation() for rule in (*session.rules, *output.session.rules)}
    tallies = {
        **{code: tally for code, tally in output.folded.tallies.items() if code.startswith(_OUTPUT_GROUPS)},
        **cleaned.folded.tallies,
    }
    fixed = cleaned.folded.fixed
    summaries = [
        RuleSummary(metas[code], tally, fixed[code], documents[code])
        for code, tally in tallies.items()
        if tally.total or fixed[code]
    ]
    settings = settings_of(session, "prepare")
    settings["rules"] = sorted(tallies)
    hidden, said = hidden_in(session, cleaned.folded)
    later, _ = hidden_in(output.session, output.folded)
    for counts, more in ((hidden.suppressed, later.suppressed), (hidden.errors, later.errors)):
        counts.update({code: n for code, n in more.items() if code.startswith(_OUTPUT_GROUPS)})
    report = Report(
        tool=f"dsprep {VERSION}",
        inputs=[source.info for source in session.pipeline.sources],
        settings={**settings, **choices},
        summaries=sort_summaries(summaries),
        stats=output.stats,
        funnel=funnel,
        notes=[*session.notes, *_arranged(session), *labels_note(output.stats), *said, *_written_in_spite(hidden)],
        errors=[*cleaned.folded.errors, *output.folded.errors],
        rules_run=tuple(sorted(tallies)),
        hidden=hidden,
        contents=contents_in(cleaned.folded),
        versions=versions_of(session.rules),
    )
    return concealing(report)


def _finds_secrets(report: Report) -> bool:
    """Whether there are findings of the rules that redact."""
    return any(
        summary.meta.code.startswith(REDACTING) and summary.tally.fixable(Applicability.UNSAFE)
        for summary in report.summaries
    )


def _arranged(session: Session) -> list[str]:
    """That what counts as a row is something else."""
    found = [source.arrangement for source in session.pipeline.sources]
    return [f"{said}; each of them is counted as a row" for said in found if said is not None]


def _written_in_spite(hidden: Hidden) -> list[str]:
    """That rows are written which would have been put aside, had nobody said otherwise."""
    n = hidden.errors.total()
    if not n:
        return []
    return [f"{n:,} of them {'is an error' if n == 1 else 'are errors'}; rows are not put aside for what is suppressed"]


def _suppressions_follow(session: Session, written: Distributed, folder: Path, names: Sequence[str]) -> None:
    """Put the suppressions of rows beside the files that the rows were written to; files of an earlier run go."""
    sidecars = session.accepted.sidecars if session.accepted is not None else {}
    entries: dict[int, dict[Suppression, None]] = {}
    for to, source, before, after in written.suppressed:
        for entry in sidecars[source].entries:
            if entry.key == before:
                entries.setdefault(to, {})[replace(entry, key=after)] = None
    for number, name in enumerate(names):
        own = list(entries.get(number, ()))
        with AtomicFile(folder / f"{name}.jsonl{SIDECAR}", keep=partial(bool, own)) as file:
            file.write(dump_suppressions(own))
