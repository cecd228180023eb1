"""dsprep's validating alone: to the faults of each line. One thread. See peers/pydantic_models.py.

    python benchmarks/parts/validation.py lines|objects DATA.jsonl REPORT.json

`lines` reads a file as the command line does, with all that is looked at besides: encoding, duplicate keys, numbers,
where each line is. `objects` has the records in memory, decoded.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from reporting import Stopwatch, report

from dsprep.catalog.packs import target_texts
from dsprep.engine.pipeline import Pipeline
from dsprep.formats import ChatNormaliser
from dsprep.model.batch import Batch
from dsprep.model.chat import chat_schema
from dsprep.sources import open_source
from dsprep.targets.loading import load_target
from dsprep.text.schema import schema_faults


def main() -> None:
    path = Path(sys.argv[2])
    target = load_target("openai:gpt-3.5-turbo-0125", target_texts())
    chat_schema(target)
    faults = schema_faults(target)
    source = open_source(path)
    pipeline = Pipeline([source], [ChatNormaliser()])
    path.read_bytes()
    batches: Iterable[Batch] = (batch for shard in source.plan(16 << 20) for batch in pipeline.read(shard))
    if sys.argv[1] == "objects":
        batches = list(batches)
    watch = Stopwatch()
    bad: set[int] = set()
    count = 0
    for batch in batches:
        found = batch.get(faults)
        unread = [record.ordinal for record in batch.records if record.faults]
        count += len(found) + len(unread)
        bad.update(batch.records[i].ordinal + 1 for i, _ in found)
        bad.update(ordinal + 1 for ordinal in unread)
    report(**watch.read(), bad=sorted(bad), faults=count)


if __name__ == "__main__":
    main()
