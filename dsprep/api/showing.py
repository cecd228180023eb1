"""Rows for a report to show: samples, and clusters of duplicates, read again where the folds have kept no text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsprep.engine.folding import Folded
from dsprep.engine.pipeline import Pipeline
from dsprep.engine.repairing import FixPolicy
from dsprep.engine.rows import RowTable
from dsprep.folds.samples import PER_REASON, shown, shown_value
from dsprep.folds.splits import split_name
from dsprep.model.finding import Finding, Tally
from dsprep.model.location import Location
from dsprep.model.record import Example, Record
from dsprep.model.sample import Cluster, Member, Sample, Talk, Why
from dsprep.text.talks import talk_of

#: The rules whose findings point from a row to one that says the same.
_OF_PAIRS: Final = ("DUP003", "LEK002", "DUP002", "DUP004")
MOST_CLUSTERS: Final = 10
#: Members of a cluster that are shown beside its first.
MOST_MEMBERS: Final = 3
#: What is read of each.
_MESSAGES, _CHARACTERS = 12, 4_000


def clusters_of(tallies: Mapping[str, Tally], table: RowTable) -> list[Cluster]:
    """The largest clusters of rows that say nearly the same, as far as findings are listed."""
    groups: list[tuple[str, Location, list[Finding]]] = []
    for code in _OF_PAIRS:
        if code not in tallies:
            continue
        pointing: dict[Location, list[Finding]] = {}
        for finding in tallies[code].sorted():
            if finding.related and finding.key is not None:
                pointing.setdefault(finding.related[0], []).append(finding)
        # Of many pairs those that lie first: their order is that of their first finding.
        groups += ((code, first, members) for first, members in pointing.items())
    largest = sorted(groups, key=lambda group: (-len(group[2]), _OF_PAIRS.index(group[0])))[: MOST_CLUSTERS * 2]
    keys = _keys_of({first for _, first, _ in largest}, table)
    wanted = {finding.key for _, _, members in largest for finding in members[:MOST_MEMBERS]} | set(keys.values())
    talks = _talks(table, [key for key in wanted if key is not None])
    out: list[Cluster] = []
    seen: set[Location] = set()
    for code, first, found in largest:
        leader = talks.get(keys.get(first, -1))
        members = [
            Member(finding.location, talk, _similarity(finding))
            for finding in found[:MOST_MEMBERS]
            if finding.key is not None and (talk := talks.get(finding.key)) is not None and talk != leader
        ]
        # The same rows may be found by several rules.
        if leader is not None and members and not seen.issuperset({first, *(one.location for one in members)}):
            seen.update((first, *(one.location for one in members)))
            out.append(Cluster(code, len(found) + 1, (Member(first, leader), *members)))
    return out[:MOST_CLUSTERS]


def _similarity(finding: Finding) -> float | None:
    value = finding.args.get("similarity")
    return float(value) if isinstance(value, int | float) else None


def _keys_of(locations: Iterable[Location], table: RowTable) -> dict[Location, int]:
    """The row keys of rows at these locations."""
    out: dict[Location, int] = {}
    for location in locations:
        here = (
            (table.offset == (-1 if location.offset is None else location.offset))
            & (table.line == (-1 if location.line is None else location.line))
            & (table.row == (-1 if location.row is None else location.row))
        )
        for key in table.key[np.flatnonzero(here)].tolist():
            if table.locate([key])[0] == location:
                out[location] = key
    return out


def _talks(table: RowTable, keys: Sequence[int]) -> dict[int, Talk]:
    return {
        batch.key(i): talk_of(example, messages=_MESSAGES, characters=_CHARACTERS)
        for batch in table.batches(np.array(sorted(set(keys)), np.uint64))
        for i, example in enumerate(batch.examples)
        if example is not None
    }


def changed_by_fixing(
    folded: Folded, pipeline: Pipeline, policy: FixPolicy, dropped: Mapping[int, str]
) -> list[Sample]:
    """Rows that a round of fixing is about to change or to drop, before and after the fixes of `pipeline`. `dropped`
    are those that rules over the whole data take out, by row key, with the code."""
    keys: dict[int, None] = {}
    for code, tally in folded.tallies.items():
        if not any(kind is not None and policy.allows_kind(code, kind) for _, kind in tally.counts):
            continue
        # Some of each rule, so that one that finds much does not hide the others.
        own = [finding.key for finding in tally.sorted() if finding.key is not None and policy.allows(finding)]
        keys.update(dict.fromkeys(sorted(set(own), key=_lot)[: PER_REASON // 3]))
    chosen = np.array(sorted(list(keys)[: 2 * PER_REASON]), np.uint64)
    out: list[Sample] = []
    for batch in folded.table.originals(chosen):
        mended = pipeline.mend(batch)
        for i, example in enumerate(batch.examples):
            key = batch.key(i)
            gone = mended.dropped.get(i) or dropped.get(key)
            if gone is None and i not in mended.changed:
                continue
            before = _shown(batch.records[i], example)
            after = None if gone is not None else _shown(mended.batch.records[i], mended.batch.examples[i])
            out.append(
                Sample(
                    Why.CHANGED,
                    split_name(batch.split_of(i)),
                    None,
                    batch.location(i),
                    after,
                    before,
                    (gone,) if gone is not None else tuple(mended.rules.get(i, ())),
                )
            )
    return out


def _shown(record: Record, example: Example | None) -> Talk:
    return shown_value(record.value) if example is None else shown(example)


def _lot(key: int) -> int:
    """A number by which rows are drawn that does not follow their order."""
    return (key * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF


def in_new_splits(
    samples: Iterable[Sample], table: RowTable, destination: NDArray[np.uint8], names: Sequence[str]
) -> list[Sample]:
    """`samples` with the splits that their rows have gone to: `destination` gives, for each row of `table`, the index
    of one of `names`, or what else became of it. Rows that were put aside are no example of what was written."""
    out = []
    for sample in samples:
        to = int(destination[int(np.searchsorted(table.key, sample.key))]) if sample.key is not None else len(names)
        if to < len(names):
            out.append(replace(sample, split=names[to]))
    return out
