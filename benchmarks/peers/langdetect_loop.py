"""Telling languages with langdetect in a loop, seeded: texts in memory to languages. One thread.

    python benchmarks/peers/langdetect_loop.py EXAMPLES CHARACTERS DATA.jsonl REPORT.json

Of the first EXAMPLES examples, the first CHARACTERS characters of each are read (0: all of them).
"""

from __future__ import annotations

import sys
from pathlib import Path

from grams import texts
from langdetect import DetectorFactory, detect
from langdetect.lang_detect_exception import LangDetectException
from reporting import Stopwatch, report


def main() -> None:
    characters = int(sys.argv[2]) or None
    documents = [text[:characters] for text in texts(Path(sys.argv[3]), int(sys.argv[1]))]
    DetectorFactory.seed = 0
    detect("The profiles are loaded with the first text.")
    watch = Stopwatch()
    found: list[str] = []
    for text in documents:
        try:
            found.append(detect(text))
        except LangDetectException:
            found.append("")
    report(**watch.read(), english=found.count("en"), examples=len(found))


if __name__ == "__main__":
    main()
