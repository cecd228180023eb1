"""What decides where a row is split to: its content, what it must stay together with, and its label."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsprep.model.batch import Batch
from dsprep.model.moving import Shift
from dsprep.model.record import UNDECODED
from dsprep.model.rule import Columns
from dsprep.text.labels import field_label, short_answer
from dsprep.text.normal import FORMS, canonical


class SplitKeysFold:
    """Columns per row, all uint64[n]: `row` (row key), `content` (hash of the folded example), `prompt` (of everything
    before the answer; 0 where there is no question), `group` (0: none), `field` and `answer` (hashes of the label by
    field and by short answer; 0: none). A row that is no conversation has its content alone. The state is a list of
    such pieces, as a KeyedRule's."""

    def empty(self) -> list[Columns]:
        return []

    def map(self, batch: Batch) -> list[Columns]:
        n = len(batch)
        if not n:
            return []
        content = np.zeros(n, np.uint64)
        prompt = np.zeros(n, np.uint64)
        group = np.zeros(n, np.uint64)
        field = np.zeros(n, np.uint64)
        answer = np.zeros(n, np.uint64)
        forms = batch.get(FORMS)
        content[forms.index] = forms.normal[:, 0]
        prompt[forms.index] = np.where(forms.asks, forms.prompt[:, 0], 0)
        keep = []
        for i, (record, example) in enumerate(zip(batch.records, batch.examples, strict=True)):
            if record.value is UNDECODED:
                continue
            keep.append(i)
            if example is None or not example.messages:
                content[i] = hashed(canonical(record.value) or record.raw)
            if example is not None:
                if example.group is not None:
                    group[i] = hashed(example.group)
                if (label := field_label(example)) is not None:
                    field[i] = hashed(label)
                if (said := short_answer(example)) is not None:
                    answer[i] = hashed(said)
        columns = {
            "row": batch.keys,
            "content": content,
            "prompt": prompt,
            "group": group,
            "field": field,
            "answer": answer,
        }
        return [columns if len(keep) == n else {name: column[keep] for name, column in columns.items()}]

    def merge(self, a: list[Columns], b: list[Columns]) -> list[Columns]:
        return a + b

    def moved(self, state: list[Columns], shift: Shift) -> list[Columns]:
        return shift.pieces(state)


def hashed(value: str | bytes) -> int:
    """A 64-bit number for a text, never 0."""
    data = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little") or 1


def no_keys() -> dict[str, NDArray[Any]]:
    """The columns of no rows."""
    return {name: np.empty(0, np.uint64) for name in ("row", "content", "prompt", "group", "field", "answer")}
