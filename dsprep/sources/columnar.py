"""Parquet and Arrow files: tables of typed columns, read by row groups and record batches."""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate
from typing import Any, ClassVar, Final

from dsprep.model.record import UNDECODED, Fault, Record
from dsprep.model.source import InputError, Shard, Source, unreadable
from dsprep.opening import measured, opened
from dsprep.text.bombs import BOMB_BYTES, BOMB_RATIO
from dsprep.text.plain_values import not_utf8, plain

#: So many rows are turned into Python values at a time, if they have no more bytes than this.
_ROWS: Final = 128
_HELD: Final = 256 << 20
#: What a row counts for besides its cells: one of nothing at all is some bytes of JSON.
_ROW: Final = 16


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
        if total * _ROW > max(BOMB_BYTES, BOMB_RATIO * size):
            raise InputError(f"{self.display} has {total:,} rows in {size:,} bytes, as no data do")
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
        size = shard.end - shard.start
        most, seen = max(BOMB_BYTES // len(ends), BOMB_RATIO * size, 1 << 20), 0
        for batch in self._batches(bisect_right(ends, ordinal)):
            nested = [_is_nested(field.type) for field in batch.schema]
            for rows, unpacked in _portions(batch):
                seen += unpacked
                if seen > most:
                    raise InputError(
                        f"{self.display} unpacks to more than {BOMB_RATIO} times its size, as no data do: {seen:,} "
                        f"bytes came out of {size:,}. If it is what you want, write it again as JSON lines"
                    )
                for value, undecoded in _values(rows):
                    cells = {
                        name: plain(item, nested=deep) for (name, item), deep in zip(value.items(), nested, strict=True)
                    }
                    if any(nested):
                        cells = {name: item for name, item in cells.items() if item is not None}
                    record = Record(ordinal, None, shard.start, b"", cells, ordinal + 1)
                    if undecoded:
                        fault, record.raw = not_utf8(cells)
                        record.value, record.faults = UNDECODED, (fault,)
                    yield record
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
            file = self._open()
            about = file.metadata.row_group(group)
            packed = [about.column(i) for i in range(about.num_columns)]
            size, unpacked = (sum(getattr(chunk, name) for chunk in packed) for name in _SIZES)
            if unpacked > max(BOMB_BYTES, BOMB_RATIO * size):
                raise InputError(
                    f"{self.display} unpacks to more than {BOMB_RATIO} times its size, as no data do: {unpacked:,} "
                    f"bytes come out of {size:,}"
                )
            sizes = {
                chunk.path_in_schema: self._dictionary(chunk.dictionary_page_offset)
                for chunk in packed
                if chunk.has_dictionary_page
            }
            # A long text that many rows share is read once, and made into texts of rows when it is known how many bytes
            # they have. That takes three times as long, so it is not done where rows cannot have more than is held.
            shared = [name for name, most in sizes.items() if most > _SHARED and "." not in name]
            most = sum(most for name, most in sizes.items() if name not in shared)
            count = max(8, min(_ROWS, _HELD // max(most, 1)))
            yield from self._open(shared).iter_batches(batch_size=count, row_groups=[group], use_threads=False)

    def _dictionary(self, offset: int) -> int:
        """How many bytes the values of a dictionary have that stands at `offset`: what its header says, and what is
        read of it is held to that. See PageHeader in Parquet's format, and Thrift's compact protocol."""
        with opened(self.path) as file:
            file.seek(offset)
            head = file.read(16)
        # The first two members are numbers: the type of page, and its size.
        if len(head) < 16 or head[0] != 0x15 or head[1] & 0x80 or head[2] != 0x15:
            return _SHARED + 1
        number = shift = 0
        for byte in head[3:9]:
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        return number >> 1

    def _open(self, shared: list[str] | None = None) -> Any:
        import pyarrow.parquet

        return pyarrow.parquet.ParquetFile(opened(self.path), read_dictionary=shared, pre_buffer=False)


#: Dictionaries larger than this (bytes) are kept apart; what writes Parquet makes them of a megabyte.
_SHARED: Final = 2 << 20
_SIZES: Final = ("total_compressed_size", "total_uncompressed_size")


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


def _portions(batch: Any) -> Iterator[tuple[Any, int]]:
    """`batch` in pieces of so few rows that their texts can be held, each with how many bytes it has as plain texts."""
    waiting = [batch.slice(start, _ROWS) for start in range(0, batch.num_rows, _ROWS)][::-1]
    while waiting:
        rows = waiting.pop()
        size = rows.num_rows * _ROW + sum(_unpacked(column) for column in rows.columns)
        if size > _HELD and rows.num_rows > 1:
            half = rows.num_rows // 2
            waiting += [rows.slice(half), rows.slice(0, half)]
        else:
            yield rows, size


def _unpacked(column: Any) -> int:
    """How many bytes the cells of a column have, each by itself."""
    import pyarrow.compute as pc
    import pyarrow.types as types

    kind = column.type
    if types.is_run_end_encoded(kind):
        # Never many runs for few rows.
        return int(len(column) * column.values.nbytes)
    if not types.is_dictionary(kind):
        return int(column.nbytes)
    words = column.dictionary
    if not (_is_text(words.type) or types.is_binary(words.type) or types.is_large_binary(words.type)):
        return int(column.indices.nbytes)
    return int(pc.sum(pc.take(pc.binary_length(words), column.indices)).as_py() or 0)


def _values(rows: Any) -> Iterator[tuple[dict[str, Any], bool]]:
    """The rows as Python values, each with whether a text in it is not UTF-8; such bytes come as lone surrogates."""
    try:
        values = rows.to_pylist()
    except UnicodeDecodeError:
        for i in range(rows.num_rows):
            one = rows.slice(i, 1)
            try:
                yield one.to_pylist()[0], False
            except UnicodeDecodeError:
                yield {name: _loose(one.column(k)[0]) for k, name in enumerate(one.schema.names)}, True
        return
    for value in values:
        yield value, False


def _loose(scalar: Any) -> Any:
    """The value of a cell, in which bytes that are not UTF-8 become lone surrogates."""
    import pyarrow.types as types

    kind = scalar.type
    if not scalar.is_valid:
        return None
    if types.is_dictionary(kind):
        return _loose(scalar.value)
    if _is_text(kind):
        return scalar.as_buffer().to_pybytes().decode("utf-8", "surrogateescape")
    if types.is_struct(kind):
        return {name: _loose(item) for name, item in scalar.items()}
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return [_loose(item) for item in scalar.values]
    try:
        return scalar.as_py()
    except UnicodeDecodeError:
        return None


def _is_text(kind: Any) -> bool:
    import pyarrow.types as types

    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))
