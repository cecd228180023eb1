"""DUP003 near-duplicate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dsprep.folds.keyed import DROP, Keep, group_numbers, kept_rows, split_numbers
from dsprep.folds.signatures import Alike, NearOptions, NearRule
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Columns, FixAvailability, Rows, RuleMeta
from dsprep.text.clusters import components, leaders


class NearDuplicateOptions(NearOptions):
    """Options of near-duplicate."""

    keep: Keep | Literal["best"] = Field(
        "first",
        description="Which one of a cluster stays: the first in reading order, the one with the longest text, the "
        "first with the answer that most of them give, `best`: the longest of those, or `fewest-findings`: the one on "
        "which rules about single records find least. Give exact-duplicate and normalized-duplicate the same.",
    )


class NearDuplicate(NearRule):
    """An example that is nearly the same as another one of its split.

    ## What it does
    Takes the texts of all messages but the system's, folded as for DUP002, as sets of overlapping runs of five words
    (single characters in scripts without spaces). Two examples are near-duplicates if the sets have at least 80 % in
    common (Jaccard similarity, `threshold`). MinHash finds candidates, and each is verified on the texts themselves, so
    what is reported is certain. One of a cluster is kept (`keep`) and every other is reported with its similarity to
    the kept one; none is reported that is alike only by way of a third. Equal rows are DUP001's and DUP002's and are
    not reported again. Examples with different images are never alike. Examples that differ in nothing but the system
    prompt are.

    Where three examples or more share a context, a line of at least 100 characters that makes up a third of each (a
    passage that several questions are asked about), two of them are near-duplicates only if the rest is alike, too:
    what is asked beside the lines and sentences that both begin and end with, and what is answered. An answer that is
    longer than a label and nearly the same makes them near-duplicates however it was asked for.

    ## Why it matters
    Templates, re-scraped pages and paraphrases that change a word cost as much as new examples and teach little. They
    also leak between splits when a set is split at random (LEK002).

    ## Example
    ```json
    {"messages": [{"role": "user", "content": "List the first ten prime numbers, separated by commas, please."}, …]}
    {"messages": [{"role": "user", "content": "List the first ten prime numbers, separated by commas, please!!"}, …]}
    ```

    ## Fix
    Drops the near-duplicates and keeps the one that is named. Unsafe: what differs may be what matters.

    ## Source
    Broder, On the resemblance and containment of documents, 1997, https://doi.org/10.1109/SEQUEN.1997.666900; Lee et
    al., 2022, https://arxiv.org/abs/2107.06499, who take 0.8 as the threshold.
    """

    meta = RuleMeta(
        code="DUP003",
        name="near-duplicate",
        severity=Severity.WARNING,
        message="nearly the same as {twin} (similarity {similarity:.2f}, {cluster_size} in all)",
        summary="an example that is nearly the same as another one of its split",
        fix=FixAvailability.ALWAYS,
    )
    Options = NearDuplicateOptions

    def resolve(self, columns: Columns, rows: Rows) -> Iterator[Finding]:
        near = self.alike(columns, rows)
        if not len(near.pairs):
            return
        split, names = split_numbers(columns)
        # A node is a unit in one split, and stands for the row that the rules about equal rows keep of it.
        of_row = near.unit * len(names) + split
        nodes, first, node_of = np.unique(of_row, return_index=True, return_inverse=True)
        node_row = kept_rows(node_of, columns, self.options.keep)[first]
        left, right, similarity = _within_splits(near, nodes, len(names))
        kept = leaders(len(nodes), left, right, self._priority(columns, node_row, node_of, left, right))
        given_up = np.flatnonzero(kept != np.arange(len(nodes)))
        given_up = given_up[np.argsort(node_row[given_up], kind="stable")]
        size = np.bincount(kept)
        row = columns["row"]
        leader = kept[given_up]
        pair, order = left * len(nodes) + right, np.argsort(left * len(nodes) + right)
        wanted = np.minimum(given_up, leader) * len(nodes) + np.maximum(given_up, leader)
        similar = similarity[order[np.searchsorted(pair, wanted, sorter=order)]].tolist()
        sizes = size[leader].tolist()
        yield from self.pointing(
            rows,
            row[node_row[given_up]],
            row[node_row[leader]],
            lambda i: {"similarity": round(similar[i], 4), "cluster_size": sizes[i]},
            fix=DROP,
        )

    def _priority(
        self,
        columns: Columns,
        node_row: NDArray[np.int64],
        node_of: NDArray[np.int64],
        left: NDArray[np.int64],
        right: NDArray[np.int64],
    ) -> list[NDArray[np.int64]]:
        """What decides which node of a cluster is kept, smaller first; the order of rows breaks ties."""
        if self.options.keep == "longest":
            return [-columns["length"][node_row], node_row]
        if self.options.keep == "fewest-findings":
            return [columns["noted"][node_row].astype(np.int64), node_row]
        if self.options.keep in ("most-common-answer", "best"):
            # Every row of the cluster has a vote, exact repetitions too.
            cluster = components(len(node_row), left, right)[node_of]
            answer = np.stack([cluster.astype(np.uint64), columns["answer"]], axis=1)
            number = group_numbers(answer)
            votes = -np.bincount(number)[number[node_row]]
            return (
                [votes, node_row]
                if self.options.keep == "most-common-answer"
                else [
                    votes,
                    -columns["length"][node_row],
                    node_row,
                ]
            )
        return [node_row]


def _within_splits(
    near: Alike, nodes: NDArray[np.int64], splits: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """The pairs of units as pairs of nodes (indexes into `nodes`, the sorted numbers unit * splits + split)."""
    pairs = near.pairs
    bounds = np.searchsorted(nodes // splits, np.arange(len(near.first) + 1))
    several = np.diff(bounds)
    # The unit that stands in fewer splits is looked up in the other, so that no pair costs more than it has to.
    fewer = several[pairs.left] <= several[pairs.right]
    one, two = np.where(fewer, pairs.left, pairs.right), np.where(fewer, pairs.right, pairs.left)
    times = several[one]
    total = int(times.sum())
    at = np.repeat(bounds[one] - (np.cumsum(times) - times), times) + np.arange(total)
    wanted = np.repeat(two, times) * splits + nodes[at] % splits
    found = np.minimum(np.searchsorted(nodes, wanted), len(nodes) - 1)
    there = nodes[found] == wanted
    at, found = at[there], found[there]
    return np.minimum(at, found), np.maximum(at, found), np.repeat(pairs.similarity, times)[there]
