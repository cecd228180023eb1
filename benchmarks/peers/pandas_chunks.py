"""Reading a table in chunks and nothing else.

python benchmarks/peers/pandas_chunks.py TABLE.csv
"""

from __future__ import annotations

import sys

import pandas as pd


def main() -> None:
    rows = sum(len(chunk) for chunk in pd.read_csv(sys.argv[1], chunksize=100_000))
    print(f"{rows} rows")


if __name__ == "__main__":
    main()
