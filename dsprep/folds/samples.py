"""A few rows to look at: the ones whose hash is lowest, so that it is the same few whatever order rows are read in."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsprep.folds.splits import ordered, split_name
from dsprep.model.batch import Batch
from dsprep.model.moving import Shift
from dsprep.model.record import Example
from dsprep.model.sample import Sample, Talk, Why
from dsprep.model.source import Normaliser
from dsprep.text.talks import talk_of, talk_of_value

#: How many rows are kept for each reason, and of how many splits.
PER_REASON: Final = 12
MOST_SPLITS: Final = 4
#: What is shown of a conversation.
MESSAGES, CHARACTERS = 12, 1_200


@dataclass(frozen=True, slots=True)
class Drawn:
    """A row with its lot. Rows of equal lot say the same, but for CRC32's sake they may not; the first one counts."""

    lot: int
    sample: Sample

    @property
    def order(self) -> tuple[int, int]:
        return self.lot, self.sample.key or 0


@dataclass(slots=True)
class Drawing:
    """What the fold carries: for each reason and split the rows of the lowest lots, in order."""

    drawn: dict[tuple[Why, str], list[Drawn]] = field(default_factory=dict)


class SamplesFold:
    """The fold: rows by lot of each split, rows with findings, and rows that a fix has changed before the fold saw
    them. `normalisers`, one per source, say what such a row was as a conversation; without, it is shown as it was
    read."""

    name: Final = "samples"

    def __init__(self, normalisers: Sequence[Normaliser] = ()) -> None:
        self.normalisers = normalisers

    def empty(self) -> Drawing:
        return Drawing()

    def map(self, batch: Batch) -> Drawing:
        lots = _lots(batch)
        state = Drawing()
        rows: dict[tuple[Why, str], list[int]] = {}
        noted = batch.noted.tolist() if batch.noted is not None else [0] * len(batch)
        plain = batch.split
        for i, example in enumerate(batch.examples):
            if example is None:
                continue
            split = split_name(example.split or plain)
            changed = batch.records[i].original is not None
            why = Why.CHANGED if changed else Why.FOUND if noted[i] else Why.LOT
            rows.setdefault((why, split), []).append(i)
            if why is not Why.LOT:
                # What was found does not make a row a worse example of its split.
                rows.setdefault((Why.LOT, split), []).append(i)
        kept = set(ordered(split for _, split in rows)[:MOST_SPLITS])
        for (why, split), members in rows.items():
            if split not in kept:
                continue
            # Other ones than those that are drawn of all rows.
            own = lots if why is Why.LOT else ~lots
            state.drawn[why, split] = _lowest(
                Drawn(int(own[i]), self._sample(batch, i, why, split)) for i in _first(own, members)
            )
        return state

    def _sample(self, batch: Batch, i: int, why: Why, split: str) -> Sample:
        example, record = batch.examples[i], batch.records[i]
        before: Talk | None = None
        if record.original is not None:
            old = replace(record, value=record.original, original=None)
            was = self.normalisers[batch.source].example(old) if self.normalisers else None
            before = shown_value(record.original) if was is None else shown(was)
        return Sample(why, split, batch.key(i), batch.location(i), None if example is None else shown(example), before)

    def merge(self, a: Drawing, b: Drawing) -> Drawing:
        # The first few of all splits are among the first few of each part.
        kept = set(ordered(split for _, split in (*a.drawn, *b.drawn))[:MOST_SPLITS])
        keys = [key for key in a.drawn.keys() | b.drawn.keys() if key[1] in kept]
        return Drawing({key: _lowest([*a.drawn.get(key, ()), *b.drawn.get(key, ())]) for key in keys})

    def moved(self, state: Drawing, shift: Shift) -> Drawing:
        return Drawing(
            {key: [replace(one, sample=_moved(one.sample, shift)) for one in own] for key, own in state.drawn.items()}
        )


def samples_of(state: Drawing) -> list[Sample]:
    """The rows to look at, by split, each once: those that fixes have changed, those in which something was found,
    those drawn by lot."""
    order = tuple(Why)
    out: list[Sample] = []
    seen: set[int | None] = set()
    splits = ordered(split for _, split in state.drawn)
    for why, split in sorted(state.drawn, key=lambda key: (-order.index(key[0]), splits.index(key[1]))):
        for drawn in state.drawn[why, split]:
            if drawn.sample.key not in seen:
                seen.add(drawn.sample.key)
                out.append(drawn.sample)
    return out


def shown(example: Example) -> Talk:
    """A conversation within the bounds of samples."""
    return talk_of(example, messages=MESSAGES, characters=CHARACTERS)


def shown_value(value: object) -> Talk:
    """As `shown`, of a record as its source gave it."""
    return talk_of_value(value, messages=MESSAGES, characters=CHARACTERS)


def _moved(sample: Sample, shift: Shift) -> Sample:
    return replace(
        sample,
        key=None if sample.key is None else shift.key(sample.key),
        location=shift.location(sample.location),
    )


def _first(lots: NDArray[np.uint32], members: list[int]) -> list[int]:
    """Of `members`, the rows of the lowest lots, those of equal lot only once."""
    index = np.array(members)
    _, first = np.unique(lots[index], return_index=True)
    return [int(i) for i in index[first[:PER_REASON]]]


def _lowest(drawn: Iterable[Drawn]) -> list[Drawn]:
    out: list[Drawn] = []
    for one in sorted(drawn, key=lambda one: one.order):
        if not out or out[-1].lot != one.lot:
            out.append(one)
    return out[:PER_REASON]


def _lots(batch: Batch) -> NDArray[np.uint32]:
    """A number for each row, of what it says: its bytes, or, where its source has none, its texts."""
    lots = np.zeros(len(batch), np.uint32)
    without: set[int] = set()
    for i, record in enumerate(batch.records):
        if record.raw:
            lots[i] = zlib.crc32(record.raw)
        else:
            without.add(i)
    if without:
        turns = batch.turns
        for row, text in zip(turns.row, turns.text, strict=True):
            if row in without:
                lots[row] = zlib.crc32(text.encode("utf-8", "surrogatepass"), int(lots[row]))
    return lots
