"""ACM003 repeated-id."""

from collections.abc import Iterator
from hashlib import blake2b

import numpy as np

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Columns, KeyedRule, Rows, RuleMeta


class RepeatedId(KeyedRule):
    """Two examples have the same id in their metadata.

    ## What it does
    Compares `metadata.id`.

    ## Why it matters
    Most often a file was appended twice.

    ## Example
    `{"messages": […], "metadata": {"id": "a-17"}}`, twice.

    ## Fix
    None: the examples may differ.

    ## Source
    None needed.
    """

    meta = RuleMeta(
        code="ACM003",
        name="repeated-id",
        severity=Severity.ERROR,
        message="the id of {first} again",
        summary="two examples have the same id",
    )

    def emit(self, batch: Batch) -> Columns | None:
        found = {i: e.meta["id"] for i, e in enumerate(batch.examples) if e is not None and "id" in e.meta}
        keys = [
            int.from_bytes(blake2b(str(said).encode(), digest_size=8).digest(), "little") for said in found.values()
        ]
        return {"row": batch.keys[list(found)], "key": np.array(keys, np.uint64)}

    def resolve(self, columns: Columns, rows: Rows) -> Iterator[Finding]:
        first: dict[int, int] = {}
        for row, key in zip(columns["row"].tolist(), columns["key"].tolist(), strict=True):
            if first.setdefault(key, row) != row:
                here, there = rows.locate([row, first[key]])
                yield self.finding(here, key=row, args={"first": str(there)}, related=[there])
