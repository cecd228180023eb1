"""Pass two of `prepare` and `split`: every row goes to a split or to the rejected ones, each with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsprep.engine.folding import BLANK, UNUSABLE
from dsprep.engine.ordering import in_order
from dsprep.engine.pipeline import Pipeline
from dsprep.engine.writing import AtomicFile, Piece, encoded, escaped_pieces, joined
from dsprep.model.batch import Batch
from dsprep.model.executor import Executor
from dsprep.model.finding import Finding
from dsprep.model.location import Location
from dsprep.model.record import UNDECODED, Example, Record
from dsprep.model.report import render_message
from dsprep.model.rule import RuleMeta
from dsprep.model.source import Shard

#: The destination of a row that is written nowhere because it is none: an empty line.
NOWHERE = 255
#: The destination of rejected rows; splits are numbered from 0.
REJECTED = 254

REJECTED_FILE = "rejected.jsonl"


@dataclass
class Written:
    """What a worker makes of one shard: the bytes for each destination."""

    shard: Shard
    parts: dict[int, list[Piece]] = field(default_factory=dict)


@dataclass
class WriteShard:
    """The task of a worker. `key` (uint64, sorted) and `destination` (uint8) cover all rows; `fate` and `codes` say why
    a row was rejected by a rule that looks at rows, `removed` by one that looks at all of them. Picklable.

    `render` gives the record to write for an example; the record itself means that its original bytes will do. None
    writes records as they are.
    """

    pipeline: Pipeline
    key: NDArray[np.uint64]
    destination: NDArray[np.uint8]
    fate: NDArray[np.uint16]
    codes: Sequence[str]
    removed: Mapping[int, tuple[str, str]]
    metas: Mapping[str, RuleMeta]
    render: Callable[[Example], Mapping[str, Any]] | None

    def __call__(self, shard: Shard) -> Written:
        out = Written(shard)
        # A table's row is no JSON as it stands.
        of_json = self.pipeline.sources[shard.source].format in ("jsonl", "json")
        for batch in self.pipeline.read(shard):
            repaired = self.pipeline.mend(batch)
            mended = repaired.batch
            at = np.searchsorted(self.key, batch.keys)
            for i, record in enumerate(batch.records):
                row = int(at[i])
                to = int(self.destination[row])
                if to == NOWHERE:
                    continue
                pieces = out.parts.setdefault(to, [])
                if to == REJECTED:
                    pieces.extend(self._rejected(batch, i, record, shard, int(self.fate[row]), repaired.rejected))
                else:
                    same = of_json and i not in repaired.changed
                    pieces.append(self._line(record, mended.records[i], mended.examples[i], same))
        out.parts = {to: joined(pieces) for to, pieces in out.parts.items()}
        return out

    def _line(self, original: Record, record: Record, example: Example | None, same: bool) -> bytes:
        value = record.value if self.render is None or example is None else self.render(example)
        if same and value is original.value and original.raw and b"\n" not in original.raw:
            return original.raw.strip() + b"\n"
        return encoded(value) + b"\n"

    def _rejected(
        self, batch: Batch, i: int, record: Record, shard: Shard, fate: int, findings: Mapping[int, Finding]
    ) -> Iterator[Piece]:
        """The line of rejected.jsonl: where the row was, why it is here, and all of it."""
        location = batch.location(i)
        finding = findings.get(i)
        if batch.key(i) in self.removed:
            code, message = self.removed[batch.key(i)]
        elif finding is not None:
            code, message = finding.code, render_message(self.metas[finding.code], finding.args)
            location = finding.location
        elif fate not in (0, BLANK, UNUSABLE):
            code = self.codes[fate - 1]
            location, message = self._why(code, batch, i)
        else:
            code = ""
            kinds = ", ".join(fault.kind for fault in record.faults)
            message = f"cannot be read as a conversation{f' ({kinds})' if kinds else ''}"
        yield from rejected_line(record, shard.end, location, self.metas.get(code), message)

    def _why(self, code: str, batch: Batch, i: int) -> tuple[Location, str]:
        """Where and what the rule with `code` found in the i-th record, which a fix takes out, or something missing."""
        meta = self.metas[code]
        single = self.pipeline.batch(batch.source, [batch.records[i]], [batch.examples[i]])
        rules = self.pipeline.repair.rules if self.pipeline.repair is not None else ()
        for finding in (f for rule in rules if rule.meta.code == code for f in rule.find(single)):
            return finding.location, render_message(meta, finding.args)
        return batch.location(i), meta.summary


def rejected_line(record: Record, end: int, location: Location, meta: RuleMeta | None, message: str) -> Iterator[Piece]:
    """A line for a rejected record: where it was, why it is here (`meta` is None where no rule says so), and all of it
    as `record`, or as `raw` text where it did not decode. `end` is the offset after it, for a record too large to have
    been read."""
    code, name = (None, "not-a-conversation") if meta is None else (meta.code, meta.name)
    head = {"location": location.as_dict(), "reason": {"code": code, "name": name, "message": message}}
    if record.value is not UNDECODED:
        yield encoded({**head, "record": record.value}) + b"\n"
    elif record.raw:
        yield encoded({**head, "raw": record.raw.decode("utf-8", "backslashreplace")}) + b"\n"
    else:
        yield encoded(head)[:-1] + b',"raw":"'
        yield (record.offset, end)
        yield b'"}\n'


def distribute(
    task: WriteShard,
    shards: Sequence[Shard],
    names: Sequence[str],
    folder: Path,
    executor: Executor,
    progress: Callable[[int], None] = lambda n: None,
) -> Counter[str]:
    """Write `<name>.jsonl` for each split and rejected.jsonl into `folder`, all or none of them; rows by name."""
    files = {number: AtomicFile(folder / f"{name}.jsonl") for number, name in enumerate(names)}
    files[REJECTED] = AtomicFile(folder / REJECTED_FILE)
    rows: Counter[str] = Counter()
    entered: list[AtomicFile] = []
    try:
        for file in files.values():
            file.__enter__()
            entered.append(file)
        for result in in_order(executor, task, shards):
            for to, pieces in sorted(result.parts.items()):
                for piece in pieces:
                    if isinstance(piece, bytes):
                        files[to].write(piece)
                    else:
                        path = task.pipeline.sources[result.shard.source].path
                        for chunk in escaped_pieces(path, *piece):
                            files[to].write(chunk)
            progress(result.shard.end - result.shard.start)
    except BaseException as error:
        for file in entered:
            file.__exit__(type(error), error, error.__traceback__)
        raise
    for file in entered:
        file.__exit__(None, None, None)
    for to, count in zip(*np.unique(task.destination, return_counts=True), strict=True):
        if int(to) != NOWHERE:
            rows["rejected" if int(to) == REJECTED else names[int(to)]] = int(count)
    return rows
