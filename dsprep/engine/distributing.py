"""Pass two of `prepare` and `split`: every row goes to a split or to the rejected ones, each with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsprep.engine.folding import BLANK, UNUSABLE
from dsprep.engine.ledger import change_line
from dsprep.engine.ordering import in_order
from dsprep.engine.pipeline import Pipeline
from dsprep.engine.repairing import ContentKey, Repaired
from dsprep.engine.writing import AtomicFile, Piece, Pieces, encoded
from dsprep.model.batch import Batch
from dsprep.model.executor import ExchangingExecutor, Executor
from dsprep.model.finding import Finding
from dsprep.model.location import Location
from dsprep.model.patch import same as equal
from dsprep.model.record import UNDECODED, Example, Record
from dsprep.model.report import render_message
from dsprep.model.rule import RuleMeta
from dsprep.model.source import Shard

#: The destination of a row that is written nowhere because it is none: an empty line.
NOWHERE = 255
#: The destination of rejected rows; splits are numbered from 0.
REJECTED = 254

REJECTED_FILE = "rejected.jsonl"

#: The lines of the ledger of a run go where no row does.
_CHANGES = 253
CHANGES_FILE = "changes.jsonl"

#: Where examples of these formats come from there is nothing else to compare with than their chat form.
_CONVERTED_ANYWAY = frozenset({"chat", "table", "transcript"})


@dataclass
class Written:
    """What a worker makes of one shard: the bytes for each destination, and of rows with suppressed findings where they
    went (number of the split, index of the source, key of the content before and after)."""

    shard: Shard
    parts: dict[int, Pieces] = field(default_factory=dict)
    changed: Counter[str] = field(default_factory=Counter)
    changes: int = 0
    suppressed: list[tuple[int, int, bytes, bytes]] = field(default_factory=list)


@dataclass
class Distributed:
    """What was written: rows by name, how many of them were mended, and by which rules (some by several); where rows
    with suppressed findings went, in reading order (see Written)."""

    rows: Counter[str] = field(default_factory=Counter)
    changes: int = 0
    changed: Counter[str] = field(default_factory=Counter)
    suppressed: list[tuple[int, int, bytes, bytes]] = field(default_factory=list)


@dataclass
class WriteShard:
    """The task of a worker. `key` (uint64, sorted) and `destination` (uint8) cover all rows; `fate` and `codes` say why
    a row was rejected by a rule that looks at rows, `removed` by one that looks at all of them. Picklable.

    `render` gives the record to write for an example; the record itself means that its original bytes will do. None
    writes records as they are, as preference records always are.
    """

    pipeline: Pipeline
    key: NDArray[np.uint64]
    destination: NDArray[np.uint8]
    fate: NDArray[np.uint16]
    codes: Sequence[str]
    removed: Mapping[int, tuple[str, str]]
    metas: Mapping[str, RuleMeta]
    names: Sequence[str]
    render: Callable[[Example], Mapping[str, Any]] | None

    #: With it, mended rows are put down in a ledger, and rows with suppressed findings followed.
    content: ContentKey | None = None
    #: A file beside which workers may put what is too much to hold; None where they have another disk.
    beside: str | None = None

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
                if to not in out.parts:
                    out.parts[to] = Pieces(self.beside)
                pieces = out.parts[to]
                if to == REJECTED:
                    pieces.extend(self._rejected(batch, i, record, shard, int(self.fate[row]), repaired.rejected))
                else:
                    same = of_json and i not in repaired.changed
                    value = self._value(mended.records[i], mended.examples[i])
                    pieces.extend((self._line(record, value, same),))
                    if self.content is not None and i in repaired.changed:
                        line = self._change(batch, i, repaired, value, to)
                        out.parts.setdefault(_CHANGES, Pieces(self.beside)).extend((line,))
                        out.changed.update(repaired.rules[i])
                        out.changes += 1
                    self._follow(batch, i, value, to, out)
        return out

    def _value(self, record: Record, example: Example | None) -> Any:
        """What is written of a record."""
        if self.render is None or example is None or example.rejected is not None:
            return record.value  # of a preference record, the chat form is but half
        return self.render(example)

    def _line(self, original: Record, value: Any, same: bool) -> bytes:
        if same and value is original.value and original.raw and b"\n" not in original.raw:
            return original.raw.strip() + b"\n"
        return encoded(value) + b"\n"

    def _change(self, batch: Batch, i: int, repaired: Repaired, after: Any, to: int) -> bytes:
        """The line of the ledger for a mended row: what became of its chat form, or, if that is the same, of the record
        as it was read."""
        assert self.content is not None
        record = batch.records[i]
        example = batch.examples[i]
        before, form = record.value, "record"
        # Of a record in another format, to be converted was a fix of its own.
        own = example is not None and example.rejected is None and example.format in _CONVERTED_ANYWAY
        if own and example is not None and not equal(example.record, after):
            before, form = example.record, "chat"
        extra = {"form": form, "to": f"{self.names[to]}.jsonl"}
        rules = repaired.rules[i]
        return change_line(batch.location(i), self.content(record), rules, before, after, extra=extra) + b"\n"

    def _follow(self, batch: Batch, i: int, value: Any, to: int, out: Written) -> None:
        spared = self.pipeline.repair.spared if self.pipeline.repair is not None else None
        if self.content is None or spared is None:
            return
        record = batch.records[i]
        if spared.of(batch.source, record):
            written = Record(record.ordinal, None, 0, b"", value)
            out.suppressed.append((to, batch.source, self.content(record), self.content(written)))

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
    folder: Path,
    executor: Executor,
    progress: Callable[[int], None] = lambda n: None,
) -> Distributed:
    """Write `<name>.jsonl` for each split and rejected.jsonl into `folder`, all or none of them, and changes.jsonl with
    what was mended, if `task` makes its lines."""
    names = task.names
    like = [source.path for source in task.pipeline.sources]
    files = {number: AtomicFile(folder / f"{name}.jsonl", like=like) for number, name in enumerate(names)}
    files[REJECTED] = AtomicFile(folder / REJECTED_FILE, like=like)
    if task.content is not None:
        files[_CHANGES] = AtomicFile(folder / CHANGES_FILE, like=like)
    if not isinstance(executor, ExchangingExecutor):
        task = replace(task, beside=str(folder / REJECTED_FILE))
    out = Distributed()
    entered: list[AtomicFile] = []
    try:
        for file in files.values():
            file.__enter__()
            entered.append(file)
        for result in in_order(executor, task, shards):
            for to, pieces in sorted(result.parts.items()):
                for chunk in pieces.chunks(task.pipeline.sources[result.shard.source].path):
                    files[to].write(chunk)
            out.changes += result.changes
            out.changed += result.changed
            out.suppressed += result.suppressed
            progress(result.shard.end - result.shard.start)
    except BaseException as error:
        for file in entered:
            file.__exit__(type(error), error, error.__traceback__)
        raise
    for file in entered:
        file.__exit__(None, None, None)
    for to, count in zip(*np.unique(task.destination, return_counts=True), strict=True):
        if int(to) != NOWHERE:
            out.rows["rejected" if int(to) == REJECTED else names[int(to)]] = int(count)
    return out
