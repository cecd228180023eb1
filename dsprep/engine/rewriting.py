"""Pass two of `lint --fix`: the file is streamed again, edits applied, and written beside itself."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from dsprep.engine.hiding import Followed
from dsprep.engine.ledger import (
    Appending,
    Ledger,
    bytes_line,
    change_line,
    original_lines,
    placed,
    style_of,
    written,
)
from dsprep.engine.ordering import in_order
from dsprep.engine.pipeline import Pipeline
from dsprep.engine.repairing import ContentKey, Repaired
from dsprep.engine.writing import AtomicFile, Piece, encoded, joined, raw_pieces
from dsprep.model.batch import Batch
from dsprep.model.executor import Executor
from dsprep.model.finding import Finding
from dsprep.model.fix import DropRow, RewriteFile
from dsprep.model.location import Location
from dsprep.model.record import UNDECODED, Record
from dsprep.model.source import Shard, Source

_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Change:
    """One record before and after, and the codes of the rules that change it: `after` is None where the row goes away.
    Both are lines without line end. A change of the file as a whole has neither line nor bytes."""

    key: int
    line: int | None
    before: bytes
    after: bytes | None
    rules: tuple[str, ...] = ()


@dataclass
class Rewritten:
    """The new content of one shard: literal bytes, or ranges (start, end) of the old file to copy; lines of the ledger,
    each with offset and length of what it speaks of in that content (None: it says nothing of places)."""

    shard: Shard
    pieces: list[Piece] = field(default_factory=list)
    size: int = 0
    lines: list[tuple[bytes, tuple[int, int] | None]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    changed_rows: int = 0
    fixed: Counter[str] = field(default_factory=Counter)
    followed: list[Followed] = field(default_factory=list)

    def put(self, piece: Piece) -> None:
        """Append to the content."""
        self.pieces.append(piece)
        self.size += len(piece) if isinstance(piece, bytes) else piece[1] - piece[0]


@dataclass
class RewriteShard:
    """The task of a worker in pass two. `drop` holds the row keys, with the code, that go on behalf of rules over the
    whole data; `plain` the sources that are written in plain form because a fix says so, and `whole` those that are
    written anew from end to end. With `names`, by which the ledger knows sources, its lines are made, and with
    `keep_changes` changes for showing. Picklable."""

    pipeline: Pipeline
    drop: Mapping[int, str]
    plain: frozenset[int]
    whole: frozenset[int]
    content: ContentKey
    names: Mapping[int, str] | None = None
    keep_changes: bool = False

    def __call__(self, shard: Shard) -> Rewritten:
        out = Rewritten(shard)
        for batch, end in self._batches(shard):
            repaired = self.pipeline.mend(batch)
            out.fixed += repaired.fixed
            for i, record in enumerate(batch.records):
                raw = record.raw
                following = batch.records[i + 1].offset if i + 1 < len(batch) else end
                if record.value is UNDECODED and not raw and not record.blank:
                    # Too large to have been read: copied as it is.
                    out.put((record.offset, shard.end if shard.source in self.whole else following))
                    continue
                code = repaired.dropped.get(i) or self.drop.get(batch.key(i))
                if code is not None:
                    if i not in repaired.dropped:
                        out.fixed[code] += 1
                    self._changed(out, batch, i, repaired, following, (code,), None)
                elif i in repaired.changed:
                    value = repaired.batch.records[i].value
                    # In the manner of the line that it takes the place of, so that nothing else of it changes.
                    after = written(value, style_of(raw, record.value))
                    self._changed(out, batch, i, repaired, following, tuple(repaired.rules[i]), after)
                elif shard.source not in self.whole:
                    out.put(raw + self._line_end(shard, record, following))
                elif record.value is not UNDECODED and (shard.source in self.plain or b"\n" in raw):
                    out.put(encoded(record.value) + b"\n")
                else:
                    out.put(raw + b"\n")
        out.pieces = joined(out.pieces)
        return out

    def _batches(self, shard: Shard) -> Iterator[tuple[Batch, int]]:
        """The batches of `shard`, with the offset behind each."""
        held: Batch | None = None
        for batch in self.pipeline.read(shard):
            if not len(batch):
                continue
            if held is not None:
                yield held, batch.records[0].offset
            held = batch
        if held is not None:
            yield held, shard.end

    def _line_end(self, shard: Shard, record: Record, following: int) -> bytes:
        size = following - record.offset - len(record.raw)
        if size == 1 and following == shard.end:
            # A file may end with a return that no line feed follows.
            return b"".join(raw_pieces(self.pipeline.sources[shard.source].path, following - 1, following))
        return (b"", b"\n", b"\r\n")[size]

    def _changed(
        self,
        out: Rewritten,
        batch: Batch,
        i: int,
        repaired: Repaired,
        following: int,
        rules: tuple[str, ...],
        after: bytes | None,
    ) -> None:
        record = batch.records[i]
        whole = batch.source in self.whole
        end = b"\n" if whole else self._line_end(out.shard, record, following)
        # The last line of a file may have none, but then what is written has one.
        new = b"" if after is None else after + (end if end.endswith(b"\n") else b"\n")
        start = out.size
        if new:
            out.put(new)
        out.changed_rows += 1
        if self.keep_changes:
            out.changes.append(Change(batch.key(i), record.line, record.raw, after, rules))
        if self.names is None:
            return
        value: Any = UNDECODED if after is None else repaired.batch.records[i].value
        key = self.content(record)
        line = change_line(
            Location(self.names[batch.source], record.line, record.row, record.offset, record.pointer),
            key,
            rules,
            record.value,
            value,
            line=None if whole else (record.raw, end, after),
        )
        out.lines.append((line, None if whole else (start, len(new))))
        if i in repaired.spared and after is not None:
            changed = self.content(repaired.batch.records[i])
            out.followed.append(Followed(batch.source, repaired.spared[i], key, changed))


@dataclass
class FixOutcome:
    """What a round of fixing did: fixes by code, rows changed by source, the files that were written (indexes of their
    sources), and what should follow (see Followed)."""

    fixed: Counter[str] = field(default_factory=Counter)
    rows: Counter[int] = field(default_factory=Counter)
    written: list[int] = field(default_factory=list)
    followed: list[Followed] = field(default_factory=list)

    @property
    def anything(self) -> bool:
        return bool(self.fixed)


@dataclass
class Rewriting:
    """A round of fixing: the fixes of `pipeline.repair` and of the `accepted` findings, on the files of its sources."""

    pipeline: Pipeline
    shards: Sequence[Shard]
    accepted: Sequence[Finding]
    executor: Executor
    content: ContentKey
    progress: Callable[[int], None] = lambda n: None

    def __post_init__(self) -> None:
        self.drop: dict[int, str] = {}
        plain: dict[str, list[str]] = {}
        for finding in self.accepted:
            for edit in finding.fix.edits if finding.fix else ():
                if isinstance(edit, DropRow) and finding.key is not None:
                    self.drop.setdefault(finding.key, finding.code)
                elif isinstance(edit, RewriteFile):
                    plain.setdefault(finding.location.path, []).append(finding.code)
        sources = self.pipeline.sources
        #: By source, the codes of the rules that want it written in plain form.
        self.plain = {i: plain[source.display] for i, source in enumerate(sources) if source.display in plain}
        self.whole = frozenset(i for i, source in enumerate(sources) if not _by_lines(source))
        self.of_source: dict[int, list[Shard]] = {}
        for shard in self.shards:
            self.of_source.setdefault(shard.source, []).append(shard)

    def changes(self) -> Iterator[tuple[str, Change]]:
        """What would change, in reading order, with the file; nothing is written."""
        task = self._task(keep_changes=True)
        for number, parts in sorted(self.of_source.items()):
            display = self.pipeline.sources[number].display
            if number in self.plain:
                yield display, Change(0, None, b"", b"", tuple(self.plain[number]))
            for result in in_order(self.executor, task, parts):
                for change in result.changes:
                    yield display, change
                self.progress(result.shard.end - result.shard.start)

    def write(self, ledger: Callable[[Source], Ledger], closing: Mapping[str, Any]) -> FixOutcome:
        """Rewrite the files that something changes, each with a ledger (in place before the file is), whose closing
        lines begin with `closing`."""
        out = FixOutcome()
        for number, parts in sorted(self.of_source.items()):
            source = self.pipeline.sources[number]
            try:
                self._write(number, parts, ledger(source), closing, out)
            except _NothingChanged:
                continue
            out.written.append(number)
        return out

    def _task(self, **more: Any) -> RewriteShard:
        return RewriteShard(self.pipeline, self.drop, frozenset(self.plain), self.whole, self.content, **more)

    def _write(
        self, number: int, parts: Sequence[Shard], ledger: Ledger, closing: Mapping[str, Any], out: FixOutcome
    ) -> None:
        source = self.pipeline.sources[number]
        name = ledger.name(source.path)
        rules = self.plain.get(number, [])
        fixed: Counter[str] = Counter(rules)
        followed: list[Followed] = []
        rows = place = 0
        with ExitStack() as stack:
            # The ledger is the last to be entered, so it is in place before the file is.
            file = _Measured(stack.enter_context(AtomicFile(source.path)))
            log = stack.enter_context(Appending(ledger, source.path))
            if number not in self.whole and (mark := _mark(source)):
                place = len(mark)
                if rules:
                    log.line(placed(bytes_line(name, 0, rules, mark), 0, 0))
                else:
                    file.write(mark)
            for result in in_order(self.executor, self._task(names={number: name}), parts):
                fixed += result.fixed
                rows += result.changed_rows
                followed += result.followed
                for line, span in result.lines:
                    log.line(line if span is None else placed(line, file.size + span[0], span[1]))
                file.put(source.path, result.pieces)
                place = max(place, result.shard.end)
                self.progress(result.shard.end - result.shard.start)
            if not fixed:
                raise _NothingChanged
            if number in self.whole:
                for line in original_lines(source.path, name, rules, source.info.bytes, file.size):
                    log.line(line)
            else:
                # A file of nothing but empty lines has a shard without any.
                file.put(source.path, [(place, source.info.bytes)])
            if "baseline" in closing:
                closing = {**closing, "baseline": ledger.name(closing["baseline"])}
            log.close(
                {
                    **closing,
                    "path": name,
                    "changes": rows,
                    "before": {"bytes": source.info.bytes, "sha256": source.info.sha256},
                    "after": {"bytes": file.size, "sha256": file.digest.hexdigest()},
                    "followed": [[sorted(one.codes), one.before.hex(), one.after.hex()] for one in followed],
                }
            )
        out.fixed += fixed
        out.rows[number] += rows
        out.followed += followed


class _Measured:
    """A file being written, with its size and digest so far."""

    def __init__(self, file: AtomicFile) -> None:
        self._file = file
        self.size = 0
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self.digest.update(data)
        self.size += len(data)

    def put(self, path: str, pieces: Sequence[Piece]) -> None:
        """Write pieces, of which ranges are those of the file at `path`."""
        for piece in pieces:
            if isinstance(piece, bytes):
                self.write(piece)
            else:
                for chunk in raw_pieces(path, *piece):
                    self.write(chunk)


def _by_lines(source: Source) -> bool:
    """Whether lines of the file can be changed one by one, the others keeping their bytes."""
    return source.addressable and source.info.encoding == "utf-8"


def _mark(source: Source) -> bytes:
    """The byte order mark that a file begins with; empty if it has none."""
    head = b"".join(raw_pieces(source.path, 0, len(_MARK)))
    return head if head == _MARK else b""


class _NothingChanged(Exception):  # noqa: N818 - leaves the atomic files unwritten; not a fault
    pass
