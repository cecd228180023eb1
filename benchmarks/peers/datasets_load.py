"""Hugging Face datasets: load a file of JSON lines into a cache that is empty.

python benchmarks/peers/datasets_load.py DATA.jsonl
"""

from __future__ import annotations

import sys

from datasets import load_dataset


def main() -> None:
    print(load_dataset("json", data_files=sys.argv[1], split="train"))


if __name__ == "__main__":
    main()
