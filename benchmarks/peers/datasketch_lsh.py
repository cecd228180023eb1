"""datasketch's MinHash and MinHashLSH: texts in memory to clusters. One thread.

    python benchmarks/peers/datasketch_lsh.py default|equal DATA.jsonl REPORT.json

`default` is its own settings (SHA-1, bands chosen for the threshold), on word 5-grams by `update_batch`, which is
faster than the loop of its quick start; what the index returns is believed. `equal` has dsprep's 32 bands of 4, which
find as much, and, as dsprep does, compares the sets of each pair that the index returns, which alone makes an answer
of so many bands precise. The sets are kept in memory for that, not made again. `seconds` is for all of it; the index
alone is `unverified`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from datasketch import MinHash, MinHashLSH
from grams import THRESHOLD, gram_list, jaccard, texts
from reporting import Stopwatch, report, taken_out

PERMUTATIONS = 128


def main() -> None:
    equal = sys.argv[1] == "equal"
    documents = texts(Path(sys.argv[2]))
    watch = Stopwatch()
    index = MinHashLSH(
        threshold=THRESHOLD, num_perm=PERMUTATIONS, **({"params": (32, PERMUTATIONS // 32)} if equal else {})
    )
    pairs: list[tuple[int, int]] = []
    sets: list[set[str]] = []
    for i, text in enumerate(documents):
        grams = set(gram_list(text))
        sketch = MinHash(num_perm=PERMUTATIONS)
        sketch.update_batch([gram.encode() for gram in grams])
        # Whoever came before and is in the index is looked up, then this one joins: every pair is met once.
        pairs += [(j, i) for j in index.query(sketch)]
        index.insert(i, sketch, check_duplication=False)
        if equal:
            sets.append(grams)
    candidates, unverified = len(pairs), watch.read()["seconds"]
    if equal:
        pairs = [(a, b) for a, b in pairs if jaccard(sets[a], sets[b]) >= THRESHOLD]
    out = taken_out(pairs, len(documents))
    took = watch.read()
    report(
        **took,
        unverified=unverified,
        bands=[index.b, index.r],
        candidates=candidates,
        taken_out=out,
        pairs=[(a + 1, b + 1) for a, b in pairs],
        examples=len(documents),
    )


if __name__ == "__main__":
    main()
