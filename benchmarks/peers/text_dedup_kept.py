"""Which lines text-dedup kept: the `line` column of the data set that it wrote. Not measured.

python benchmarks/peers/text_dedup_kept.py FOLDER REPORT.json
"""

from __future__ import annotations

import sys

from datasets import load_from_disk
from reporting import report


def main() -> None:
    report(kept=list(load_from_disk(sys.argv[1])["line"]))


if __name__ == "__main__":
    main()
