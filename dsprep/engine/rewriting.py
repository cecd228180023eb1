"""Pass two of `lint --fix`: the file is streamed again, edits applied, and written beside itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from dsprep.engine.ordering import in_order
from dsprep.engine.pipeline import Pipeline
from dsprep.engine.writing import AtomicFile, Piece, encoded, joined, raw_pieces
from dsprep.model.executor import Executor
from dsprep.model.finding import Finding
from dsprep.model.fix import DropRow, RewriteFile
from dsprep.model.record import UNDECODED, Record
from dsprep.model.source import Shard


@dataclass(frozen=True)
class Change:
    """One record before and after: `after` is None where the row goes away. Both are lines without line end."""

    key: int
    line: int | None
    before: bytes
    after: bytes | None


@dataclass
class Rewritten:
    """The new content of one shard: literal bytes, or ranges (start, end) of the old file to copy."""

    shard: Shard
    pieces: list[Piece] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    changed_rows: int = 0
    fixed: Counter[str] = field(default_factory=Counter)


@dataclass
class RewriteShard:
    """The task of a worker in pass two. `drop` holds the row keys, with the code, that go on behalf of rules over the
    whole data; `rewrite` the sources whose lines are written in plain form. Picklable."""

    pipeline: Pipeline
    drop: Mapping[int, str]
    rewrite: frozenset[int]
    keep_changes: bool = False

    def __call__(self, shard: Shard) -> Rewritten:
        out = Rewritten(shard)
        for batch in self.pipeline.read(shard):
            repaired = self.pipeline.mend(batch)
            out.fixed += repaired.fixed
            for i, record in enumerate(batch.records):
                code = repaired.dropped.get(i) or self.drop.get(batch.key(i))
                before = record.raw
                if code is not None:
                    if i not in repaired.dropped:
                        out.fixed[code] += 1
                    self._changed(out, batch.key(i), record, None)
                elif i in repaired.changed:
                    after = encoded(repaired.batch.records[i].value)
                    out.pieces.append(after + b"\n")
                    self._changed(out, batch.key(i), record, after)
                elif record.value is UNDECODED and not before and not record.blank:
                    # Too large to have been read: copied as it is.
                    out.pieces.append((record.offset, shard.end))
                elif shard.source in self.rewrite and record.value is not UNDECODED:
                    out.pieces.append(encoded(record.value) + b"\n")
                else:
                    out.pieces.append(before + b"\n")
        out.pieces = joined(out.pieces)
        return out

    def _changed(self, out: Rewritten, key: int, record: Record, after: bytes | None) -> None:
        out.changed_rows += 1
        if self.keep_changes:
            out.changes.append(Change(key, record.line, record.raw, after))


@dataclass
class FixOutcome:
    """What a round of fixing did: fixes by code, rows changed by source, and, if asked for, the changes in order."""

    fixed: Counter[str] = field(default_factory=Counter)
    rows: Counter[int] = field(default_factory=Counter)
    changes: list[Change] = field(default_factory=list)

    @property
    def anything(self) -> bool:
        return bool(self.fixed)


def rewrite(
    pipeline: Pipeline,
    shards: Sequence[Shard],
    accepted: Sequence[Finding],
    executor: Executor,
    *,
    write: bool = True,
    keep_changes: bool = False,
    progress: Callable[[int], None] = lambda n: None,
) -> FixOutcome:
    """Apply the fixes of `pipeline.repair` and of the `accepted` findings to the files of the pipeline's sources.

    A file that nothing changes is not touched. With `write=False` no file is; `keep_changes` lists every change.
    """
    out = FixOutcome()
    drop: dict[int, str] = {}
    plain: dict[str, Counter[str]] = {}
    for finding in accepted:
        for edit in finding.fix.edits if finding.fix else ():
            if isinstance(edit, DropRow) and finding.key is not None:
                drop.setdefault(finding.key, finding.code)
            elif isinstance(edit, RewriteFile):
                plain.setdefault(finding.location.path, Counter())[finding.code] += 1
    rewritten = frozenset(i for i, source in enumerate(pipeline.sources) if source.display in plain)
    task = RewriteShard(pipeline, drop, rewritten, keep_changes)
    by_source: dict[int, list[Shard]] = {}
    for shard in shards:
        by_source.setdefault(shard.source, []).append(shard)
    for number, parts in sorted(by_source.items()):
        source = pipeline.sources[number]
        fixed: Counter[str] = Counter(plain.get(source.display, Counter()))
        if not write:
            for result in in_order(executor, task, parts):
                fixed += result.fixed
                out.rows[number] += result.changed_rows
                out.changes.extend(result.changes)
                progress(result.shard.end - result.shard.start)
            out.fixed += fixed
            continue
        try:
            with AtomicFile(source.path) as file:
                for result in in_order(executor, task, parts):
                    fixed += result.fixed
                    out.rows[number] += result.changed_rows
                    out.changes.extend(result.changes)
                    for piece in result.pieces:
                        if isinstance(piece, bytes):
                            file.write(piece)
                        else:
                            for chunk in raw_pieces(source.path, *piece):
                                file.write(chunk)
                    progress(result.shard.end - result.shard.start)
                if not fixed:
                    raise _NothingChanged
        except _NothingChanged:
            continue
        out.fixed += fixed
    return out


class _NothingChanged(Exception):  # noqa: N818 - leaves the atomic file unwritten; not a fault
    pass
