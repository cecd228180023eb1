"""dsprep's reading of languages alone: examples in memory to languages. One thread. See peers/langdetect_loop.py.

python benchmarks/parts/language.py EXAMPLES DATA.jsonl REPORT.json
"""

from __future__ import annotations

import sys
from itertools import islice

from reporting import Stopwatch, report

from dsprep.engine.pipeline import BATCH_ROWS, Pipeline
from dsprep.formats import ChatNormaliser
from dsprep.sources import open_source
from dsprep.text.language import LANGUAGE, language_number


def main() -> None:
    source, normaliser = open_source(sys.argv[2]), ChatNormaliser()
    pipeline = Pipeline([source], [normaliser])
    records = list(
        islice((record for shard in source.plan(1 << 20) for record in source.read(shard)), int(sys.argv[1]))
    )
    pieces = [records[start : start + BATCH_ROWS] for start in range(0, len(records), BATCH_ROWS)]
    batches = [pipeline.batch(0, piece, [normaliser.example(record) for record in piece]) for piece in pieces]
    pipeline.batch(0, records[:1], [normaliser.example(records[0])]).get(LANGUAGE)  # loads the model
    watch = Stopwatch()
    found = [number for batch in batches for number in batch.get(LANGUAGE).tolist()]
    report(**watch.read(), english=found.count(language_number("en")), examples=len(found))


if __name__ == "__main__":
    main()
