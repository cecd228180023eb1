"""MinHash signatures of examples, and which examples are alike: for near-duplicates, near overlap and splitting.

The state holds about 200 bytes per example and never any text. What is alike is worked out once for all rules of a run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from dsprep.folds.keyed import (
    Gathered,
    Pieces,
    SharedKeyedRule,
    firsts,
    group_numbers,
    listed,
    moved_pieces,
    noted_column,
    read_again,
    split_column,
    split_numbers,
)
from dsprep.folds.narrowing import ByBands
from dsprep.folds.similarity_memo import remembering
from dsprep.model.batch import Batch, Feature
from dsprep.model.moving import Shift
from dsprep.model.rule import Columns, Meeting, Rows, RuleOptions
from dsprep.text.clusters import Pairs, Units, alike, components, similarities
from dsprep.text.contexts import CONTEXTS, FEWEST_SHARING, Said, rest_similarities, said_in
from dsprep.text.minhash import BANDS, PERMUTATIONS, signatures
from dsprep.text.normal import EXACT_KEYS, FORMS, TEXTS
from dsprep.text.shingles import Shingles, chunks, distinct, shingles

#: Jaccard similarity from which two examples are near-duplicates.
THRESHOLD = 0.8


#: So many pairs are judged at a time by what stands beside a shared context.
_PAIRS_AT_ONCE = 20_000

#: Gives the indexes in a batch that have a text, the texts, and what sets texts apart, if anything does. Picklable.
TextsOf = Callable[[Batch], tuple[NDArray[np.int64], list[bytes], NDArray[np.uint64] | None]]


class NearOptions(RuleOptions):
    """Options of rules about near-duplicates. Rules with equal options share their work."""

    threshold: float = Field(
        THRESHOLD, gt=0, le=1, description="Jaccard similarity of word 5-grams from which two examples are alike."
    )
    permutations: int = Field(
        PERMUTATIONS, ge=16, le=1024, description="Length of a MinHash signature; each takes one byte per example."
    )
    bands: int = Field(
        BANDS,
        ge=1,
        le=256,
        description="Bands of the signature; more find pairs of lower similarity. Must divide the permutations.",
    )

    @model_validator(mode="after")
    def _bands_divide(self) -> NearOptions:
        if self.permutations % self.bands:
            raise ValueError(f"{self.bands} bands do not divide {self.permutations} permutations")
        return self


@dataclass(frozen=True, slots=True)
class Alike:
    """Which rows are alike.

    Rows that are equal but for spelling are one unit: `unit[i]` (int64) is that of row i of the columns, numbered in
    order of the first rows; `first[u]` is the index of the first row of unit u. `pairs` are pairs of units.
    """

    unit: Units
    first: NDArray[np.int64]
    pairs: Pairs


class SignatureFold:
    """The fold itself, for rules and for the engine: `empty`, `map` and `merge`; see `near_clusters` for the end.

    Columns: `row`; `key` (normalised) and `exact`, uint64 of shape (n, 2); `answer`, uint64; `noted`; `split`;
    `signature`, uint8 of shape (n, permutations); `size`, the number of shingles, and `length`, the bytes of text,
    int64; `context`, uint64 (see `text.contexts`).
    """

    #: What `near_clusters` looks for: rows that are not there are like no other.
    meeting = ByBands(BANDS)

    def __init__(self, permutations: int = PERMUTATIONS) -> None:
        self.permutations = permutations
        self.name = f"signatures-{permutations}"

    def empty(self) -> Pieces:
        return Pieces()

    def map(self, batch: Batch) -> Pieces:
        columns = self.emit(batch)
        return Pieces([columns] if len(columns["row"]) else [])

    def merge(self, a: list[Columns], b: list[Columns]) -> Pieces:
        return Pieces((*a, *b))

    def moved(self, state: list[Columns], shift: Shift) -> Pieces:
        return moved_pieces(state, shift)

    def emit(self, batch: Batch) -> Columns:
        """The columns of `batch`."""
        forms = batch.get(FORMS)
        signature, size = batch.get(_signatures(self.permutations))
        return {
            "row": batch.keys[forms.index],
            "key": forms.normal,
            "exact": batch.get(EXACT_KEYS),
            "answer": forms.answer[:, 0],
            "noted": noted_column(batch, forms.index),
            "split": split_column(batch, forms.index),
            "signature": signature,
            "size": size,
            "length": np.fromiter(map(len, forms.near), np.int64, len(forms.near)),
            "context": batch.get(CONTEXTS),
        }


class NearRule(SharedKeyedRule):
    """Base of rules about examples that are alike: write `resolve` and ask `alike` for them."""

    fold = "signatures"
    Options: ClassVar[type[RuleOptions]] = NearOptions

    @property
    def fold_key(self) -> str:
        return SignatureFold(self.options.permutations).name

    @property
    def meeting(self) -> Meeting | None:
        return ByBands(self.options.bands, contexts=True)

    def emit(self, batch: Batch) -> Columns | None:
        return SignatureFold(self.options.permutations).emit(batch)

    def alike(self, columns: Columns, rows: Rows) -> Alike:
        """Which rows are alike under this rule's options, and not only in a context that others share; worked out by
        the first rule that asks."""
        options = self.options

        def worked_out() -> Alike:
            near = alike_rows(columns, rows, threshold=options.threshold, bands=options.bands)
            return _but_for_contexts(near, columns, rows, options.threshold)

        if isinstance(columns, Gathered):
            return columns.once(("alike but for contexts", options.threshold, options.bands), worked_out)
        return worked_out()


def near_clusters(
    state: list[Columns], rows: Rows, *, threshold: float = THRESHOLD, bands: int = BANDS
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Which rows belong together: `(row, cluster)`, two uint64 arrays with an entry per example of `state`.

    `row` are the row keys, sorted; `cluster` is the row key of the first row of its cluster, itself for a row that is
    like no other. Rows of a cluster are equal but for spelling, or alike with a verified similarity of at least
    `threshold`, directly or by way of others; so when no cluster straddles two splits, no pair of them does. `state`
    is what `SignatureFold`, or a rule about near-duplicates, has merged. Records that are no conversation, or have no
    message, are not in it.
    """
    if not state:
        return np.empty(0, np.uint64), np.empty(0, np.uint64)
    pieces = state if isinstance(state, Pieces) else Pieces(state)
    columns = pieces.gathered(rows)
    found = alike_rows(columns, rows, threshold=threshold, bands=bands)
    label = components(len(found.first), found.pairs.left, found.pairs.right)
    row = columns["row"]
    return row, row[found.first[label[found.unit]]]


