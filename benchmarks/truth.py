"""Which examples truly are near-duplicates: every pair, found without MinHash, sharing no code with dsprep.

    python benchmarks/truth.py DATA.jsonl [--threshold 0.8] [--limit N] [--pairs OUT.jsonl]

A prefix filter finds candidates, which loses no pair (Chaudhuri et al., "A primitive operator for similarity joins",
2006): two sets with a Jaccard similarity of at least t share a member among the n - ceil(t * n) + 1 rarest of either.
Each candidate is then compared as the sets that they are. 5-grams are numbered, not hashed, so nothing is estimated.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from grams import THRESHOLD, WORDS, texts, words_of
from numpy.typing import NDArray

#: A pair of line numbers (1-based), the smaller one first, and its similarity.
Pairs = dict[tuple[int, int], float]
Numbers = NDArray[np.int64]


def numbered(documents: list[str], words_in: Callable[[str], list[str]]) -> tuple[Numbers, Numbers]:
    """The distinct 5-grams of each document as numbers, and where each document's begin: `grams[at[i]:at[i + 1]]`."""
    vocabulary: dict[str, int] = {}
    words: list[int] = []
    counts: list[int] = []
    for text in documents:
        found = words_in(text)
        # A text of fewer than five words is one gram: filled up with a word that does not exist.
        found += ["\0"] * (WORDS - len(found)) if found else []
        words += [vocabulary.setdefault(word, len(vocabulary)) for word in found]
        counts.append(len(found))
    word, ends = np.array(words, np.int64), np.cumsum(counts, dtype=np.int64)
    number = word
    for place in range(1, WORDS):
        # Longer runs get numbers from the number of a run that is one word shorter, and that of the next word.
        number = np.unique(number[:-1] * len(vocabulary) + word[place:], return_inverse=True)[1]
    document = np.repeat(np.arange(len(documents)), counts)[: len(number)]
    inside = np.arange(len(number)) + WORDS <= ends[document]
    # Each once per document.
    once = np.unique(document[inside] * (int(number.max(initial=0)) + 1) + number[inside])
    document, number = np.divmod(once, int(number.max(initial=0)) + 1)
    return number, np.searchsorted(document, np.arange(len(documents) + 1))


def true_pairs(
    documents: list[str], threshold: float = THRESHOLD, words_in: Callable[[str], list[str]] = words_of
) -> Pairs:
    """All pairs of documents of at least that similarity, `words_in` deciding what a word is."""
    grams, at = numbered(documents, words_in)
    sizes = np.diff(at)
    document = np.repeat(np.arange(len(documents)), sizes)
    often = np.bincount(grams)
    order = np.lexsort((grams, often[grams], document))
    rank = np.arange(len(grams)) - np.repeat(at[:-1], sizes)
    kept = sizes - np.ceil(threshold * sizes - 1e-9).astype(np.int64) + 1
    prefix = order[rank < np.repeat(kept, sizes)]
    by_gram = prefix[np.argsort(grams[prefix], kind="stable")]
    gram, owner = grams[by_gram], document[by_gram]
    n = len(documents)
    codes: list[Numbers] = []
    # Within a run of equal grams, compare each owner with the next, the one after that, and so on.
    step = 1
    alive = np.arange(len(gram))
    while True:
        alive = alive[alive + step < len(gram)]
        alive = alive[gram[alive] == gram[alive + step]]
        if not len(alive):
            break
        a, b = owner[alive], owner[alive + step]
        small, large = np.minimum(sizes[a], sizes[b]), np.maximum(sizes[a], sizes[b])
        possible = small >= threshold * large - 1e-9
        codes.append(np.unique(np.minimum(a, b)[possible] * n + np.maximum(a, b)[possible]))
        if len(codes) > 64:
            codes = [np.unique(np.concatenate(codes))]
        step += 1
    sets: dict[int, set[int]] = {}
    out: Pairs = {}
    for code in np.unique(np.concatenate(codes)).tolist() if codes else []:
        pair = divmod(code, n)
        for i in pair:
            if i not in sets:
                sets[i] = set(grams[at[i] : at[i + 1]].tolist())
        one, two = sets[pair[0]], sets[pair[1]]
        both = len(one & two)
        similarity = both / (len(one) + len(two) - both)
        if similarity >= threshold:
            out[pair[0] + 1, pair[1] + 1] = similarity
    return out


def planted(file: Path, threshold: float = THRESHOLD) -> Pairs:
    """The pairs of a sidecar of `corpus.py` of at least that similarity."""
    out: Pairs = {}
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            pair = json.loads(line)
            if pair["similarity"] >= threshold:
                out[pair["of"], pair["line"]] = pair["similarity"]
    return out


@dataclass(frozen=True)
class Quality:
    """How good an answer is.

    `recall`: of the true pairs, the share of which at least one example was taken out. `precision`: of the examples
    taken out, the share that truly have a near-duplicate; None where only planted pairs are known.
    """

    pairs: int
    taken_out: int
    recall: float
    precision: float | None

    @classmethod
    def of(cls, pairs: Pairs, taken_out: set[int], *, complete: bool) -> Quality:
        hit = sum(a in taken_out or b in taken_out for a, b in pairs)
        true = {line for pair in pairs for line in pair}
        precision = len(taken_out & true) / len(taken_out) if taken_out else math.nan
        return cls(len(pairs), len(taken_out), hit / len(pairs) if pairs else math.nan, precision if complete else None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--threshold", type=float, default=THRESHOLD)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--pairs", type=Path)
    args = parser.parse_args()
    found = true_pairs(texts(args.data, args.limit), args.threshold)
    print(f"{len(found):,} pairs of similarity {args.threshold} or more")
    if args.pairs:
        with args.pairs.open("w", encoding="utf-8") as out:
            for (a, b), similarity in sorted(found.items()):
                out.write(json.dumps({"line": b, "of": a, "similarity": round(similarity, 6)}) + "\n")


if __name__ == "__main__":
    main()
