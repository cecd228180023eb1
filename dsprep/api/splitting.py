"""`split`: divide files as they are, so that nothing leaks between the parts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dsprep.api.destinations import (
    SPLIT_FOLDS,
    destinations,
    funnel_of,
    output_folder,
    shares_missed,
    writer,
)
from dsprep.api.session import PathLike, Paths, Progress, inputs_from, open_session
from dsprep.config import Settings, with_overrides
from dsprep.engine.distributing import distribute
from dsprep.engine.folding import fold
from dsprep.engine.repairing import FixPolicy, Repair
from dsprep.engine.splitting import SplitPlan
from dsprep.folds.labels import label_table
from dsprep.formats import Mapping as ColumnMapping
from dsprep.model.report import Funnel
from dsprep.model.source import InputError


@dataclass
class SplitResult:
    """Rows by destination (`train`, `validation`, `test`, `rejected`), the folder they are in, and what was assumed or
    could not be done as asked."""

    folder: Path
    rows: Counter[str]
    funnel: Funnel
    notes: list[str]


def split(
    paths: Paths,
    out: PathLike,
    *,
    split: str = "0.9/0.1",
    mapping: ColumnMapping | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
    **overrides: Any,
) -> SplitResult:
    """Divide JSON-lines or CSV files: every row that can be read goes to one split, its bytes unchanged where the input
    is JSON lines; rows that cannot be read go to rejected.jsonl.

    Near-duplicates, equal prompts and groups stay together; classes keep their shares.
    """
    if mapping is not None and (mapping.conversation is not None or mapping.pack is not None or mapping.examples):
        raise InputError(
            "split writes rows as they are; convert first where several make one conversation, or one several"
        )
    chosen = with_overrides(settings, overrides)
    plan = SplitPlan.parse(split, chosen.seed)
    folder = output_folder(out)
    inputs, _ = inputs_from(paths)
    session = open_session(
        [replace(item, split=None) for item in inputs],
        chosen,
        mapping=mapping,
        codes=lambda code: False,
        progress=progress,
    )
    session.progress.begin("reading", session.bytes)
    folded = fold(
        session.pipeline,
        session.rules,
        session.executor,
        folds=SPLIT_FOLDS,
        memory_limit=session.settings.memory_limit,
        cache=session.cache,
        progress=session.progress.advance,
    )
    source = label_table(folded.states["labels"]).source
    destination = destinations(folded, plan, removed=(), source=source)
    names = list(plan.shares)
    session.progress.begin("writing", session.bytes)
    session.pipeline = replace(session.pipeline, repair=Repair([], FixPolicy()))  # mends nothing
    task = writer(session, folded, destination, {}, None, names)
    rows = distribute(task, folded.shards, folder, session.executor, session.progress.advance).rows
    notes = [*session.notes, *shares_missed(destination, plan)]
    return SplitResult(folder, rows, funnel_of(session, folded, destination, {}, names), notes)
