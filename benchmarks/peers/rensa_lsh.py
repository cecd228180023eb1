"""rensa: texts in memory to clusters. One thread (RAYON_NUM_THREADS=1).

    python benchmarks/peers/rensa_lsh.py full|rho DATA.jsonl REPORT.json

`full` is the deduplicator of its README on word 5-grams, which also checks the estimated similarity of what its index
returns. `rho` is the pipeline of its own benchmark: it samples positions of tokens, and its index has eight bands;
it is given word 5-grams too.
"""

from __future__ import annotations

import sys
from pathlib import Path

from grams import THRESHOLD, gram_list, texts
from rensa import RMinHash, RMinHashDeduplicator, RMinHashLSH
from reporting import Stopwatch, report

PERMUTATIONS = 128


def full(documents: list[str]) -> list[int]:
    keeper = RMinHashDeduplicator(threshold=THRESHOLD, num_perm=PERMUTATIONS, use_lsh=True)
    kept = keeper.add_pairs((str(i), gram_list(text)) for i, text in enumerate(documents))
    return [i + 1 for i, keep in enumerate(kept) if not keep]


def rho(documents: list[str]) -> list[int]:
    matrix = RMinHash.digest_matrix_from_token_sets_rho(
        [gram_list(text) for text in documents], num_perm=PERMUTATIONS, seed=42
    )
    index = RMinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS, num_bands=8)
    flags = index.query_duplicate_flags_matrix_one_shot(matrix)
    return [i + 1 for i, duplicate in enumerate(flags) if duplicate]


def main() -> None:
    documents = texts(Path(sys.argv[2]))
    watch = Stopwatch()
    out = (full if sys.argv[1] == "full" else rho)(documents)
    report(**watch.read(), taken_out=out, examples=len(documents))


if __name__ == "__main__":
    main()
