"""LEK002 near-overlap."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dsprep.folds.keyed import DROP, group_numbers, held_out_twins, split_numbers
from dsprep.folds.signatures import Alike, NearRule
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Columns, FixAvailability, Rows, RuleMeta


class NearOverlap(NearRule):
    """An example of one split that is nearly the same as one of another.

    ## What it does
    Finds near-duplicates as DUP003 does, across splits: candidates by MinHash, each verified on the texts (Jaccard
    similarity of runs of five words at least 0.8, `threshold`), and, where several examples share a context, alike in
    the rest as well. Examples that are equal but for case, white space or Unicode form count too, with similarity 1;
    those that are equal to the last byte are LEK001's. The finding stands on the training example (on the validation
    example, if the other is in test) and points to the one held out.

    ## Why it matters
    A copy with a changed word gives the answer away as well as an exact one does, and random splits of templated or
    scraped data are full of them.

    ## Example
    ```console
    $ dsprep lint --train train.jsonl --validation validation.jsonl
    train.jsonl:17: nearly the same example (similarity 0.94) is in validation: validation.jsonl:3
    ```

    ## Fix
    Drops the training example (the validation example, if the other is in test), so that the yardstick stays what it
    was. Unsafe, because it takes rows out.

    ## Source
    Lee et al., 2022, https://arxiv.org/abs/2107.06499, who find near-duplicates by MinHash at 0.8.
    """

    meta = RuleMeta(
        code="LEK002",
        name="near-overlap",
        severity=Severity.ERROR,
        message="nearly the same example (similarity {similarity:.2f}) is in {other}: {twin}",
        summary="an example of one split that is nearly the same as one of another",
        fix=FixAvailability.ALWAYS,
    )

    def resolve(self, columns: Columns, rows: Rows) -> Iterator[Finding]:
        split, names = split_numbers(columns)
        if len(names) < 2:
            return
        near = self.alike(columns, rows)
        twin, similarity = _nearest(near, split, len(names))
        # Equal but for spelling is nearer than any other.
        same = held_out_twins(near.unit, split, len(names))
        twin = np.where(same >= 0, same, twin)
        similarity = np.where(same >= 0, 1.0, similarity)
        exact = held_out_twins(group_numbers(columns["exact"]), split, len(names)) >= 0
        at = np.flatnonzero((twin >= 0) & ~exact)
        row, there = columns["row"], twin[at]
        yield from self.pointing(
            rows,
            row[at],
            row[there],
            lambda i: {
                "similarity": round(float(similarity[at[i]]), 4),
                "split": names[split[at[i]]],
                "other": names[split[there[i]]],
            },
            fix=DROP,
        )


def _nearest(near: Alike, split: NDArray[np.int64], splits: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each row the index of the nearest row of a later split that is alike, or -1, and the similarity.

    Of units that are equally near the first decides; of a unit, the first row in its last split.
    """
    n, pairs = len(split), near.pairs
    # The last split of each unit, and its first row there.
    order = np.lexsort((np.arange(n), -split, near.unit))
    last = order[np.concatenate(([True], np.diff(near.unit[order]) != 0))]
    one = np.concatenate((pairs.left, pairs.right))
    two = np.concatenate((pairs.right, pairs.left))
    similarity = np.concatenate((pairs.similarity, pairs.similarity))
    # Every split of the one unit that comes before the last split of the other.
    node = np.unique(near.unit * splits + split)
    bounds = np.searchsorted(node // splits, np.arange(len(near.first) + 1))
    times = np.diff(bounds)[one]
    at = np.repeat(bounds[one] - (np.cumsum(times) - times), times) + np.arange(int(times.sum()))
    two, similarity = np.repeat(two, times), np.repeat(similarity, times)
    leaks = node[at] % splits < split[last[two]]
    at, two, similarity = at[leaks], two[leaks], similarity[leaks]
    order = np.lexsort((two, -similarity, at))
    nodes, best = np.unique(at[order], return_index=True)
    twin = np.full(len(node), -1, np.int64)
    nearest = np.zeros(len(node), np.float64)
    twin[nodes] = last[two[order[best]]]
    nearest[nodes] = similarity[order[best]]
    of_row = np.searchsorted(node, near.unit * splits + split)
    return twin[of_row], nearest[of_row]
