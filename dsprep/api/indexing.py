"""`index`: what of new data is known already, asked of an index that grows with the data."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from dsprep import formats
from dsprep.api.session import Input, PathLike, Paths, Progress, Session, inputs_from, open_session
from dsprep.config import with_overrides
from dsprep.engine.folding import SHARD_BYTES
from dsprep.engine.ordering import in_order
from dsprep.engine.pipeline import Pipeline
from dsprep.engine.writing import AtomicFile, encoded
from dsprep.folds.index import Entries, Summary, opened
from dsprep.folds.signatures import THRESHOLD
from dsprep.formats import Mapping as ColumnMapping
from dsprep.formats import RowsNormaliser
from dsprep.model.batch import Batch
from dsprep.model.match import Comparison
from dsprep.model.record import Example, Record
from dsprep.model.source import InputError, Normaliser, Shard
from dsprep.text.minhash import BANDS, PERMUTATIONS
from dsprep.version import VERSION


@dataclass(slots=True)
class IndexAdded:
    """What `index_add` did: of `rows` rows, `added` were new to the index, `repeated` are equal to one of these,
    `unusable` are no conversations, and the others were known."""

    index: str
    rows: int = 0
    added: int = 0
    repeated: int = 0
    unusable: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def known(self) -> int:
        """How many rows the index had before."""
        return self.rows - self.added - self.repeated - self.unusable


@dataclass(slots=True)
class IndexRemoved:
    """What `index_remove` did: of `rows` different rows, `kept` are still in the index, as other files have them."""

    index: str
    rows: int = 0
    kept: int = 0


@dataclass(slots=True)
class _Part:
    """The rows of a batch: how many there are, how many are no conversations, and the others. With `lines`, what to
    write of each of them."""

    rows: int
    unusable: int
    entries: Entries
    lines: list[bytes]


@dataclass
class _Read:
    """The task of a worker: what an index has to know of the rows of a shard. Picklable."""

    pipeline: Pipeline
    lines: bool = False

    def __call__(self, shard: Shard) -> tuple[Shard, list[_Part]]:
        return shard, [self._part(batch) for batch in self.pipeline.read(shard)]

    def _part(self, batch: Batch) -> _Part:
        rows = sum(not record.blank for record in batch.records)
        entries = Entries.of(batch)
        lines = [self._line(batch, i) for i in entries.index.tolist()] if self.lines else []
        return _Part(rows, rows - len(entries), entries, lines)

    def _line(self, batch: Batch, i: int) -> bytes:
        record, example = batch.records[i], batch.examples[i]
        normaliser = self.pipeline.normalisers[batch.source]
        if isinstance(normaliser, _Told) and normaliser.of_table and example is not None:
            return encoded(formats.render(example, "chat")) + b"\n"
        if record.raw and b"\n" not in record.raw:
            return record.raw.strip() + b"\n"
        return encoded(record.value) + b"\n"


class _Told(Normaliser):
    """Another normaliser, whose examples have a label only where no message says it.

    So the row of a table is the same as the conversation that `convert` makes of it, which has no label beside it.
    """

    def __init__(self, normaliser: Normaliser, guessed_group: bool) -> None:
        self.normaliser = normaliser
        self.guessed_group = guessed_group

    @property
    def of_table(self) -> bool:
        """Whether examples are made of columns."""
        return isinstance(self.normaliser, RowsNormaliser)

    def example(self, record: Record) -> Example | None:
        """See `Normaliser.example`."""
        example = self.normaliser.example(record)
        if example is not None:
            if example.label_pointer is not None and example.label_pointer.startswith("/messages/"):
                example.label = None
            if self.of_table and self.guessed_group:
                example.group = None
        return example


def index_add(
    index: PathLike,
    paths: Paths,
    *,
    mapping: ColumnMapping | None = None,
    records: str | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> IndexAdded:
    """Add the examples of `paths` to the index in the file `index`, which is made if there is none: all, or, if
    anything goes wrong, nothing. Rows that the index has already are not added again.

    Raises InputError if a file cannot be read, or the index cannot be used.
    """
    session, inputs = _session(paths, mapping, records, workers, progress)
    out = IndexAdded(os.fspath(index), notes=session.notes)
    with opened(index, write=True, create=True) as store:
        for shard, parts in _parts(session, "adding"):
            for part in parts:
                out.rows += part.rows
                out.unusable += part.unusable
                added, repeated = store.add(_named(inputs[shard.source].path), part.entries)
                out.added += added
                out.repeated += repeated
    return out


def index_query(
    index: PathLike,
    paths: Paths,
    *,
    threshold: float = THRESHOLD,
    new: PathLike | None = None,
    mapping: ColumnMapping | None = None,
    records: str | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Which rows of `paths` are in the index in the file `index`: equal, equal but for spelling, or alike, with a
    verified similarity of at least `threshold`. The index is not changed, and only what the rows lead to is read.

    With `new`, the rows that are like none of the index are written to that file, JSON lines: their bytes as they were,
    rows of tables as conversations. Raises InputError if a file cannot be read, or the index cannot be used.
    """
    if not 0 < threshold <= 1:
        raise InputError(f"a threshold of {threshold:g} is none: it is a similarity above 0 and up to 1")
    session, inputs = _session(paths, mapping, records, workers, progress)
    out = Comparison(f"dsprep {VERSION}", os.fspath(index), threshold, notes=session.notes)
    # The chance that two sets of this similarity share no bucket; of those that are more alike, fewer are missed.
    missed = (1 - threshold ** (PERMUTATIONS // BANDS)) ** BANDS
    if missed >= 0.01:
        out.notes.append(f"of pairs that are no more than {threshold:g} alike, {missed:.0%} are missed")
    if new is not None:
        _apart(new, [index, *(item.path for item in inputs if item.path != "-")])
        out.new_file = os.fspath(new)
    with ExitStack() as stack:
        store = stack.enter_context(opened(index))
        file = None if new is None else stack.enter_context(AtomicFile(new))
        for _, parts in _parts(session, "comparing", lines=file is not None):
            for part in parts:
                out.rows += part.rows
                out.unusable += part.unusable
                found = dict(store.find(part.entries, threshold))
                out.matches += found.values()
                if file is not None:
                    file.write(b"".join(line for i, line in enumerate(part.lines) if i not in found))
    out.inputs = [source.info for source in session.pipeline.sources]
    return out


def index_remove(index: PathLike, sources: Paths) -> IndexRemoved:
    """Take out of the index what was added from the files of these names; they need not be there any more.

    Names are those that the files were added under. Raises InputError if one is unknown; then nothing is removed.
    """
    out = IndexRemoved(os.fspath(index))
    names = [sources] if isinstance(sources, str | Path) else list(sources)
    with opened(index, write=True) as store:
        for name in names:
            rows, kept = store.remove(_named(os.fspath(name)))
            out.rows += rows
            out.kept += kept
    return out


def index_info(index: PathLike) -> Summary:
    """What is in the index: rows by file, different examples, size, and the parameters that it was made with."""
    with opened(index) as store:
        return store.summary()


def _session(
    paths: Paths,
    mapping: ColumnMapping | None,
    records: str | None,
    workers: int | None,
    progress: Progress | None,
) -> tuple[Session, list[Input]]:
    inputs, _ = inputs_from(paths)
    session = open_session(
        [Input(item.path) for item in inputs],
        with_overrides(None, {"workers": workers}),
        mapping=mapping,
        codes=lambda code: False,
        progress=progress,
        records=records,
        infer=True,
    )
    guessed = not (mapping and mapping.group)
    told = [_Told(normaliser, guessed) for normaliser in session.pipeline.normalisers]
    return replace(session, pipeline=replace(session.pipeline, normalisers=told)), inputs


def _parts(session: Session, stage: str, *, lines: bool = False) -> Iterator[tuple[Shard, list[_Part]]]:
    """The rows of all inputs, in order."""
    session.progress.begin(stage, session.bytes)
    shards = [shard for source in session.pipeline.sources for shard in source.plan(SHARD_BYTES)]
    for shard, parts in in_order(session.executor, _Read(session.pipeline, lines), shards):
        yield shard, parts
        session.progress.advance(shard.end - shard.start)


def _named(path: str) -> str:
    """What an index calls a file: as it was given, without detours such as `./`."""
    return path if path == "-" or "://" in path else os.path.normpath(path)


def _apart(new: PathLike, others: Sequence[PathLike]) -> None:
    for other in others:
        if Path(other).resolve() == Path(new).resolve():
            raise InputError(f"{new} is read in this run; write the new rows to another file")
