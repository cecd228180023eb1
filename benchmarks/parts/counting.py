"""dsprep's token counter alone: texts in memory to counts. One thread. See peers/tiktoken_loop.py.

python benchmarks/parts/counting.py DATA.jsonl REPORT.json
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from grams import said
from reporting import Stopwatch, report

from dsprep.text.tokens import token_counter


def main() -> None:
    documents = said(Path(sys.argv[1]))
    count = token_counter("cl100k_base")
    watch = Stopwatch()
    counts = [count(text) for text in documents]
    took = watch.read()
    report(**took, answer=hashlib.sha256(repr(counts).encode()).hexdigest(), tokens=sum(counts))


if __name__ == "__main__":
    main()
