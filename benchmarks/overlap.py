"""Look for overlap between prepared splits, sharing no code with dsprep: brute force, exact, several measures.

    python benchmarks/overlap.py FOLDER [--threshold 0.8]

Compares every validation (and test) example with every training example: equal texts after lower-casing and collapsing
white space, and Jaccard similarity over word 5-grams, word 3-grams and character 5-grams, of the user's texts and of
whole conversations without the system message. Candidates come from a prefix filter, which loses no pair. Exit code 1
if an equal text or a pair by word 5-grams is found; the other measures are printed for information.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path


def texts(file: Path, roles: set[str]) -> list[str]:
    rows = [json.loads(line) for line in file.read_text("utf-8").split("\n") if line]
    return [" ".join(m["content"] or "" for m in row["messages"] if m["role"] in roles) for row in rows]


def words(n: int) -> Callable[[str], set[str]]:
    def grams(text: str) -> set[str]:
        found = re.findall(r"\w+", text.lower())
        return {" ".join(found[i : i + n]) for i in range(max(1, len(found) - n + 1))} if found else set()

    return grams


def characters(n: int) -> Callable[[str], set[str]]:
    def grams(text: str) -> set[str]:
        folded = " ".join(text.lower().split())
        return {folded[i : i + n] for i in range(max(1, len(folded) - n + 1))}

    return grams


def near(
    left: list[str], right: list[str], grams: Callable[[str], set[str]], threshold: float
) -> list[tuple[float, int, int]]:
    a, b = [grams(text) for text in left], [grams(text) for text in right]
    often: dict[str, int] = defaultdict(int)
    for one in a:
        for gram in one:
            often[gram] += 1

    def prefix(one: set[str]) -> list[str]:
        # A pair above the threshold shares one of so many of the rarest.
        return sorted(one, key=lambda gram: (often[gram], gram))[: len(one) - math.ceil(threshold * len(one)) + 1]

    where: dict[str, list[int]] = defaultdict(list)
    for i, one in enumerate(a):
        for gram in prefix(one):
            where[gram].append(i)
    found = []
    for j, one in enumerate(b):
        for i in {i for gram in prefix(one) for i in where[gram]}:
            shared = len(one & a[i])
            similarity = shared / (len(one) + len(a[i]) - shared)
            if similarity >= threshold:
                found.append((similarity, i, j))
    return sorted(found, reverse=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threshold", type=float, default=0.8)
    args = parser.parse_args()
    bad = 0
    for held in ("validation", "test"):
        if not (args.folder / f"{held}.jsonl").exists():
            continue
        for what, roles in (("user", {"user"}), ("conversation", {"user", "assistant", "tool"})):
            train, other = texts(args.folder / "train.jsonl", roles), texts(args.folder / f"{held}.jsonl", roles)
            equal = {" ".join(t.lower().split()) for t in train} & {" ".join(t.lower().split()) for t in other}
            print(f"{len(train):,} train, {len(other):,} {held}: {what} equal {len(equal)}", end="")
            bad += len(equal)
            for name, grams in (
                ("word 5-grams", words(5)),
                ("word 3-grams", words(3)),
                ("character 5-grams", characters(5)),
            ):
                pairs = near(train, other, grams, args.threshold)
                print(f"; {name} {len(pairs)}", end="")
                bad += len(pairs) if name == "word 5-grams" else 0
                for similarity, i, j in pairs[:3]:
                    print(f"\n  {similarity:.2f} {train[i][:80]!r} ~ {other[j][:80]!r}", end="")
            print()
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
