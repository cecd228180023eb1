"""dsprep's near-duplicate kernel alone: texts in memory to verified pairs and clusters. One thread.

python benchmarks/parts/near.py DATA.jsonl REPORT.json
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import numpy as np
from grams import THRESHOLD, texts
from reporting import Stopwatch, report, taken_out

from dsprep.folds.signatures import signed
from dsprep.text.clusters import Units, alike, similarities
from dsprep.text.minhash import BANDS
from dsprep.text.normal import fold_all
from dsprep.text.shingles import Shingles, distinct, shingles


def main() -> None:
    documents = texts(Path(sys.argv[1]))
    watch = Stopwatch()
    folded = fold_all(documents)
    # Texts that are the same but for spelling are one unit, as in the rule.
    unit: dict[bytes, int] = {}
    unit_of = [unit.setdefault(text, len(unit)) for text in folded]
    texts_of_units = list(unit)
    signature, size = signed(texts_of_units)

    def load(units: Units) -> Shingles:
        return distinct(shingles([texts_of_units[i] for i in units.tolist()]))

    pairs = alike(signature, size, partial(similarities, load=load), threshold=THRESHOLD, bands=BANDS)
    first = np.full(len(texts_of_units), len(documents))
    np.minimum.at(first, unit_of, np.arange(len(documents)))
    joined = list(zip(first[pairs.left].tolist(), first[pairs.right].tolist(), strict=True))
    same = [(int(first[u]), i) for i, u in enumerate(unit_of) if first[u] != i]
    out = taken_out(joined + same, len(documents))
    took = watch.read()
    report(**took, taken_out=out, pairs=[(a + 1, b + 1) for a, b in joined], examples=len(documents))


if __name__ == "__main__":
    main()
