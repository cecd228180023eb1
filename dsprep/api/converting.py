"""`convert`: any known shape into another, with nothing lost on the way."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from dsprep import formats
from dsprep.api.session import Input, PathLike, Paths, Progress, Silent, chosen_executor, inputs_from
from dsprep.catalog.registry import UnknownNameError, rule_class, rule_names, suggestion
from dsprep.engine.distributing import rejected_line
from dsprep.engine.ledger import Ledger, change_line, placed
from dsprep.engine.ordering import in_order
from dsprep.engine.pipeline import Pipeline
from dsprep.engine.writing import AtomicFile, Pieces, encoded
from dsprep.folds.faults import SourceFaultRule
from dsprep.formats import LineMaker, RowsNormaliser, TableNormaliser, line_maker
from dsprep.formats import Mapping as ColumnMapping
from dsprep.model.batch import Batch
from dsprep.model.executor import ExchangingExecutor
from dsprep.model.meta import RuleMeta
from dsprep.model.record import Example, Record
from dsprep.model.report import render_message
from dsprep.model.source import InputError, InputInfo, Shard, Source
from dsprep.opening import refuse_url, resolved, size
from dsprep.sources import open_source
from dsprep.text.content import content_key
from dsprep.text.json_columns import bounds, content
from dsprep.text.normalising import NORMALISATIONS, Normalised, normalised_example
from dsprep.text.preference import chosen_of, said

#: Bytes. What is made of a shard may be several times as large, and there are a few in flight for each worker.
_SHARD: Final = 1 << 20


@dataclass
class ConvertResult:
    """What `convert` did: rows read, written and rejected (by reason), what was assumed, and what the new shape cannot
    carry, in words with how many rows each concerns: `lost` is left out, `kept` are members of records that stand in
    metadata of chat, or in columns beside. `rejected_file` is None if nothing was rejected.

    `made` is what the records are: a row each, conversations of several rows, or one of several examples that a row
    gives. `units_in` and `units_out` are what was read and what of it was written: rows, or such examples.

    `normalised` counts by kind of normalisation the texts that it changed, and the records that these are in;
    `changes_file` has all of them, None if there are none.
    """

    output: str
    rows_in: int = 0
    rows_out: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    inputs: list[InputInfo] = field(default_factory=list)
    rejected_file: str | None = None
    made: Literal["rows", "conversations", "examples"] = "rows"
    units_in: int = 0
    units_out: int = 0
    normalised: dict[str, tuple[int, int]] = field(default_factory=dict)
    changes_file: str | None = None

    @property
    def reconciles(self) -> bool:
        """Rows in = rows written + rows rejected; where rows give several examples, the same of those."""
        return self.units_in == self.units_out + self.rejected.total()


class _Change(NamedTuple):
    """A line of the ledger, without its end, the line that it is about as it would have been, and where in what was
    written the new one stands."""

    line: bytes
    before: bytes
    offset: int
    size: int


@dataclass
class _Converted:
    shard: Shard
    out: Pieces
    rejects: Pieces
    #: What was written so far, in bytes.
    size: int = 0
    rows: int = 0
    written: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    units_in: int = 0
    units_out: int = 0
    changes: list[_Change] = field(default_factory=list)
    texts: Counter[str] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)


@dataclass
class _ConvertShard:
    pipeline: Pipeline
    to: str
    normalise: Collection[str] = ()
    #: Sources (by index) whose groups nobody asked for: they are for splitting, and a backend rejects the key.
    guessed_groups: frozenset[int] = frozenset()

    #: By source (index), what makes lines of whole columns.
    makers: Mapping[int, LineMaker] = field(default_factory=dict)
    #: Files beside which workers may put what is too much to hold: that of lines, and that of rejected rows.
    beside: tuple[str | None, str | None] = (None, None)

    def __call__(self, shard: Shard) -> _Converted:
        done = _Converted(shard, Pieces(self.beside[0]), Pieces(self.beside[1]))
        if not self._by_columns(done, shard):
            self._by_rows(done, shard)
        return done

    def _by_columns(self, done: _Converted, shard: Shard) -> bool:
        """Convert all rows of `shard` at once, but for those that have to be looked at. False if that cannot be done,
        in which case nothing is."""
        maker = self.makers.get(shard.source)
        table = None if maker is None else self.pipeline.sources[shard.source].table(shard, maker.columns)
        if maker is None or table is None:
            return False
        lines = maker(table.cells)
        data, at = content(lines.texts), bounds(lines.texts)
        aside = np.flatnonzero(lines.open.to_numpy(zero_copy_only=False)).tolist()
        start = 0
        for row, number in zip(table.rows(aside) if aside else (), aside, strict=True):
            self._take(done, data[at[start] - at[0] : at[number] - at[0]], number - start)
            self._by_rows(done, row)
            start = number + 1
        self._take(done, data[at[start] - at[0] :] if start else data, table.cells.num_rows - start)
        return True

    def _take(self, done: _Converted, lines: bytes, rows: int) -> None:
        done.out.extend((lines,))
        done.size += len(lines)
        done.rows += rows
        done.written += rows
        done.units_in += rows
        done.units_out += rows

    def _by_rows(self, done: _Converted, shard: Shard) -> None:
        source = self.pipeline.sources[shard.source]
        for batch in self.pipeline.read(shard):
            for i, record in enumerate(batch.records):
                if record.blank:
                    continue
                rows = source.rows_of(record)
                done.rows += rows
                done.units_in += max(1, rows)
                example = batch.examples[i]
                if example is None or not example.messages:
                    self._reject(done, batch, i, shard)
                    continue
                unpaired = self._unpaired(example)
                if unpaired is not None:
                    self._reject(done, batch, i, shard, rule_class("SCH014").meta, unpaired)
                    continue
                line = self.line(example, batch.source)
                if self.normalise and (form := normalised_example(example, self.normalise)).texts:
                    line = self._normalised(done, batch, i, example, form, line)
                    example = form.example
                done.out.extend((line,))
                done.size += len(line)
                done.written += 1
                done.units_out += max(1, rows)
                done.lost.update(formats.loses(example, self.to))
                done.kept.update(formats.keeps(example, self.to))

    def line(self, example: Example, source: int) -> bytes:
        """The line of an example of the source with that index."""
        if source in self.guessed_groups:
            example.group = None
        return encoded(formats.render(example, self.to)) + b"\n"

    def _normalised(
        self, done: _Converted, batch: Batch, i: int, example: Example, form: Normalised, line: bytes
    ) -> bytes:
        """The line of an example in its normal form, which is noted as a change of `line`."""
        before, after = formats.render(example, self.to), formats.render(form.example, self.to)
        new = encoded(after)
        kinds = [kind for kind in NORMALISATIONS if any(kind in by for by in form.texts.values())]
        key = content_key(Record(batch.records[i].ordinal, None, 0, b"", before))
        note = change_line(
            batch.location(i),
            key,
            kinds,
            before,
            after,
            line=(line[:-1], b"\n", new),
            extra={"texts": form.texts},
        )
        done.changes.append(_Change(note, line, done.size, len(new) + 1))
        done.records.update(kinds)
        for by in form.texts.values():
            done.texts.update(by)
        return new + b"\n"

    def _unpaired(self, example: Example) -> str | None:
        """Which answer an example lacks that has to be written; None if it has all of them."""
        paired = self.to in formats.PREFERENCES
        if example.rejected is None:
            return "a conversation has one answer, and none that it is preferred to" if paired else None
        if not said(chosen_of(example)):
            return "the chosen answer is missing or empty"
        return "the rejected answer is missing or empty" if paired and not said(example.rejected) else None

    def _reject(
        self,
        done: _Converted,
        batch: Batch,
        i: int,
        shard: Shard,
        meta: RuleMeta | None = None,
        message: str = "the record is no conversation in a format that is known",
    ) -> None:
        record = batch.records[i]
        location = batch.location(i)
        what = None
        # Of a row that can be read, but has no text, that it is too long as well is not what keeps it out.
        for fault in sorted(record.faults, key=lambda fault: fault.kind != "missing-value")[:1] if meta is None else ():
            # Faults are named by the rule that reports them.
            kind = rule_class(rule_names()[fault.kind])
            meta = kind.meta
            args = kind.arguments(fault) if issubclass(kind, SourceFaultRule) else fault.args
            message = render_message(meta, args)
            location = batch.fault_location(fault, i)
            what = fault.args.get("what")
        rows = max(1, self.pipeline.sources[shard.source].rows_of(record))
        done.rejected[what or ("not-a-conversation" if meta is None else meta.name)] += rows
        done.rejects.extend(rejected_line(record, shard.end, location, meta, message))


def convert(
    paths: Paths,
    output: PathLike,
    *,
    to: str = "chat",
    mapping: ColumnMapping | None = None,
    records: str | None = None,
    normalise: Collection[str] | None = None,
    workers: int | None = None,
    executor: str | None = None,
    address: str | None = None,
    progress: Progress | None = None,
) -> ConvertResult:
    """Write the rows of `paths` to `output` (JSON lines) in the format `to`, one of `formats.FORMATS`.

    Rows that are no conversation, or that lack an answer which a pair must have, go to a file beside it,
    `NAME.rejected.jsonl` for `NAME.jsonl`, whole, each with place and reason. Without a mapping, columns of tables are
    recognised; `notes` say what was assumed. `normalise` names what to normalise in texts (see NORMALISATIONS; None:
    what the mapping says); `NAME.changes.jsonl` is then a ledger by which `undo` takes it back. Raises InputError or
    UnknownNameError.
    """
    if to not in formats.FORMATS:
        known = ", ".join(formats.FORMATS)
        raise UnknownNameError(f"no format {to!r}{suggestion(to, list(formats.FORMATS)) or f'; there are {known}'}")
    refuse_url(output, "and convert writes to files; write to one and copy it")
    target = Path(output)
    inputs, _ = inputs_from(paths)
    rejects = target.with_name(f"{target.stem}.rejected.jsonl")
    changes = target.with_name(f"{target.stem}.changes.jsonl")
    _apart(inputs, (target, rejects, changes))
    sources = [open_source(item.path, index=i, display=item.display, records=records) for i, item in enumerate(inputs)]
    for source in sources:
        source.hashed = False
    result = ConvertResult(str(target))
    if mapping is not None and (mapping.conversation is not None or mapping.pack is not None):
        result.made = "conversations"
    elif mapping is not None and mapping.examples:
        result.made = "examples"
    normalisers = []
    for i, source in enumerate(sources):
        normaliser, said = formats.normaliser_for(source, mapping, infer=True)
        normalisers.append(normaliser)
        sources[i] = normaliser.arranged(source)
        result.notes.extend(said)
    kinds = _kinds(normalise if normalise is not None else mapping.normalise if mapping is not None else ())
    watcher = progress or Silent()
    pipeline = Pipeline(sources, normalisers)
    shards, total = _planned(sources)
    watcher.begin("converting", total)
    runner = chosen_executor(executor, workers=workers, address=address)
    guessed = frozenset(
        i for i, item in enumerate(normalisers) if isinstance(item, RowsNormaliser) and not (mapping and mapping.group)
    )
    task = _ConvertShard(pipeline, to, kinds, guessed)
    if not kinds:
        task.makers = _makers(task)
        if not isinstance(runner, ExchangingExecutor):
            task.beside = (str(target), str(rejects))
    texts: Counter[str] = Counter()
    changed: Counter[str] = Counter()
    with (
        AtomicFile(target) as file,
        AtomicFile(rejects, keep=lambda: bool(result.rejected)) as refused,
        AtomicFile(changes, keep=lambda: bool(texts)) as noted,
    ):
        ledger = _Changes(Ledger(str(changes), 1), target, noted) if kinds else None
        for done in in_order(runner, task, shards):
            result.rows_in += done.rows
            result.rows_out += done.written
            result.units_in += done.units_in
            result.units_out += done.units_out
            result.rejected += done.rejected
            result.lost += done.lost
            result.kept += done.kept
            texts += done.texts
            changed += done.records
            path = sources[done.shard.source].path
            for chunk in done.rejects.chunks(path):
                refused.write(chunk)
            if ledger is not None:
                ledger.follow(done, b"".join(done.out.chunks(path)))
            for chunk in done.out.chunks(path):
                file.write(chunk)
            watcher.advance(done.shard.end - done.shard.start)
        if ledger is not None:
            ledger.close()
        if not result.rows_in:
            # What an earlier run has written stays as it is.
            named = ", ".join(source.display for source in sources[:5])
            raise InputError(f"{named}: there is no record to convert; see what should have written it")
    result.inputs = [source.info for source in sources]
    # What a source has to say of itself it says each time it is planned.
    arranged = [source.arrangement for source in sources if source.arrangement is not None]
    planned = [note for info in result.inputs for note in info.notes]
    result.notes = list(dict.fromkeys([*result.notes, *planned, *arranged]))
    result.rejected_file = str(rejects) if result.rejected else None
    result.normalised = {kind: (texts[kind], changed[kind]) for kind in kinds}
    result.changes_file = str(changes) if texts else None
    if not result.reconciles:
        raise RuntimeError(f"{result.units_in} rows in, {result.units_out} out, {result.rejected.total()} rejected")
    return result


def _planned(sources: Sequence[Source]) -> tuple[Iterator[Shard], int]:
    """The shards of all sources, and how many bytes they have. What can be cut anywhere is planned while it is read,
    everything else, which may have to be put together first, before."""
    planned = [source.plan(_SHARD) if source.addressable else list(source.plan(_SHARD)) for source in sources]
    total = sum(
        sum(shard.end - shard.start for shard in shards) if isinstance(shards, list) else size(source.path)
        for source, shards in zip(sources, planned, strict=True)
    )
    return chain.from_iterable(planned), total


def _makers(task: _ConvertShard) -> dict[int, LineMaker]:
    """What can make lines of whole columns of a source, and of which."""
    made = {}
    for i, (source, normaliser) in enumerate(zip(task.pipeline.sources, task.pipeline.normalisers, strict=True)):
        if task.to in formats.VERBATIM and isinstance(normaliser, TableNormaliser):
            maker = line_maker(normaliser, source.columns, partial(task.line, source=i))
            if maker is not None:
                made[i] = maker
    return made


def _kinds(given: Collection[str]) -> tuple[str, ...]:
    """Kinds of normalisation, in the order in which they are made. Raises UnknownNameError."""
    for kind in given:
        if kind not in NORMALISATIONS:
            known = ", ".join(NORMALISATIONS)
            hint = suggestion(kind, list(NORMALISATIONS)) or f"; there are {known}"
            raise UnknownNameError(f"no normalisation {kind!r}{hint}")
    return tuple(kind for kind in NORMALISATIONS if kind in given)


class _Changes:
    """The ledger of what was normalised, by which `dsprep undo` makes the output what it would have been without."""

    def __init__(self, ledger: Ledger, target: Path, file: AtomicFile) -> None:
        self.name = ledger.name(str(target))
        self.ledger = ledger
        self.file = file
        self.rows = 0
        self.sizes = [0, 0]
        self.digests = [hashlib.sha256(), hashlib.sha256()]

    def follow(self, done: _Converted, after: bytes) -> None:
        """Note the changes of a shard, whose output, `after`, comes behind that of the last one."""
        at, pieces = 0, []
        for change in done.changes:
            self.file.write(placed(change.line, self.sizes[1] + change.offset, change.size) + b"\n")
            pieces += [after[at : change.offset], change.before]
            at = change.offset + change.size
        for number, data in enumerate((b"".join([*pieces, after[at:]]), after)):
            self.sizes[number] += len(data)
            self.digests[number].update(data)
        self.rows += len(done.changes)

    def close(self) -> None:
        """Write the closing line."""
        states: dict[str, Any] = {
            when: {"bytes": size, "sha256": digest.hexdigest()}
            for when, size, digest in zip(("before", "after"), self.sizes, self.digests, strict=True)
        }
        closing = {"run": self.ledger.run, "pass": 1, "path": self.name, "changes": self.rows, **states}
        self.file.write(encoded(closing) + b"\n")


def _apart(inputs: Sequence[Input], outputs: Iterable[Path]) -> None:
    written = {resolved(str(output)): output for output in outputs}
    for item in inputs:
        if item.path != "-" and (output := written.get(resolved(item.path))) is not None:
            raise InputError(f"{output} is an input, and would be written; write to another file")