def alike_rows(columns: Columns, rows: Rows, *, threshold: float, bands: int) -> Alike:
    """Which rows of gathered signature columns are alike. `rows` reads texts again to verify candidates."""
    if isinstance(columns, Gathered):
        return columns.once(("alike", threshold, bands), lambda: _alike(columns, rows, threshold, bands))
    return _alike(columns, rows, threshold, bands)


def _alike(columns: Columns, rows: Rows, threshold: float, bands: int) -> Alike:
    unit = group_numbers(columns["key"])
    n = len(unit)
    own = firsts(unit) == np.arange(n)
    # A unit is compared as its first row. The others count as empty, which costs less than to copy the signatures.
    size = np.where(own, columns["size"], 0)
    split, _ = split_numbers(columns)
    key, row = columns["key"], columns["row"]

    def load(at: Units) -> Shingles:
        return reread_shingles(rows, row[at], _near_texts)

    verify = remembering(rows.memo, lambda at: key[at], partial(similarities, load=load, spread=rows.spread))
    found = alike(columns["signature"], size, verify, threshold=threshold, bands=bands, part=split, spread=rows.spread)
    return Alike(unit, np.flatnonzero(own), Pairs(unit[found.left], unit[found.right], found.similarity))


def _but_for_contexts(near: Alike, columns: Columns, rows: Rows, threshold: float) -> Alike:
    """`near` without pairs that are alike because of a context that several examples share, and not in the rest."""
    pairs = near.pairs
    context = columns["context"][near.first]
    numbers, sharing = np.unique(context[context != 0], return_counts=True)
    shared = np.isin(context, numbers[sharing >= FEWEST_SHARING])
    at = np.flatnonzero(shared[pairs.left] & (context[pairs.left] == context[pairs.right]))
    if not len(at):
        return near
    row, exact = columns["row"][near.first], columns["exact"][near.first]
    verify = partial(_rest_similarities, rows, row)
    # Not the normalised keys: what is a line or a sentence is lost in them.
    rest = remembering(rows.memo, lambda units: exact[units], verify, "rests")(pairs.left[at], pairs.right[at])
    keep = np.ones(len(pairs), np.bool_)
    keep[at[rest < threshold]] = False
    return Alike(near.unit, near.first, Pairs(pairs.left[keep], pairs.right[keep], pairs.similarity[keep]))


