"""Counting tokens with tiktoken in a loop: texts in memory to counts. One thread.

python benchmarks/peers/tiktoken_loop.py DATA.jsonl REPORT.json
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import tiktoken
from grams import said
from reporting import Stopwatch, report


def main() -> None:
    documents = said(Path(sys.argv[1]))
    encode = tiktoken.get_encoding("cl100k_base").encode_ordinary
    watch = Stopwatch()
    counts = [len(encode(text)) for text in documents]
    took = watch.read()
    report(**took, answer=hashlib.sha256(repr(counts).encode()).hexdigest(), tokens=sum(counts))


if __name__ == "__main__":
    main()
