"""Parquet and Arrow files: tables of typed columns, read by row groups and record batches."""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate
from typing import Any, ClassVar, Final

from dsprep.model.record import Fault, Record
from dsprep.model.source import InputError, Shard, Source, unreadable
from dsprep.opening import measured, opened
from dsprep.text.plain_values import plain

#: So many rows are turned into Python values at a time.
_ROWS: Final = 1024


class ColumnarSource(Source):
    """A file of typed columns. The value of a record is a dict from column to what JSON has for the value.

    Times become ISO 8601 texts, decimals texts, bytes text if they are some, NaN None. In nested columns a member that
    is null goes: what wrote the file put it there for the members of other rows.
    """

    tabular = True

    @cached_property
    def _ends(self) -> list[int]:
        """Where the rows of each piece end. Found out once: an Arrow stream has to be read for it."""
        return list(accumulate(self._groups()))

    @abstractmethod
    def _groups(self) -> list[int]:
        """How many rows each of the pieces has that can be read by itself. Raises InputError."""

    @abstractmethod
    def _batches(self, group: int) -> Iterator[Any]:
        """The rows of a piece as Arrow record batches."""

    def plan(self, shard_bytes: int) -> Iterator[Shard]:
        """See `Source.plan`. A shard is a row group; its bytes are an equal share of the file's for each row."""
        size = measured(self)
        ends = self._ends
        total = ends[-1] if ends else 0
        if not total:
            yield Shard(self.index, 0, size, faults=(Fault("empty-file"),))
            return
        start = first = 0
        for end in ends:
            if end > first:
                stop = size * end // total
                yield Shard(self.index, start, stop, first)
                start, first = stop, end

    def read(self, shard: Shard) -> Iterator[Record]:
        """See `Source.read`."""
        ends = self._ends
        if not ends or not ends[-1]:
            return
        ordinal = shard.ordinal
        for batch in self._batches(bisect_right(ends, ordinal)):
            nested = [_is_nested(field.type) for field in batch.schema]
            for value in batch.to_pylist():
                cells = {
                    name: plain(item, nested=deep) for (name, item), deep in zip(value.items(), nested, strict=True)
                }
                if any(nested):
                    cells = {name: item for name, item in cells.items() if item is not None}
                yield Record(ordinal, None, shard.start, b"", cells, ordinal + 1)
                ordinal += 1


class ParquetSource(ColumnarSource):
    """A Parquet file."""

    format: ClassVar[str] = "parquet"

    def _groups(self) -> list[int]:
        with _said(self):
            file = self._open()
            about = file.metadata
            _unique(self.display, file.schema_arrow.names)
            return [about.row_group(i).num_rows for i in range(about.num_row_groups)]

    def _batches(self, group: int) -> Iterator[Any]:
        with _said(self):
            yield from self._open().iter_batches(batch_size=_ROWS, row_groups=[group], use_threads=False)

    def _open(self) -> Any:
        import pyarrow.parquet

        return pyarrow.parquet.ParquetFile(opened(self.path), pre_buffer=False)


class ArrowSource(ColumnarSource):
    """An Arrow file (Feather 2 is the same), or an Arrow stream, as `datasets` keeps them."""

    format: ClassVar[str] = "arrow"

    def __init__(self, path: str, *, stream: bool = False, **known: Any) -> None:
        super().__init__(path, **known)
        self.stream = stream

    def _groups(self) -> list[int]:
        with _said(self):
            reader = self._open()
            _unique(self.display, reader.schema.names)
            if self.stream:
                return [sum(batch.num_rows for batch in reader)]
            return [reader.get_batch(i).num_rows for i in range(reader.num_record_batches)]

    def _batches(self, group: int) -> Iterator[Any]:
        with _said(self):
            reader = self._open()
            for batch in reader if self.stream else [reader.get_batch(group)]:
                for start in range(0, batch.num_rows, _ROWS):
                    yield batch.slice(start, _ROWS)

    def _open(self) -> Any:
        import pyarrow.ipc

        file = opened(self.path)
        return pyarrow.ipc.open_stream(file) if self.stream else pyarrow.ipc.open_file(file)


class _said:  # noqa: N801 - used as a statement
    """Says in a sentence what a library says of a file that it cannot read."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        import pyarrow

        if isinstance(error, OSError) and error.errno is not None:
            raise unreadable(self._source.display, error) from error
        if isinstance(error, pyarrow.ArrowException | OSError):
            said = str(error).strip().partition("\n")[0].rstrip(".")
            raise InputError(
                f"{self._source.display} is no {self._source.format} file that can be read: {said}. It may be cut off; "
                "write or fetch it again"
            ) from error


def _unique(display: str, names: list[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{display} has two columns called {twice!r}; rename one of them, so that nothing is lost")


def _is_nested(kind: Any) -> bool:
    import pyarrow.types as types

    return bool(types.is_nested(kind))
