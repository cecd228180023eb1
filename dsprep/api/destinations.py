"""Where every row goes: decided once all rows are known, from hashes alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsprep.api.session import Session
from dsprep.engine.distributing import NOWHERE, REJECTED, WriteShard
from dsprep.engine.folding import BLANK, Fold, Folded
from dsprep.engine.repairing import ContentKey
from dsprep.engine.splitting import SplitPlan, assign, units
from dsprep.folds.labels import LabelFold
from dsprep.folds.look_alikes import LookAlikeFold, look_alikes
from dsprep.folds.signatures import SignatureFold, near_clusters
from dsprep.folds.split_keys import SplitKeysFold, no_keys
from dsprep.model.record import Example
from dsprep.model.report import Funnel, FunnelStep
from dsprep.model.rule import gathered
from dsprep.model.source import InputError
from dsprep.opening import refuse_url
from dsprep.text.labels import LabelSource

_SIGNATURES = SignatureFold()

#: What has to be known of rows to divide them: their content and labels, and which of them belong together.
SPLIT_FOLDS: Mapping[str, Fold] = {
    "split-keys": SplitKeysFold(),
    "labels": LabelFold(),
    _SIGNATURES.name: _SIGNATURES,
    LookAlikeFold.name: LookAlikeFold(),
}


def destinations(
    folded: Folded,
    plan: SplitPlan,
    *,
    removed: Container[int],
    source: LabelSource | None,
) -> NDArray[np.uint8]:
    """The destination of each row of `folded.table`, uint8: a split's number, REJECTED or NOWHERE.

    Rows to split are those in the state of the "split-keys" fold that are not `removed` (row keys); `folded` has run
    SPLIT_FOLDS. `source` says where labels come from.
    """
    pieces = folded.states["split-keys"]
    columns = gathered(pieces, folded.table.room) if pieces else no_keys()
    row = columns["row"]
    near = _near_numbers(folded, row)
    stays = np.fromiter((key not in removed for key in row.tolist()), np.bool_, len(row))
    columns = {name: column[stays] for name, column in columns.items()}
    n = len(columns["row"])
    tied = [columns["content"], columns["prompt"], columns["group"], *(numbers[stays] for numbers in near)]
    unit = units(n, tied)
    label = columns[source] if source is not None else np.zeros(n, np.uint64)
    stratum = np.unique(label, return_inverse=True)[1].astype(np.int64)
    part = assign(plan, unit=unit, stratum=stratum, content=columns["content"])
    out = np.full(len(folded.table), REJECTED, np.uint8)
    out[folded.fate == BLANK] = NOWHERE
    out[np.searchsorted(folded.table.key, columns["row"])] = part
    return out


def shares_missed(destination: NDArray[np.uint8], plan: SplitPlan) -> list[str]:
    """A sentence if a split is far from the share that was asked for, which few large groups or clusters can cause."""
    rows = np.array([int((destination == number).sum()) for number in range(len(plan.shares))])
    whole = int(rows.sum())
    if not whole:
        return []
    got = rows / whole
    asked = np.array(list(plan.shares.values()))
    if np.abs(got - asked).max() <= max(0.03, 3 / whole):
        return []
    shown = "/".join(f"{share:.0%}" for share in got)
    wanted = "/".join(f"{share:.0%}" for share in asked)
    return [f"the splits are {shown} where {wanted} was asked: rows that belong together are too many to divide so"]


def output_folder(path: str | Path) -> Path:
    """The folder of that path, made if need be. Raises InputError if something else is there."""
    refuse_url(path, "and results are written to folders; write to one and copy it")
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; --out needs a folder")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _near_numbers(folded: Folded, all_rows: NDArray[np.uint64]) -> list[NDArray[np.uint64]]:
    """For each of these rows (row keys, sorted) a number shared by near-duplicates, and one shared by rows whose
    questions look alike (0: none)."""
    numbers = []
    for row, cluster in (
        near_clusters(folded.states[_SIGNATURES.name], folded.table),
        look_alikes(folded.states[LookAlikeFold.name], folded.table, of=len(all_rows)),
    ):
        out = np.zeros(len(all_rows), np.uint64)
        # Row keys start at 0, which here means nobody.
        out[np.searchsorted(all_rows, row)] = cluster + np.uint64(1)
        numbers.append(out)
    return numbers


def writer(
    session: Session,
    folded: Folded,
    destination: NDArray[np.uint8],
    removed: Mapping[int, tuple[str, str]],
    render: Callable[[Example], Mapping[str, Any]] | None,
    names: Sequence[str],
    content: ContentKey | None = None,
) -> WriteShard:
    """The task that writes the rows of `folded` to their destinations, which are called `names`; with `content`, with a
    ledger."""
    return WriteShard(
        pipeline=session.pipeline,
        key=folded.table.key,
        destination=destination,
        fate=folded.fate,
        codes=folded.codes,
        removed=removed,
        metas={rule.meta.code: rule.meta for rule in session.rules},
        names=names,
        render=render,
        content=content,
    )


def funnel_of(
    session: Session,
    folded: Folded,
    destination: NDArray[np.uint8],
    removed: Mapping[int, tuple[str, str]],
    names: Sequence[str],
) -> Funnel:
    """Rows in, out by split, and rejected by reason, counted from the decisions themselves."""
    metas = {rule.meta.code: rule.meta for rule in session.rules}
    reasons: Counter[str] = Counter(code for code, _ in removed.values())
    gone = (destination == REJECTED) & ~np.isin(folded.table.key, np.fromiter(removed, np.uint64, len(removed)))
    fates = folded.fate[gone]
    for fate, rows in zip(*np.unique(fates, return_counts=True), strict=True):
        known = 0 < int(fate) <= len(folded.codes)
        reasons[folded.codes[int(fate) - 1] if known else ""] += int(rows)
    return Funnel(
        rows_in=folded.data_rows,
        out=[FunnelStep(name, int((destination == number).sum())) for number, name in enumerate(names)],
        rejected=[
            FunnelStep("rejected", rows, f"{code} {metas[code].name}" if code in metas else "not a conversation")
            for code, rows in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
        ],
    )
