"""`convert`: any known shape into another, with nothing lost on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dsprep import formats
from dsprep.api.session import Input, PathLike, Paths, Progress, Silent, bytes_of, chosen_executor, inputs_from
from dsprep.catalog.registry import UnknownNameError, rule_class, rule_names, suggestion
from dsprep.engine.distributing import rejected_line
from dsprep.engine.ordering import in_order
from dsprep.engine.pipeline import Pipeline
from dsprep.engine.writing import AtomicFile, Piece, encoded, escaped_pieces, joined
from dsprep.formats import Mapping as ColumnMapping
from dsprep.formats import TableNormaliser
from dsprep.model.batch import Batch
from dsprep.model.report import render_message
from dsprep.model.source import InputError, InputInfo, Shard
from dsprep.opening import refuse_url, resolved
from dsprep.sources import open_source


@dataclass
class ConvertResult:
    """What `convert` did: rows read, written and rejected (by reason), what was assumed, and what the new shape cannot
    carry, in words with how many rows each concerns. `rejected_file` is None if nothing was rejected."""

    output: str
    rows_in: int = 0
    rows_out: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    inputs: list[InputInfo] = field(default_factory=list)
    rejected_file: str | None = None

    @property
    def reconciles(self) -> bool:
        """Rows in = rows out + rows rejected."""
        return self.rows_in == self.rows_out + self.rejected.total()


@dataclass
class _Converted:
    shard: Shard
    rows: int = 0
    out: list[Piece] = field(default_factory=list)
    written: int = 0
    rejects: list[Piece] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)


@dataclass
class _ConvertShard:
    pipeline: Pipeline
    to: str
    #: Sources (by index) whose groups nobody asked for: they are for splitting, and a backend rejects the key.
    guessed_groups: frozenset[int] = frozenset()

    def __call__(self, shard: Shard) -> _Converted:
        done = _Converted(shard)
        for batch in self.pipeline.read(shard):
            for i, record in enumerate(batch.records):
                if record.blank:
                    continue
                done.rows += 1
                example = batch.examples[i]
                if example is None or not example.messages:
                    self._reject(done, batch, i, shard)
                    continue
                if batch.source in self.guessed_groups:
                    example.group = None
                done.out.append(encoded(formats.render(example, self.to)) + b"\n")
                done.written += 1
                done.lost.update(formats.loses(example, self.to))
        done.out, done.rejects = joined(done.out), joined(done.rejects)
        return done

    def _reject(self, done: _Converted, batch: Batch, i: int, shard: Shard) -> None:
        record = batch.records[i]
        meta, message = None, "the record is no conversation in a format that is known"
        location = batch.location(i)
        for fault in record.faults[:1]:
            # Faults are named by the rule that reports them.
            meta = rule_class(rule_names()[fault.kind]).meta
            message = render_message(meta, fault.args)
            location = batch.fault_location(fault, i)
        done.rejected["not-a-conversation" if meta is None else meta.name] += 1
        done.rejects.extend(rejected_line(record, shard.end, location, meta, message))


def convert(
    paths: Paths,
    output: PathLike,
    *,
    to: str = "chat",
    mapping: ColumnMapping | None = None,
    records: str | None = None,
    workers: int | None = None,
    executor: str | None = None,
    address: str | None = None,
    progress: Progress | None = None,
) -> ConvertResult:
    """Write the rows of `paths` to `output` (JSON lines) in the format `to`: chat, prompt-completion, alpaca, sharegpt.

    Rows that are no conversation go to a file beside it, `NAME.rejected.jsonl` for `NAME.jsonl`, whole, each with place
    and reason. Without a mapping, columns of tables are recognised; `notes` say what was assumed. Raises InputError or
    UnknownNameError.
    """
    if to not in formats.FORMATS:
        known = ", ".join(formats.FORMATS)
        raise UnknownNameError(f"no format {to!r}{suggestion(to, list(formats.FORMATS)) or f'; there are {known}'}")
    refuse_url(output, "and convert writes to files; write to one and copy it")
    target = Path(output)
    inputs, _ = inputs_from(paths)
    _apart(inputs, target)
    sources = [open_source(item.path, index=i, display=item.display, records=records) for i, item in enumerate(inputs)]
    result = ConvertResult(str(target))
    normalisers = []
    for source in sources:
        normaliser, said = formats.normaliser_for(source, mapping, infer=True)
        normalisers.append(normaliser)
        result.notes.extend(said)
    watcher = progress or Silent()
    watcher.begin("converting", bytes_of(sources))
    pipeline = Pipeline(sources, normalisers)
    shards = [shard for source in sources for shard in source.plan(4 << 20)]
    runner = chosen_executor(executor, workers=workers, address=address)
    rejects = target.with_name(f"{target.stem}.rejected.jsonl")
    guessed = frozenset(
        i for i, item in enumerate(normalisers) if isinstance(item, TableNormaliser) and not (mapping and mapping.group)
    )
    task = _ConvertShard(pipeline, to, guessed)
    with AtomicFile(target) as file, AtomicFile(rejects, keep=lambda: bool(result.rejected)) as refused:
        for done in in_order(runner, task, shards):
            result.rows_in += done.rows
            result.rows_out += done.written
            result.rejected += done.rejected
            result.lost += done.lost
            path = sources[done.shard.source].path
            _append(file.write, done.out, path)
            _append(refused.write, done.rejects, path)
            watcher.advance(done.shard.end - done.shard.start)
    result.inputs = [source.info for source in sources]
    result.rejected_file = str(rejects) if result.rejected else None
    if not result.reconciles:
        raise RuntimeError(f"{result.rows_in} rows in, {result.rows_out} out, {result.rejected.total()} rejected")
    return result


def _apart(inputs: Sequence[Input], output: Path) -> None:
    for item in inputs:
        if item.path != "-" and resolved(item.path) == resolved(str(output)):
            raise InputError(f"{output} is an input; write to another file")


def _append(write: Callable[[bytes], None], pieces: Iterable[Piece], path: str) -> None:
    for piece in pieces:
        if isinstance(piece, bytes):
            write(piece)
        else:
            for chunk in escaped_pieces(path, *piece):
                write(chunk)