def _rest_similarities(rows: Rows, row: NDArray[np.uint64], left: Units, right: Units) -> NDArray[np.float64]:
    """See `text.contexts.rest_similarities`; `row` are the row keys of units. Texts of some pairs are held at once."""
    out = [np.empty(0, np.float64)]
    for start in range(0, len(left), _PAIRS_AT_ONCE):
        one, two = left[start : start + _PAIRS_AT_ONCE], right[start : start + _PAIRS_AT_ONCE]
        said = listed(rows, row[np.unique(np.concatenate((one, two)))], _said)
        keys = zip(row[one].tolist(), row[two].tolist(), strict=True)
        out.append(rest_similarities([(said[a], said[b]) for a, b in keys]))
    return np.concatenate(out)


def _said(batch: Batch, i: int) -> Said:
    return said_in(batch.examples[i])


def _near_texts(batch: Batch) -> tuple[NDArray[np.int64], list[bytes], NDArray[np.uint64] | None]:
    texts = batch.get(TEXTS)
    return texts.index, texts.near, texts.apart


def reread_shingles(rows: Rows, keys: NDArray[np.uint64], texts_of: TextsOf) -> Shingles:
    """The sets of shingles of the rows with these keys (sorted, unique), in that order, read from their source."""
    found = list(read_again(rows, keys, partial(_shingled, rows, texts_of)))
    offsets = np.zeros(len(keys) + 1, np.int64)
    np.cumsum(np.concatenate([np.empty(0, np.int64), *(counts for _, counts in found)]), out=offsets[1:])
    hashes = rows.room((int(offsets[-1]),), np.uint32)
    start = 0
    for members, _ in found:
        hashes[start : start + len(members)] = members
        start += len(members)
    return Shingles(hashes, offsets)


def _shingled(rows: Rows, texts_of: TextsOf, keys: NDArray[np.uint64]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Sets of shingles, one after the other, and how many each row has."""
    members: list[NDArray[np.uint32]] = [np.empty(0, np.uint32)]
    counts = np.zeros(len(keys), np.int64)
    for batch in rows.batches(keys):
        index, texts, apart = texts_of(batch)
        at = np.searchsorted(keys, batch.keys[index])
        for piece in chunks(texts):
            found = distinct(shingles(texts[piece], None if apart is None else apart[piece]))
            members.append(found.hashes)
            counts[at[piece]] = found.counts
    return np.concatenate(members), counts


def signed(
    texts: list[bytes], apart: NDArray[np.uint64] | None = None, permutations: int = PERMUTATIONS
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The signatures of `texts`, uint8 of shape (n, permutations), and how many shingles each has, int64[n]."""
    rows: list[NDArray[np.uint8]] = [np.empty((0, permutations), np.uint8)]
    sizes: list[NDArray[Any]] = [np.empty(0, np.int64)]
    for piece in chunks(texts):
        found = shingles(texts[piece], None if apart is None else apart[piece])
        rows.append(signatures(found, permutations))
        sizes.append(found.counts)
    return np.concatenate(rows), np.concatenate(sizes)


def _signatures(permutations: int) -> Feature[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """Signatures of the examples that `FORMS` speaks of, and how many shingles each has."""

    def compute(batch: Batch) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        forms = batch.get(FORMS)
        return signed(forms.near, forms.apart, permutations)

    return Feature(("signatures", permutations), compute)
