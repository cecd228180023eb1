"""Which languages the examples are in, by the fast detector, of all of them or of a sample."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from dsprep.folds.splits import split_name
from dsprep.model.batch import Batch
from dsprep.text.language import LANGUAGE, LANGUAGES, NAMES, UNKNOWN, LanguageModelMissing

#: What counts for a sample is drawn by the beginning of its text.
_DRAWN_BY: Final = 200


def described(counts: Mapping[str, Mapping[int, int]], one_in: int) -> dict[str, Any]:
    """Plain JSON data of how many examples of each split are in each language, by its number: see
    StatisticsFold.finish."""
    splits: dict[str, dict[str, int]] = {}
    for split, own in counts.items():
        told = sorted(
            ((n, number) for number, n in own.items() if number != UNKNOWN), key=lambda item: (-item[0], item[1])
        )
        splits[split] = {LANGUAGES[number]: n for n, number in told}
    found = {code for own in splits.values() for code in own}
    return {
        "examples": sum(sum(own.values()) for own in counts.values()),
        "one_in": one_in,
        "names": {code: NAMES[code] for code in sorted(found) if code in NAMES},
        "splits": splits,
        "unknown": {split: own.get(UNKNOWN, 0) for split, own in counts.items()},
    }


def languages_of(batch: Batch, one_in: int, seed: int) -> dict[str, Counter[int]]:
    """How many examples of `batch` are in each language (by its number; UNKNOWN: cannot be said), by split.

    With `one_in` above 1, of about one example in so many, drawn by what they say, so that the same ones are drawn
    wherever they stand."""
    seen = batch
    if one_in > 1:
        drawn = _drawn(batch, one_in, seed)
        if not drawn:
            return {}
        seen = batch.with_rows([batch.records[i] for i in drawn], [batch.examples[i] for i in drawn])
    try:
        languages = seen.get(LANGUAGE)
    except LanguageModelMissing:
        return {}  # LNG001 says so, if it runs
    rows = [i for i, example in enumerate(seen.examples) if example is not None]
    pairs = Counter(zip((split_name(seen.split_of(i)) for i in rows), languages[rows].tolist(), strict=True))
    out: dict[str, Counter[int]] = {}
    for (split, number), n in pairs.items():
        out.setdefault(split, Counter())[number] = n
    return out


def _drawn(batch: Batch, one_in: int, seed: int) -> list[int]:
    heads: dict[int, str] = {}
    for row, text in zip(batch.turns.row, batch.turns.text, strict=True):
        if len(heads.get(row, "")) < _DRAWN_BY:
            heads[row] = heads.get(row, "") + text[:_DRAWN_BY]
    return [
        row
        for row, head in heads.items()
        if zlib.crc32(head.encode("utf-8", "surrogatepass"), seed & 0xFFFFFFFF) % one_in == 0
    ]
